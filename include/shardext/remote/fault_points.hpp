// Points at which tests can make something go wrong: a branch on a flag where none is armed.
//
// Steps of a commit have names. Messages between the coordinator and a node are points, too, before and after
// they travel. All of them are counted, so that a test can walk over every one that a transaction passes.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "libpq-fe.h"
}

namespace shardext {

extern char *fault_setting; // see fault_points.cpp
extern bool faults_armed;

// Hooks of the settings: points are counted from an assignment on, and listed in shardext.fault_trace.
void assign_faults(const char *value, void *extra);
const char *show_fault_trace();
extern char *fault_trace_setting;

// Where an error cannot be raised (COMMIT and ABORT callbacks), the action "error" does nothing.
enum class MayRaise { No, Yes };
void hit_fault_point(const char *name, MayRaise may_raise);
void hit_message_point(PGconn *conn, const char *direction, const char *message, MayRaise may_raise);

inline void fault_point(const char *name, MayRaise may_raise = MayRaise::Yes) {
	if (unlikely(faults_armed))
		hit_fault_point(name, may_raise);
}

// Before a message is given to libpq.
inline void before_message(PGconn *conn, const char *message, MayRaise may_raise = MayRaise::Yes) {
	if (unlikely(faults_armed))
		hit_message_point(conn, "send", message, may_raise);
}

// After what is to be sent has left.
inline void after_message(PGconn *conn, const char *message, MayRaise may_raise = MayRaise::Yes) {
	if (unlikely(faults_armed))
		hit_message_point(conn, "sent", message, may_raise);
}

// After an answer has come, before it is looked at.
inline void after_answer(PGconn *conn, const char *message, MayRaise may_raise = MayRaise::Yes) {
	if (unlikely(faults_armed))
		hit_message_point(conn, "received", message, may_raise);
}

} // namespace shardext

// Waiting for nodes, so that others can see it and end it.
//
// A wait that has lasted for deadlock_timeout is published (sessions.hpp) and makes the deadlock detector
// look. When the detector decides that this backend has to give way, it leaves a verdict and sends SIGINT.
// The signal handler compares the verdict with the wait that this backend is in, be it for a node or for a
// lock of this server, and drops a verdict that comes too late: no later wait or statement is hit. The error
// is 40P01 in both cases.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "storage/latch.h"
}

namespace shardext {

// Installs the signal handler in this backend, once.
void accept_verdicts();

// Waits until a socket of the set is ready. Interruptible: raises what an interrupt asks for.
void wait_for_nodes(WaitEventSet *set, int32 node_id);

// The transaction or sub-transaction that a verdict was about is over.
void forget_verdict();

// What to do when a wait has lasted for deadlock_timeout, and each time it has lasted that long again. Must
// not raise.
void set_long_wait_action(void (*action)());

} // namespace shardext

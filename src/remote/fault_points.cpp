// Fault points, armed by the setting shardext.fault_points (superusers only): "point=action[,…]".
//
// point    its name, or a number: the n-th point of any kind since the setting was made
// action   error, crash (of the backend), cancel, terminate, sleep (2 s), stop (until SIGCONT), cut (the
//          connection of the message, or all of them where there is no message), none (the points are only
//          counted)
#include "shardext/remote/fault_points.hpp"

#include "shardext/remote/connection.hpp"

#include <csignal>
#include <sys/socket.h>
#include <unistd.h>

extern "C" {
#include "utils/wait_event.h"
}

namespace shardext {

char *fault_setting = nullptr;
char *fault_trace_setting = nullptr;
bool faults_armed = false;

namespace {

// pg_stat_activity shows it as it shows pg_sleep(): tests can tell that the point has been reached.
void sleep_visibly() {
	pgstat_report_wait_start(WAIT_EVENT_PG_SLEEP);
	pg_usleep(2000000L);
	pgstat_report_wait_end();
}

int passed = 0;		 // points since the setting was made
char trace[32768];	 // their names; fixed, because COMMIT and ABORT callbacks may not allocate
size_t trace_length; // without the terminating zero

void cut(PGconn *conn) {
	if (conn != nullptr && PQsocket(conn) >= 0)
		shutdown(PQsocket(conn), SHUT_RDWR);
}

void act(const char *action, PGconn *conn, const char *name, MayRaise may_raise) {
	const auto is = [&](const char *word) { return strncmp(action, word, strlen(word)) == 0; };
	if (is("crash"))
		kill(MyProcPid, SIGKILL);
	else if (is("cancel"))
		kill(MyProcPid, SIGINT);
	else if (is("terminate"))
		kill(MyProcPid, SIGTERM);
	else if (is("stop"))
		kill(MyProcPid, SIGSTOP);
	else if (is("sleep"))
		sleep_visibly();
	else if (is("cut") && conn != nullptr)
		cut(conn);
	else if (is("cut"))
		for_each_connection([](Connection *c, void *) { cut(c->conn); }, nullptr);
	else if (is("error") && may_raise == MayRaise::Yes)
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("fault point \"%s\"", name));
}

void hit(PGconn *conn, const char *name, MayRaise may_raise) {
	char number[16];
	snprintf(number, sizeof number, "%d", ++passed);
	if (trace_length + strlen(name) + 2 < sizeof trace)
		trace_length += snprintf(trace + trace_length, sizeof trace - trace_length, "%s\n", name);
	for (const char *p = fault_setting; p != nullptr && *p != '\0';) {
		for (const char *wanted : {name, static_cast<const char *>(number)}) {
			const size_t length = strlen(wanted);
			if (strncmp(p, wanted, length) == 0 && p[length] == '=')
				act(p + length + 1, conn, name, may_raise);
		}
		p = strchr(p, ',');
		if (p != nullptr)
			p++;
	}
}

} // namespace

void assign_faults(const char *value, void *) {
	faults_armed = value != nullptr && value[0] != '\0';
	if (!faults_armed)
		return; // what has been passed can still be asked for
	passed = 0;
	trace_length = 0;
	trace[0] = '\0';
}

const char *show_fault_trace() {
	return trace;
}

void hit_fault_point(const char *name, MayRaise may_raise) {
	hit(nullptr, name, may_raise);
}

void hit_message_point(PGconn *conn, const char *direction, const char *message, MayRaise may_raise) {
	// The node's port tells the connections apart; of a statement the first word is enough.
	char name[64];
	snprintf(name, sizeof name, "%s:%s:%.*s", direction, PQport(conn) != nullptr ? PQport(conn) : "",
			 static_cast<int>(strcspn(message, " ;")), message);
	hit(conn, name, may_raise);
}

} // namespace shardext

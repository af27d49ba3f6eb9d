// Waits for nodes, and verdicts about waits.
#include "shardext/remote/node_wait.hpp"

#include "shardext/pg/border.hpp"
#include "shardext/remote/sessions.hpp"

#include <csignal>

extern "C" {
#include "libpq/pqsignal.h"
#include "pgstat.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/timestamp.h"
}

namespace shardext {

namespace {

void (*long_wait_action)() = nullptr;
volatile sig_atomic_t condemned = false; // a verdict about the wait that this backend is in
char verdict_detail[sizeof(Verdict::detail)];

// The wait that this backend is in: when it began, 0 for none. Runs in the signal handler as well.
int64 current_wait() {
	if (MyProc == nullptr)
		return 0;
	return MyProc->waitLock != nullptr ? static_cast<int64>(pg_atomic_read_u64(&MyProc->waitStart))
									   : published_wait();
}

// While a lock of this server is waited for, PostgreSQL itself turns the signal into an error. This callback,
// at the bottom of the stack, makes it the right one while it is being raised.
void change_cancel_error(void *) {
	if (!condemned || geterrcode() != ERRCODE_QUERY_CANCELED)
		return;
	condemned = false;
	errcode(ERRCODE_T_R_DEADLOCK_DETECTED);
	errmsg("deadlock detected");
	errdetail_internal("%s", verdict_detail);
	errhint("See server log for query details.");
}

ErrorContextCallback error_callback = {nullptr, change_cancel_error, nullptr};

// Puts the callback below all others. The backend is waiting: nobody changes the stack meanwhile.
void install_error_callback() {
	ErrorContextCallback **link = &error_context_stack;
	while (*link != nullptr && *link != &error_callback)
		link = &(*link)->previous;
	*link = &error_callback;
}

void on_cancel_signal(SIGNAL_ARGS) {
	if (const Verdict *verdict = take_verdict()) {
		if (verdict->wait == 0 || verdict->wait != current_wait())
			return; // that wait is over
		strlcpy(verdict_detail, verdict->detail, sizeof verdict_detail);
		condemned = true;
		install_error_callback();
	}
	StatementCancelHandler(postgres_signal_arg);
}

// Ends a published wait, and raises what has been asked for.
void serve_interrupts(bool *published) {
	if (!InterruptPending)
		return;
	withdraw_wait();
	*published = false;
	CHECK_FOR_INTERRUPTS();
}

} // namespace

void accept_verdicts() {
	static bool done = false;
	if (done)
		return;
	done = true;
	pqsignal(SIGINT, on_cancel_signal);
}

void wait_for_nodes(WaitEventSet *set, int32 node_id) {
	bool published = false;
	for (;;) {
		WaitEvent event;
		if (WaitEventSetWait(set, DeadlockTimeout, &event, 1, PG_WAIT_EXTENSION) == 0) {
			// Until now nobody had to know of this wait.
			if (!published)
				publish_wait(node_id, GetCurrentTimestamp());
			published = true;
			if (long_wait_action != nullptr)
				long_wait_action();
			continue;
		}
		if ((event.events & WL_LATCH_SET) == 0)
			break;
		ResetLatch(MyLatch);
		serve_interrupts(&published);
	}
	if (published)
		withdraw_wait();
}

void forget_verdict() {
	condemned = false;
	withdraw_wait();
}

void set_long_wait_action(void (*action)()) {
	long_wait_action = action;
}

} // namespace shardext

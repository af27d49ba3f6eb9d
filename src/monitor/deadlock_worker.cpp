// The loop of the deadlock detector.
#include "shardext/monitor/deadlock_worker.hpp"

#include "shardext/catalog/metadata.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/remote/node_wait.hpp"
#include "shardext/transaction/deadlocks.hpp"
#include "shardext/transaction/shared_state.hpp"

extern "C" {
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
}

namespace shardext {

namespace {

constexpr int kIdleMs = 60000; // then it ends

void forget_detector(int, Datum database) {
	detector_stopped(DatumGetObjectId(database));
}

// Runs body in a transaction; false where the database has no extension (any more), or nothing to look at.
template <class F> bool in_transaction(F &&body) {
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	const bool wanted = extension_exists() && !metadata_is_restored();
	if (wanted)
		body();
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(false);
	return wanted;
}

// Two looks. Returns false where there is no use in looking.
bool search(NodePoll *poll, MemoryContext context) {
	MemoryContextReset(context);
	auto *search = own<DeadlockSearch>(context, context);
	bool found = false;
	const bool useful = in_transaction([&] { found = search->first_look(poll); });
	if (found)
		in_transaction([&] { search->second_look(poll); });
	return useful;
}

// Waits for a latch or a time; returns true when the time has passed.
bool pause(long milliseconds) {
	const int happened =
		WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds, PG_WAIT_EXTENSION);
	if (happened & WL_LATCH_SET)
		ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending) {
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
	return (happened & WL_LATCH_SET) == 0;
}

// Looks as long as somebody waits: at once when a wait has become a long one, but not more often than four
// times in deadlock_timeout, and at least once in deadlock_timeout, because who is waited for may change.
void detect() {
	MemoryContext context =
		AllocSetContextCreate(TopMemoryContext, "shardext deadlocks", ALLOCSET_DEFAULT_SIZES);
	auto *poll = own<NodePoll>(TopMemoryContext);
	for (;;) {
		if (!somebody_waits_for_long()) {
			if (pause(kIdleMs) && !somebody_waits_for_long())
				return;
			continue;
		}
		const TimestampTz next = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), DeadlockTimeout / 4);
		if (!search(poll, context))
			return;
		pause(DeadlockTimeout);
		for (long left; (left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next)) > 0;)
			pause(left);
	}
}

} // namespace

void start_detector_on_long_waits() {
	set_long_wait_action(wake_detector);
}

} // namespace shardext

using namespace shardext;

extern "C" {

PGDLLEXPORT void shardext_deadlock_main(Datum database);

void shardext_deadlock_main(Datum argument) {
	gate([&] {
		const Oid database = DatumGetObjectId(argument);
		pqsignal(SIGTERM, die);
		pqsignal(SIGHUP, SignalHandlerForConfigReload);
		BackgroundWorkerUnblockSignals();
		BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
		if (!detector_started(database))
			proc_exit(0);
		before_shmem_exit(forget_detector, ObjectIdGetDatum(database));
		SetConfigOption("jit", "off", PGC_USERSET, PGC_S_OVERRIDE);
		detect();
		proc_exit(0);
	});
}
}

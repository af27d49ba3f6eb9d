// Automatic ANALYZE.
#include "shardext/monitor/analyze_worker.hpp"

#include "shardext/catalog/metadata.hpp"
#include "shardext/commands/analyze.hpp"
#include "shardext/pg/border.hpp"

extern "C" {
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
}

namespace shardext {

int analyze_naptime = 60;

namespace {

constexpr int kTimeoutMs = 10 * 60 * 1000; // for one table

BackgroundWorkerHandle *running = nullptr;

// Runs body in a transaction of its own. A table or a node that makes trouble does not end the worker.
template <class F> void in_transaction(F &&body) {
	MemoryContext context = CurrentMemoryContext;
	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		enable_timeout_after(STATEMENT_TIMEOUT, kTimeoutMs);
		if (extension_exists() && !metadata_is_restored())
			body();
		disable_timeout(STATEMENT_TIMEOUT, false);
		PopActiveSnapshot();
		CommitTransactionCommand();
	}
	PG_CATCH();
	{
		disable_timeout(STATEMENT_TIMEOUT, false);
		MemoryContextSwitchTo(context);
		EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	pgstat_report_stat(true);
}

void analyze_changed_tables() {
	List *relids = NIL;
	MemoryContext context = CurrentMemoryContext;
	in_transaction([&] {
		List *found = tables_to_analyze();
		MemoryContext old = MemoryContextSwitchTo(context);
		relids = list_copy(found);
		MemoryContextSwitchTo(old);
	});
	const ListCell *cell;
	foreach (cell, relids)
		in_transaction([&] {
			// Whoever holds the table is not waited for: there is a next time.
			const Oid relid = lfirst_oid(cell);
			if (ConditionalLockRelationOid(relid, ShareUpdateExclusiveLock) && is_sharded_table(relid))
				analyze_table(relid, NIL);
		});
}

} // namespace

void start_analyze_worker(Oid database) {
	pid_t pid;
	if (running != nullptr) {
		const BgwHandleStatus status = GetBackgroundWorkerPid(running, &pid);
		if (status == BGWH_STARTED || status == BGWH_NOT_YET_STARTED)
			return;
		pfree(running);
		running = nullptr;
	}
	BackgroundWorker worker{};
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "shardext", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "shardext_analyze_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, "shardext analyze", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "shardext analyze", BGW_MAXLEN);
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	if (!RegisterDynamicBackgroundWorker(&worker, &running))
		running = nullptr; // max_worker_processes is used up
	MemoryContextSwitchTo(old);
}

} // namespace shardext

using namespace shardext;

extern "C" {

PGDLLEXPORT void shardext_analyze_main(Datum database);

void shardext_analyze_main(Datum database) {
	gate([&] {
		pqsignal(SIGTERM, die);
		pqsignal(SIGINT, StatementCancelHandler);
		BackgroundWorkerUnblockSignals();
		BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(database), InvalidOid, 0);
		analyze_changed_tables();
	});
}
}

// The launcher and the per-database worker.
#include "shardext/monitor/worker.hpp"

#include "shardext/catalog/metadata.hpp"
#include "shardext/monitor/analyze_worker.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/pg/scan.hpp"
#include "shardext/transaction/shared_state.hpp"

extern "C" {
#include "access/heapam.h"
#include "access/tableam.h"
#include "catalog/pg_database.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
}

namespace shardext {

namespace {

constexpr int kRetryMs = 1000; // while a node holds something or cannot be reached
constexpr int kIdleMs = 10000; // otherwise
// A session whose coordinator has gone may still be at its PREPARE TRANSACTION when the node is asked what it
// holds. It ends when it notices, soon.
constexpr int kWatchMs = 30000;

void begin_transaction() {
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
}

void end_transaction() {
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(true);
}

void wait_for_work(int milliseconds) {
	WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending) {
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

bool extension_missing = false;

void forget_worker(int, Datum database) {
	worker_stopped(DatumGetObjectId(database), extension_missing || ProcDiePending);
}

// True when the database has the extension.
bool prepare_database() {
	begin_transaction();
	const bool exists = extension_exists();
	if (exists)
		record_incarnation();
	end_transaction();
	return exists;
}

// Decisions that every node has acknowledged can be removed.
bool commit_log_has_rows() {
	begin_transaction();
	bool found = false;
	if (extension_exists())
		scan_table(shardext_table("commit_log"), InvalidOid, 0, F_INT8EQ, 0,
				   [&](HeapTuple, TupleDesc) { found = true; });
	end_transaction();
	return found;
}

bool run_recovery() {
	begin_transaction();
	bool settled = true;
	if (extension_exists())
		settled = recover_prepared_transactions();
	end_transaction();
	return settled;
}

// Asks the postmaster for a worker in every database that may have the extension.
void launch_workers() {
	begin_transaction();
	Relation databases = table_open(DatabaseRelationId, AccessShareLock);
	TableScanDesc scan = table_beginscan_catalog(databases, 0, nullptr);
	HeapTuple tuple;
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection))) {
		auto form = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
		if (!form->datallowconn || form->datistemplate)
			continue;
		BackgroundWorker worker{};
		worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
		worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
		worker.bgw_restart_time = BGW_NEVER_RESTART;
		strlcpy(worker.bgw_library_name, "shardext", BGW_MAXLEN);
		strlcpy(worker.bgw_function_name, "shardext_worker_main", BGW_MAXLEN);
		strlcpy(worker.bgw_name, "shardext worker", BGW_MAXLEN);
		strlcpy(worker.bgw_type, "shardext worker", BGW_MAXLEN);
		worker.bgw_main_arg = ObjectIdGetDatum(form->oid);
		worker.bgw_notify_pid = MyProcPid;
		BackgroundWorkerHandle *handle;
		if (RegisterDynamicBackgroundWorker(&worker, &handle)) {
			pid_t pid;
			WaitForBackgroundWorkerStartup(handle, &pid);
		}
	}
	table_endscan(scan);
	table_close(databases, AccessShareLock);
	end_transaction();
}

} // namespace

void register_launcher() {
	BackgroundWorker worker{};
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 5;
	strlcpy(worker.bgw_library_name, "shardext", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "shardext_launcher_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, "shardext launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "shardext launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

} // namespace shardext

using namespace shardext;

extern "C" {

PGDLLEXPORT void shardext_launcher_main(Datum);
PGDLLEXPORT void shardext_worker_main(Datum database);

void shardext_launcher_main(Datum) {
	gate([&] {
		pqsignal(SIGTERM, die);
		BackgroundWorkerUnblockSignals();
		BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
		launch_workers();
		// Stays, so that the postmaster starts it again after a crash, and for workers that die.
		for (;;) {
			wait_for_work(kIdleMs / 2);
			restart_workers();
		}
	});
}

void shardext_worker_main(Datum argument) {
	gate([&] {
		const Oid database = DatumGetObjectId(argument);
		pqsignal(SIGTERM, die);
		pqsignal(SIGHUP, SignalHandlerForConfigReload);
		BackgroundWorkerUnblockSignals();
		BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
		if (worker_is_running(database))
			proc_exit(0);
		worker_started(database);
		before_shmem_exit(forget_worker, ObjectIdGetDatum(database));
		if (!prepare_database()) {
			extension_missing = true;
			proc_exit(0);
		}
		worker_recorded_incarnation(database);
		bool settled = false;
		TimestampTz disturbed = GetCurrentTimestamp(); // by what has ended before this start
		TimestampTz analyzed = GetCurrentTimestamp();
		for (;;) {
			if (take_recovery_request(database))
				disturbed = GetCurrentTimestamp();
			const bool watch = !TimestampDifferenceExceeds(disturbed, GetCurrentTimestamp(), kWatchMs);
			if (watch || !settled || commit_log_has_rows())
				settled = run_recovery();
			if (analyze_naptime > 0 &&
				TimestampDifferenceExceeds(analyzed, GetCurrentTimestamp(), analyze_naptime * 1000)) {
				start_analyze_worker(database);
				analyzed = GetCurrentTimestamp();
			}
			const int idle = analyze_naptime > 0 ? std::min(kIdleMs, analyze_naptime * 1000) : kIdleMs;
			wait_for_work(settled && !watch ? idle : kRetryMs);
		}
	});
}
}

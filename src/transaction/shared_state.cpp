// Shared memory of the transaction room.
#include "shardext/transaction/shared_state.hpp"

#include "shardext/pg/border.hpp"
#include "shardext/pg/compat.hpp"

extern "C" {
#include "pgstat.h"
#include "port/atomics.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/timestamp.h"
}

namespace shardext {

namespace {

constexpr int kMaxDatabases = 128;

struct DatabaseSlot {
	Oid database;
	pid_t worker_pid;
	Latch *worker_latch;
	TimestampTz starting_since;
	bool incarnation_recorded;
	bool recovery_requested;
	pid_t detector_pid;
	Latch *detector_latch;
	TimestampTz detector_starting_since;
	bool abandoned; // the worker has ended for good; the slot goes with the detector
};

struct SharedState {
	slock_t mutex;
	int64 incarnation;
	pg_atomic_uint64 next_sequence;
	DatabaseSlot databases[kMaxDatabases];
	int slot_count;
	pg_atomic_uint64 in_flight[FLEXIBLE_ARRAY_MEMBER]; // by backend slot; 0: none
};

SharedState *shared = nullptr;
shmem_request_hook_type previous_request_hook = nullptr;
shmem_startup_hook_type previous_startup_hook = nullptr;

int backend_slots() {
	return MaxBackends + 64;
}

Size shared_size() {
	return offsetof(SharedState, in_flight) + sizeof(pg_atomic_uint64) * backend_slots();
}

void on_shmem_request() {
	gate([&] {
		if (previous_request_hook)
			previous_request_hook();
		RequestAddinShmemSpace(shared_size());
	});
}

void on_shmem_startup() {
	gate([&] {
		if (previous_startup_hook)
			previous_startup_hook();
		LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
		bool found;
		shared = static_cast<SharedState *>(ShmemInitStruct("shardext", shared_size(), &found));
		if (!found) {
			memset(shared, 0, shared_size());
			SpinLockInit(&shared->mutex);
			uint64 random;
			if (!pg_strong_random(&random, sizeof random))
				ereport(ERROR, errmsg("could not generate random numbers"));
			shared->incarnation = static_cast<int64>(random >> 2) + 1;
			shared->slot_count = backend_slots();
			pg_atomic_init_u64(&shared->next_sequence, 1);
			for (int i = 0; i < shared->slot_count; i++)
				pg_atomic_init_u64(&shared->in_flight[i], 0);
		}
		LWLockRelease(AddinShmemInitLock);
	});
}

// The slot of a database; with the mutex held. nullptr when all are taken.
DatabaseSlot *slot_of(Oid database, bool make) {
	DatabaseSlot *free_slot = nullptr;
	for (DatabaseSlot &slot : shared->databases) {
		if (slot.database == database)
			return &slot;
		if (!OidIsValid(slot.database) && free_slot == nullptr)
			free_slot = &slot;
	}
	if (!make || free_slot == nullptr)
		return nullptr;
	*free_slot = {};
	free_slot->database = database;
	return free_slot;
}

bool start_worker(Oid database, const char *name = "shardext worker",
				  const char *function = "shardext_worker_main") {
	BackgroundWorker worker{};
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "shardext", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, function, BGW_MAXLEN);
	strlcpy(worker.bgw_name, name, BGW_MAXLEN);
	strlcpy(worker.bgw_type, name, BGW_MAXLEN);
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	BackgroundWorkerHandle *handle;
	return RegisterDynamicBackgroundWorker(&worker, &handle);
}

} // namespace

void request_shared_state() {
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = on_shmem_request;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = on_shmem_startup;
}

bool shared_state_available() {
	return shared != nullptr;
}

void require_preload() {
	if (!shared_state_available())
		ereport(
			ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("shardext must be loaded via shared_preload_libraries"),
			errhint("Add shardext to shared_preload_libraries in postgresql.conf and restart the server."));
	ensure_worker();
}

int64 current_incarnation() {
	return shared->incarnation;
}

int64 next_commit_sequence() {
	return pg_atomic_fetch_add_u64(&shared->next_sequence, 1);
}

void set_commit_in_flight(int64 sequence) {
	pg_atomic_write_u64(&shared->in_flight[backend_slot()], sequence);
}

bool commit_in_flight(int64 sequence) {
	return committing_slot(sequence) >= 0;
}

int committing_slot(int64 sequence) {
	for (int i = 0; i < shared->slot_count; i++)
		if (pg_atomic_read_u64(&shared->in_flight[i]) == static_cast<uint64>(sequence))
			return i;
	return -1;
}

void ensure_worker() {
	if (shared == nullptr)
		return;
	const TimestampTz now = GetCurrentTimestamp();
	SpinLockAcquire(&shared->mutex);
	DatabaseSlot *slot = slot_of(MyDatabaseId, true);
	// A worker that was asked for but has not come up is asked for again after a while.
	const bool start =
		slot != nullptr && slot->worker_pid == 0 && now - slot->starting_since > 5 * USECS_PER_SEC;
	if (start)
		slot->starting_since = now;
	SpinLockRelease(&shared->mutex);
	if (start)
		start_worker(MyDatabaseId);
}

void ensure_incarnation_recorded() {
	const TimestampTz give_up = GetCurrentTimestamp() + 30 * USECS_PER_SEC;
	for (;;) {
		SpinLockAcquire(&shared->mutex);
		DatabaseSlot *slot = slot_of(MyDatabaseId, false);
		const bool recorded = slot != nullptr && slot->incarnation_recorded;
		SpinLockRelease(&shared->mutex);
		if (recorded)
			return;
		ensure_worker();
		if (GetCurrentTimestamp() > give_up)
			ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_RESOURCES),
					errmsg("the shardext background worker of this database does not run"),
					errdetail("A transaction over several nodes needs it to recover from crashes."),
					errhint("Increase max_worker_processes."));
		WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 10, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

void request_recovery() {
	if (shared == nullptr)
		return;
	SpinLockAcquire(&shared->mutex);
	DatabaseSlot *slot = slot_of(MyDatabaseId, false);
	Latch *latch = nullptr;
	if (slot != nullptr) {
		slot->recovery_requested = true;
		latch = slot->worker_latch;
	}
	SpinLockRelease(&shared->mutex);
	if (latch != nullptr)
		SetLatch(latch);
}

bool stop_worker(Oid database) {
	if (shared == nullptr)
		return false;
	bool was_running = false;
	for (int attempt = 0; attempt < 500; attempt++) {
		SpinLockAcquire(&shared->mutex);
		DatabaseSlot *slot = slot_of(database, false);
		const pid_t pid = slot != nullptr ? slot->worker_pid : 0;
		const pid_t detector = slot != nullptr ? slot->detector_pid : 0;
		SpinLockRelease(&shared->mutex);
		if (pid == 0 && detector == 0)
			return was_running;
		was_running = was_running || pid != 0;
		for (const pid_t one : {pid, detector})
			if (one != 0)
				kill(one, SIGTERM);
		WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 10, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	return was_running;
}

bool worker_is_running(Oid database) {
	SpinLockAcquire(&shared->mutex);
	DatabaseSlot *slot = slot_of(database, false);
	const bool running = slot != nullptr && slot->worker_pid != 0 && slot->worker_pid != MyProcPid;
	SpinLockRelease(&shared->mutex);
	return running;
}

void worker_started(Oid database) {
	SpinLockAcquire(&shared->mutex);
	if (DatabaseSlot *slot = slot_of(database, true)) {
		slot->worker_pid = MyProcPid;
		slot->worker_latch = MyLatch;
		slot->recovery_requested = true;
		slot->abandoned = false;
	}
	SpinLockRelease(&shared->mutex);
}

void worker_recorded_incarnation(Oid database) {
	SpinLockAcquire(&shared->mutex);
	if (DatabaseSlot *slot = slot_of(database, false))
		slot->incarnation_recorded = true;
	SpinLockRelease(&shared->mutex);
}

void restart_workers() {
	for (int i = 0; i < kMaxDatabases; i++) {
		const TimestampTz now = GetCurrentTimestamp();
		SpinLockAcquire(&shared->mutex);
		DatabaseSlot *slot = &shared->databases[i];
		const Oid database = slot->database;
		const bool start = OidIsValid(database) && !slot->abandoned && slot->worker_pid == 0 &&
						   now - slot->starting_since > 5 * USECS_PER_SEC;
		if (start)
			slot->starting_since = now;
		SpinLockRelease(&shared->mutex);
		if (start)
			start_worker(database);
	}
}

void worker_stopped(Oid database, bool for_good) {
	SpinLockAcquire(&shared->mutex);
	DatabaseSlot *slot = slot_of(database, false);
	if (slot != nullptr && slot->worker_pid == MyProcPid) {
		slot->worker_pid = 0;
		slot->worker_latch = nullptr;
		slot->starting_since = 0;
		slot->abandoned = for_good;
		if (for_good && slot->detector_pid == 0)
			*slot = {};
	}
	SpinLockRelease(&shared->mutex);
}

void wake_detector() {
	if (shared == nullptr)
		return;
	const TimestampTz now = GetCurrentTimestamp();
	SpinLockAcquire(&shared->mutex);
	DatabaseSlot *slot = slot_of(MyDatabaseId, true);
	Latch *latch = slot != nullptr ? slot->detector_latch : nullptr;
	const bool start =
		slot != nullptr && latch == nullptr && now - slot->detector_starting_since > 5 * USECS_PER_SEC;
	if (start)
		slot->detector_starting_since = now;
	SpinLockRelease(&shared->mutex);
	if (latch != nullptr)
		SetLatch(latch);
	if (start && !start_worker(MyDatabaseId, "shardext deadlock detector", "shardext_deadlock_main"))
		ereport(LOG, errmsg("deadlocks over several nodes are not detected"),
				errdetail("No background worker can be started."), errhint("Increase max_worker_processes."));
}

bool detector_started(Oid database) {
	SpinLockAcquire(&shared->mutex);
	DatabaseSlot *slot = slot_of(database, true);
	const bool mine = slot != nullptr && slot->detector_pid == 0;
	if (mine) {
		slot->detector_pid = MyProcPid;
		slot->detector_latch = MyLatch;
	}
	SpinLockRelease(&shared->mutex);
	return mine;
}

void detector_stopped(Oid database) {
	SpinLockAcquire(&shared->mutex);
	DatabaseSlot *slot = slot_of(database, false);
	if (slot != nullptr && slot->detector_pid == MyProcPid) {
		slot->detector_pid = 0;
		slot->detector_latch = nullptr;
		slot->detector_starting_since = 0;
		if (slot->abandoned)
			*slot = {};
	}
	SpinLockRelease(&shared->mutex);
}

bool take_recovery_request(Oid database) {
	SpinLockAcquire(&shared->mutex);
	DatabaseSlot *slot = slot_of(database, false);
	const bool requested = slot != nullptr && slot->recovery_requested;
	if (slot != nullptr)
		slot->recovery_requested = false;
	SpinLockRelease(&shared->mutex);
	return requested;
}

} // namespace shardext

// The counters of unique ids in shared memory, and the functions that users call.
#include "shardext/core/unique_id.hpp"

#include "shardext/transaction/unique_ids.hpp"

#include "shardext/pg/border.hpp"
#include "shardext/transaction/id_mark.hpp"
#include "shardext/transaction/shared_state.hpp"

extern "C" {
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "tcop/utility.h"
#include "utils/timestamp.h"
}

namespace shardext {

int clock_offset_s = 0;

namespace {

constexpr int kMaxDatabases = 128;
constexpr const char *kTranche = "shardext_ids";
constexpr TimestampTz kEpoch = INT64CONST(789004800) * USECS_PER_SEC; // 2025-01-01 00:00:00 UTC

// How far the clock may be behind the newest id without anybody being told: after a crash it is, by what had
// been reserved.
constexpr int64 kToleratedMs = 2 * core::kIdReservedMs;
constexpr int64 kWarningIntervalMs = 60000;

// What one database shares. `mark` is the sequence that the reservation stands in: another one after DROP and
// CREATE EXTENSION. `warned_at` is when the clock was last reported, in milliseconds since 2025.
struct DatabaseIds {
	alignas(PG_CACHE_LINE_SIZE) core::IdCounter counter;
	std::atomic<Oid> mark;
	std::atomic<int64> warned_at;
	Oid database; // InvalidOid: free
};

struct SharedIds {
	DatabaseIds databases[kMaxDatabases];
};

SharedIds *shared = nullptr;
LWLockPadded *locks = nullptr;	// one for each element of databases, and one for all of them
DatabaseIds *own_ids = nullptr; // those of this backend's database, once used

shmem_request_hook_type previous_request_hook = nullptr;
shmem_startup_hook_type previous_startup_hook = nullptr;

void on_shmem_request() {
	gate([&] {
		if (previous_request_hook)
			previous_request_hook();
		RequestAddinShmemSpace(sizeof(SharedIds) + PG_CACHE_LINE_SIZE);
		RequestNamedLWLockTranche(kTranche, kMaxDatabases + 1);
	});
}

void on_shmem_startup() {
	gate([&] {
		if (previous_startup_hook)
			previous_startup_hook();
		LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
		bool found;
		shared = static_cast<SharedIds *>(ShmemInitStruct("shardext ids", sizeof(SharedIds), &found));
		if (!found)
			new (shared) SharedIds{};
		locks = GetNamedLWLockTranche(kTranche);
		LWLockRelease(AddinShmemInitLock);
	});
}

LWLock *lock_of(const DatabaseIds *ids) {
	return &locks[ids - shared->databases].lock;
}

// The clock in milliseconds since 2025.
int64 clock_ms() {
	return (GetCurrentTimestamp() - kEpoch) / 1000 + INT64CONST(1000) * clock_offset_s;
}

// True when the element belongs to no database, or to one that has been dropped.
bool is_free(const DatabaseIds *ids) {
	return !OidIsValid(ids->database) || !SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(ids->database));
}

// Finds the element of this database, or takes a free one.
DatabaseIds *find_own_ids() {
	LWLock *lock = &locks[kMaxDatabases].lock;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	DatabaseIds *begin = shared->databases, *end = begin + kMaxDatabases;
	DatabaseIds *own = std::find_if(begin, end, [](auto &ids) { return ids.database == MyDatabaseId; });
	if (own == end) {
		own = std::find_if(begin, end, [](auto &ids) { return is_free(&ids); });
		if (own == end)
			ereport(ERROR, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					errmsg("more than %d databases use shardext_next_id()", kMaxDatabases));
		new (own) DatabaseIds{};
		own->database = MyDatabaseId;
	}
	LWLockRelease(lock);
	return own;
}

// Moves the mark ahead of what is needed now. `renew`: also when there is something left.
void reserve_ids(DatabaseIds *ids, Oid mark, int64 now, bool renew) {
	PreventCommandDuringRecovery("shardext_next_id()");
	if (!OidIsValid(mark))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("sequence shardext.id_mark does not exist in this database"));
	if (now > core::kIdLastMs)
		ereport(ERROR, errcode(ERRCODE_SEQUENCE_GENERATOR_LIMIT_EXCEEDED),
				errmsg("the clock of this server is past the last time that ids can hold"),
				errdetail("Ids hold times up to 2059-11-04."), errhint("Check the clock of this server."));
	const OpenIdMark open = open_id_mark(mark);
	LWLockAcquire(lock_of(ids), LW_EXCLUSIVE);
	if (renew || ids->mark != mark || !ids->counter.has_next(now)) {
		core::IdCounter *counter = &ids->counter;
		const int64 stored = lock_id_mark(open);
		if (stored > counter->reserved()) // the first time since the server has started, or after setval()
			counter->raise(stored);
		const int64 reserved = std::max(counter->wanted_reservation(now), counter->reserved());
		write_and_unlock_id_mark(open, reserved);
		counter->reserve(reserved, now);
		ids->mark = mark;
	}
	const bool none_left = !ids->counter.has_next(now);
	LWLockRelease(lock_of(ids));
	close_id_mark(open);
	if (none_left)
		ereport(ERROR, errcode(ERRCODE_SEQUENCE_GENERATOR_LIMIT_EXCEEDED), errmsg("there are no more ids"));
}

// Tells once a minute that ids have a time that has not come yet.
void warn_of_clock(DatabaseIds *ids, int64 ahead, int64 now) {
	int64 before = ids->warned_at;
	if ((before != 0 && std::abs(now - before) < kWarningIntervalMs) ||
		!ids->warned_at.compare_exchange_strong(before, now))
		return;
	ereport(
		WARNING,
		errmsg("the clock of this server is " INT64_FORMAT " seconds behind the newest id", ahead / 1000),
		errdetail("Ids go on from the newest one: they stay unique and grow, but their time stands still."),
		errhint("Check the clock of this server, unless it was ahead before and has been set right."));
}

// Returns a new id for this database, larger than all before.
int64 next_unique_id() {
	if (shared == nullptr)
		require_preload();
	const Oid mark = id_mark();
	if (own_ids == nullptr)
		own_ids = find_own_ids();
	DatabaseIds *ids = own_ids;
	int64 now = clock_ms();
	if (ids->mark.load(std::memory_order_relaxed) != mark)
		reserve_ids(ids, mark, now, true);
	int64 id;
	while ((id = ids->counter.next(now)) < 0) {
		reserve_ids(ids, mark, now, false);
		CHECK_FOR_INTERRUPTS();
		now = clock_ms();
	}
	if (ids->counter.claim_renewal(id))
		reserve_ids(ids, mark, now, true);
	if (const int64 ahead = core::id_milliseconds(id) - now; ahead > kToleratedMs)
		warn_of_clock(ids, ahead, now);
	return id;
}

// Returns the argument when it can be an id.
int64 checked_id(int64 id) {
	if (id < 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg(INT64_FORMAT " is not an id of shardext_next_id()", id),
				errdetail("Ids are not negative."));
	return id;
}

} // namespace

void initialize_unique_ids() {
	initialize_id_mark();
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = on_shmem_request;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = on_shmem_startup;
}

} // namespace shardext

using namespace shardext;

SHARDEXT_SQL_FUNCTION(shardext_next_id) {
	PG_RETURN_INT64(next_unique_id());
}

SHARDEXT_SQL_FUNCTION(shardext_id_shard) {
	PG_RETURN_INT32(core::id_shard(checked_id(PG_GETARG_INT64(0))));
}

SHARDEXT_SQL_FUNCTION(shardext_id_time) {
	PG_RETURN_TIMESTAMPTZ(kEpoch + core::id_milliseconds(checked_id(PG_GETARG_INT64(0))) * 1000);
}

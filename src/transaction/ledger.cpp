// The commit ledger in shared memory.
#include "shardext/transaction/ledger.hpp"

#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/transam.h"
#include "access/xact.h"
#include "pgstat.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"
}

namespace shardext {

namespace {

constexpr int kMaxNodes = 4096; // of all databases
constexpr const char *kTranche = "shardext_ledger";

struct NumberedNode {
	Oid database; // InvalidOid: free
	int32 node_id;
};

struct SharedLedger {
	LWLock *lock;
	ConditionVariable changed;
	NumberedNode nodes[kMaxNodes]; // by number; the coordinator's is not used
	alignas(16) char memory[FLEXIBLE_ARRAY_MEMBER];
};

SharedLedger *shared = nullptr;
core::CommitLedger *ledger = nullptr;
shmem_request_hook_type previous_request_hook = nullptr;
shmem_startup_hook_type previous_startup_hook = nullptr;

core::Sequence seen = 0;
core::Sequence before_transaction = 0;

// Commits that have ended are kept for readers that are taking snapshots meanwhile; a reader that takes
// longer takes them again.
core::LedgerSize ledger_size() {
	const auto commits = static_cast<uint32_t>(4096 + 2 * MaxBackends);
	return {commits, commits * 8 + kMaxNodes, kMaxNodes};
}

Size shared_size() {
	return add_size(offsetof(SharedLedger, memory), core::CommitLedger::memory_size(ledger_size()));
}

void on_shmem_request() {
	gate([&] {
		if (previous_request_hook)
			previous_request_hook();
		RequestAddinShmemSpace(shared_size());
		RequestNamedLWLockTranche(kTranche, 1);
	});
}

void on_shmem_startup() {
	gate([&] {
		if (previous_startup_hook)
			previous_startup_hook();
		LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
		bool found;
		shared = static_cast<SharedLedger *>(ShmemInitStruct("shardext ledger", shared_size(), &found));
		if (!found) {
			memset(static_cast<void *>(shared), 0, offsetof(SharedLedger, memory));
			shared->lock = &GetNamedLWLockTranche(kTranche)->lock;
			ConditionVariableInit(&shared->changed);
			ledger = core::CommitLedger::create(shared->memory, ledger_size());
		} else {
			ledger = reinterpret_cast<core::CommitLedger *>(shared->memory);
		}
		LWLockRelease(AddinShmemInitLock);
	});
}

// With the lock held: the node's number, or 0.
core::NodeNumber find_number(int32 node_id) {
	for (int i = 1; i < kMaxNodes; i++)
		if (shared->nodes[i].database == MyDatabaseId && shared->nodes[i].node_id == node_id)
			return i;
	return 0;
}

} // namespace

void initialize_ledger() {
	answer_action = note_answer;
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = on_shmem_request;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = on_shmem_startup;
}

core::CommitLedger *commit_ledger() {
	return ledger;
}

void lock_ledger(LWLockMode mode) {
	LWLockAcquire(shared->lock, mode);
}

void unlock_ledger() {
	LWLockRelease(shared->lock);
}

core::NodeNumber ledger_number(int32 node_id) {
	if (node_id == kLocalNode)
		return core::kCoordinator;
	// Numbers found once: a slot says whose it is.
	static core::NodeNumber latest[64];
	core::NodeNumber *cached = &latest[static_cast<uint32>(node_id) % lengthof(latest)];
	if (*cached != 0 && shared->nodes[*cached].database == MyDatabaseId &&
		shared->nodes[*cached].node_id == node_id)
		return *cached;
	lock_ledger(LW_EXCLUSIVE);
	core::NodeNumber number = find_number(node_id);
	for (int i = 1; i < kMaxNodes && number == 0; i++)
		if (!OidIsValid(shared->nodes[i].database)) {
			shared->nodes[i] = {MyDatabaseId, node_id};
			number = i;
		}
	unlock_ledger();
	if (number == 0)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many nodes"),
				errdetail("There may be %d in all databases of a server.", kMaxNodes - 1));
	return *cached = number;
}

void node_is_resolved(int32 node_id) {
	if (ledger == nullptr)
		return;
	const core::NodeNumber number = ledger_number(node_id);
	lock_ledger(LW_EXCLUSIVE);
	ledger->resolved(number);
	unlock_ledger();
	ledger_has_changed();
}

void forget_nodes_of(Oid database) {
	if (ledger == nullptr)
		return;
	lock_ledger(LW_EXCLUSIVE);
	for (int i = 1; i < kMaxNodes; i++)
		if (shared->nodes[i].database == database && OidIsValid(database)) {
			ledger->forget_node(i);
			shared->nodes[i] = {};
		}
	unlock_ledger();
	ledger_has_changed();
}

void ledger_has_changed() {
	if (shared != nullptr)
		ConditionVariableBroadcast(&shared->changed);
}

void begin_ledger_wait() {
	ConditionVariablePrepareToSleep(&shared->changed);
}

void wait_for_ledger(long milliseconds, Connection *watched) {
	if (watched != nullptr && (!PQconsumeInput(watched->conn) || PQstatus(watched->conn) != CONNECTION_OK))
		raise_connection_lost(watched);
	ConditionVariableTimedSleep(&shared->changed, milliseconds, PG_WAIT_EXTENSION);
}

void end_ledger_wait() {
	ConditionVariableCancelSleep();
}

core::Xid full_xid(TransactionId xid) {
	const FullTransactionId next = ReadNextFullTransactionId();
	uint32 epoch = EpochFromFullTransactionId(next);
	if (xid > XidFromFullTransactionId(next))
		epoch--;
	return U64FromFullTransactionId(FullTransactionIdFromEpochAndXid(epoch, xid));
}

bool coordinator_still_runs(core::Xid xid) {
	return TransactionIdIsInProgress(static_cast<TransactionId>(xid));
}

core::NodeSnapshot node_snapshot_of(Snapshot snapshot) {
	std::vector<core::Xid> running;
	running.reserve(snapshot->xcnt);
	for (uint32 i = 0; i < snapshot->xcnt; i++)
		running.push_back(full_xid(snapshot->xip[i]));
	std::sort(running.begin(), running.end());
	return {full_xid(snapshot->xmin), full_xid(snapshot->xmax), std::move(running)};
}

core::Time ledger_time() {
	return static_cast<core::Time>(GetCurrentTimestamp());
}

core::Sequence seen_sequence() {
	return seen;
}

void note_answer() {
	if (ledger != nullptr)
		seen = ledger->sequence();
}

core::Sequence sequence_before_transaction() {
	return before_transaction;
}

void note_renewed_snapshot(core::Sequence before) {
	before_transaction = before;
}

void note_end_of_transaction() {
	if (ledger != nullptr)
		before_transaction = ledger->sequence();
}

} // namespace shardext

// Replacing a statement's snapshot before its first row is read.
#include "shardext/pg/statement_snapshot.hpp"

#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/relscan.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
}

namespace shardext {

namespace {

// Scans begin at their first row, but for these (until version 17).
bool replace_in_scans(PlanState *node, SnapshotData *snapshot) {
	if (node == nullptr)
		return false;
	auto *scan = reinterpret_cast<ScanState *>(node);
	if (IsA(node, BitmapHeapScanState) && scan->ss_currentScanDesc != nullptr)
		scan->ss_currentScanDesc->rs_snapshot = snapshot;
	if (IsA(node, BitmapIndexScanState) &&
		reinterpret_cast<BitmapIndexScanState *>(node)->biss_ScanDesc != nullptr)
		reinterpret_cast<BitmapIndexScanState *>(node)->biss_ScanDesc->xs_snapshot = snapshot;
	return walk_plan_state(node, replace_in_scans, snapshot);
}

} // namespace

bool has_own_snapshot(const QueryDesc *query) {
	const Snapshot snapshot = query->snapshot;
	// The query and its executor state have registered it; a surrounding statement would have done so as
	// well.
	return ActiveSnapshotSet() && GetActiveSnapshot() == snapshot && snapshot->regd_count == 2;
}

void replace_snapshot(QueryDesc *query, Snapshot snapshot) {
	snapshot->curcid = query->snapshot->curcid;
	PopActiveSnapshot();
	PushActiveSnapshot(snapshot);
	UnregisterSnapshot(query->estate->es_snapshot);
	query->estate->es_snapshot = snapshot; // the registration passes over
	UnregisterSnapshot(query->snapshot);
	query->snapshot = RegisterSnapshot(snapshot);
	replace_in_scans(query->planstate, snapshot);
}

namespace {

TransactionId *copy_of(const TransactionId *xids, int count) {
	auto *copy = static_cast<TransactionId *>(
		MemoryContextAlloc(TopTransactionContext, sizeof(TransactionId) * (count + 1)));
	memcpy(copy, xids, sizeof(TransactionId) * count);
	return copy;
}

} // namespace

void renew_transaction_snapshot() {
	const Snapshot first = GetTransactionSnapshot(), latest = GetLatestSnapshot();
	// (xmin stays: registered snapshots are kept in its order, and an older one means the same.)
	first->xmax = latest->xmax;
	first->xip = copy_of(latest->xip, latest->xcnt);
	first->xcnt = latest->xcnt;
	first->subxip = copy_of(latest->subxip, latest->subxcnt);
	first->subxcnt = latest->subxcnt;
	first->suboverflowed = latest->suboverflowed;
}

void show_own_writes(QueryDesc *query) {
	if (!has_own_snapshot(query))
		return;
	CommandCounterIncrement();
	query->snapshot->curcid = GetCurrentCommandId(false);
	if (query->estate->es_output_cid != 0)
		query->estate->es_output_cid = GetCurrentCommandId(true);
}

} // namespace shardext

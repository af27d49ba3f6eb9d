// Reads before writes within one statement.
#include "shardext/executor/statement_scans.hpp"

#include "shardext/catalog/metadata.hpp"
#include "shardext/pg/statement_snapshot.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/transaction/snapshot_use.hpp"

extern "C" {
#include "access/transam.h"
#include "access/xact.h"
#include "lib/ilist.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
}

namespace shardext {

namespace {

struct AnnouncedScan {
	dlist_node link;
	const EState *whole;
	CustomScanState *node;
	int32 colocation_id;
	const ScanMethodsOfStatement *methods;
};

dlist_head announced = DLIST_STATIC_INIT(announced);
const EState *statement = nullptr; // that is being started
uint64 writes = 0;

List *nodes_of(List *scans) {
	List *ids = NIL;
	foreach_ptr (AnnouncedScan, scan, scans)
		ids = list_concat_unique_int(ids, scan->methods->chosen_nodes(scan->node));
	return ids;
}

// Starts scans so that their snapshots belong together.
void start_together(List *scans, bool keep_rows, SnapshotReading *reading) {
	while (reading != nullptr && reading->next_round())
		foreach_ptr (AnnouncedScan, scan, scans)
			scan->methods->start(scan->node, keep_rows, reading);
	foreach_ptr (AnnouncedScan, scan, scans)
		scan->methods->start(scan->node, keep_rows, nullptr);
}

// Asks the shards before rows are wanted. False when that cannot be.
bool start_early(AnnouncedScan *scan) {
	if (scan->methods->started(scan->node))
		return true;
	if (!scan->methods->can_start(scan->node))
		return false;
	List *one = list_make1(scan);
	start_together(one, true, start_reading(nodes_of(one)));
	return true;
}

void withdraw(void *scan) {
	dlist_delete(&static_cast<AnnouncedScan *>(scan)->link);
}

} // namespace

const EState *whole_statement(const EState *estate) {
	return statement != nullptr ? statement : estate;
}

void start_as_part(const EState *whole, void (*body)(void *), void *argument) {
	const EState *const outer = statement;
	statement = whole;
	PG_TRY();
	{ body(argument); }
	PG_FINALLY();
	{ statement = outer; }
	PG_END_TRY();
}

void announce_scan(CustomScanState *node, int32 colocation_id, const ScanMethodsOfStatement *methods) {
	EState *estate = node->ss.ps.state;
	auto *scan =
		static_cast<AnnouncedScan *>(MemoryContextAlloc(estate->es_query_cxt, sizeof(AnnouncedScan)));
	*scan = {{}, whole_statement(estate), node, colocation_id, methods};
	dlist_push_tail(&announced, &scan->link);
	auto *callback = static_cast<MemoryContextCallback *>(
		MemoryContextAlloc(estate->es_query_cxt, sizeof(MemoryContextCallback)));
	callback->func = withdraw;
	callback->arg = scan;
	MemoryContextRegisterResetCallback(estate->es_query_cxt, callback);
}

bool has_scans(const EState *estate) {
	for (dlist_node *link = announced.head.next; link != &announced.head; link = link->next)
		if (reinterpret_cast<AnnouncedScan *>(link)->node->ss.ps.state == estate)
			return true;
	return false;
}

namespace {

// True when the plan reads a table of this server.
bool reads_a_table(PlanState *node, void *) {
	if (node == nullptr)
		return false;
	switch (nodeTag(node)) {
	case T_SeqScanState:
	case T_SampleScanState:
	case T_IndexScanState:
	case T_IndexOnlyScanState:
	case T_BitmapHeapScanState:
	case T_TidScanState:
	case T_TidRangeScanState: {
		const Relation relation = reinterpret_cast<ScanState *>(node)->ss_currentRelation;
		if (relation != nullptr && RelationGetRelid(relation) >= FirstNormalObjectId)
			return true;
		break;
	}
	default:
		break;
	}
	return walk_plan_state(node, reads_a_table, static_cast<void *>(nullptr));
}

// Whether the statement reads something here that transactions over several nodes may change.
bool reads_here(const QueryDesc *query, const List *node_ids) {
	return list_member_int(node_ids, kLocalNode) ||
		   reads_a_table(query->planstate, static_cast<void *>(nullptr));
}

bool is_written(int32 node_id) {
	const Connection *c = existing_connection(node_id);
	return c != nullptr && c->wrote;
}

bool any_is_written(const List *node_ids) {
	const ListCell *cell;
	foreach (cell, node_ids)
		if (is_written(lfirst_int(cell)))
			return true;
	return false;
}

// Takes the snapshots for a statement that may read several servers, in READ COMMITTED. Those of nodes that
// this transaction has written cannot be kept: the scans that can do so start there now.
void agree_on_snapshots(QueryDesc *query, List *ids, bool reads_here, List *scans, List *ready,
						bool keep_rows) {
	SnapshotHold *hold = hold_statement_snapshot(query->estate->es_query_cxt);
	List *written = NIL, *keeping = NIL, *chosen = NIL;
	const ListCell *cell;
	foreach (cell, ids)
		if (is_written(lfirst_int(cell)))
			chosen = nodes_of(ready);
	foreach (cell, ids) {
		const int32 id = lfirst_int(cell);
		if (is_written(id) && list_member_int(chosen, id))
			written = lappend_int(written, id);
		else if (id != kLocalNode && connect_to_node(find_node(id))->depth == 0)
			keeping = lappend_int(keeping, id);
	}
	SnapshotReading *reading = SnapshotReading::make(written, keeping, reads_here);
	while (reading->next_round())
		foreach_ptr (AnnouncedScan, scan, ready)
			if (written != NIL)
				scan->methods->start(scan->node, keep_rows, reading);
	if (Snapshot snapshot = reading->coordinator())
		replace_snapshot(query, snapshot);
	if (written != NIL)
		foreach_ptr (AnnouncedScan, scan, ready)
			scan->methods->start(scan->node, keep_rows, nullptr);
	// The hold ends with the first scan at the earliest.
	auto *first = static_cast<AnnouncedScan *>(linitial(scans));
	SnapshotHold **place = first->methods->hold(first->node);
	if (*place == nullptr)
		*place = hold;
	else
		release_statement_snapshot(hold);
}

// REPEATABLE READ, in the transaction's first statement: the coordinator's snapshot is as old as the
// statement; what others have committed since, it must not see on nodes either.
void begin_repeatable_read(QueryDesc *query, const List *ids) {
	const ListCell *cell;
	foreach (cell, ids) {
		if (lfirst_int(cell) == kLocalNode)
			continue;
		keep_snapshots_of_transaction(lfirst_int(cell), true);
		replace_snapshot(query, RegisterSnapshot(GetTransactionSnapshot()));
		return;
	}
}

} // namespace

void prepare_scans(QueryDesc *query, bool is_cursor) {
	EState *estate = query->estate;
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	List *scans = NIL, *ready = NIL, *readers = NIL, *ids = NIL;
	for (dlist_node *link = announced.head.next; link != &announced.head; link = link->next) {
		auto *scan = reinterpret_cast<AnnouncedScan *>(link);
		if (scan->node->ss.ps.state != estate)
			continue;
		scans = lappend(scans, scan);
		List *nodes = scan->methods->possible_nodes(scan->node); // none, where rows are locked
		ids = list_concat_unique_int(ids, nodes);
		if (!scan->methods->can_start(scan->node))
			continue;
		ready = lappend(ready, scan);
		if (nodes != NIL)
			readers = lappend(readers, scan);
	}
	if (reads_are_compared() && IsolationUsesXactSnapshot() && !IsolationIsSerializable() &&
		transaction_snapshot_is_unused() && has_own_snapshot(query))
		begin_repeatable_read(query, ids);
	const bool several = list_length(scans) > 1 || list_length(ready) < list_length(scans);
	if (reads_are_compared() && !IsolationUsesXactSnapshot()) {
		const bool here = reads_here(query, ids) && has_own_snapshot(query);
		const int servers = list_length(ids) - list_member_int(ids, kLocalNode) + here;
		// (Where it has written, each scan of a node has a snapshot of its own.)
		if ((servers > 1 && (here || several)) || (list_length(readers) > 1 && any_is_written(ids)))
			agree_on_snapshots(query, ids, here, scans, readers, several);
	}
	if (is_cursor && ready != NIL) {
		bool all_started = true;
		foreach_ptr (AnnouncedScan, scan, ready)
			all_started = all_started && scan->methods->started(scan->node);
		if (!all_started)
			start_together(ready, several, start_reading(nodes_of(ready)));
		foreach_ptr (AnnouncedScan, scan, ready) {
			SnapshotHold **hold = scan->methods->hold(scan->node);
			if (*hold != nullptr)
				release_statement_snapshot(*hold);
			*hold = nullptr;
		}
	}
	MemoryContextSwitchTo(old);
}

ScansLeft start_scans(const EState *whole, int32 colocation_id, const EState *source) {
	ScansLeft left;
	// (The macros for this are C only. The link is the first member.)
	for (dlist_node *link = announced.head.next; link != &announced.head; link = link->next) {
		auto *scan = reinterpret_cast<AnnouncedScan *>(link);
		if (scan->whole != whole || scan->colocation_id != colocation_id || start_early(scan))
			continue;
		bool &part = scan->node->ss.ps.state == source ? left.own : left.others;
		part = true;
	}
	return left;
}

void start_other_scans(const EState *whole, int32 colocation_id) {
	if (start_scans(whole, colocation_id, nullptr).others)
		ereport(
			ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg(
				"a data-modifying WITH clause is not supported on a distributed table yet when a correlated "
				"sub-query may read the same table"));
}

void count_write() {
	writes++;
}

uint64 writes_so_far() {
	return writes;
}

} // namespace shardext

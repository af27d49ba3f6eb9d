// Reads before writes within one statement.
#include "shardext/executor/statement_scans.hpp"

#include "shardext/catalog/metadata.hpp"
#include "shardext/pg/statement_snapshot.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/transam.h"
#include "access/xact.h"
#include "lib/ilist.h"
#include "utils/memutils.h"
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

// Starts scans so that their snapshots belong together.
void start_together(List *scans, bool keep_rows) {
	List *ids = NIL;
	foreach_ptr (AnnouncedScan, scan, scans)
		ids = list_concat_unique_int(ids, scan->methods->chosen_nodes(scan->node));
	SnapshotReading *reading = start_reading(ids);
	do {
		if (reading != nullptr && !reading->next_round())
			break;
		foreach_ptr (AnnouncedScan, scan, scans)
			scan->methods->start(scan->node, keep_rows, reading);
	} while (reading != nullptr);
}

// Asks the shards before rows are wanted. False when that cannot be.
bool start_early(AnnouncedScan *scan) {
	if (scan->methods->started(scan->node))
		return true;
	if (!scan->methods->can_start(scan->node))
		return false;
	start_together(list_make1(scan), true);
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

bool some_written(const List *node_ids) {
	const ListCell *cell;
	foreach (cell, node_ids) {
		const Connection *c = existing_connection(lfirst_int(cell));
		if (c != nullptr && c->wrote)
			return true;
	}
	return false;
}

} // namespace

void prepare_scans(QueryDesc *query, bool is_cursor) {
	EState *estate = query->estate;
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	List *scans = NIL, *ready = NIL, *ids = NIL;
	for (dlist_node *link = announced.head.next; link != &announced.head; link = link->next) {
		auto *scan = reinterpret_cast<AnnouncedScan *>(link);
		if (scan->node->ss.ps.state != estate)
			continue;
		scans = lappend(scans, scan);
		if (scan->methods->can_start(scan->node))
			ready = lappend(ready, scan);
		ids = list_concat_unique_int(ids, scan->methods->possible_nodes(scan->node));
	}
	const bool several = list_length(scans) > 1 || list_length(ready) < list_length(scans);
	bool keeps_rows = false;
	if (reads_are_compared() && !IsolationUsesXactSnapshot()) {
		const bool here = reads_here(query, ids) && has_own_snapshot(query);
		const int nodes = list_length(ids) - list_member_int(ids, kLocalNode) + here;
		if (nodes > 1 && (here || several)) {
			SnapshotHold *hold = hold_statement_snapshot(estate->es_query_cxt);
			if (Snapshot snapshot = keep_snapshots(ids, here))
				replace_snapshot(query, snapshot);
			auto *first = static_cast<AnnouncedScan *>(linitial(scans));
			SnapshotHold **place = first->methods->hold(first->node);
			if (*place == nullptr)
				*place = hold;
			else
				release_statement_snapshot(hold);
			// Where this transaction has written, no snapshot can be kept: all scans there begin now.
			keeps_rows = several && some_written(ids);
		}
	}
	if (is_cursor)
		keeps_rows = several;
	if ((is_cursor || keeps_rows) && ready != NIL) {
		start_together(ready, keeps_rows);
		foreach_ptr (AnnouncedScan, scan, ready) {
			SnapshotHold **hold = scan->methods->hold(scan->node);
			if (is_cursor && *hold != nullptr) {
				release_statement_snapshot(*hold);
				*hold = nullptr;
			}
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

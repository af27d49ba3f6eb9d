// The row that a cursor stands on (WHERE CURRENT OF).
#include "shardext/planner/cursor_rows.hpp"

#include "shardext/executor/node_parts.hpp"
#include "shardext/executor/row_ids.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/row_stream.hpp"
#include "shardext/sql/shard_sql.hpp"

extern "C" {
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "executor/executor.h"
#include "utils/builtins.h"
#include "utils/portal.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

namespace shardext {

namespace {

[[noreturn]] void raise_state(const char *message, const char *cursor, const char *table) {
	ereport(ERROR, errcode(ERRCODE_INVALID_CURSOR_STATE), errmsg(message, cursor, table));
	pg_unreachable();
}

// The row that a plan returned last. Nodes that pass on what they get have no slot of their own.
TupleTableSlot *last_row_of(PlanState *node) {
	while (node != nullptr) {
		// (A custom scan has a slot for results also where it returns rows as they are.)
		const bool scans = IsA(node, CustomScanState) || IsA(node, SubqueryScanState);
		if (scans && node->ps_ProjInfo == nullptr)
			return reinterpret_cast<ScanState *>(node)->ss_ScanTupleSlot;
		if (node->ps_ResultTupleSlot != nullptr)
			return node->ps_ResultTupleSlot;
		node = outerPlanState(node);
	}
	return nullptr;
}

// The number of the hidden column for a table, as PostgreSQL would find the scan or the lock of it.
AttrNumber hidden_column(const PlannedStmt *plan, const char *cursor, Oid relid) {
	const char *wanted = cursor_row_column(relid);
	int count = 0;
	AttrNumber found = 0;
	foreach_node (TargetEntry, entry, plan->planTree->targetlist)
		if (entry->resjunk && entry->resname != nullptr && strcmp(entry->resname, wanted) == 0) {
			found = entry->resno;
			count++;
		}
	const bool locks = plan->rowMarks != NIL;
	if (count == 0)
		raise_state(locks ? "cursor \"%s\" does not have a FOR UPDATE/SHARE reference to table \"%s\""
						  : "cursor \"%s\" is not a simply updatable scan of table \"%s\"",
					cursor, get_rel_name(relid));
	if (count > 1)
		raise_state("cursor \"%s\" has multiple FOR UPDATE/SHARE references to table \"%s\"", cursor,
					get_rel_name(relid));
	return found;
}

// A row that this transaction, or another one, has changed since the cursor read it has a new version.
void follow_on_local_shard(const char *shard, ItemPointer tid) {
	// (The user has no rights on the shard's schema.)
	List *name = stringToQualifiedNameList(shard);
	const Oid schema = get_namespace_oid(strVal(linitial(name)), false);
	Relation relation = table_open(get_relname_relid(strVal(lsecond(name)), schema), AccessShareLock);
	TableScanDesc scan = table_beginscan_tid(relation, GetActiveSnapshot());
	table_tuple_get_latest_tid(scan, tid);
	table_endscan(scan);
	table_close(relation, NoLock);
}

void follow_on_node(const NodeInfo *node, const char *shard, ItemPointer tid) {
	TupleDesc desc = result_descriptor(list_make1_oid(TIDOID), list_make1_int(-1));
	StatementRequest request{};
	request.node = node;
	request.sql = psprintf("SELECT CASE WHEN EXISTS (SELECT FROM %s WHERE ctid = $1) THEN $1 ELSE "
						   "pg_catalog.currtid2(%s, $1) END",
						   shard, quote_literal_cstr(shard));
	request.params.count = 1;
	request.params.types = static_cast<Oid *>(palloc(sizeof(Oid)));
	request.params.types[0] = TIDOID;
	request.params.values = static_cast<Datum *>(palloc(sizeof(Datum)));
	request.params.values[0] = PointerGetDatum(tid);
	request.params.nulls = static_cast<bool *>(palloc0(sizeof(bool)));
	request.result = desc;
	request.scope = Scope::Write;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	RowStream *stream = open_stream(request);
	if (stream->next(slot) && !slot->tts_isnull[0])
		ItemPointerCopy(reinterpret_cast<ItemPointer>(DatumGetPointer(slot->tts_values[0])), tid);
	stream->close();
	ExecDropSingleTupleTableSlot(slot);
}

ItemPointer newest_version(const DistributedTable *table, const ItemPointerData *row_id) {
	ItemPointerData tid;
	const int group = split_row_id(row_id, &tid);
	if (group >= table->colocation->group_count)
		return nullptr;
	const ShardGroup &place = table->colocation->groups[group];
	const NodeInfo *node = find_node(place.node_id);
	SqlBuilder sql;
	sql.relation(table->relid);
	const char *shard = shard_sql(sql.finish(), place.id, node->is_local());
	if (node->is_local())
		follow_on_local_shard(shard, &tid);
	else
		follow_on_node(node, shard, &tid);
	auto *result = static_cast<ItemPointer>(palloc(sizeof(ItemPointerData)));
	make_row_id(result, &tid, group);
	return result;
}

// The identity of the row that a cursor stands on; nullptr when it has none there. Errors are those of
// PostgreSQL's execCurrentOf().
ItemPointer current_row(const char *cursor, Oid relid) {
	Portal portal = GetPortalByName(cursor);
	if (!PortalIsValid(portal))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_CURSOR), errmsg("cursor \"%s\" does not exist", cursor));
	if (portal->strategy != PORTAL_ONE_SELECT)
		ereport(ERROR, errcode(ERRCODE_INVALID_CURSOR_STATE),
				errmsg("cursor \"%s\" is not a SELECT query", cursor));
	const QueryDesc *query = portal->queryDesc;
	if (query == nullptr || query->estate == nullptr)
		ereport(ERROR, errcode(ERRCODE_INVALID_CURSOR_STATE),
				errmsg("cursor \"%s\" is held from a previous transaction", cursor));
	const AttrNumber column = hidden_column(query->plannedstmt, cursor, relid);
	if (portal->atStart || portal->atEnd)
		ereport(ERROR, errcode(ERRCODE_INVALID_CURSOR_STATE),
				errmsg("cursor \"%s\" is not positioned on a row", cursor));
	TupleTableSlot *slot = last_row_of(query->planstate);
	if (TupIsNull(slot))
		return nullptr;
	bool isnull;
	const Datum row_id = slot_getattr(slot, column, &isnull);
	if (isnull)
		return nullptr;
	return newest_version(find_distributed_table(relid),
						  reinterpret_cast<ItemPointer>(DatumGetPointer(row_id)));
}

} // namespace

} // namespace shardext

SHARDEXT_SQL_FUNCTION(shardext_current_row) {
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	char *cursor = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const Oid relid = PG_GETARG_OID(1);
	if (!shardext::is_sharded_table(relid))
		PG_RETURN_NULL();
	ItemPointer row_id = shardext::current_row(cursor, relid);
	if (row_id == nullptr)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(row_id);
}

SHARDEXT_SQL_FUNCTION(shardext_shard_ctid) {
	auto *tid = static_cast<ItemPointer>(palloc(sizeof(ItemPointerData)));
	shardext::split_row_id(reinterpret_cast<ItemPointer>(PG_GETARG_POINTER(0)), tid);
	PG_RETURN_POINTER(tid);
}

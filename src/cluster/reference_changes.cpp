// Reference tables: every change of the coordinator's copy is carried to the nodes' copies, row by row.
//
// The coordinator's copy is an ordinary table, so PostgreSQL itself evaluates defaults, constraints, ON
// CONFLICT, MERGE, COPY and cascades there. An internal AFTER ROW trigger then applies what has really
// changed on every node, by the row's identity: its primary key, or the whole old row where there is none.
#include "shardext/cluster/create_table.hpp"
#include "shardext/cluster/shards.hpp"

#include "shardext/pg/border.hpp"
#include "shardext/pg/compat.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/copy_writer.hpp"
#include "shardext/sql/shard_sql.hpp"
#include "shardext/transaction/serializable.hpp"

extern "C" {
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "parser/parse_func.h"
}

namespace shardext {

namespace {

// Statements sent to nodes whose answers have not been looked at yet.
struct PendingChanges {
	Oid relid;
	CopyWriter *writer;
	List *streams; // RowStream
	bool tolerant; // a cascade on the node may have been there first
	MemoryContext context;
};
PendingChanges *pending = nullptr;
LocalTransactionId pending_in = InvalidLocalTransactionId;

List *stored_columns(TupleDesc desc) {
	List *attnums = NIL;
	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped && TupleDescAttr(desc, i)->attgenerated == '\0')
			attnums = lappend_int(attnums, i + 1);
	return attnums;
}

bool has_cascading_foreign_key(Relation relation) {
	foreach_node (ForeignKeyCacheInfo, key, RelationGetFKeyList(relation)) {
		HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(key->conoid));
		if (!HeapTupleIsValid(tuple))
			continue;
		auto form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
		const bool cascades = !strchr("ar", form->confdeltype) || !strchr("ar", form->confupdtype);
		ReleaseSysCache(tuple);
		if (cascades)
			return true;
	}
	return false;
}

void settle_streams() {
	foreach_ptr (RowStream, stream, pending->streams) {
		stream->next(nullptr);
		const uint64 affected = stream->affected_rows();
		stream->close();
		if (affected != 1 && !pending->tolerant)
			ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("the copy of reference table \"%s\" on node \"%s\" differs from the coordinator's",
						   get_rel_name(pending->relid), stream->node_name),
					errdetail("A change of one row concerned " UINT64_FORMAT " rows there.", affected));
	}
	list_free(pending->streams);
	pending->streams = NIL;
}

void finish_pending() {
	if (pending == nullptr || pending_in != MyProc_lxid())
		return;
	MemoryContext old = MemoryContextSwitchTo(pending->context);
	if (pending->writer != nullptr)
		pending->writer->finish();
	settle_streams();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(pending->context);
	pending = nullptr;
}

PendingChanges *pending_for(Relation relation) {
	const Oid relid = RelationGetRelid(relation);
	if (pending != nullptr && (pending_in != MyProc_lxid()))
		pending = nullptr; // went with its transaction
	if (pending != nullptr && pending->relid != relid)
		finish_pending();
	if (pending == nullptr) {
		MemoryContext context = AllocSetContextCreate(TopTransactionContext, "shardext reference changes",
													  ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(context);
		pending = static_cast<PendingChanges *>(palloc0(sizeof(PendingChanges)));
		pending->relid = relid;
		pending->context = context;
		pending->tolerant = has_cascading_foreign_key(relation);
		pending_in = MyProc_lxid();
		MemoryContextSwitchTo(old);
	}
	return pending;
}

void read_columns(TupleTableSlot *slot, List *attnums, Datum *values, bool *nulls) {
	slot_getallattrs(slot);
	int i = 0;
	const ListCell *cell;
	foreach (cell, attnums) {
		values[i] = slot->tts_values[lfirst_int(cell) - 1];
		nulls[i++] = slot->tts_isnull[lfirst_int(cell) - 1];
	}
}

void send_insert(Relation relation, TupleTableSlot *row) {
	PendingChanges *changes = pending_for(relation);
	MemoryContext old = MemoryContextSwitchTo(changes->context);
	List *attnums = stored_columns(RelationGetDescr(relation));
	if (changes->streams != NIL)
		settle_streams();
	if (changes->writer == nullptr)
		changes->writer = new (palloc(sizeof(CopyWriter))) CopyWriter(RelationGetRelid(relation), attnums);
	const int n = list_length(attnums);
	auto *values = static_cast<Datum *>(palloc(sizeof(Datum) * (n + 1)));
	auto *nulls = static_cast<bool *>(palloc(sizeof(bool) * (n + 1)));
	read_columns(row, attnums, values, nulls);
	changes->writer->add(values, nulls);
	pfree(values);
	pfree(nulls);
	MemoryContextSwitchTo(old);
}

// Adds $n for a column's value.
void add_param(StatementParams *params, StringInfo sql, Form_pg_attribute attribute, Datum value,
			   bool isnull) {
	const int n = params->count++;
	params->types[n] = attribute->atttypid;
	params->values[n] = value;
	params->nulls[n] = isnull;
	appendStringInfo(sql, "$%d", n + 1);
	if (attribute->atttypid >= FirstGenbkiObjectId)
		appendStringInfo(sql, "::%s",
						 format_type_extended(attribute->atttypid, -1, FORMAT_TYPE_FORCE_QUALIFY));
}

// WHERE that finds exactly the old row on a node.
void append_identity(StringInfo sql, StatementParams *params, Relation relation, TupleTableSlot *old_row,
					 const char *target) {
	TupleDesc desc = RelationGetDescr(relation);
	slot_getallattrs(old_row);
	Bitmapset *key = RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	const char *separator = " WHERE ";
	if (key != nullptr) {
		for (int i = 0; i < desc->natts; i++)
			if (bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber, key)) {
				appendStringInfo(sql, "%s%s = ", separator,
								 quote_identifier(NameStr(TupleDescAttr(desc, i)->attname)));
				add_param(params, sql, TupleDescAttr(desc, i), old_row->tts_values[i],
						  old_row->tts_isnull[i]);
				separator = " AND ";
			}
		return;
	}
	// No key: one of the rows that are the same in every bit. Rows that cannot be told apart are one as good
	// as another.
	StringInfoData names;
	initStringInfo(&names);
	appendStringInfo(sql, " WHERE ctid = (SELECT ctid FROM %s WHERE ROW(", target);
	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped)
			appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
							 quote_identifier(NameStr(TupleDescAttr(desc, i)->attname)));
	appendStringInfo(sql, "%s)::record OPERATOR(pg_catalog.*=) ROW(", names.data);
	separator = "";
	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped) {
			appendStringInfoString(sql, separator);
			add_param(params, sql, TupleDescAttr(desc, i), old_row->tts_values[i], old_row->tts_isnull[i]);
			separator = ", ";
		}
	appendStringInfoString(sql, ")::record LIMIT 1)");
}

void send_change(Relation relation, TupleTableSlot *old_row, TupleTableSlot *new_row) {
	PendingChanges *changes = pending_for(relation);
	MemoryContext old = MemoryContextSwitchTo(changes->context);
	if (changes->writer != nullptr) {
		changes->writer->finish();
		changes->writer = nullptr;
	}
	if (list_length(changes->streams) > 500)
		settle_streams();
	TupleDesc desc = RelationGetDescr(relation);
	const DistributedTable *table = find_distributed_table(RelationGetRelid(relation));
	SqlBuilder builder;
	builder.relation(RelationGetRelid(relation));
	const char *target = shard_sql(builder.finish(), table->colocation->groups[0].id, false);
	StringInfoData sql;
	initStringInfo(&sql);
	StatementParams params;
	params.types = static_cast<Oid *>(palloc0(sizeof(Oid) * (desc->natts * 2 + 1)));
	params.values = static_cast<Datum *>(palloc0(sizeof(Datum) * (desc->natts * 2 + 1)));
	params.nulls = static_cast<bool *>(palloc0(sizeof(bool) * (desc->natts * 2 + 1)));
	if (new_row != nullptr) {
		slot_getallattrs(new_row);
		appendStringInfo(&sql, "UPDATE %s SET ", target);
		const char *separator = "";
		for (int i = 0; i < desc->natts; i++) {
			Form_pg_attribute attribute = TupleDescAttr(desc, i);
			if (attribute->attisdropped || attribute->attgenerated != '\0')
				continue;
			appendStringInfo(&sql, "%s%s = ", separator, quote_identifier(NameStr(attribute->attname)));
			add_param(&params, &sql, attribute, new_row->tts_values[i], new_row->tts_isnull[i]);
			separator = ", ";
		}
	} else {
		appendStringInfo(&sql, "DELETE FROM %s", target);
	}
	append_identity(&sql, &params, relation, old_row, target);
	foreach_ptr (NodeInfo, node, all_nodes()) {
		if (node->is_local())
			continue;
		StatementRequest request{};
		request.node = node;
		request.sql = sql.data;
		request.params = params;
		request.scope = Scope::Write;
		changes->streams = lappend(changes->streams, open_stream(request));
	}
	MemoryContextSwitchTo(old);
}

void make_trigger(Oid relid, Oid function, const char *name, int16 row_or_statement, int16 events) {
	CreateTrigStmt *stmt = makeNode(CreateTrigStmt);
	stmt->trigname = pstrdup(name);
	stmt->relation = makeRangeVar(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid), -1);
	stmt->funcname = list_make2(makeString(pstrdup("shardext")), makeString(pstrdup("reference_row_change")));
	stmt->row = row_or_statement != 0;
	stmt->timing = TRIGGER_TYPE_AFTER;
	stmt->events = events;
	// Always: copies change in sessions that fire no ordinary triggers, too.
	ObjectAddress trigger =
		CreateTriggerFiringOn(stmt, nullptr, relid, InvalidOid, InvalidOid, InvalidOid, function, InvalidOid,
							  nullptr, true, false, TRIGGER_FIRES_ALWAYS);
	(void)trigger;
}

bool has_remote_nodes() {
	return list_length(all_nodes()) > 1;
}

} // namespace

void create_reference_trigger(Oid relid) {
	const Oid function = LookupFuncName(
		list_make2(makeString(pstrdup("shardext")), makeString(pstrdup("reference_row_change"))), 0, nullptr,
		false);
	const int16 events = TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE;
	make_trigger(relid, function, "A_shardext_row_change", 1, events);
	make_trigger(relid, function, "shardext_statement_end", 0, events);
	CommandCounterIncrement();
}

void keep_reference_trigger_enabled(Oid relid) {
	List *names = NIL;
	Relation relation = table_open(relid, NoLock);
	for (int i = 0; relation->trigdesc != nullptr && i < relation->trigdesc->numtriggers; i++) {
		const Trigger &trigger = relation->trigdesc->triggers[i];
		if (trigger.tgisinternal && trigger.tgenabled != TRIGGER_FIRES_ALWAYS &&
			get_func_namespace(trigger.tgfoid) == shardext_schema())
			names = lappend(names, pstrdup(trigger.tgname));
	}
	foreach_ptr (char, name, names)
		EnableDisableTrigger(relation, name, TRIGGER_FIRES_ALWAYS, false, ShareRowExclusiveLock);
	table_close(relation, NoLock);
	CommandCounterIncrement();
}

void drop_reference_trigger(Oid relid) {
	const Oid function = LookupFuncName(
		list_make2(makeString(pstrdup("shardext")), makeString(pstrdup("reference_row_change"))), 0, nullptr,
		false);
	List *triggers = NIL;
	Relation relation = table_open(relid, NoLock);
	for (int i = 0; relation->trigdesc != nullptr && i < relation->trigdesc->numtriggers; i++)
		if (relation->trigdesc->triggers[i].tgfoid == function)
			triggers = lappend_oid(triggers, relation->trigdesc->triggers[i].tgoid);
	table_close(relation, NoLock);
	const ListCell *cell;
	foreach (cell, triggers) {
		ObjectAddress address{TriggerRelationId, lfirst_oid(cell), 0};
		performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL | PERFORM_DELETION_QUIETLY);
	}
	CommandCounterIncrement();
}

void reference_changes_at_subtransaction(bool starts) {
	if (starts)
		finish_pending(); // what was changed before a savepoint must not go with it
	else
		pending = nullptr; // changes of the sub-transaction that is rolled back; the memory goes with the
						   // transaction
}

namespace {

void on_subtransaction(SubXactEvent event, SubTransactionId, SubTransactionId, void *) {
	gate([&] {
		switch (event) {
		case SUBXACT_EVENT_START_SUB:
			reference_changes_at_subtransaction(true);
			break;
		case SUBXACT_EVENT_ABORT_SUB:
			reference_changes_at_subtransaction(false);
			shards_after_subtransaction(false);
			break;
		case SUBXACT_EVENT_PRE_COMMIT_SUB:
			shards_after_subtransaction(true);
			break;
		default:
			break;
		}
	});
}

} // namespace

void initialize_cluster() {
	RegisterSubXactCallback(on_subtransaction, nullptr);
}

} // namespace shardext

using namespace shardext;

SHARDEXT_SQL_FUNCTION(shardext_reference_row_change) {
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("function was not called by a trigger"));
	auto *data = reinterpret_cast<TriggerData *>(fcinfo->context);
	const DistributedTable *table = find_distributed_table(RelationGetRelid(data->tg_relation));
	if (table == nullptr || table->is_sharded() || !has_remote_nodes())
		return PointerGetDatum(nullptr);
	note_writes(table->relid, nullptr, !TRIGGER_FIRED_BY_INSERT(data->tg_event));
	if (!TRIGGER_FIRED_FOR_ROW(data->tg_event))
		finish_pending();
	else if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
		send_insert(data->tg_relation, data->tg_trigslot);
	else if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		send_change(data->tg_relation, data->tg_trigslot, data->tg_newslot);
	else
		send_change(data->tg_relation, data->tg_trigslot, nullptr);
	return PointerGetDatum(nullptr);
}

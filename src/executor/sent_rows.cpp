// Parameters, staging tables and the WITH queries that read them.
#include "shardext/executor/sent_rows.hpp"

#include "shardext/pg/transmission_modes.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/planner/reduction.hpp"
#include "shardext/remote/copy_stream.hpp"
#include "shardext/remote/session_settings.hpp"
#include "shardext/sharding/routing.hpp"
#include "shardext/transaction/fault_points.hpp"

extern "C" {
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/queryenvironment.h"
#include "utils/ruleutils.h"
}

namespace shardext {

namespace {

constexpr int64 kMostBytes = 32 * 1024 * 1024; // in parameters, however few rows these are
constexpr int kChunkBytes = 256 * 1024;
// Values of more rows than this are unpacked once per node, of fewer once per shard group: planning copies
// arrays, but what reads a materialized WITH query cannot run in parallel.
constexpr double kUnpackedOnce = 1000;
// How many rows of a staging table the node looks at: a planner that knows nothing of it takes nested loops,
// or no hash joins, but a rough idea is enough.
constexpr int kStatisticsTarget = 10;

struct StagedOn {
	int32 node_id;
	uint32 transaction; // of the connection
};

// No other session has such a name, nor has one of this session's had it before.
char *new_name() {
	static uint32 number = 0;
	return psprintf("rows_" INT64_FORMAT "_%d_%u", static_cast<int64>(MyStartTime), MyProcPid, ++number);
}

char *qualified(const char *table) {
	return psprintf("shardext_node.%s", quote_identifier(table));
}

// Calls body(node) for each node other than local that has members of a set of shard groups.
template <class F>
void for_each_other_node(const ColocationGroup *colocation, const GroupSet &groups, F &&body) {
	List *seen = NIL;
	for (int g = 0; g < groups.size; g++) {
		const int32 node_id = colocation->groups[g].node_id;
		if (!groups.member[g] || node_id == kLocalNode || list_member_int(seen, node_id))
			continue;
		seen = lappend_int(seen, node_id);
		body(find_node(node_id));
	}
}

// --- parameters ---

void make_arrays(SentRows *rows, StatementParams *params) {
	const List *types = rows->item->types;
	const int columns = list_length(types);
	auto **arrays = static_cast<ArrayBuildState **>(palloc(sizeof(ArrayBuildState *) * columns));
	for (int i = 0; i < columns; i++)
		arrays[i] = initArrayResult(list_nth_oid(types, i), CurrentMemoryContext, false);
	if (rows->kept != nullptr) {
		TupleTableSlot *slot = MakeSingleTupleTableSlot(rows->kept->desc, &TTSOpsMinimalTuple);
		rewind_kept_rows(rows->kept);
		while (tuplestore_gettupleslot(rows->kept->store, true, false, slot)) {
			slot_getallattrs(slot);
			for (int i = 0; i < columns; i++)
				accumArrayResult(arrays[i], slot->tts_values[i], slot->tts_isnull[i], list_nth_oid(types, i),
								 CurrentMemoryContext);
		}
		ExecDropSingleTupleTableSlot(slot);
	}
	for (int i = 0; i < columns; i++) {
		const int n = params->count++;
		params->types[n] = get_array_type(list_nth_oid(types, i));
		params->values[n] = makeArrayResult(arrays[i], CurrentMemoryContext);
		params->nulls[n] = false;
	}
}

// --- staging tables ---

// Rows that go to one shard group have a table of their own: no other one has to read them. (Where there are
// many shard groups, some share one. That does no harm: none of the rows can match in the other's tables.)
int part_of_group(int group) {
	return group % static_cast<int>(kMaxStagedParts);
}

char *part_name(const SentRows *rows, int part) {
	return psprintf("%s_%d", rows->table, part);
}

char *create_statement(const SentRows *rows) {
	StringInfoData sql;
	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE %sTABLE %s (%s", rows->routed ? "" : "UNLOGGED ", qualified(rows->table),
					 rows->routed ? "part integer, " : "");
	TupleDesc desc = rows->kept->desc;
	for (int i = 0; i < desc->natts; i++) {
		Form_pg_attribute column = TupleDescAttr(desc, i);
		// (Without a length, where "character" would mean one.)
		appendStringInfo(&sql, "%sc%d %s", i > 0 ? ", " : "", i + 1,
						 format_type_extended(column->atttypid, -1,
											  FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
		if (column->attcollation != get_typcollation(column->atttypid))
			appendStringInfo(&sql, " COLLATE %s", generate_collation_name(column->attcollation));
	}
	appendStringInfoString(&sql, rows->routed ? ") PARTITION BY LIST (part)" : ")");
	return sql.data;
}

List *types_of(const SentRows *rows) {
	TupleDesc desc = rows->kept->desc;
	List *types = rows->routed ? list_make1_oid(INT4OID) : NIL;
	for (int i = 0; i < desc->natts; i++)
		types = lappend_oid(types, TupleDescAttr(desc, i)->atttypid);
	return types;
}

struct Staging {
	const ColocationGroup *colocation;
	const GroupSet &groups;
	CopyChunk *chunks; // one for each node
	int count;
};

// The shard groups of a node that take part, by their positions.
List *groups_on(const Staging &staging, const Connection *c) {
	List *result = NIL;
	for (int g = 0; g < staging.groups.size; g++)
		if (staging.groups.member[g] && staging.colocation->groups[g].node_id == c->node_id)
			result = lappend_int(result, g);
	return result;
}

// Adds the row in `slot` to the chunks of the nodes that want it; a routed one begins with its part.
void add_row(const SentRows *rows, const CopyFormat &format, const Staging &staging, TupleTableSlot *slot,
			 Datum *values, bool *nulls) {
	slot_getallattrs(slot);
	if (!rows->routed) {
		format.row(staging.chunks[0].data, slot->tts_values, slot->tts_isnull);
		return;
	}
	const int key = rows->item->key_column - 1;
	if (slot->tts_isnull[key])
		return; // is equal to nothing
	const int group = group_of_value(staging.colocation, slot->tts_values[key],
									 list_nth_oid(rows->item->types, key), false);
	if (!staging.groups.member[group])
		return;
	for (int i = 0; i < staging.count; i++) {
		if (staging.chunks[i].connection->node_id != staging.colocation->groups[group].node_id)
			continue;
		const int columns = slot->tts_tupleDescriptor->natts;
		values[0] = Int32GetDatum(part_of_group(group));
		nulls[0] = false;
		memcpy(values + 1, slot->tts_values, sizeof(Datum) * columns);
		memcpy(nulls + 1, slot->tts_isnull, sizeof(bool) * columns);
		format.row(staging.chunks[i].data, values, nulls);
	}
}

// Reads the store once, whatever the number of nodes. Where all get the same rows, they share one buffer.
void copy_rows(const SentRows *rows, const CopyFormat &format, const Staging &staging) {
	for (int i = 0; i < staging.count; i++) {
		if (i == 0 || rows->routed) {
			staging.chunks[i].data = makeStringInfo();
			format.begin(staging.chunks[i].data);
		} else
			staging.chunks[i].data = staging.chunks[0].data;
	}
	Datum values[FUNC_MAX_ARGS + 1];
	bool nulls[FUNC_MAX_ARGS + 1];
	MemoryContext row_context =
		AllocSetContextCreate(CurrentMemoryContext, "shardext staged row", ALLOCSET_DEFAULT_SIZES);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(rows->kept->desc, &TTSOpsMinimalTuple);
	rewind_kept_rows(rows->kept);
	for (bool more = true; more;) {
		const int level = format.binary() ? 0 : begin_transmission_modes();
		bool full = false;
		while (!full && (more = tuplestore_gettupleslot(rows->kept->store, true, false, slot))) {
			MemoryContext old = MemoryContextSwitchTo(row_context);
			add_row(rows, format, staging, slot, values, nulls);
			MemoryContextSwitchTo(old);
			MemoryContextReset(row_context);
			for (int i = 0; i < staging.count; i++)
				full = full || staging.chunks[i].data->len >= kChunkBytes;
		}
		if (!format.binary())
			end_transmission_modes(level);
		for (int i = 0; !more && i < (rows->routed ? staging.count : 1); i++)
			format.end(staging.chunks[i].data);
		put_copy_data(staging.chunks, staging.count);
		for (int i = 0; i < staging.count; i++)
			resetStringInfo(staging.chunks[i].data);
		fault_point("during-staging");
	}
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(row_context);
}

// Fills a table on all nodes at once.
void fill_tables(const SentRows *rows, const Staging &staging) {
	const CopyFormat format(types_of(rows));
	char *sql = psprintf("COPY %s FROM STDIN%s", qualified(rows->table), format.options());
	PG_TRY();
	{
		for (int i = 0; i < staging.count; i++) {
			if (!format.binary())
				send_session_settings(staging.chunks[i].connection);
			start_copy(staging.chunks[i].connection, sql);
		}
		copy_rows(rows, format, staging);
		for (int i = 0; i < staging.count; i++)
			end_copy(staging.chunks[i].connection);
	}
	PG_CATCH();
	{
		for (int i = 0; i < staging.count; i++)
			leave_copy(staging.chunks[i].connection);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

// The tables of a node that its statement reads.
List *tables_on(const SentRows *rows, const Staging &staging, const Connection *c) {
	if (!rows->routed)
		return list_make1(pstrdup(rows->table));
	List *parts = NIL, *tables = NIL;
	const ListCell *cell;
	const List *on_node = groups_on(staging, c);
	foreach (cell, on_node)
		parts = list_append_unique_int(parts, part_of_group(lfirst_int(cell)));
	foreach (cell, parts)
		tables = lappend(tables, part_name(rows, lfirst_int(cell)));
	return tables;
}

void send_create(const SentRows *rows, const Staging &staging, Connection *c) {
	send_control(c, create_statement(rows));
	List *parts = NIL;
	const ListCell *cell;
	const List *on_node = rows->routed ? groups_on(staging, c) : NIL;
	foreach (cell, on_node) {
		const int part = part_of_group(lfirst_int(cell));
		if (list_member_int(parts, part))
			continue;
		parts = lappend_int(parts, part);
		send_control(c, psprintf("CREATE UNLOGGED TABLE %s PARTITION OF %s FOR VALUES IN (%d)",
								 qualified(part_name(rows, part)), qualified(rows->table), part));
	}
	send_sync(c);
}

// Answers are waited for together with those of the statement that comes next.
void send_analyze(const SentRows *rows, const Staging &staging, Connection *c) {
	const List *tables = tables_on(rows, staging, c);
	StringInfoData sql;
	initStringInfo(&sql);
	foreach_ptr (char, table, tables)
		appendStringInfo(&sql, "%s%s", sql.len > 0 ? ", " : "ANALYZE ", qualified(table));
	send_control(c, psprintf("SET default_statistics_target = %d",
							 std::max(1, kStatisticsTarget / list_length(tables))));
	send_control(c, sql.data);
	send_control(c, "RESET default_statistics_target");
	send_sync(c);
}

void stage_one(SentRows *rows, const ColocationGroup *colocation, const GroupSet &groups) {
	Staging staging{colocation, groups,
					static_cast<CopyChunk *>(palloc(sizeof(CopyChunk) * (groups.size + 1))), 0};
	for_each_other_node(colocation, groups, [&](const NodeInfo *node) {
		Connection *c = connect_to_node(node);
		finish_everything(c);
		enter_transaction(c, Scope::Statement);
		c->staged = true;
		send_create(rows, staging, c);
		staging.chunks[staging.count++].connection = c;
	});
	if (staging.count == 0)
		return;
	fill_tables(rows, staging);
	fault_point("after-staging");
	for (int i = 0; i < staging.count; i++) {
		Connection *c = staging.chunks[i].connection;
		send_analyze(rows, staging, c);
		rows->staged_on =
			lappend(rows->staged_on, new (palloc(sizeof(StagedOn))) StagedOn{c->node_id, c->begun});
	}
}

} // namespace

int params_of_sent(const ScanPlan &plan) {
	int count = 0;
	foreach_ptr (SentItem, item, plan.sent)
		count += list_length(item->types);
	return count;
}

List *take_sent_rows(const ScanPlan &plan, StatementParams *params) {
	List *sent = NIL;
	foreach_ptr (SentItem, item, plan.sent) {
		auto *rows = new (palloc0(sizeof(SentRows))) SentRows();
		rows->item = item;
		if (!params->nulls[item->position])
			rows->kept = find_kept_rows(DatumGetInt64(params->values[item->position]));
		sent = lappend(sent, rows);
	}
	// The numbers come last and mean nothing to a node: arrays take their places.
	params->count = list_length(plan.lifted_types) - list_length(sent);
	foreach_ptr (SentRows, rows, sent) {
		rows->rows = rows->kept != nullptr ? rows->kept->rows : 0;
		rows->staged =
			rows->rows > max_shipped_rows || (rows->kept != nullptr && rows->kept->bytes > kMostBytes);
		if (rows->staged) {
			rows->table = new_name();
			rows->routed = rows->item->key_column > 0;
			continue;
		}
		rows->first_param = params->count + 1;
		make_arrays(rows, params);
	}
	return sent;
}

bool stages_rows(const List *sent, const ColocationGroup *colocation, const GroupSet &groups) {
	bool result = false;
	foreach_ptr (SentRows, rows, sent)
		if (rows->staged)
			for_each_other_node(colocation, groups, [&](const NodeInfo *) { result = true; });
	return result;
}

void stage_rows(List *sent, const ColocationGroup *colocation, const GroupSet &groups) {
	foreach_ptr (SentRows, rows, sent)
		if (rows->staged)
			stage_one(rows, colocation, groups);
}

void drop_staged(List *sent) {
	foreach_ptr (SentRows, rows, sent) {
		foreach_ptr (StagedOn, place, rows->staged_on) {
			Connection *c = existing_connection(place->node_id);
			if (c == nullptr || c->depth == 0 || c->begun != place->transaction || c->statement_scope ||
				c->failed || c->lost_in_transaction)
				continue;
			send_control(c, psprintf("DROP TABLE %s", qualified(rows->table)));
			send_sync(c);
		}
		rows->staged_on = NIL;
	}
}

QueryEnvironment *environment_of(const List *sent) {
	QueryEnvironment *environment = nullptr;
	foreach_ptr (SentRows, rows, sent) {
		if (!rows->staged)
			continue;
		if (environment == nullptr)
			environment = create_queryEnv();
		auto *relation = static_cast<EphemeralNamedRelation>(palloc0(sizeof(EphemeralNamedRelationData)));
		relation->md.name = pstrdup(rows->table);
		relation->md.tupdesc = rows->kept->desc;
		relation->md.enrtype = ENR_NAMED_TUPLESTORE;
		relation->md.enrtuples = rows->rows;
		relation->reldata = rows->kept->store;
		register_ENR(environment, relation);
	}
	return environment;
}

namespace {

void append_columns(StringInfo out, int count) {
	for (int i = 1; i <= count; i++)
		appendStringInfo(out, "%sc%d", i > 1 ? ", " : "", i);
}

// Appends the WITH queries of items that are (not) divided among the shard groups of a node; `source` appends
// the FROM of each.
template <class F>
bool append_with(StringInfo out, const List *sent, const NodeInfo *node, bool routed, F &&source) {
	const char *separator = "WITH ";
	bool any = false;
	foreach_ptr (SentRows, rows, sent) {
		if (routed != (rows->routed && !node->is_local()))
			continue;
		any = true;
		const int columns = list_length(rows->item->types);
		appendStringInfo(out, "%s%s (", separator, quote_identifier(rows->item->name));
		separator = ", ";
		append_columns(out, columns);
		// A staging table is read as if it stood in the query, with its statistics and in parallel.
		appendStringInfo(out, ") AS %s (SELECT ",
						 rows->staged || rows->rows <= kUnpackedOnce ? "NOT MATERIALIZED" : "MATERIALIZED");
		if (rows->staged)
			append_columns(out, columns);
		else
			appendStringInfoChar(out, '*');
		appendStringInfoString(out, " FROM ");
		source(rows);
		appendStringInfoChar(out, ')');
	}
	if (any)
		appendStringInfoChar(out, ' ');
	return any;
}

void append_arrays(StringInfo out, const SentRows *rows) {
	appendStringInfoString(out, "ROWS FROM (");
	for (int i = 0; i < list_length(rows->item->types); i++) {
		const Oid array = get_array_type(list_nth_oid(rows->item->types, i));
		appendStringInfo(out, "%sunnest($%d", i > 0 ? ", " : "", rows->first_param + i);
		// (As in make_lifted_param(): a node knows types of users by their names only.)
		if (array >= FirstGenbkiObjectId)
			appendStringInfo(out, "::%s", format_type_be_qualified(array));
		appendStringInfoChar(out, ')');
	}
	appendStringInfoChar(out, ')');
}

} // namespace

bool append_sent_rows(StringInfo out, const List *sent, const NodeInfo *node) {
	return append_with(out, sent, node, false, [&](const SentRows *rows) {
		if (!rows->staged)
			append_arrays(out, rows);
		else
			appendStringInfoString(out,
								   node->is_local() ? quote_identifier(rows->table) : qualified(rows->table));
	});
}

bool append_sent_to_group(StringInfo out, const List *sent, const NodeInfo *node, int group) {
	return append_with(out, sent, node, true, [&](const SentRows *rows) {
		appendStringInfoString(out, qualified(part_name(rows, part_of_group(group))));
	});
}

List *expected_rows(const ScanPlan &plan) {
	List *sent = NIL;
	int first = list_length(plan.lifted_types) - list_length(plan.sent) + 1;
	foreach_ptr (SentItem, item, plan.sent) {
		auto *rows = new (palloc0(sizeof(SentRows))) SentRows();
		rows->item = item;
		rows->rows = item->rows;
		rows->staged = item->rows > max_shipped_rows;
		rows->routed = rows->staged && item->key_column > 0;
		rows->first_param = first;
		rows->table = psprintf("rows of %s", item->alias);
		first += rows->staged ? 0 : list_length(item->types);
		sent = lappend(sent, rows);
	}
	return sent;
}

void explain_sent(const ScanPlan &plan, ExplainState *es) {
	List *staged = NIL;
	foreach_ptr (SentItem, item, plan.sent)
		if (item->rows > max_shipped_rows)
			staged = lappend(staged, item->key_column > 0 ? psprintf("%s by shard group", item->alias)
														  : pstrdup(item->alias));
	if (staged != NIL)
		ExplainPropertyList("Staged on Nodes", staged, es);
}

} // namespace shardext

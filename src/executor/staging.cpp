// Staging tables on the nodes: made, filled, analyzed and dropped.
#include "shardext/executor/sent_rows.hpp"

#include "shardext/pg/transmission_modes.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/copy_stream.hpp"
#include "shardext/remote/session_settings.hpp"
#include "shardext/sharding/routing.hpp"
#include "shardext/remote/fault_points.hpp"

extern "C" {
#include "executor/executor.h"
#include "utils/ruleutils.h"
}

namespace shardext {

namespace {

constexpr int kChunkBytes = 256 * 1024;
// How many rows of a staging table the node looks at: a planner that knows nothing of it takes nested loops,
// or no hash joins, but a rough idea is enough.
constexpr int kStatisticsTarget = 10;

struct StagedOn {
	int32 node_id;
	uint32 transaction; // of the connection
};

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

char *create_statement(const SentRows *rows) {
	StringInfoData sql;
	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE %sTABLE %s (%s", rows->divided ? "" : "UNLOGGED ",
					 staging_table(rows->table), rows->routed ? "part integer, " : "");
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
	appendStringInfoString(&sql, rows->divided ? ") PARTITION BY LIST (part)" : ")");
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
	char *sql = psprintf("COPY %s FROM STDIN%s", staging_table(rows->table), format.options());
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
	if (!rows->divided)
		return list_make1(pstrdup(rows->table));
	List *parts = NIL, *tables = NIL;
	const ListCell *cell;
	const List *on_node = groups_on(staging, c);
	foreach (cell, on_node)
		parts = list_append_unique_int(parts, part_of_group(lfirst_int(cell)));
	foreach (cell, parts)
		tables = lappend(tables, staging_part(rows, lfirst_int(cell)));
	return tables;
}

void send_create(const SentRows *rows, const Staging &staging, Connection *c) {
	send_control(c, create_statement(rows));
	List *parts = NIL;
	const ListCell *cell;
	const List *on_node = rows->divided ? groups_on(staging, c) : NIL;
	foreach (cell, on_node) {
		const int part = part_of_group(lfirst_int(cell));
		if (list_member_int(parts, part))
			continue;
		parts = lappend_int(parts, part);
		send_control(c, psprintf("CREATE UNLOGGED TABLE %s PARTITION OF %s FOR VALUES IN (%d)",
								 staging_table(staging_part(rows, part)), staging_table(rows->table), part));
	}
	send_sync(c);
}

// Answers are waited for together with those of the statement that comes next.
void send_analyze(const SentRows *rows, const Staging &staging, Connection *c) {
	const List *tables = tables_on(rows, staging, c);
	StringInfoData sql;
	initStringInfo(&sql);
	foreach_ptr (char, table, tables)
		appendStringInfo(&sql, "%s%s", sql.len > 0 ? ", " : "ANALYZE ", staging_table(table));
	send_control(c, psprintf("SET default_statistics_target = %d",
							 std::max(1, kStatisticsTarget / list_length(tables))));
	send_control(c, sql.data);
	send_control(c, "RESET default_statistics_target");
	send_sync(c);
}

void stage_one(SentRows *rows, const ColocationGroup *colocation, const GroupSet &groups) {
	Staging staging{colocation, groups,
					static_cast<CopyChunk *>(palloc(sizeof(CopyChunk) * (groups.size + 1))), 0};
	rows->divided = rows->routed;
	for_each_other_node(colocation, groups, [&](const NodeInfo *node) {
		Connection *c = connect_to_node(node);
		finish_everything(c);
		enter_transaction(c, Scope::Statement);
		staging.chunks[staging.count++].connection = c;
		// Each table takes locks until the transaction ends. Where many statements may follow, they have to
		// do with fewer.
		rows->divided = rows->divided && c->statement_scope;
	});
	if (staging.count == 0)
		return;
	for (int i = 0; i < staging.count; i++) {
		staging.chunks[i].connection->staged = true;
		send_create(rows, staging, staging.chunks[i].connection);
	}
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

char *staging_table(const char *name) {
	return psprintf("shardext_node.%s", quote_identifier(name));
}

int part_of_group(int group) {
	return group % static_cast<int>(kMaxStagedParts);
}

char *staging_part(const SentRows *rows, int part) {
	return psprintf("%s_%d", rows->table, part);
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
			send_control(c, psprintf("DROP TABLE %s", staging_table(rows->table)));
			send_sync(c);
		}
		rows->staged_on = NIL;
	}
}

} // namespace shardext

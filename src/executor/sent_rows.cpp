// Parameters, staging tables and the WITH queries that read them.
#include "shardext/executor/sent_rows.hpp"

#include "shardext/pg/transmission_modes.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/planner/reduction.hpp"
#include "shardext/remote/copy_stream.hpp"
#include "shardext/remote/session_settings.hpp"
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

char *create_statement(const SentRows *rows) {
	StringInfoData sql;
	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE UNLOGGED TABLE %s (", qualified(rows->table));
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
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

List *types_of(TupleDesc desc) {
	List *types = NIL;
	for (int i = 0; i < desc->natts; i++)
		types = lappend_oid(types, TupleDescAttr(desc, i)->atttypid);
	return types;
}

// Reads the store once, whatever the number of nodes.
void copy_rows(KeptRows *kept, const CopyFormat &format, Connection *const *connections, int count) {
	StringInfoData chunk;
	initStringInfo(&chunk);
	format.begin(&chunk);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(kept->desc, &TTSOpsMinimalTuple);
	rewind_kept_rows(kept);
	for (bool more = true; more;) {
		const int level = format.binary() ? 0 : begin_transmission_modes();
		while (chunk.len < kChunkBytes) {
			more = tuplestore_gettupleslot(kept->store, true, false, slot);
			if (!more) {
				format.end(&chunk);
				break;
			}
			slot_getallattrs(slot);
			format.row(&chunk, slot->tts_values, slot->tts_isnull);
		}
		if (!format.binary())
			end_transmission_modes(level);
		put_copy_data(connections, count, chunk.data, chunk.len);
		fault_point("during-staging");
		resetStringInfo(&chunk);
	}
	ExecDropSingleTupleTableSlot(slot);
	pfree(chunk.data);
}

// Fills a table on all connections at once.
void fill_tables(const SentRows *rows, Connection *const *connections, int count) {
	const CopyFormat format(types_of(rows->kept->desc));
	char *sql = psprintf("COPY %s FROM STDIN%s", qualified(rows->table), format.options());
	PG_TRY();
	{
		for (int i = 0; i < count; i++) {
			if (!format.binary())
				send_session_settings(connections[i]);
			start_copy(connections[i], sql);
		}
		copy_rows(rows->kept, format, connections, count);
		for (int i = 0; i < count; i++)
			end_copy(connections[i]);
	}
	PG_CATCH();
	{
		for (int i = 0; i < count; i++)
			leave_copy(connections[i]);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

void stage_one(SentRows *rows, const ColocationGroup *colocation, const GroupSet &groups) {
	auto **connections = static_cast<Connection **>(palloc(sizeof(Connection *) * (groups.size + 1)));
	int count = 0;
	for_each_other_node(colocation, groups, [&](const NodeInfo *node) {
		Connection *c = connect_to_node(node);
		finish_everything(c);
		enter_transaction(c, Scope::Statement);
		c->staged = true;
		send_control(c, create_statement(rows));
		send_sync(c);
		connections[count++] = c;
	});
	fill_tables(rows, connections, count);
	fault_point("after-staging");
	for (int i = 0; i < count; i++) {
		Connection *c = connections[i];
		// Answers are waited for together with those of the statement that comes next.
		send_control(c, psprintf("SET default_statistics_target = %d", kStatisticsTarget));
		send_control(c, psprintf("ANALYZE %s", qualified(rows->table)));
		send_control(c, "RESET default_statistics_target");
		send_sync(c);
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

void append_sent_rows(StringInfo out, const List *sent, const NodeInfo *node) {
	const char *separator = "WITH ";
	foreach_ptr (SentRows, rows, sent) {
		const List *types = rows->item->types;
		appendStringInfo(out, "%s%s (", separator, quote_identifier(rows->item->name));
		separator = ", ";
		for (int i = 1; i <= list_length(types); i++)
			appendStringInfo(out, "%sc%d", i > 1 ? ", " : "", i);
		if (rows->staged) {
			appendStringInfo(out, ") AS NOT MATERIALIZED (SELECT * FROM %s)",
							 node->is_local() ? quote_identifier(rows->table) : qualified(rows->table));
			continue;
		}
		appendStringInfo(out, ") AS %s (SELECT * FROM ROWS FROM (",
						 rows->rows > kUnpackedOnce ? "MATERIALIZED" : "NOT MATERIALIZED");
		for (int i = 0; i < list_length(types); i++) {
			const Oid array = get_array_type(list_nth_oid(types, i));
			appendStringInfo(out, "%sunnest($%d", i > 0 ? ", " : "", rows->first_param + i);
			// (As in make_lifted_param(): a node knows types of users by their names only.)
			if (array >= FirstGenbkiObjectId)
				appendStringInfo(out, "::%s", format_type_be_qualified(array));
			appendStringInfoChar(out, ')');
		}
		appendStringInfoString(out, "))");
	}
	if (sent != NIL)
		appendStringInfoChar(out, ' ');
}

List *expected_rows(const ScanPlan &plan) {
	List *sent = NIL;
	int first = list_length(plan.lifted_types) - list_length(plan.sent) + 1;
	foreach_ptr (SentItem, item, plan.sent) {
		auto *rows = new (palloc0(sizeof(SentRows))) SentRows();
		rows->item = item;
		rows->rows = item->rows;
		rows->staged = item->rows > max_shipped_rows;
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
			staged = lappend(staged, pstrdup(item->alias));
	if (staged != NIL)
		ExplainPropertyList("Staged on Nodes", staged, es);
}

} // namespace shardext

// Parameters, staging tables and the WITH queries that read them.
#include "shardext/executor/sent_rows.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/reduction.hpp"

extern "C" {
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/queryenvironment.h"
}

namespace shardext {

namespace {

constexpr int64 kMostBytes = 32 * 1024 * 1024; // in parameters, however few rows these are
// Values of more rows than this are unpacked once per node, of fewer once per shard group: planning copies
// arrays, but what reads a materialized WITH query cannot run in parallel.
constexpr double kUnpackedOnce = 1000;

// No other session has such a name, nor has one of this session's had it before.
char *new_name() {
	static uint32 number = 0;
	return psprintf("rows_" INT64_FORMAT "_%d_%u", static_cast<int64>(MyStartTime), MyProcPid, ++number);
}

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
			appendStringInfoString(out, node->is_local() ? quote_identifier(rows->table)
														 : staging_table(rows->table));
	});
}

bool append_sent_to_group(StringInfo out, const List *sent, const NodeInfo *node, int group) {
	return append_with(out, sent, node, true, [&](const SentRows *rows) {
		if (rows->divided)
			appendStringInfoString(out, staging_table(staging_part(rows, part_of_group(group))));
		else
			appendStringInfo(out, "%s WHERE part = %d", staging_table(rows->table), part_of_group(group));
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
		rows->routed = rows->divided = rows->staged && item->key_column > 0;
		rows->first_param = first;
		rows->table = psprintf("rows of %s", item->alias);
		first += rows->staged ? 0 : list_length(item->types);
		sent = lappend(sent, rows);
	}
	return sent;
}

void explain_sent(const ScanPlan &plan, const ColocationGroup *colocation, ExplainState *es) {
	bool elsewhere = false; // on node local, no tables are needed
	for (int g = 0; g < colocation->group_count; g++)
		elsewhere = elsewhere || colocation->groups[g].node_id != kLocalNode;
	if (!elsewhere)
		return;
	List *staged = NIL;
	foreach_ptr (SentItem, item, plan.sent)
		if (item->rows > max_shipped_rows)
			staged = lappend(staged, item->key_column > 0 ? psprintf("%s by shard group", item->alias)
														  : pstrdup(item->alias));
	if (staged != NIL)
		ExplainPropertyList("Staged on Nodes", staged, es);
}

} // namespace shardext

// Shard Insert: sends rows that the coordinator has evaluated to their shard groups.
//
// Rows of the source plan are gathered into batches, bounded in rows and bytes. A batch becomes one INSERT …
// VALUES per shard group; all are sent before the first answer is read. With RETURNING, rows come out in the
// order in which they came in whenever each row that goes in comes back (no ON CONFLICT). Where a statement
// must not see its own rows, and there are more of them than one batch takes, they go to a staging table
// beside each shard first, and from there in as one command.
#include "shardext/executor/node_parts.hpp"
#include "shardext/executor/nodes.hpp"
#include "shardext/executor/pending_rows.hpp"
#include "shardext/executor/row_ids.hpp"
#include "shardext/executor/staged_rows.hpp"
#include "shardext/executor/statement_scans.hpp"
#include "shardext/executor/tasks.hpp"
#include "shardext/executor/write_triggers.hpp"
#include "shardext/executor/write_source.hpp"
#include "shardext/planner/write_plan.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/row_stream.hpp"
#include "shardext/sharding/routing.hpp"
#include "shardext/transaction/serializable.hpp"

extern "C" {
#include "commands/explain.h"
#include "executor/executor.h"
#include "nodes/extensible.h"
#include "tcop/pquery.h"
#include "utils/datum.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"
}

namespace shardext {

namespace {

constexpr int kMaxParams = 65535; // of the protocol
constexpr int kBatchRows = 1000;
constexpr Size kBatchBytes = 4 * 1024 * 1024;

struct ShardInsertState {
	CustomScanState css; // must be first
	InsertPlan plan;
	List *lifted; // ExprState
	ColocationGroup *colocation;
	WriteSource source;
	TupleDesc source_desc, result_desc;
	TupleTableSlot *result_row;
	Oid *types;	  // of the target columns
	char **casts; // "::schema.type" for user types, or ""
	bool source_done, finished;
	bool prepared, together; // for the first rows to be sent; all go in as one command
	WriteTriggers *triggers;
	PendingRows pending;
	Tuplestorestate *inserted; // rows that have come back for AFTER triggers

	MemoryContext batch_context;
	Datum *values; // batch rows, row by row
	bool *nulls;
	int *groups; // shard group of each row
	int row_count, columns, max_rows;
	Size bytes;

	Tuplestorestate *results;
	TupleTableSlot *store_slot;
};

ShardInsertState *state_of(CustomScanState *node) {
	return reinterpret_cast<ShardInsertState *>(node);
}

void begin(CustomScanState *node, EState *estate, int eflags) {
	auto *state = state_of(node);
	gate([&] {
		auto *scan = reinterpret_cast<CustomScan *>(node->ss.ps.plan);
		state->plan = InsertPlan::from_private(scan->custom_private);
		const InsertPlan &plan = state->plan;
		List *no_pins = NIL;
		init_expressions(node, list_length(scan->custom_exprs), &state->lifted, &no_pins);
		state->colocation = find_colocation_group(plan.colocation_id);
		state->columns = list_length(plan.attnums);
		state->result_desc = result_descriptor(plan.column_types, plan.column_typmods);
		state->result_row = MakeSingleTupleTableSlot(state->result_desc, &TTSOpsVirtual);
		state->types = static_cast<Oid *>(palloc0(sizeof(Oid) * (state->columns + 1)));
		state->casts = static_cast<char **>(palloc0(sizeof(char *) * (state->columns + 1)));
		for (int i = 0; i < state->columns; i++) {
			int32 typmod;
			Oid collation;
			get_atttypetypmodcoll(plan.relid, list_nth_int(plan.attnums, i), &state->types[i], &typmod,
								  &collation);
			state->casts[i] =
				state->types[i] < FirstGenbkiObjectId
					? pstrdup("")
					: psprintf("::%s", format_type_extended(state->types[i], -1, FORMAT_TYPE_FORCE_QUALIFY));
		}
		state->max_rows = kBatchRows;
		if (state->columns > 0)
			state->max_rows =
				std::min(kBatchRows, (kMaxParams - list_length(state->lifted)) / state->columns);
		begin_source(&state->source, node, plan.source, estate->es_snapshot, eflags);
		state->source_desc = source_descriptor(&state->source);
		state->triggers =
			begin_triggers(plan.triggers, plan.relid, state->source.whole, estate->es_query_cxt);
		state->pending.relid = plan.relid;
		state->pending.argument = state;
		state->batch_context =
			AllocSetContextCreate(estate->es_query_cxt, "shardext insert", ALLOCSET_DEFAULT_SIZES);
		if (!state->plan.sets_tag)
			run_to_the_end(node);
	});
}

// ON CONFLICT may update rows.
bool may_update(const InsertPlan &plan) {
	foreach_node (Node, piece, plan.tail)
		if (IsA(piece, String) && strstr(strVal(piece), "ON CONFLICT") != nullptr)
			return true;
	return false;
}

void begin_batch(ShardInsertState *state) {
	MemoryContextReset(state->batch_context);
	MemoryContext old = MemoryContextSwitchTo(state->batch_context);
	state->values = static_cast<Datum *>(palloc(sizeof(Datum) * (state->max_rows * state->columns + 1)));
	state->nulls = static_cast<bool *>(palloc(sizeof(bool) * (state->max_rows * state->columns + 1)));
	state->groups = static_cast<int *>(palloc(sizeof(int) * (state->max_rows + 1)));
	state->row_count = 0;
	state->bytes = 0;
	MemoryContextSwitchTo(old);
}

// The row of the table that some values make.
void fill_new_row(ShardInsertState *state, TupleTableSlot *row, const Datum *values, const bool *nulls) {
	memset(row->tts_isnull, true, row->tts_tupleDescriptor->natts * sizeof(bool));
	for (int i = 0; i < state->columns; i++) {
		const int column = list_nth_int(state->plan.attnums, i) - 1;
		row->tts_values[column] = values[i];
		row->tts_isnull[column] = nulls[i];
	}
	ExecStoreVirtualTuple(row);
}

bool fire_before_insert(void *triggers) {
	return fire_before_row(static_cast<WriteTriggers *>(triggers), CMD_INSERT);
}

void send_waiting(void *insert);

// Gives a row to the BEFORE ROW triggers, and takes over what they make of it; false when it is skipped.
bool pass_triggers(ShardInsertState *state, TupleTableSlot *slot) {
	if (state->pending.wanted && state->row_count > 0)
		send_waiting(state);
	start_row(state->triggers);
	fill_new_row(state, state->triggers->new_row, slot->tts_values, slot->tts_isnull);
	state->pending.rows = state->row_count;
	state->pending.send = send_waiting;
	if (!call_with_pending_rows(&state->pending, fire_before_insert, state->triggers))
		return false;
	TupleTableSlot *row = state->triggers->new_row;
	slot_getallattrs(row);
	for (int i = 0; i < state->columns; i++) {
		const int column = list_nth_int(state->plan.attnums, i) - 1;
		slot->tts_values[i] = row->tts_values[column];
		slot->tts_isnull[i] = row->tts_isnull[column];
	}
	return true;
}

// Copies one source row into the batch and finds its shard group.
void add_row(ShardInsertState *state, TupleTableSlot *slot) {
	slot_getallattrs(slot);
	test_checks(state->plan.checks, state->plan.relid, slot, state->columns);
	if (state->plan.triggers.before_rows && !pass_triggers(state, slot))
		return;
	MemoryContext old = MemoryContextSwitchTo(state->batch_context);
	const int first = state->row_count * state->columns;
	for (int i = 0; i < state->columns; i++) {
		Form_pg_attribute attribute = TupleDescAttr(state->source_desc, i);
		state->nulls[first + i] = slot->tts_isnull[i];
		if (slot->tts_isnull[i])
			continue;
		state->values[first + i] = datumCopy(slot->tts_values[i], attribute->attbyval, attribute->attlen);
		if (!attribute->attbyval)
			state->bytes += datumGetSize(slot->tts_values[i], false, attribute->attlen);
	}
	const int key = state->plan.key_position;
	state->groups[state->row_count] =
		key < 0 ? group_of_key(state->colocation, 0, true)
				: group_of_key(state->colocation, state->values[first + key], state->nulls[first + key]);
	state->row_count++;
	MemoryContextSwitchTo(old);
}

bool fill_batch(ShardInsertState *state) {
	begin_batch(state);
	while (!state->source_done && state->row_count < state->max_rows && state->bytes < kBatchBytes) {
		TupleTableSlot *slot = next_of_source(&state->source);
		if (TupIsNull(slot)) {
			// What the source itself changes at its end must not meet the rows that are inserted.
			state->source_done = true;
			finish_source(&state->source);
			break;
		}
		add_row(state, slot);
	}
	return state->row_count > 0;
}

// For RETURNING, or for AFTER triggers.
bool reads_rows(const ShardInsertState *state) {
	return state->plan.returning || state->plan.inserted != NIL;
}

StatementParams lifted_params(ShardInsertState *state, int more) {
	return evaluate_lifted(state->lifted, state->plan.lifted_types, state->css.ss.ps.ps_ExprContext, more);
}

// The statement for the batch's rows of one shard group, with its parameters.
StatementRequest make_statement(ShardInsertState *state, int group, const NodeInfo *node, int *row_numbers,
								int *row_count) {
	const int lifted_count = list_length(state->lifted);
	StatementRequest request{};
	StringInfoData sql;
	initStringInfo(&sql);
	const int64 group_id = state->colocation->groups[group].id;
	append_shard_sql(&sql, state->plan.head, group_id, node->is_local());
	appendStringInfoString(&sql, "VALUES ");
	int rows = 0;
	for (int r = 0; r < state->row_count; r++)
		rows += state->groups[r] == group;
	StatementParams &params = request.params;
	params = lifted_params(state, rows * state->columns);
	int number = lifted_count;
	*row_count = 0;
	for (int r = 0; r < state->row_count; r++) {
		if (state->groups[r] != group)
			continue;
		appendStringInfoString(&sql, *row_count == 0 ? "(" : ", (");
		row_numbers[(*row_count)++] = r;
		for (int i = 0; i < state->columns; i++) {
			params.types[number] = state->types[i];
			params.values[number] = state->values[r * state->columns + i];
			params.nulls[number] = state->nulls[r * state->columns + i];
			number++;
			appendStringInfo(&sql, "%s$%d%s", i == 0 ? "" : ", ", number, state->casts[i]);
		}
		if (state->columns == 0)
			appendStringInfoString(&sql, "DEFAULT");
		appendStringInfoChar(&sql, ')');
	}
	appendStringInfoChar(&sql, ' ');
	append_shard_sql(&sql, state->plan.tail, group_id, node->is_local());
	request.node = node;
	request.sql = sql.data;
	request.result = reads_rows(state) ? state->result_desc : nullptr;
	request.scope = Scope::Write;
	return request;
}

// Stores RETURNING rows of one statement, or remembers them by their input's position.
struct OrderedRows {
	Datum *values;
	bool *nulls;
	bool *present;
};

// ctid means one row of the whole table.
void complete_row_id(ShardInsertState *state, int group) {
	const int column = state->plan.row_id_column;
	if (column < 0 || state->result_row->tts_isnull[column])
		return;
	auto *row_id =
		static_cast<ItemPointer>(MemoryContextAlloc(state->batch_context, sizeof(ItemPointerData)));
	make_row_id(row_id, reinterpret_cast<ItemPointer>(DatumGetPointer(state->result_row->tts_values[column])),
				group);
	state->result_row->tts_values[column] = PointerGetDatum(row_id);
}

// AFTER triggers get the rows that have come back.
void queue_inserted(ShardInsertState *state) {
	if (state->inserted == nullptr)
		return;
	TupleTableSlot *row = state->triggers->inserted;
	TupleTableSlot *kept = MakeSingleTupleTableSlot(state->result_desc, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(state->inserted, true, false, kept)) {
		slot_getallattrs(kept);
		start_queued_row(state->triggers);
		int column = 0;
		const ListCell *cell;
		foreach (cell, state->plan.inserted) {
			const int place = lfirst_int(cell);
			row->tts_isnull[column] = place < 0 || kept->tts_isnull[place];
			row->tts_values[column] = place < 0 ? 0 : kept->tts_values[place];
			column++;
		}
		ExecStoreVirtualTuple(row);
		queue_after_row(state->triggers, CMD_INSERT, row, true);
	}
	ExecDropSingleTupleTableSlot(kept);
	tuplestore_end(state->inserted);
	state->inserted = nullptr;
}

// So do the rows of a batch, where all of them are inserted.
void queue_batch(ShardInsertState *state) {
	if (!state->plan.triggers.after_rows || state->plan.inserted != NIL)
		return;
	for (int r = 0; r < state->row_count; r++) {
		TupleTableSlot *row = state->triggers->inserted;
		start_queued_row(state->triggers);
		fill_new_row(state, row, state->values + r * state->columns, state->nulls + r * state->columns);
		queue_after_row(state->triggers, CMD_INSERT, row);
	}
}

void read_results(ShardInsertState *state, RowStream *stream, int group, const int *row_numbers, int expected,
				  OrderedRows *ordered) {
	const int columns = state->result_desc->natts;
	int position = 0;
	while (stream->next(reads_rows(state) ? state->result_row : nullptr)) {
		if (state->plan.inserted != NIL) {
			if (state->inserted == nullptr)
				state->inserted = tuplestore_begin_heap(false, false, work_mem);
			tuplestore_puttupleslot(state->inserted, state->result_row);
		}
		if (!state->plan.returning) {
			position++;
			continue;
		}
		complete_row_id(state, group);
		if (!state->plan.keeps_order) {
			tuplestore_puttupleslot(state->results, state->result_row);
			position++;
			continue;
		}
		if (position >= expected)
			break;
		const int row = row_numbers[position++];
		MemoryContext old = MemoryContextSwitchTo(state->batch_context);
		ordered->present[row] = true;
		for (int i = 0; i < columns; i++) {
			Form_pg_attribute attribute = TupleDescAttr(state->result_desc, i);
			ordered->nulls[row * columns + i] = state->result_row->tts_isnull[i];
			if (!state->result_row->tts_isnull[i])
				ordered->values[row * columns + i] =
					datumCopy(state->result_row->tts_values[i], attribute->attbyval, attribute->attlen);
		}
		MemoryContextSwitchTo(old);
	}
	if (state->plan.sets_tag && !state->plan.returning)
		state->css.ss.ps.state->es_processed +=
			state->plan.inserted != NIL ? static_cast<uint64>(position) : stream->affected_rows();
	stream->close();
}

void flush_batch(ShardInsertState *state) {
	MemoryContext old = MemoryContextSwitchTo(state->batch_context);
	const int group_count = state->colocation->group_count;
	auto **streams = static_cast<RowStream **>(palloc0(sizeof(RowStream *) * group_count));
	auto **row_numbers = static_cast<int **>(palloc0(sizeof(int *) * group_count));
	auto *counts = static_cast<int *>(palloc0(sizeof(int) * group_count));
	auto *used = static_cast<bool *>(palloc0(sizeof(bool) * group_count));
	for (int r = 0; r < state->row_count; r++)
		used[state->groups[r]] = true;
	for (int g = 0; g < group_count; g++) {
		if (!used[g])
			continue;
		const NodeInfo *node = find_node(state->colocation->groups[g].node_id);
		row_numbers[g] = static_cast<int *>(palloc(sizeof(int) * state->row_count));
		note_write(state->plan.relid, g, may_update(state->plan));
		streams[g] = open_stream(make_statement(state, g, node, row_numbers[g], &counts[g]));
	}
	OrderedRows ordered{};
	if (state->plan.keeps_order) {
		const int cells = state->row_count * state->result_desc->natts + 1;
		ordered.values = static_cast<Datum *>(palloc0(sizeof(Datum) * cells));
		ordered.nulls = static_cast<bool *>(palloc0(sizeof(bool) * cells));
		ordered.present = static_cast<bool *>(palloc0(sizeof(bool) * (state->row_count + 1)));
	}
	MemoryContextSwitchTo(old);
	for (int g = 0; g < group_count; g++)
		if (used[g])
			read_results(state, streams[g], g, row_numbers[g], counts[g], &ordered);
	if (state->plan.keeps_order) {
		const int columns = state->result_desc->natts;
		for (int r = 0; r < state->row_count; r++)
			if (ordered.present[r])
				tuplestore_putvalues(state->results, state->result_desc, ordered.values + r * columns,
									 ordered.nulls + r * columns);
	}
	queue_batch(state);
	queue_inserted(state);
}

// Before the first rows are sent: the source must not see the rows that it has given already.
void prepare(ShardInsertState *state) {
	if (state->prepared)
		return;
	state->prepared = true;
	count_write();
	const ScansLeft left =
		start_scans(state->source.whole, state->plan.colocation_id, source_state(&state->source));
	if (left.others)
		start_other_scans(state->source.whole, state->plan.colocation_id);
	const PlannedStmt *source = state->plan.source.statement;
	state->together = state->plan.one_statement || left.own || (source != nullptr && source->hasModifyingCTE);
}

// A trigger wants to see the rows before its own. (Not where the statement must not see them itself.)
void send_waiting(void *insert) {
	auto *state = static_cast<ShardInsertState *>(insert);
	prepare(state);
	if (state->together)
		return;
	MemoryContext old = MemoryContextSwitchTo(state->css.ss.ps.state->es_query_cxt);
	flush_batch(state);
	begin_batch(state);
	state->pending.rows = 0;
	MemoryContextSwitchTo(old);
}

// All rows to staging tables, starting with the batch at hand, then one command per shard group.
void run_staged(ShardInsertState *state) {
	StagedRows staged(state->plan.relid, state->plan.attnums);
	do {
		staged.add(state->values, state->nulls, state->groups, state->row_count);
		queue_batch(state);
	} while (fill_batch(state));
	staged.finish();

	MemoryContextReset(state->batch_context);
	MemoryContext old = MemoryContextSwitchTo(state->batch_context);
	List *streams = NIL, *groups = NIL;
	for (int g = 0; g < state->colocation->group_count; g++) {
		if (!staged.has_rows(g))
			continue;
		note_write(state->plan.relid, g, may_update(state->plan));
		StatementRequest request{};
		request.node = find_node(state->colocation->groups[g].node_id);
		const int64 group_id = state->colocation->groups[g].id;
		StringInfoData sql;
		initStringInfo(&sql);
		append_shard_sql(&sql, state->plan.head, group_id, request.node->is_local());
		appendStringInfo(&sql, "%s ", staged.select(g));
		append_shard_sql(&sql, state->plan.tail, group_id, request.node->is_local());
		request.sql = sql.data;
		request.params = lifted_params(state, 0);
		request.result = reads_rows(state) ? state->result_desc : nullptr;
		request.scope = Scope::Write;
		streams = lappend(streams, open_stream(request));
		groups = lappend_int(groups, g);
	}
	for (int i = 0; i < list_length(streams); i++)
		read_results(state, static_cast<RowStream *>(list_nth(streams, i)), list_nth_int(groups, i), nullptr,
					 0, nullptr);
	staged.drop();
	MemoryContextSwitchTo(old);
	queue_inserted(state);
}

void run_all(ShardInsertState *state) {
	MemoryContext old = MemoryContextSwitchTo(state->css.ss.ps.state->es_query_cxt);
	if (state->plan.returning) {
		state->results = tuplestore_begin_heap(false, false, work_mem);
		state->store_slot = MakeSingleTupleTableSlot(state->result_desc, &TTSOpsMinimalTuple);
	}
	fire_before_statement(state->triggers);
	if (fill_batch(state)) {
		prepare(state);
		if (state->together && !state->source_done && state->columns > 0)
			run_staged(state);
		else
			do
				flush_batch(state);
			while (fill_batch(state));
	}
	finish_source(&state->source);
	fire_after_statement(state->triggers);
	MemoryContextSwitchTo(old);
	state->finished = true;
}

TupleTableSlot *access_next(ScanState *node) {
	auto *state = reinterpret_cast<ShardInsertState *>(node);
	if (!state->finished)
		run_all(state);
	return next_returned(node, state->results, state->store_slot, state->plan.sets_tag);
}

TupleTableSlot *exec(CustomScanState *node) {
	return gate([&] { return ExecScan(&node->ss, access_next, no_recheck); });
}

void end(CustomScanState *node) {
	auto *state = state_of(node);
	gate([&] {
		end_source(&state->source);
		if (state->results != nullptr) {
			ExecDropSingleTupleTableSlot(state->store_slot);
			tuplestore_end(state->results);
		}
		if (state->result_row != nullptr)
			ExecDropSingleTupleTableSlot(state->result_row);
		end_triggers(state->triggers);
	});
}

void explain(CustomScanState *node, List *, ExplainState *es) {
	auto *state = state_of(node);
	gate([&] {
		ExplainPropertyText("Strategy", "rows evaluated here, sent to their shards", es);
		StringInfoData sql;
		initStringInfo(&sql);
		append_shard_sql(&sql, state->plan.head, state->colocation->groups[0].id, false);
		appendStringInfoString(&sql, "VALUES … ");
		append_shard_sql(&sql, state->plan.tail, state->colocation->groups[0].id, false);
		ExplainPropertyText("Remote SQL", sql.data, es);
		explain_source(&state->source, es);
	});
}

const CustomExecMethods kExecMethods = {"Shard Insert", begin,	 exec,	  end,	   refuse_rescan,
										nullptr,		nullptr, nullptr, nullptr, nullptr,
										nullptr,		nullptr, explain};

Node *create_state(CustomScan *) {
	auto *state = static_cast<ShardInsertState *>(palloc0(sizeof(ShardInsertState)));
	NodeSetTag(state, T_CustomScanState);
	state->css.methods = &kExecMethods;
	return reinterpret_cast<Node *>(state);
}

const CustomScanMethods kMethods = {"Shard Insert", create_state};

} // namespace

void register_shard_insert() {
	RegisterCustomScanMethods(&kMethods);
	scan_methods.insert = &kMethods;
}

} // namespace shardext

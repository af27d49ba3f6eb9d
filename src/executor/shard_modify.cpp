// Shard Modify: UPDATE and DELETE that run whole on the shards.
//
// Each node gets one statement for all its shard groups (data-modifying CTEs), so that it works with one
// snapshot. All are sent before the first answer is read.
#include "shardext/executor/nodes.hpp"
#include "shardext/executor/tasks.hpp"
#include "shardext/planner/write_plan.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/row_stream.hpp"

extern "C" {
#include "executor/executor.h"
#include "nodes/extensible.h"
}

namespace shardext {

namespace {

struct ShardModifyState {
	CustomScanState css; // must be first
	ModifyPlan plan;
	List *lifted, *pins;
	TupleDesc result_desc; // what tasks return
	TupleTableSlot *row;
	TaskSet tasks;
	RowStream **streams;
	int current;
	bool started, finished;
};

ShardModifyState *state_of(CustomScanState *node) {
	return reinterpret_cast<ShardModifyState *>(node);
}

void begin(CustomScanState *node, EState *, int) {
	auto *state = state_of(node);
	gate([&] {
		auto *scan = reinterpret_cast<CustomScan *>(node->ss.ps.plan);
		state->plan = ModifyPlan::from_private(scan->custom_private);
		const int lifted_count = list_length(state->plan.scan.lifted_types);
		int position = 0;
		foreach_ptr (Expr, expr, scan->custom_exprs) {
			ExprState *expr_state = ExecInitExpr(expr, &node->ss.ps);
			if (position++ < lifted_count)
				state->lifted = lappend(state->lifted, expr_state);
			else
				state->pins = lappend(state->pins, expr_state);
		}
		const ScanPlan &columns = state->plan.scan;
		state->result_desc = CreateTemplateTupleDesc(list_length(columns.column_types));
		for (int i = 0; i < state->result_desc->natts; i++)
			TupleDescInitEntry(state->result_desc, i + 1, nullptr, list_nth_oid(columns.column_types, i),
							   list_nth_int(columns.column_typmods, i), 0);
		state->row = MakeSingleTupleTableSlot(state->result_desc, &TTSOpsVirtual);
	});
}

StatementParams evaluate(ShardModifyState *state) {
	StatementParams params;
	params.count = list_length(state->lifted);
	params.types = static_cast<Oid *>(palloc0(sizeof(Oid) * (params.count + 1)));
	params.values = static_cast<Datum *>(palloc0(sizeof(Datum) * (params.count + 1)));
	params.nulls = static_cast<bool *>(palloc0(sizeof(bool) * (params.count + 1)));
	for (int i = 0; i < params.count; i++) {
		params.types[i] = list_nth_oid(state->plan.scan.lifted_types, i);
		params.values[i] = ExecEvalExpr(static_cast<ExprState *>(list_nth(state->lifted, i)),
										state->css.ss.ps.ps_ExprContext, &params.nulls[i]);
	}
	return params;
}

void start(ShardModifyState *state) {
	MemoryContext old = MemoryContextSwitchTo(state->css.ss.ps.state->es_query_cxt);
	ColocationGroup *colocation = find_colocation_group(state->plan.scan.colocation_id);
	const StatementParams params = evaluate(state);
	GroupSet groups = all_groups(colocation);
	int pin = 0;
	const ListCell *cell;
	foreach (cell, state->plan.scan.pin_kinds) {
		const auto kind = static_cast<KeyPin::Kind>(lfirst_int(cell));
		auto *expr = static_cast<ExprState *>(list_nth(state->pins, pin++));
		bool isnull = true;
		Datum value =
			kind == KeyPin::IsNull ? 0 : ExecEvalExpr(expr, state->css.ss.ps.ps_ExprContext, &isnull);
		restrict_groups(&groups, colocation, kind, value, exprType(reinterpret_cast<Node *>(expr->expr)),
						isnull);
	}
	state->tasks = make_write_tasks(colocation, groups, state->plan.scan.pieces, state->plan.returning);
	state->streams = static_cast<RowStream **>(palloc0(sizeof(RowStream *) * (state->tasks.count + 1)));
	// One count comes back from a node with several shard groups and no RETURNING.
	TupleDesc count_desc = CreateTemplateTupleDesc(1);
	TupleDescInitEntry(count_desc, 1, "count", INT8OID, -1, 0);
	for (int i = 0; i < state->tasks.count; i++) {
		const Task &task = state->tasks.tasks[i];
		StatementRequest request{};
		request.node = task.node;
		request.sql = task.sql;
		request.params = params;
		request.result = state->plan.returning	? state->result_desc
						 : task.group_count > 1 ? count_desc
												: nullptr;
		request.scope = Scope::Write;
		request.needs_settings = state->plan.scan.needs_settings;
		state->streams[i] = open_stream(request);
	}
	state->started = true;
	MemoryContextSwitchTo(old);
}

void count_rows(ShardModifyState *state, uint64 rows) {
	if (state->plan.sets_tag)
		state->css.ss.ps.state->es_processed += rows;
}

// Without RETURNING: adds up what the nodes have changed.
void run_without_rows(ShardModifyState *state) {
	TupleDesc count_desc = CreateTemplateTupleDesc(1);
	TupleDescInitEntry(count_desc, 1, "count", INT8OID, -1, 0);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(count_desc, &TTSOpsVirtual);
	for (int i = 0; i < state->tasks.count; i++) {
		RowStream *stream = state->streams[i];
		if (state->tasks.tasks[i].group_count > 1) {
			while (stream->next(slot))
				count_rows(state, DatumGetInt64(slot->tts_values[0]));
		} else {
			while (stream->next(nullptr)) {
			}
			count_rows(state, stream->affected_rows());
		}
		stream->close();
	}
	ExecDropSingleTupleTableSlot(slot);
}

void check_row(ShardModifyState *state) {
	const int columns = state->result_desc->natts - state->plan.check_count;
	for (int i = 0; i < state->plan.check_count; i++)
		if (state->row->tts_isnull[columns + i] || !DatumGetBool(state->row->tts_values[columns + i]))
			raise_check_violation(state->plan.relid, strVal(list_nth(state->plan.check_names, i)));
}

TupleTableSlot *access_next(ScanState *node) {
	auto *state = reinterpret_cast<ShardModifyState *>(node);
	TupleTableSlot *slot = node->ss_ScanTupleSlot;
	ExecClearTuple(slot);
	if (state->finished)
		return slot;
	if (!state->started)
		start(state);
	if (!state->plan.returning) {
		run_without_rows(state);
		state->finished = true;
		return slot;
	}
	while (state->current < state->tasks.count) {
		if (!state->streams[state->current]->next(state->row)) {
			state->streams[state->current]->close();
			state->current++;
			continue;
		}
		count_rows(state, 1);
		check_row(state);
		const int columns = slot->tts_tupleDescriptor->natts;
		for (int i = 0; i < columns; i++) {
			slot->tts_values[i] = state->row->tts_values[i];
			slot->tts_isnull[i] = state->row->tts_isnull[i];
		}
		return ExecStoreVirtualTuple(slot);
	}
	state->finished = true;
	return slot;
}

bool recheck(ScanState *, TupleTableSlot *) {
	return true;
}

TupleTableSlot *exec(CustomScanState *node) {
	return gate([&] { return ExecScan(&node->ss, access_next, recheck); });
}

void end(CustomScanState *node) {
	auto *state = state_of(node);
	gate([&] {
		if (state->started && !state->finished)
			for (int i = state->current; i < state->tasks.count; i++)
				state->streams[i]->close();
		if (state->row != nullptr)
			ExecDropSingleTupleTableSlot(state->row);
	});
}

void rescan(CustomScanState *) {
	ereport(ERROR, errmsg("a write cannot be repeated"));
}

void explain(CustomScanState *node, List *, ExplainState *es) {
	auto *state = state_of(node);
	gate([&] {
		explain_tasks(state->plan.scan, state->started ? &state->tasks : nullptr, state->pins, state->lifted,
					  node->ss.ps.ps_ExprContext, es, {true, state->plan.returning});
	});
}

const CustomExecMethods kExecMethods = {"Shard Modify", begin,	 exec,	  end,	   rescan,	nullptr, nullptr,
										nullptr,		nullptr, nullptr, nullptr, nullptr, explain};

Node *create_state(CustomScan *) {
	auto *state = static_cast<ShardModifyState *>(palloc0(sizeof(ShardModifyState)));
	NodeSetTag(state, T_CustomScanState);
	state->css.methods = &kExecMethods;
	return reinterpret_cast<Node *>(state);
}

const CustomScanMethods kMethods = {"Shard Modify", create_state};

} // namespace

void register_shard_modify() {
	RegisterCustomScanMethods(&kMethods);
	scan_methods.modify = &kMethods;
}

void raise_check_violation(Oid relid, const char *check_name) {
	const char *table = get_rel_name(relid);
	if (check_name != nullptr && check_name[0] != '\0')
		ereport(
			ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("new row violates row-level security policy \"%s\" for table \"%s\"", check_name, table));
	ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("new row violates row-level security policy for table \"%s\"", table));
	pg_unreachable();
}

} // namespace shardext

// Shard Modify: UPDATE and DELETE that run whole on the shards.
//
// Each node gets one statement for all its shard groups (data-modifying CTEs), so that it works with one
// snapshot. All are sent before the first answer is read.
#include "shardext/executor/node_parts.hpp"
#include "shardext/executor/nodes.hpp"
#include "shardext/executor/statement_scans.hpp"
#include "shardext/executor/tasks.hpp"
#include "shardext/executor/write_triggers.hpp"
#include "shardext/planner/write_plan.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/row_stream.hpp"
#include "shardext/transaction/serializable.hpp"

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
	const EState *whole; // the statement's
	WriteTriggers *triggers;
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
		state->plan =
			ModifyPlan::from_private(reinterpret_cast<CustomScan *>(node->ss.ps.plan)->custom_private);
		const ScanPlan &tasks = state->plan.scan;
		init_expressions(node, list_length(tasks.lifted_types), &state->lifted, &state->pins);
		state->result_desc = result_descriptor(tasks.column_types, tasks.column_typmods);
		state->row = MakeSingleTupleTableSlot(state->result_desc, &TTSOpsVirtual);
		state->whole = whole_statement(node->ss.ps.state);
		state->triggers = begin_triggers(state->plan.triggers, state->plan.relid, state->whole,
										 node->ss.ps.state->es_query_cxt);
		if (!state->plan.sets_tag)
			run_to_the_end(node);
	});
}

void start(ShardModifyState *state) {
	start_other_scans(state->whole, state->plan.scan.colocation_id);
	count_write();
	MemoryContext old = MemoryContextSwitchTo(state->css.ss.ps.state->es_query_cxt);
	ColocationGroup *colocation = find_colocation_group(state->plan.scan.colocation_id);
	ExprContext *context = state->css.ss.ps.ps_ExprContext;
	const StatementParams params = evaluate_lifted(state->lifted, state->plan.scan.lifted_types, context);
	const GroupSet groups = groups_of_pins(colocation, state->plan.scan.pin_kinds, state->pins, context);
	note_reads(state->css.ss.ps.state->es_range_table, colocation, groups.member);
	note_writes(state->plan.relid, groups.member, true);
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

TupleTableSlot *access_next(ScanState *node) {
	auto *state = reinterpret_cast<ShardModifyState *>(node);
	TupleTableSlot *slot = node->ss_ScanTupleSlot;
	ExecClearTuple(slot);
	if (state->finished)
		return slot;
	if (!state->started) {
		fire_before_statement(state->triggers);
		start(state);
	}
	if (!state->plan.returning) {
		run_without_rows(state);
		fire_after_statement(state->triggers);
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
		test_checks(state->plan.checks, state->plan.relid, state->row, state->plan.first_check);
		return pass_row(state->row, slot);
	}
	fire_after_statement(state->triggers);
	state->finished = true;
	return slot;
}

TupleTableSlot *exec(CustomScanState *node) {
	return gate([&] { return ExecScan(&node->ss, access_next, no_recheck); });
}

void end(CustomScanState *node) {
	auto *state = state_of(node);
	gate([&] {
		if (state->started && !state->finished)
			for (int i = state->current; i < state->tasks.count; i++)
				state->streams[i]->close();
		if (state->row != nullptr)
			ExecDropSingleTupleTableSlot(state->row);
		end_triggers(state->triggers);
	});
}

void explain(CustomScanState *node, List *, ExplainState *es) {
	auto *state = state_of(node);
	gate([&] {
		explain_tasks(state->plan.scan, state->started ? &state->tasks : nullptr, state->pins, state->lifted,
					  node->ss.ps.ps_ExprContext, es, {true, state->plan.returning});
	});
}

const CustomExecMethods kExecMethods = {"Shard Modify", begin,	 exec,	  end,	   refuse_rescan,
										nullptr,		nullptr, nullptr, nullptr, nullptr,
										nullptr,		nullptr, explain};

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

} // namespace shardext

// Where a write node's rows come from.
#include "shardext/executor/write_source.hpp"

#include "shardext/executor/statement_scans.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "executor/executor.h"
#include "tcop/dest.h"
}

namespace shardext {

namespace {

void start(void *source) {
	auto *own = static_cast<WriteSource *>(source);
	ExecutorStart(own->statement, own->flags);
}

// The WITH query's plan, found by its mark: the name of its first column.
PlanState *find_part(EState *estate, const char *mark) {
	foreach_ptr (PlanState, part, estate->es_subplanstates) {
		const TargetEntry *first = part != nullptr && part->plan->targetlist != NIL
									   ? linitial_node(TargetEntry, part->plan->targetlist)
									   : nullptr;
		if (first != nullptr && first->resname != nullptr && strcmp(first->resname, mark) == 0)
			return part;
	}
	elog(ERROR, "source of a write is not part of the plan");
}

bool changes_reference_table(const PlannedStmt *statement) {
	const ListCell *cell;
	foreach (cell, statement->resultRelations) {
		const DistributedTable *table = find_distributed_table(
			list_nth_node(RangeTblEntry, statement->rtable, lfirst_int(cell) - 1)->relid);
		if (table != nullptr && !table->is_sharded())
			return true;
	}
	return false;
}

} // namespace

void begin_source(WriteSource *source, CustomScanState *node, const SourcePlan &plan, Snapshot snapshot,
				  int eflags) {
	EState *estate = node->ss.ps.state;
	source->plan = plan;
	source->node = node;
	if (source->whole == nullptr) // (else it is run again)
		source->whole = whole_statement(estate);
	if (plan.statement == nullptr) {
		source->part = find_part(estate, plan.mark);
		return;
	}
	// Triggers of what it changes fire when the user's statement ends; but copies of reference tables must be
	// there before the rows that refer to them.
	source->flags = (eflags & EXEC_FLAG_EXPLAIN_ONLY) |
					(changes_reference_table(plan.statement) ? 0 : EXEC_FLAG_SKIP_TRIGGERS);
	source->statement =
		CreateQueryDesc(plan.statement, estate->es_sourceText, snapshot, InvalidSnapshot, None_Receiver,
						estate->es_param_list_info, estate->es_queryEnv, estate->es_instrument);
	start_as_part(source->whole, start, source);
	source->part = source->statement->planstate;
}

TupleDesc source_descriptor(const WriteSource *source) {
	return source->statement != nullptr ? source->statement->tupDesc : ExecGetResultType(source->part);
}

TupleTableSlot *next_of_source(WriteSource *source) {
	if (source->statement == nullptr)
		return ExecProcNode(source->part); // hidden columns come last
	EState *estate = source->statement->estate;
	ResetPerTupleExprContext(estate);
	TupleTableSlot *slot = ExecProcNode(source->part);
	if (!TupIsNull(slot) && estate->es_junkFilter != nullptr)
		slot = ExecFilterJunk(estate->es_junkFilter, slot);
	return slot;
}

void finish_source(WriteSource *source) {
	if (source->statement != nullptr && !source->statement->estate->es_finished &&
		!(source->flags & EXEC_FLAG_EXPLAIN_ONLY))
		ExecutorFinish(source->statement);
}

void end_source(WriteSource *source) {
	if (source->statement == nullptr)
		return;
	finish_source(source);
	ExecutorEnd(source->statement);
	FreeQueryDesc(source->statement);
	source->statement = nullptr;
}

bool may_run_again(const WriteSource *source) {
	return source->plan.statement != nullptr && !source->plan.statement->hasModifyingCTE;
}

const EState *source_state(const WriteSource *source) {
	return source->statement != nullptr ? source->statement->estate : nullptr;
}

void explain_source(const WriteSource *source, const ExplainState *es) {
	if (source->statement == nullptr)
		return;
	ExplainState inner = *es; // it belongs to one plan at a time; the text is shared
	inner.settings = false;
	ExplainPrintPlan(&inner, source->statement);
}

} // namespace shardext

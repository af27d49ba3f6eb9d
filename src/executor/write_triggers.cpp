// Firing the user's triggers of a distributed table.
#include "shardext/executor/write_triggers.hpp"

#include "shardext/executor/nodes.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/planner/user_triggers.hpp"

extern "C" {
#include "access/heapam.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "utils/snapmgr.h"
}

namespace shardext {

namespace {

// The table as one whose rows are not here. PostgreSQL opens no such copy and closes none: only triggers
// look at it, and they ask for its columns and its name.
Relation as_foreign_table(Relation relation) {
	auto *copy = static_cast<Relation>(palloc(sizeof(RelationData)));
	*copy = *relation;
	copy->rd_smgr = nullptr;
	copy->rd_rel = static_cast<Form_pg_class>(palloc(sizeof(FormData_pg_class)));
	memcpy(copy->rd_rel, relation->rd_rel, CLASS_TUPLE_SIZE);
	copy->rd_rel->relkind = RELKIND_FOREIGN_TABLE;
	return copy;
}

bool may_be_deferred(const TriggerDesc *triggers) {
	for (int i = 0; i < triggers->numtriggers; i++)
		if (triggers->triggers[i].tgdeferrable)
			return true;
	return false;
}

// Statements on local shards are statements within the user's to PostgreSQL, also where they are not over
// before it goes on: they may fire what has been queued meanwhile.
bool may_write_here(const EState *whole) {
	foreach_node (RangeTblEntry, rte, whole->es_range_table) {
		const DistributedTable *table =
			rte->rtekind == RTE_RELATION ? find_distributed_table(rte->relid) : nullptr;
		for (int i = 0; table != nullptr && i < table->colocation->group_count; i++)
			if (table->is_sharded() && table->colocation->groups[i].node_id == kLocalNode)
				return true;
	}
	return false;
}

ResultRelInfo *make_target(WriteTriggers *triggers) {
	ResultRelInfo *target = makeNode(ResultRelInfo);
	InitResultRelInfo(target, triggers->relation, 1, nullptr, triggers->whole->es_instrument);
	if (target->ri_TrigDesc == nullptr)
		target->ri_TrigDesc = static_cast<TriggerDesc *>(palloc0(sizeof(TriggerDesc)));
	keep_user_triggers(target->ri_TrigDesc);
	// Else functions would be looked up in whatever context the first row comes in.
	for (int i = 0; i < target->ri_TrigDesc->numtriggers; i++)
		fmgr_info(target->ri_TrigDesc->triggers[i].tgfoid, &target->ri_TrigFunctions[i]);
	return target;
}

// Its range table says which columns SET names.
EState *make_estate(WriteTriggers *triggers) {
	EState *estate = CreateExecutorState();
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	rte->rtekind = RTE_RELATION;
	rte->relid = RelationGetRelid(triggers->relation);
	rte->relkind = triggers->relation->rd_rel->relkind;
	rte->rellockmode = RowExclusiveLock;
	rte->eref = makeAlias(RelationGetRelationName(triggers->relation), NIL);
	const ListCell *cell;
	foreach (cell, triggers->plan.updated)
		rte->updatedCols =
			bms_add_member(rte->updatedCols, lfirst_int(cell) - FirstLowInvalidHeapAttributeNumber);
	ExecInitRangeTable(estate, list_make1(rte));
	MemoryContextSwitchTo(old);
	return estate;
}

void init_queue(WriteTriggers *triggers) {
	// (Also where the events may be fired by another statement than this one, which does not know the copy.)
	triggers->waits = may_write_here(triggers->whole);
	triggers->keeps_rows = may_be_deferred(triggers->target->ri_TrigDesc) || triggers->waits ||
						   (triggers->whole->es_top_eflags & EXEC_FLAG_SKIP_TRIGGERS) != 0;
	// The columns that are generated from those that SET names count, too.
	const Bitmapset *updated = ExecGetAllUpdatedCols(triggers->target, triggers->estate);
	exec_rt_fetch(1, triggers->queue_estate)->updatedCols = bms_copy(updated);
	triggers->queued = makeNode(ResultRelInfo);
	*triggers->queued = *triggers->target;
	if (!triggers->keeps_rows)
		triggers->queued->ri_RelationDesc = as_foreign_table(triggers->relation);
	// The statement finds it there when it fires the events.
	MemoryContext old = MemoryContextSwitchTo(triggers->whole->es_query_cxt);
	triggers->whole->es_tuple_routing_result_relations =
		lappend(triggers->whole->es_tuple_routing_result_relations, triggers->queued);
	MemoryContextSwitchTo(old);
}

void init_captures(WriteTriggers *triggers) {
	triggers->captured = MakeTransitionCaptureState(
		triggers->target->ri_TrigDesc, RelationGetRelid(triggers->relation), triggers->plan.operation);
}

void init_checks(WriteTriggers *triggers) {
	foreach_node (WithCheckOption, check, triggers->plan.checks)
		triggers->conditions = lappend(
			triggers->conditions, ExecPrepareExpr(reinterpret_cast<Expr *>(check->qual), triggers->estate));
}

bool concerns(const WithCheckOption *check, CmdType command) {
	return check->kind == WCO_VIEW_CHECK ||
		   check->kind == (command == CMD_INSERT ? WCO_RLS_INSERT_CHECK : WCO_RLS_UPDATE_CHECK);
}

void test_conditions(WriteTriggers *triggers, CmdType command) {
	ExprContext *context = GetPerTupleExprContext(triggers->estate);
	context->ecxt_scantuple = triggers->new_row;
	int number = 0;
	foreach_ptr (ExprState, condition, triggers->conditions) {
		auto *check = list_nth_node(WithCheckOption, triggers->plan.checks, number++);
		if (!concerns(check, command))
			continue;
		bool isnull;
		const Datum value = ExecEvalExprSwitchContext(condition, context, &isnull);
		if (!isnull && DatumGetBool(value))
			continue;
		RowChecks one;
		List *attnums = NIL, *places = NIL;
		for (int i = 0; i < RelationGetDescr(triggers->relation)->natts; i++) {
			attnums = lappend_int(attnums, i + 1);
			places = lappend_int(places, i);
		}
		add_check(&one, check, attnums, places);
		slot_getallattrs(triggers->new_row);
		raise_check_violation(one, 0, RelationGetRelid(triggers->relation), triggers->new_row);
	}
}

HeapTuple form_row(WriteTriggers *triggers, EState *estate, TupleTableSlot *row) {
	MemoryContext old = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));
	slot_getallattrs(row);
	HeapTuple tuple = heap_form_tuple(RelationGetDescr(triggers->relation), row->tts_values, row->tts_isnull);
	tuple->t_tableOid = RelationGetRelid(triggers->relation);
	MemoryContextSwitchTo(old);
	return tuple;
}

// Puts a row into the coordinator's table, deleted at once: nobody sees it but who knows its place.
ItemPointerData keep_row(WriteTriggers *triggers, TupleTableSlot *row) {
	HeapTuple tuple = form_row(triggers, triggers->queue_estate, row);
	const CommandId command = GetCurrentCommandId(true);
	heap_insert(triggers->relation, tuple, command, HEAP_INSERT_NO_LOGICAL, nullptr);
	TM_FailureData failure;
	const TM_Result result =
		heap_delete(triggers->relation, &tuple->t_self, command + 1, InvalidSnapshot, false, &failure, false);
	if (result != TM_Ok)
		elog(ERROR, "could not keep a row for AFTER triggers");
	return tuple->t_self;
}

// Stands among the nodes that PostgreSQL runs to their end when the statement ends.
struct EndOfTriggers {
	ResultState node; // must be first
	WriteTriggers *triggers;
};

void queue_row(WriteTriggers *triggers, CmdType command, TupleTableSlot *new_row) {
	const TriggerDesc *kinds = triggers->target->ri_TrigDesc;
	EState *estate = triggers->queue_estate;
	ResultRelInfo *target = triggers->queued;
	TransitionCaptureState *capture = triggers->captured;
	const bool keeps = triggers->keeps_rows && (command == CMD_INSERT	? kinds->trig_insert_after_row
												: command == CMD_UPDATE ? kinds->trig_update_after_row
																		: kinds->trig_delete_after_row);
	ItemPointerData old_place;
	ItemPointerSetInvalid(&old_place);
	if (keeps && command != CMD_INSERT)
		old_place = keep_row(triggers, triggers->old_row);
	if (keeps && command != CMD_DELETE)
		new_row->tts_tid = keep_row(triggers, new_row);
	HeapTuple old = keeps || command == CMD_INSERT ? nullptr : form_row(triggers, estate, triggers->old_row);
	if (command == CMD_INSERT)
		ExecARInsertTriggers(estate, target, new_row, NIL, capture);
	else if (command == CMD_UPDATE)
		ExecARUpdateTriggers(estate, target, nullptr, nullptr, keeps ? &old_place : nullptr, old, new_row,
							 NIL, capture, false);
	else
		ExecARDeleteTriggers(estate, target, keeps ? &old_place : nullptr, old, capture, false);
}

void queue_after_statement(WriteTriggers *triggers) {
	for (int i = list_length(triggers->plan.commands) - 1; i >= 0; i--) {
		const auto command = static_cast<CmdType>(list_nth_int(triggers->plan.commands, i));
		if (command == CMD_INSERT)
			ExecASInsertTriggers(triggers->estate, triggers->target, triggers->captured);
		else if (command == CMD_UPDATE)
			ExecASUpdateTriggers(triggers->estate, triggers->target, triggers->captured);
		else
			ExecASDeleteTriggers(triggers->estate, triggers->target, triggers->captured);
	}
}

void fetch_waiting(WriteTriggers *triggers, TupleTableSlot *stored, TupleTableSlot *row) {
	if (!tuplestore_gettupleslot(triggers->waiting, true, false, stored))
		elog(ERROR, "a row for AFTER triggers is missing");
	ExecCopySlot(row, stored);
}

void queue_waiting_rows(WriteTriggers *triggers) {
	TupleTableSlot *stored =
		MakeSingleTupleTableSlot(RelationGetDescr(triggers->relation), &TTSOpsMinimalTuple);
	for (int i = 0; i < triggers->commands.len; i++) {
		const char letter = triggers->commands.data[i];
		start_row(triggers);
		start_queued_row(triggers);
		if (letter != 'i')
			fetch_waiting(triggers, stored, triggers->old_row);
		if (letter != 'd')
			fetch_waiting(triggers, stored, triggers->new_row);
		queue_row(triggers,
				  letter == 'i'	  ? CMD_INSERT
				  : letter == 'u' ? CMD_UPDATE
								  : CMD_DELETE,
				  triggers->new_row);
	}
	ExecDropSingleTupleTableSlot(stored);
	tuplestore_end(triggers->waiting);
	triggers->waiting = nullptr;
}

TupleTableSlot *queue_all_waiting(PlanState *node) {
	WriteTriggers *triggers = reinterpret_cast<EndOfTriggers *>(node)->triggers;
	gate([&] {
		if (triggers->waiting != nullptr)
			queue_waiting_rows(triggers);
		queue_after_statement(triggers);
	});
	return nullptr;
}

} // namespace

WriteTriggers *begin_triggers(const TriggerPlan &plan, Oid relid, const EState *whole, MemoryContext memory) {
	if (!plan.any())
		return nullptr;
	MemoryContext old = MemoryContextSwitchTo(memory);
	auto *triggers = new (palloc0(sizeof(WriteTriggers))) WriteTriggers();
	triggers->plan = plan;
	triggers->whole = const_cast<EState *>(whole);
	triggers->relation = table_open(relid, RowExclusiveLock);
	triggers->estate = make_estate(triggers);
	triggers->queue_estate = make_estate(triggers);
	MemoryContextSwitchTo(triggers->estate->es_query_cxt);
	triggers->target = make_target(triggers);
	triggers->generated = make_target(triggers);
	triggers->old_row = MakeSingleTupleTableSlot(RelationGetDescr(triggers->relation), &TTSOpsVirtual);
	triggers->new_row = MakeSingleTupleTableSlot(RelationGetDescr(triggers->relation), &TTSOpsVirtual);
	triggers->inserted = MakeSingleTupleTableSlot(RelationGetDescr(triggers->relation), &TTSOpsVirtual);
	init_checks(triggers);
	init_queue(triggers);
	if ((whole->es_top_eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
		init_captures(triggers);
	MemoryContextSwitchTo(old);
	return triggers;
}

void end_triggers(WriteTriggers *triggers) {
	if (triggers == nullptr)
		return;
	if (triggers->waiting != nullptr) // the statement was not run to its end
		tuplestore_end(triggers->waiting);
	ExecDropSingleTupleTableSlot(triggers->old_row);
	ExecDropSingleTupleTableSlot(triggers->new_row);
	ExecDropSingleTupleTableSlot(triggers->inserted);
	for (EState *estate : {triggers->queue_estate, triggers->estate}) {
		ExecResetTupleTable(estate->es_tupleTable, false);
		FreeExecutorState(estate);
	}
	table_close(triggers->relation, NoLock);
}

void fire_before_statement(WriteTriggers *triggers) {
	if (triggers == nullptr)
		return;
	const ListCell *cell;
	foreach (cell, triggers->plan.commands) {
		const auto command = static_cast<CmdType>(lfirst_int(cell));
		if (command == CMD_INSERT)
			ExecBSInsertTriggers(triggers->estate, triggers->target);
		else if (command == CMD_UPDATE)
			ExecBSUpdateTriggers(triggers->estate, triggers->target);
		else
			ExecBSDeleteTriggers(triggers->estate, triggers->target);
	}
}

void fire_after_statement(WriteTriggers *triggers) {
	if (triggers == nullptr)
		return;
	if (!triggers->waits) {
		queue_after_statement(triggers);
		return;
	}
	MemoryContext old = MemoryContextSwitchTo(triggers->whole->es_query_cxt);
	auto *end = static_cast<EndOfTriggers *>(palloc0(sizeof(EndOfTriggers)));
	NodeSetTag(end, T_ResultState);
	end->node.ps.ExecProcNode = queue_all_waiting;
	end->node.ps.state = triggers->whole;
	end->triggers = triggers;
	triggers->whole->es_auxmodifytables = lappend(triggers->whole->es_auxmodifytables, end);
	MemoryContextSwitchTo(old);
}

void start_row(WriteTriggers *triggers) {
	ExecClearTuple(triggers->old_row);
	ExecClearTuple(triggers->new_row);
	ResetPerTupleExprContext(triggers->estate);
}

void start_queued_row(WriteTriggers *triggers) {
	ExecClearTuple(triggers->inserted);
	ResetPerTupleExprContext(triggers->queue_estate);
}

void complete_row(WriteTriggers *triggers, EState *estate, TupleTableSlot *row) {
	const TupleConstr *constraints = RelationGetDescr(triggers->relation)->constr;
	if (constraints != nullptr && constraints->has_generated_stored)
		ExecComputeStoredGenerated(triggers->generated, estate, row, CMD_INSERT);
}

bool fire_before_row(WriteTriggers *triggers, CmdType command) {
	const TriggerDesc *kinds = triggers->target->ri_TrigDesc;
	MemoryContext old = MemoryContextSwitchTo(GetPerTupleMemoryContext(triggers->estate));
	bool goes_on = true;
	if (command == CMD_INSERT && kinds->trig_insert_before_row)
		goes_on = ExecBRInsertTriggers(triggers->estate, triggers->target, triggers->new_row);
	else if (command == CMD_UPDATE && kinds->trig_update_before_row)
		goes_on = ExecBRUpdateTriggers(triggers->estate, nullptr, triggers->target, nullptr,
									   form_row(triggers, triggers->estate, triggers->old_row),
									   triggers->new_row, nullptr);
	else if (command == CMD_DELETE && kinds->trig_delete_before_row)
		goes_on = ExecBRDeleteTriggers(triggers->estate, nullptr, triggers->target, nullptr,
									   form_row(triggers, triggers->estate, triggers->old_row), nullptr);
	if (goes_on && triggers->conditions != NIL && command != CMD_DELETE) {
		complete_row(triggers, triggers->estate, triggers->new_row);
		test_conditions(triggers, command);
	}
	MemoryContextSwitchTo(old);
	return goes_on;
}

void queue_after_row(WriteTriggers *triggers, CmdType command, TupleTableSlot *new_row, bool is_complete) {
	if (command != CMD_DELETE && !is_complete)
		complete_row(triggers, triggers->queue_estate, new_row);
	if (!triggers->waits) {
		queue_row(triggers, command, new_row);
		return;
	}
	MemoryContext old = MemoryContextSwitchTo(triggers->estate->es_query_cxt);
	if (triggers->waiting == nullptr) {
		triggers->waiting = tuplestore_begin_heap(false, false, work_mem);
		initStringInfo(&triggers->commands);
	}
	appendStringInfoChar(&triggers->commands, command == CMD_INSERT	  ? 'i'
											  : command == CMD_UPDATE ? 'u'
																	  : 'd');
	if (command != CMD_INSERT)
		tuplestore_puttupleslot(triggers->waiting, triggers->old_row);
	if (command != CMD_DELETE)
		tuplestore_puttupleslot(triggers->waiting, new_row);
	MemoryContextSwitchTo(old);
}

} // namespace shardext

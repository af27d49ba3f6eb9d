// COPY … FROM into distributed tables: parsed here, sent to the shards as COPY streams.
#include "shardext/commands/utility.hpp"

#include "shardext/executor/pending_rows.hpp"
#include "shardext/executor/write_triggers.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/planner/user_triggers.hpp"
#include "shardext/remote/copy_writer.hpp"
#include "shardext/transaction/serializable.hpp"

extern "C" {
#include "access/sysattr.h"
#include "access/table.h"
#include "commands/copy.h"
#include "catalog/pg_authid_d.h"
#include "commands/progress.h"
#include "utils/backend_progress.h"
#include "executor/executor.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "utils/acl.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
}

namespace shardext {

namespace {

// The rights PostgreSQL asks for: INSERT on the columns, and server files only for those who may read them.
void check_rights(CopyStmt *statement, ParseNamespaceItem *item, Relation relation) {
	if (statement->filename != nullptr) {
		if (statement->is_program ? !has_privs_of_role(GetUserId(), ROLE_PG_EXECUTE_SERVER_PROGRAM)
								  : !has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
			ereport(
				ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				statement->is_program
					? errmsg("must be superuser or have privileges of the pg_execute_server_program role to "
							 "COPY to or from an external program")
					: errmsg("must be superuser or have privileges of the pg_read_server_files role to COPY "
							 "from a file"),
				errhint(
					"Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone."));
	}
	RangeTblEntry *rte = item->p_rte;
	rte->requiredPerms = ACL_INSERT;
	const ListCell *cell;
	foreach (cell, CopyGetAttnums(RelationGetDescr(relation), relation, statement->attlist))
		rte->insertedCols =
			bms_add_member(rte->insertedCols, lfirst_int(cell) - FirstLowInvalidHeapAttributeNumber);
	ExecCheckRTPerms(list_make1(rte), true);
	if (check_enable_rls(RelationGetRelid(relation), InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("COPY FROM not supported with row-level security"),
				errhint("Use INSERT statements instead."));
}

ExprState *prepare_filter(CopyStmt *statement, ParseState *pstate, ParseNamespaceItem *item) {
	if (statement->whereClause == nullptr)
		return nullptr;
	addNSItemToQuery(pstate, item, false, true, true);
	Node *filter = transformExpr(pstate, statement->whereClause, EXPR_KIND_COPY_WHERE);
	filter = coerce_to_boolean(pstate, filter, "WHERE");
	assign_expr_collations(pstate, filter);
	filter = eval_const_expressions(nullptr, filter);
	filter = reinterpret_cast<Node *>(canonicalize_qual(reinterpret_cast<Expr *>(filter), false));
	return ExecInitQual(make_ands_implicit(reinterpret_cast<Expr *>(filter)), nullptr);
}

List *columns_with_values(CopyStmt *statement, Relation relation) {
	// Columns that are not listed get their defaults, so all stored columns are sent.
	(void)statement;
	List *attnums = NIL;
	TupleDesc desc = RelationGetDescr(relation);
	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped && TupleDescAttr(desc, i)->attgenerated == '\0')
			attnums = lappend_int(attnums, i + 1);
	return attnums;
}

// Where the rows go.
struct CopyTarget {
	Oid relid;
	List *attnums;
	MemoryContext context; // of the writer
	CopyWriter *writer;
	uint64 rows; // of writers before this one
	WriteTriggers *triggers;
	PendingRows pending;
};

void send_rows(void *argument) {
	auto *target = static_cast<CopyTarget *>(argument);
	if (target->writer == nullptr)
		return;
	MemoryContext old = MemoryContextSwitchTo(target->context);
	target->writer->finish();
	target->rows += target->writer->rows();
	target->writer = nullptr;
	MemoryContextSwitchTo(old);
	MemoryContextReset(target->context);
	target->pending.rows = 0;
}

void add_row(CopyTarget *target, const Datum *values, const bool *nulls) {
	MemoryContext old = MemoryContextSwitchTo(target->context);
	if (target->writer == nullptr)
		target->writer = new (palloc(sizeof(CopyWriter))) CopyWriter(target->relid, target->attnums);
	target->writer->add(values, nulls);
	MemoryContextSwitchTo(old);
	target->pending.rows = 1;
}

TriggerPlan triggers_of_copy(Oid relid) {
	const UserTriggers kinds = user_triggers(relid);
	TriggerPlan plan;
	if (kinds.any) {
		plan.commands = list_make1_int(CMD_INSERT);
		plan.operation = CMD_INSERT;
		plan.before_rows = kinds.before_row(CMD_INSERT);
		plan.after_rows = kinds.after_row(CMD_INSERT);
	}
	return plan;
}

bool fire_before_insert(void *triggers) {
	return fire_before_row(static_cast<WriteTriggers *>(triggers), CMD_INSERT);
}

// BEFORE ROW triggers may change the row, or skip it (false); AFTER triggers will get it.
bool pass_triggers(CopyTarget *target, TupleTableSlot *slot) {
	WriteTriggers *triggers = target->triggers;
	if (triggers == nullptr || !(triggers->plan.before_rows || triggers->plan.after_rows))
		return true;
	start_row(triggers);
	ExecCopySlot(triggers->new_row, slot);
	if (triggers->plan.before_rows) {
		if (target->pending.wanted)
			send_rows(target);
		target->pending.send = send_rows;
		if (!call_with_pending_rows(&target->pending, fire_before_insert, triggers))
			return false;
		slot_getallattrs(triggers->new_row);
		const int columns = slot->tts_tupleDescriptor->natts;
		memcpy(slot->tts_values, triggers->new_row->tts_values, sizeof(Datum) * columns);
		memcpy(slot->tts_isnull, triggers->new_row->tts_isnull, sizeof(bool) * columns);
	}
	if (triggers->plan.after_rows) {
		start_queued_row(triggers);
		queue_after_row(triggers, CMD_INSERT, triggers->new_row);
	}
	return true;
}

} // namespace

uint64 copy_from(CopyStmt *statement, Oid relid, const char *text) {
	Relation relation = table_open(relid, RowExclusiveLock);
	ParseState *pstate = make_parsestate(nullptr);
	pstate->p_sourcetext = text;
	ParseNamespaceItem *item =
		addRangeTableEntryForRelation(pstate, relation, RowExclusiveLock, nullptr, false, false);
	check_rights(statement, item, relation);
	if (XactReadOnly)
		PreventCommandIfReadOnly("COPY FROM");
	EState *estate = CreateExecutorState();
	ExprContext *context = GetPerTupleExprContext(estate);
	ExprState *filter = prepare_filter(statement, pstate, item);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(relation), &TTSOpsVirtual);
	context->ecxt_scantuple = slot;

	List *attnums = columns_with_values(statement, relation);
	const int columns = list_length(attnums);
	auto *values = static_cast<Datum *>(palloc(sizeof(Datum) * (columns + 1)));
	auto *nulls = static_cast<bool *>(palloc(sizeof(bool) * (columns + 1)));
	note_writes(relid, nullptr, false);
	CopyTarget target{};
	target.relid = target.pending.relid = relid;
	target.attnums = attnums;
	target.context = AllocSetContextCreate(CurrentMemoryContext, "shardext copy", ALLOCSET_DEFAULT_SIZES);
	target.pending.argument = &target;

	CopyFromState state = BeginCopyFrom(pstate, relation, nullptr, statement->filename, statement->is_program,
										nullptr, statement->attlist, statement->options);
	const TriggerPlan triggers = triggers_of_copy(relid);
	if (triggers.any()) {
		AfterTriggerBeginQuery();
		target.triggers = begin_triggers(triggers, relid, estate, CurrentMemoryContext);
		fire_before_statement(target.triggers);
	}
	ErrorContextCallback callback;
	callback.callback = CopyFromErrorCallback;
	callback.arg = state;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	for (;;) {
		CHECK_FOR_INTERRUPTS();
		ResetPerTupleExprContext(estate);
		MemoryContext old = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));
		ExecClearTuple(slot);
		const bool more = NextCopyFrom(state, context, slot->tts_values, slot->tts_isnull);
		MemoryContextSwitchTo(old);
		if (!more)
			break;
		ExecStoreVirtualTuple(slot);
		if (filter != nullptr && !ExecQual(filter, context))
			continue;
		if (!pass_triggers(&target, slot))
			continue;
		for (int i = 0; i < columns; i++) {
			const int a = list_nth_int(attnums, i) - 1;
			values[i] = slot->tts_values[a];
			nulls[i] = slot->tts_isnull[a];
		}
		add_row(&target, values, nulls);
		pgstat_progress_update_param(PROGRESS_COPY_TUPLES_PROCESSED, target.rows + target.writer->rows());
	}
	error_context_stack = callback.previous;
	send_rows(&target);
	EndCopyFrom(state);
	if (triggers.any()) {
		fire_after_statement(target.triggers);
		AfterTriggerEndQuery(estate);
		end_triggers(target.triggers);
	}
	const uint64 rows = target.rows;
	ExecDropSingleTupleTableSlot(slot);
	FreeExecutorState(estate);
	table_close(relation, NoLock);
	return rows;
}

} // namespace shardext

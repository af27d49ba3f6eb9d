// COPY … FROM into distributed tables: parsed here, sent to the shards as COPY streams.
#include "shardext/commands/utility.hpp"

#include "shardext/pg/walk.hpp"
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
	auto *writer = new (palloc(sizeof(CopyWriter))) CopyWriter(relid, attnums);

	CopyFromState state = BeginCopyFrom(pstate, relation, nullptr, statement->filename, statement->is_program,
										nullptr, statement->attlist, statement->options);
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
		for (int i = 0; i < columns; i++) {
			const int a = list_nth_int(attnums, i) - 1;
			values[i] = slot->tts_values[a];
			nulls[i] = slot->tts_isnull[a];
		}
		writer->add(values, nulls);
		pgstat_progress_update_param(PROGRESS_COPY_TUPLES_PROCESSED, writer->rows());
	}
	error_context_stack = callback.previous;
	writer->finish();
	EndCopyFrom(state);
	const uint64 rows = writer->rows();
	ExecDropSingleTupleTableSlot(slot);
	FreeExecutorState(estate);
	table_close(relation, NoLock);
	return rows;
}

} // namespace shardext

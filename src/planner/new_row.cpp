// Conditions on a row that is about to be written.
#include "shardext/planner/new_row.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/sql/relation_query.hpp"

extern "C" {
#include "access/relation.h"
#include "catalog/pg_type.h"
#include "rewrite/rewriteHandler.h"
#include "utils/rel.h"
}

namespace shardext {

namespace {

struct ReadNewRow {
	const NewRow *row;
	int level;
};

Node *read_new_row(Node *node, ReadNewRow *context);

Node *generated_column(const NewRow &row, const Var *var, ReadNewRow *context) {
	Relation relation = relation_open(row.relid, NoLock);
	Node *expr = nullptr;
	if (TupleDescAttr(RelationGetDescr(relation), var->varattno - 1)->attgenerated != '\0') {
		expr = build_column_default(relation, var->varattno);
		ChangeVarNodes(expr, 1, row.target, 0);
		IncrementVarSublevelsUp(expr, context->level, 0);
		expr = read_new_row(expr, context);
	}
	relation_close(relation, NoLock);
	return expr;
}

Node *read_new_row(Node *node, ReadNewRow *context) {
	if (node == nullptr)
		return nullptr;
	if (IsA(node, Query)) {
		context->level++;
		auto *result = mutate_query(reinterpret_cast<Query *>(node), read_new_row, context, 0);
		context->level--;
		return reinterpret_cast<Node *>(result);
	}
	auto *var = reinterpret_cast<Var *>(node);
	if (!IsA(var, Var) || static_cast<int>(var->varlevelsup) != context->level ||
		var->varno != context->row->target)
		return mutate_expression(node, read_new_row, context);
	for (int i = 0; i < list_length(context->row->attnums); i++)
		if (list_nth_int(context->row->attnums, i) == var->varattno)
			return reinterpret_cast<Node *>(makeVar(1, list_nth_int(context->row->columns, i), var->vartype,
													var->vartypmod, var->varcollid, context->level));
	if (var->varattno > 0)
		if (Node *generated = generated_column(*context->row, var, context))
			return generated;
	return reinterpret_cast<Node *>(makeNullConst(var->vartype, var->vartypmod, var->varcollid));
}

// As columns (Var) of the table.
List *generated_columns(const NewRow &row) {
	Relation relation = relation_open(row.relid, NoLock);
	List *result = NIL;
	for (int i = 0; i < RelationGetDescr(relation)->natts; i++) {
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation), i);
		if (attribute->attgenerated != '\0' && !attribute->attisdropped)
			result = lappend(result, makeVar(row.target, i + 1, attribute->atttypid, attribute->atttypmod,
											 attribute->attcollation, 0));
	}
	relation_close(relation, NoLock);
	return result;
}

} // namespace

List *add_checks_of_row(List *list, const List *with_check_options, const NewRow &row,
						std::initializer_list<WCOKind> kinds, int action, int action_column) {
	for (const WCOKind kind : kinds)
		foreach_node (WithCheckOption, check, with_check_options)
			if (check->kind == kind)
				list = lappend(list, new (palloc0(sizeof(CheckOfRow)))
										 CheckOfRow{check, row, action, action_column});
	return list;
}

Query *select_with_checks(Query *source, const List *checks_of_rows, RowChecks *checks) {
	Query *outer = query_over_query(source, "new");
	int position = 0;
	foreach_node (TargetEntry, entry, source->targetList) {
		if (entry->resjunk) {
			// SET (…) = (SELECT …): what belongs together has to stay one query.
			source->limitOffset = reinterpret_cast<Node *>(
				makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(0), false, FLOAT8PASSBYVAL));
			continue;
		}
		auto *expr = reinterpret_cast<Node *>(entry->expr);
		char *name = psprintf("_c%d", ++position);
		Var *var = makeVar(1, position, exprType(expr), exprTypmod(expr), exprCollation(expr), 0);
		outer->targetList =
			lappend(outer->targetList, makeTargetEntry(reinterpret_cast<Expr *>(var), position, name, false));
	}
	foreach_ptr (CheckOfRow, wanted, const_cast<List *>(checks_of_rows)) {
		ReadNewRow context{&wanted->row, 0};
		Node *expr = read_new_row(static_cast<Node *>(copyObjectImpl(wanted->check->qual)), &context);
		if (wanted->action >= 0)
			expr = value_when(wanted->action_column, wanted->action, expr, makeBoolConst(true, false));
		outer->hasSubLinks |= checkExprHasSubLink(expr);
		outer->targetList = lappend(outer->targetList, makeTargetEntry(reinterpret_cast<Expr *>(expr),
																	   ++position, pstrdup("check"), false));
		List *places = NIL;
		const ListCell *cell;
		foreach (cell, wanted->row.columns)
			places = lappend_int(places, lfirst_int(cell) - 1);
		add_check(checks, wanted->check, list_copy(wanted->row.attnums), places);
	}
	// A row that fails a view's check is shown whole.
	int number = 0;
	foreach_ptr (CheckOfRow, wanted, const_cast<List *>(checks_of_rows)) {
		if (wanted->check->kind == WCO_VIEW_CHECK)
			foreach_node (Var, column, generated_columns(wanted->row)) {
				ReadNewRow context{&wanted->row, 0};
				Node *expr = read_new_row(reinterpret_cast<Node *>(column), &context);
				outer->targetList =
					lappend(outer->targetList, makeTargetEntry(reinterpret_cast<Expr *>(expr), position + 1,
															   pstrdup("generated"), false));
				ListCell *attnums = list_nth_cell(checks->attnums, number);
				ListCell *places = list_nth_cell(checks->places, number);
				lfirst(attnums) = lappend_int(static_cast<List *>(lfirst(attnums)), column->varattno);
				lfirst(places) = lappend_int(static_cast<List *>(lfirst(places)), position++);
			}
		number++;
	}
	outer->hasRowSecurity = source->hasRowSecurity;
	return outer;
}

} // namespace shardext

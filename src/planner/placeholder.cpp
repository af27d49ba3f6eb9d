// Placeholders for values that are worked out before a fragment runs.
#include "shardext/planner/placeholder.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/estimate.hpp"
#include "shardext/planner/join_graph.hpp"
#include "shardext/planner/reduction.hpp"
#include "shardext/sql/pushable.hpp"
#include "shardext/sql/relation_query.hpp"

extern "C" {
#include "optimizer/clauses.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "utils/fmgroids.h"
}

namespace shardext {

Param *add_placeholder(Expr *expr) {
	auto *node = reinterpret_cast<Node *>(expr);
	Param *param = makeNode(Param);
	param->paramkind = PARAM_EXEC;
	param->paramid = kFirstPlaceholder + list_length(current_run->placeholders);
	param->paramtype = exprType(node);
	param->paramtypmod = exprTypmod(node);
	param->paramcollid = exprCollation(node);
	param->location = -1;
	current_run->placeholders = lappend(current_run->placeholders, expr);
	return param;
}

bool is_placeholder(const Node *node) {
	if (node == nullptr || !IsA(node, Param))
		return false;
	auto *param = reinterpret_cast<const Param *>(node);
	return param->paramkind == PARAM_EXEC && param->paramid >= kFirstPlaceholder;
}

namespace {

bool find_placeholders(Node *node, List **found) {
	if (node == nullptr)
		return false;
	if (is_placeholder(node)) {
		*found = list_append_unique_int(*found, reinterpret_cast<Param *>(node)->paramid);
		return false;
	}
	if (IsA(node, Query))
		return walk_query(reinterpret_cast<Query *>(node), find_placeholders, found, 0);
	return walk_expression(node, find_placeholders, found);
}

struct Filling {
	List *numbers, *expressions;
};

Node *fill(Node *node, Filling *filling) {
	if (node == nullptr)
		return nullptr;
	if (is_placeholder(node)) {
		for (int i = 0; i < list_length(filling->numbers); i++)
			if (list_nth_int(filling->numbers, i) == reinterpret_cast<Param *>(node)->paramid)
				return static_cast<Node *>(copyObjectImpl(list_nth(filling->expressions, i)));
	}
	return mutate_expression(node, fill, filling);
}

} // namespace

List *placeholders_in(Node *node, List *found) {
	find_placeholders(node, &found);
	return found;
}

List *placeholder_expressions(List *numbers) {
	List *result = NIL;
	const ListCell *cell;
	foreach (cell, numbers)
		result = lappend(result, copyObjectImpl(list_nth(current_run->placeholders,
														 lfirst_int(cell) - kFirstPlaceholder)));
	return result;
}

Node *fill_placeholders(Node *node, List *numbers, List *expressions) {
	Filling filling{numbers, expressions};
	return fill(node, &filling);
}

namespace {

bool reads_other_tables(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (IsA(node, RangeTblEntry)) {
		auto *rte = reinterpret_cast<RangeTblEntry *>(node);
		if (rte->rtekind == RTE_CTE)
			return true;
		const DistributedTable *table =
			rte->rtekind == RTE_RELATION ? find_distributed_table(rte->relid) : nullptr;
		return rte->rtekind == RTE_RELATION && (table == nullptr || table->is_sharded());
	}
	if (IsA(node, Query))
		return walk_query(reinterpret_cast<Query *>(node), reads_other_tables, static_cast<void *>(nullptr),
						  QTW_EXAMINE_RTES_BEFORE);
	return walk_expression(node, reads_other_tables, static_cast<void *>(nullptr));
}

struct SubQueryLift {
	int depth = 0;
};

// x IN (SELECT …) as x = ANY (array), where the array is small.
Node *in_as_array(SubLink *link) {
	auto *op = reinterpret_cast<OpExpr *>(link->testexpr);
	auto *sub = reinterpret_cast<Query *>(link->subselect);
	if (op == nullptr || !IsA(op, OpExpr) || list_length(op->args) != 2 || !IsA(lsecond(op->args), Param) ||
		!op_mergejoinable(op->opno, exprType(static_cast<Node *>(linitial(op->args)))) ||
		names_cte(reinterpret_cast<Node *>(sub), nullptr))
		return nullptr;
	const Estimate estimate = estimate_query(sub);
	if (estimate.rows > max_shipped_rows)
		return nullptr;
	auto *expr = static_cast<Node *>(linitial(op->args));
	Node *result =
		make_reduction(expr, op->opno, op->inputcollid, static_cast<Query *>(copyObjectImpl(sub)), 1, false);
	if (result == nullptr)
		return nullptr;
	auto *any = reinterpret_cast<ScalarArrayOpExpr *>(result);
	any->location = -1;
	lsecond(any->args) = add_placeholder(static_cast<Expr *>(lsecond(any->args)));
	return result;
}

bool stands_alone(SubLink *link, int depth) {
	// Common table expressions are there at the outermost level only.
	return !refers_outside(link->subselect) && placeholders_in(link->subselect, NIL) == NIL &&
		   (depth == 0 || !names_cte(link->subselect, nullptr)) &&
		   reads_other_tables(link->subselect, nullptr);
}

// A sub-query that is known to give one row at most.
bool gives_one_row(const Query *sub) {
	if (sub->setOperations != nullptr || sub->hasTargetSRFs)
		return false;
	auto *limit = reinterpret_cast<Const *>(sub->limitCount);
	return (sub->hasAggs && sub->groupClause == NIL && sub->groupingSets == NIL) ||
		   sub->jointree->fromlist == NIL ||
		   (limit != nullptr && IsA(limit, Const) && !limit->constisnull &&
			DatumGetInt64(limit->constvalue) == 1 && sub->limitOption == LIMIT_OPTION_COUNT);
}

// (SELECT unnest (array)): where the sub-query gives more than one row, the node raises the error, if it gets
// there at all.
Node *one_of_array(SubLink *link) {
	auto *array = static_cast<SubLink *>(copyObjectImpl(link));
	array->subLinkType = ARRAY_SUBLINK;
	auto *sub = reinterpret_cast<Query *>(array->subselect);
	const Oid type = exprType(reinterpret_cast<Node *>(linitial_node(TargetEntry, sub->targetList)->expr));
	const Oid collation =
		exprCollation(reinterpret_cast<Node *>(linitial_node(TargetEntry, sub->targetList)->expr));
	if (!OidIsValid(get_array_type(type)) || OidIsValid(get_element_type(getBaseType(type))) ||
		get_typtype(getBaseType(type)) == TYPTYPE_COMPOSITE || type == RECORDOID ||
		collation != get_typcollation(type))
		return nullptr;
	if (sub->limitCount == nullptr && sub->rowMarks == NIL)
		sub->limitCount = reinterpret_cast<Node *>(
			makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(2), false, FLOAT8PASSBYVAL));
	FuncExpr *call =
		makeFuncExpr(F_UNNEST_ANYARRAY, type, list_make1(add_placeholder(reinterpret_cast<Expr *>(array))),
					 collation, collation, COERCE_EXPLICIT_CALL);
	call->funcretset = true;
	Query *query = makeNode(Query);
	query->commandType = CMD_SELECT;
	query->querySource = QSRC_ORIGINAL;
	query->canSetTag = true;
	query->hasTargetSRFs = true;
	query->jointree = makeFromExpr(NIL, nullptr);
	query->targetList =
		list_make1(makeTargetEntry(reinterpret_cast<Expr *>(call), 1, pstrdup("unnest"), false));
	auto *result = static_cast<SubLink *>(copyObjectImpl(link));
	result->subselect = reinterpret_cast<Node *>(query);
	const int32 typmod = exprTypmod(reinterpret_cast<Node *>(link));
	return typmod < 0 ? reinterpret_cast<Node *>(result)
					  : reinterpret_cast<Node *>(makeRelabelType(reinterpret_cast<Expr *>(result), type,
																 typmod, collation, COERCE_IMPLICIT_CAST));
}

Node *lift_link(SubLink *link) {
	auto *copy = static_cast<SubLink *>(copyObjectImpl(link));
	auto *sub = reinterpret_cast<Query *>(copy->subselect);
	if (link->subLinkType == EXISTS_SUBLINK)
		simplify_exists(sub);
	if (link->subLinkType == EXPR_SUBLINK && !gives_one_row(sub))
		return one_of_array(link);
	return reinterpret_cast<Node *>(add_placeholder(reinterpret_cast<Expr *>(copy)));
}

Node *lift(Node *node, SubQueryLift *context) {
	if (node == nullptr)
		return nullptr;
	if (IsA(node, Query)) {
		context->depth++;
		auto *result = mutate_query(reinterpret_cast<Query *>(node), lift, context, 0);
		context->depth--;
		return reinterpret_cast<Node *>(result);
	}
	// What stands in them may never be asked for, and then must not fail.
	if (IsA(node, CaseExpr) || IsA(node, CoalesceExpr))
		return static_cast<Node *>(copyObjectImpl(node));
	if (IsA(node, SubLink)) {
		auto *link = reinterpret_cast<SubLink *>(node);
		if (may_be_lifted(link, context->depth))
			if (Node *lifted = lift_link(link))
				return lifted;
		if (link->subLinkType == ANY_SUBLINK && stands_alone(link, context->depth) &&
			!contain_volatile_functions(link->subselect))
			if (Node *array = in_as_array(link))
				return mutate_expression(array, lift, context);
	}
	return mutate_expression(node, lift, context);
}

} // namespace

void simplify_exists(Query *sub) {
	if (sub->commandType != CMD_SELECT || sub->setOperations != nullptr || sub->hasAggs ||
		sub->groupingSets != NIL || sub->hasWindowFuncs || sub->hasTargetSRFs || sub->hasModifyingCTE ||
		sub->havingQual != nullptr || sub->limitOffset != nullptr || sub->limitCount != nullptr ||
		sub->rowMarks != NIL || sub->groupClause != NIL)
		return;
	sub->targetList = list_make1(constant_column());
	sub->distinctClause = sub->sortClause = sub->windowClause = NIL;
	sub->hasDistinctOn = false;
	sub->limitCount = reinterpret_cast<Node *>(
		makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(1), false, FLOAT8PASSBYVAL));
}

Param *array_behind(Node *node) {
	auto *link = reinterpret_cast<SubLink *>(strip_relabels(node));
	if (!IsA(link, SubLink) || link->subLinkType != EXPR_SUBLINK)
		return nullptr;
	auto *sub = reinterpret_cast<Query *>(link->subselect);
	auto *call = reinterpret_cast<FuncExpr *>(linitial_node(TargetEntry, sub->targetList)->expr);
	return sub->rtable == NIL && IsA(call, FuncExpr) && call->funcid == F_UNNEST_ANYARRAY &&
				   is_placeholder(static_cast<Node *>(linitial(call->args)))
			   ? linitial_node(Param, call->args)
			   : nullptr;
}

bool may_be_lifted(SubLink *link, int depth) {
	return (link->subLinkType == EXPR_SUBLINK || link->subLinkType == ARRAY_SUBLINK ||
			link->subLinkType == EXISTS_SUBLINK) &&
		   stands_alone(link, depth);
}

Query *lift_sub_queries(Query *query) {
	SubQueryLift context;
	return mutate_query(query, lift, &context, 0);
}

} // namespace shardext

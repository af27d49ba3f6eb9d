// Placeholders for values that are worked out before a fragment runs.
#include "shardext/planner/placeholder.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/estimate.hpp"
#include "shardext/planner/join_graph.hpp"
#include "shardext/planner/reduction.hpp"
#include "shardext/sql/pushable.hpp"

extern "C" {
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
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

Node *lift(Node *node, SubQueryLift *context) {
	if (node == nullptr)
		return nullptr;
	if (IsA(node, Query)) {
		context->depth++;
		auto *result = mutate_query(reinterpret_cast<Query *>(node), lift, context, 0);
		context->depth--;
		return reinterpret_cast<Node *>(result);
	}
	if (IsA(node, SubLink)) {
		auto *link = reinterpret_cast<SubLink *>(node);
		// Common table expressions are there at the outermost level only.
		const bool alone = !refers_outside(link->subselect) && placeholders_in(link->subselect, NIL) == NIL &&
						   (context->depth == 0 || !names_cte(link->subselect, nullptr)) &&
						   reads_other_tables(link->subselect, nullptr);
		if (alone && (link->subLinkType == EXPR_SUBLINK || link->subLinkType == ARRAY_SUBLINK ||
					  link->subLinkType == EXISTS_SUBLINK))
			return reinterpret_cast<Node *>(add_placeholder(static_cast<Expr *>(copyObjectImpl(link))));
		if (alone && link->subLinkType == ANY_SUBLINK && !contain_volatile_functions(link->subselect))
			if (Node *array = in_as_array(link))
				return mutate_expression(array, lift, context);
	}
	return mutate_expression(node, lift, context);
}

} // namespace

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

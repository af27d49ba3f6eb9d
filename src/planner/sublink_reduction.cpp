// Semi-join reduction between a query and its sub-queries.
#include "shardext/planner/sublink_reduction.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/estimate.hpp"
#include "shardext/planner/reduction.hpp"
#include "shardext/sql/deparse.hpp"

extern "C" {
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
}

namespace shardext {

bool read_correlation(Query *sub, Node *condition, Correlation *result) {
	auto *op = reinterpret_cast<OpExpr *>(
		flatten_join_alias_vars(sub, static_cast<Node *>(copyObjectImpl(condition))));
	if (!IsA(op, OpExpr) || list_length(op->args) != 2)
		return false;
	Node *left = strip_relabels(static_cast<Node *>(linitial(op->args)));
	Node *right = strip_relabels(static_cast<Node *>(lsecond(op->args)));
	const Oid commutator = get_commutator(op->opno);
	if (!IsA(left, Var) || !IsA(right, Var) || !OidIsValid(commutator) ||
		!op_mergejoinable(op->opno, exprType(left)))
		return false;
	const bool left_inner = reinterpret_cast<Var *>(left)->varlevelsup == 0;
	Node *inner = left_inner ? left : right, *outer = left_inner ? right : left;
	if (reinterpret_cast<Var *>(inner)->varlevelsup != 0 || reinterpret_cast<Var *>(outer)->varlevelsup != 1)
		return false;
	outer = static_cast<Node *>(copyObjectImpl(outer));
	reinterpret_cast<Var *>(outer)->varlevelsup = 0;
	*result = {inner, outer, left_inner ? op->opno : commutator, left_inner ? commutator : op->opno,
			   op->inputcollid};
	return true;
}

bool is_plain(const Query *sub) {
	return sub->commandType == CMD_SELECT && sub->setOperations == nullptr && !sub->hasTargetSRFs &&
		   sub->limitCount == nullptr && sub->limitOffset == nullptr && sub->rowMarks == NIL &&
		   sub->cteList == NIL && sub->jointree != nullptr && sub->jointree->fromlist != NIL;
}

namespace {

// --- a small result of IN or EXISTS restricts the query ---

// The query's item that may be restricted, or nullptr.
JoinItem *large_item(JoinGraph *graph, Node *expr) {
	const int i = item_of(graph, expr);
	return i >= 0 && graph->items[i].target && graph->items[i].nullable_by == nullptr ? &graph->items[i]
																					  : nullptr;
}

bool estimate_fraction(JoinGraph *graph, JoinItem *large, Node *expr, const Query *select, double *fraction) {
	const double rows = estimate_query(select).rows;
	if (rows > max_shipped_rows)
		return false;
	const double large_rows = rows_of(graph, large);
	*fraction = std::min(1.0, rows / distinct_values(graph, large, expr, large_rows));
	return pays(large_rows, *fraction);
}

// The condition that takes the place of x IN (SELECT …), or nullptr.
Node *replace_in(JoinGraph *graph, SubLink *link) {
	auto *op = reinterpret_cast<OpExpr *>(link->testexpr);
	auto *sub = reinterpret_cast<Query *>(link->subselect);
	if (op == nullptr || !IsA(op, OpExpr) || list_length(op->args) != 2 || !IsA(lsecond(op->args), Param) ||
		refers_outside(reinterpret_cast<Node *>(sub)) || names_cte(reinterpret_cast<Node *>(sub), nullptr) ||
		contain_volatile_functions(reinterpret_cast<Node *>(sub)))
		return nullptr;
	Node *expr = strip_relabels(
		flatten_join_alias_vars(graph->query, static_cast<Node *>(copyObjectImpl(linitial(op->args)))));
	JoinItem *large = large_item(graph, expr);
	if (large == nullptr || !op_mergejoinable(op->opno, exprType(expr)))
		return nullptr;
	double fraction;
	if (!estimate_fraction(graph, large, expr, sub, &fraction))
		return nullptr;
	return make_reduction(expr, op->opno, op->inputcollid, static_cast<Query *>(copyObjectImpl(sub)),
						  fraction, true);
}

// SELECT inner FROM … of a sub-query, with those of its conditions that say nothing of the outer query.
Query *uncorrelated_part(const Query *sub, Node *column) {
	auto *query = static_cast<Query *>(copyObjectImpl(sub));
	List *kept = NIL;
	bool skipped = false;
	foreach_ptr (Node, condition, and_list(query->jointree->quals)) {
		// What is left out makes the list longer, not wrong; sub-queries would be run row by row here.
		if (refers_outside(condition) ||
			(checkExprHasSubLink(condition) && find_reduction(condition) == nullptr))
			skipped = true;
		else if (!skipped || !contain_leaked_vars(condition)) // what comes after may rely on it
			kept = lappend(kept, condition);
	}
	query->jointree->quals = reinterpret_cast<Node *>(kept != NIL ? make_ands_explicit(kept) : nullptr);
	query->targetList =
		list_make1(makeTargetEntry(static_cast<Expr *>(copyObjectImpl(column)), 1, pstrdup("key"), false));
	query->sortClause = query->distinctClause = NIL;
	query->hasDistinctOn = false;
	query->hasSubLinks = true; // in conditions or in a row filter
	return query;
}

// A condition that EXISTS (SELECT …) implies, or nullptr.
Node *implied_by_exists(JoinGraph *graph, SubLink *link) {
	auto *sub = reinterpret_cast<Query *>(link->subselect);
	if (!is_plain(sub) || sub->hasAggs || sub->groupClause != NIL || sub->havingQual != nullptr ||
		sub->hasWindowFuncs || !is_repeatable(sub) ||
		contain_volatile_functions(reinterpret_cast<Node *>(sub)) ||
		names_cte(reinterpret_cast<Node *>(sub), nullptr))
		return nullptr;
	foreach_ptr (Node, condition, and_list(sub->jointree->quals)) {
		Correlation correlation;
		if (!read_correlation(sub, condition, &correlation))
			continue;
		JoinItem *large = large_item(graph, correlation.outer);
		if (large == nullptr)
			continue;
		Query *select = uncorrelated_part(sub, correlation.inner);
		double fraction;
		if (refers_outside(reinterpret_cast<Node *>(select)) ||
			!estimate_fraction(graph, large, correlation.outer, select, &fraction))
			continue;
		forget_syntactic_names(reinterpret_cast<Node *>(select->targetList));
		return make_reduction(correlation.outer, correlation.outer_op_inner, correlation.collation, select,
							  fraction, false);
	}
	return nullptr;
}

void restrict_query(JoinGraph *graph) {
	List *conditions = NIL, *added = NIL;
	foreach_ptr (Node, condition, and_list(graph->query->jointree->quals)) {
		auto *link = reinterpret_cast<SubLink *>(condition);
		Node *replacement = nullptr;
		if (IsA(condition, SubLink) && link->subLinkType == ANY_SUBLINK)
			replacement = replace_in(graph, link);
		else if (IsA(condition, SubLink) && link->subLinkType == EXISTS_SUBLINK)
			if (Node *implied = implied_by_exists(graph, link))
				added = lappend(added, implied);
		conditions = lappend(conditions, replacement != nullptr ? replacement : condition);
		if (replacement != nullptr)
			added = lappend(added, nullptr);
	}
	if (added == NIL)
		return;
	foreach_ptr (Node, condition, added)
		if (condition != nullptr)
			conditions = lappend(conditions, condition);
	graph->query->jointree->quals = reinterpret_cast<Node *>(make_ands_explicit(conditions));
}

// --- a small outer side restricts a correlated sub-query ---

void restrict_sub_query(JoinGraph *outer_graph, Query *sub) {
	if (sub->commandType != CMD_SELECT || sub->setOperations != nullptr || sub->jointree == nullptr ||
		sub->rowMarks != NIL)
		return;
	auto *graph = static_cast<JoinGraph *>(nullptr);
	List *added = NIL;
	foreach_ptr (Node, condition, and_list(sub->jointree->quals)) {
		Correlation correlation;
		if (!read_correlation(sub, condition, &correlation))
			continue;
		const int outer = item_of(outer_graph, correlation.outer);
		if (outer < 0 || !outer_graph->items[outer].usable)
			continue;
		if (graph == nullptr) {
			graph = new (palloc0(sizeof(JoinGraph))) JoinGraph();
			if (!read_join_graph(sub, graph))
				return;
		}
		JoinItem *large = large_item(graph, correlation.inner);
		if (large == nullptr)
			continue;
		JoinItem *small = &outer_graph->items[outer];
		const double small_rows = rows_of(outer_graph, small), large_rows = rows_of(graph, large);
		if (small_rows > max_shipped_rows)
			continue;
		const double values = distinct_values(outer_graph, small, correlation.outer, small_rows);
		const double fraction =
			std::min(1.0, values / distinct_values(graph, large, correlation.inner, large_rows));
		if (!pays(large_rows, fraction))
			continue;
		Node *reduction =
			make_reduction(correlation.inner, correlation.inner_op_outer, correlation.collation,
						   query_of_item(outer_graph, small, correlation.outer), fraction, false);
		if (reduction != nullptr)
			added = lappend(added, reduction);
	}
	foreach_ptr (Node, condition, added) {
		sub->jointree->quals = make_and_qual(sub->jointree->quals, condition);
		sub->hasSubLinks = true;
	}
}

bool visit_sub_queries(Node *node, JoinGraph *graph) {
	if (node == nullptr || IsA(node, Query))
		return false;
	if (IsA(node, SubLink))
		restrict_sub_query(graph, reinterpret_cast<Query *>(reinterpret_cast<SubLink *>(node)->subselect));
	return walk_expression(node, visit_sub_queries, graph);
}

} // namespace

void restrict_by_sublinks(JoinGraph *graph) {
	Query *query = graph->query;
	if (!query->hasSubLinks)
		return;
	visit_sub_queries(reinterpret_cast<Node *>(query->targetList), graph);
	visit_sub_queries(query->jointree->quals, graph);
	visit_sub_queries(query->havingQual, graph);
	restrict_query(graph);
}

} // namespace shardext

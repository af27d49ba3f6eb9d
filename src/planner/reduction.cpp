// Semi-join reduction on the query tree.
//
// The tables of one query level are taken as a graph whose edges are equalities between columns. Starting
// from the smallest, a table restricts its neighbours when that is expected to pay; a neighbour that has
// become small thereby goes on in turn, so that a filter on a dimension reaches the facts behind several
// joins.
#include "shardext/planner/reduction.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/join_graph.hpp"
#include "shardext/planner/sublink_reduction.hpp"
#include "shardext/sql/deparse.hpp"

extern "C" {
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parse_clause.h"
#include "parser/parse_oper.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
}

namespace shardext {

int max_shipped_rows = 100000;
bool always_ship = false;
bool enable_staging = true;

namespace {

constexpr double kMinLargeRows = 1000; // smaller tables are fetched as they are
constexpr double kWorthwhile = 0.5;	   // at most this fraction may remain
constexpr int kMarkBase = -1000;	   // locations of conditions that were added

// Adds a condition where it may be tested: in WHERE, or in the outer join that makes the table nullable.
void add_condition(JoinGraph *graph, JoinItem *item, Node *condition) {
	if (item->nullable_by != nullptr)
		item->nullable_by->quals = make_and_qual(item->nullable_by->quals, condition);
	else
		graph->query->jointree->quals = make_and_qual(graph->query->jointree->quals, condition);
	graph->query->hasSubLinks = true;
	// Whoever is restricted by this table next gets the benefit, too.
	item->own = lappend(item->own, copyObjectImpl(condition));
}

struct Choice {
	const JoinEdge *edge = nullptr;
	bool restrict_left = false;
	double fraction = 1;
	double saved = 0;
};

void consider(JoinGraph *graph, const JoinEdge *edge, bool restrict_left, Choice *best) {
	JoinItem *large = &graph->items[restrict_left ? edge->left : edge->right];
	JoinItem *small = &graph->items[restrict_left ? edge->right : edge->left];
	if (!large->target || !small->usable)
		return;
	// Of an outer join's two sides, only the nullable one can be restricted.
	if (large->nullable_level < small->nullable_level)
		return;
	const double small_rows = rows_of(graph, small);
	if (small_rows > max_shipped_rows)
		return;
	const double large_rows = rows_of(graph, large);
	const double values =
		distinct_values(graph, small, restrict_left ? edge->right_expr : edge->left_expr, small_rows);
	const double known =
		distinct_values(graph, large, restrict_left ? edge->left_expr : edge->right_expr, large_rows);
	const double fraction = std::min(1.0, values / known);
	if (!pays(large_rows, fraction))
		return;
	const double saved = large_rows * (1 - fraction);
	if (best->edge == nullptr || saved > best->saved)
		*best = {edge, restrict_left, fraction, saved};
}

} // namespace

JoinGraph *restrict_large_sides(Query *query) {
	if (query->commandType != CMD_SELECT || query->setOperations != nullptr || query->jointree == nullptr)
		return nullptr;
	auto *graph = new (palloc0(sizeof(JoinGraph))) JoinGraph();
	if (!read_join_graph(query, graph))
		return nullptr;
	graph->first_reduction = list_length(current_run->reductions);
	restrict_by_sublinks(graph);
	List *edges = graph->edges;
	while (edges != NIL) {
		Choice best;
		foreach_ptr (JoinEdge, edge, edges) {
			consider(graph, edge, true, &best);
			consider(graph, edge, false, &best);
		}
		if (best.edge == nullptr)
			break;
		JoinItem *large = &graph->items[best.restrict_left ? best.edge->left : best.edge->right];
		JoinItem *small = &graph->items[best.restrict_left ? best.edge->right : best.edge->left];
		const OpExpr *clause = best.edge->clause;
		Node *large_expr = best.restrict_left ? best.edge->left_expr : best.edge->right_expr;
		Node *small_expr = best.restrict_left ? best.edge->right_expr : best.edge->left_expr;
		Node *condition = make_reduction(
			large_expr, best.restrict_left ? clause->opno : get_commutator(clause->opno), clause->inputcollid,
			query_of_item(graph, small, small_expr), best.fraction, false);
		if (condition != nullptr) {
			add_condition(graph, large, condition);
			large->rows = std::max(1.0, large->rows * best.fraction);
		}
		edges = list_delete_ptr(list_copy(edges), const_cast<JoinEdge *>(best.edge));
	}
	return graph;
}

// Values that come more than once are sent once.
static void make_distinct(Query *select) {
	if (select->distinctClause != NIL || select->groupClause != NIL || select->hasAggs ||
		select->sortClause != NIL || select->limitCount != nullptr || select->limitOffset != nullptr ||
		select->setOperations != nullptr || select->hasWindowFuncs || select->hasTargetSRFs)
		return;
	TargetEntry *entry = linitial_node(TargetEntry, select->targetList);
	SortGroupClause *clause = makeNode(SortGroupClause);
	get_sort_group_operators(exprType(reinterpret_cast<Node *>(entry->expr)), false, false, false,
							 &clause->sortop, &clause->eqop, nullptr, &clause->hashable);
	if (!OidIsValid(clause->eqop) || !OidIsValid(clause->sortop))
		return;
	clause->tleSortGroupRef = assignSortGroupRef(entry, select->targetList);
	select->distinctClause = list_make1(clause);
}

Node *make_reduction(Node *large_expr, Oid op, Oid collation, Query *select, double fraction, bool replaces) {
	const Oid element =
		exprType(reinterpret_cast<Node *>(linitial_node(TargetEntry, select->targetList)->expr));
	Oid left_type, right_type;
	op_input_types(op, &left_type, &right_type);
	// Operators that take the types as they are; a domain, say, would need casts.
	if (!OidIsValid(get_array_type(element)) || left_type != exprType(large_expr) || right_type != element)
		return nullptr;
	make_distinct(select);
	SubLink *link = makeNode(SubLink);
	link->subLinkType = ARRAY_SUBLINK;
	link->subselect = reinterpret_cast<Node *>(select);
	link->location = -1;
	ScalarArrayOpExpr *any = makeNode(ScalarArrayOpExpr);
	any->opno = op;
	any->opfuncid = get_opcode(op);
	any->useOr = true;
	any->inputcollid = collation;
	any->args = list_make2(copyObjectImpl(large_expr), link);
	forget_syntactic_names(static_cast<Node *>(linitial(any->args)));
	auto *reduction = static_cast<Reduction *>(palloc(sizeof(Reduction)));
	*reduction = {fraction, replaces};
	current_run->reductions = lappend(current_run->reductions, reduction);
	any->location = kMarkBase - list_length(current_run->reductions);
	return reinterpret_cast<Node *>(any);
}

bool pays(double large_rows, double fraction) {
	return always_ship || (large_rows >= kMinLargeRows && fraction <= kWorthwhile);
}

int reduction_number(const Node *clause) {
	if (current_run == nullptr || !IsA(clause, ScalarArrayOpExpr))
		return -1;
	const int number = kMarkBase - reinterpret_cast<const ScalarArrayOpExpr *>(clause)->location - 1;
	return number >= 0 && number < list_length(current_run->reductions) ? number : -1;
}

const Reduction *find_reduction(const Node *clause) {
	const int number = reduction_number(clause);
	return number < 0 ? nullptr : static_cast<Reduction *>(list_nth(current_run->reductions, number));
}

} // namespace shardext

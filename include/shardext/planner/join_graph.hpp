// The FROM clause of one query level as a graph: tables, and the equalities between their columns.
#pragma once
#include "shardext/planner/fragment.hpp"

namespace shardext {

constexpr int kMaxJoinItems = 64;

// One table (or sub-query) of the FROM clause.
struct JoinItem {
	int rtindex;
	int nullable_level = 0;			 // how many outer joins may fill it with NULLs
	JoinExpr *nullable_by = nullptr; // the innermost of these
	List *own = NIL;				 // conditions on it alone
	double rows = -1;				 // with these; -1: not known yet
	bool skipped = false;			 // a condition on it has been left out; what comes after may rely on it
	bool usable = false;
	bool target = false; // a distributed table that is scanned on its own
};

struct JoinEdge {
	int left, right; // positions in the list of items
	OpExpr *clause;
	Node *left_expr, *right_expr;
};

struct JoinGraph {
	Query *query;
	JoinItem items[kMaxJoinItems];
	int count = 0;
	List *edges = NIL;		 // of JoinEdge
	int first_reduction = 0; // in the run's list: from here on they belong to this query
};

// Reads a query's FROM and WHERE; false when there are too many tables. Conditions with volatile functions,
// sub-queries or columns of outer queries are left out.
bool read_join_graph(Query *query, JoinGraph *graph);

// The item that an expression is a column of, or -1.
int item_of(const JoinGraph *graph, const Node *expr);

// SELECT expr FROM item WHERE its own conditions; without an expression: a constant.
Query *query_of_item(JoinGraph *graph, const JoinItem *item, Node *expr);

// Estimates: rows of an item with its own conditions, and how many values a column (a Var of it) has among
// `rows` rows.
double rows_of(JoinGraph *graph, JoinItem *item);
double distinct_values(JoinGraph *graph, const JoinItem *item, const Node *expr, double rows);

// True when an expression or a query has columns of queries around it.
bool refers_outside(Node *node);

// True when a query gives the same rows each time within a statement: nothing in it depends on the order of
// rows.
bool is_repeatable(Query *query);

// True when a query reads a common table expression.
bool names_cte(Node *node, void *);

// True when a query reads a common table expression of a query around it.
bool names_outer_cte(Query *query);

// The conditions of a list of ANDed ones, and an expression without casts that change nothing.
List *and_list(Node *quals);
Node *strip_relabels(Node *node);

} // namespace shardext

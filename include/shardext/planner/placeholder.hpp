// Values that the coordinator works out with a query of its own before a fragment runs.
//
// In the query tree of a fragment such a value is a parameter with a number of our own. The expression itself
// (a sub-query without references to the query around it) becomes an argument of the fragment's function-like
// range table entry, so that PostgreSQL plans it with the rest, and takes the parameter's place in the plan.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"
}

namespace shardext {

// The parameter that stands for an expression from now on.
Param *add_placeholder(Expr *expr);

bool is_placeholder(const Node *node);

// The numbers of the placeholders in an expression or a list of them, appended to `found` (int list).
List *placeholders_in(Node *node, List *found);

// The expressions that placeholders stand for, by their numbers.
List *placeholder_expressions(List *numbers);

// Puts the expressions of the second list in place of the placeholders of the first.
Node *fill_placeholders(Node *node, List *numbers, List *expressions);

// True for a sub-query that lift_sub_queries() replaces for certain. `depth` is the nesting below the query.
bool may_be_lifted(SubLink *link, int depth);

// Leaves of the sub-query of an EXISTS only what decides whether it has a row. (PostgreSQL never evaluates
// its target list, so neither may we.)
void simplify_exists(Query *sub);

// Of a sub-query that lift_sub_queries() has made of one that may give more than one row: the array.
Param *array_behind(Node *node);

// Replaces sub-queries of a query's expressions, at any depth, that give one value (or an array) and refer to
// nothing around them by placeholders; IN over a small one becomes = ANY of an array. Sub-queries that need
// no table, or only copies that every node has, stay.
Query *lift_sub_queries(Query *query);

} // namespace shardext

// Moving less data between a query and the sub-queries in its expressions.
#pragma once
#include "shardext/planner/join_graph.hpp"

namespace shardext {

// x IN (SELECT y …) with a small result becomes x = ANY (ARRAY (SELECT y …)), which travels to the shards.
// EXISTS with a small inner side restricts the outer one. A small outer side restricts what a correlated
// sub-query (of any kind, anywhere in the query) reads.
void restrict_by_sublinks(JoinGraph *graph);

// inner column = outer column, in the WHERE clause of a sub-query.
struct Correlation {
	Node *inner, *outer; // as seen from inside and from outside
	Oid inner_op_outer, outer_op_inner;
	Oid collation;
};

// Reads an ANDed condition of a sub-query as a correlation.
bool read_correlation(Query *sub, Node *condition, Correlation *result);

// True for a SELECT whose WHERE may be added to: no set operation, LIMIT, row locks or WITH of its own.
bool is_plain(const Query *sub);

} // namespace shardext

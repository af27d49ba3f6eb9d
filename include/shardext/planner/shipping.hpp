// Small sides of joins travel to the shards of the large one.
#pragma once
#include "shardext/planner/join_graph.hpp"

namespace shardext {

// A table, or anything else of a FROM clause, that is read on the coordinator and sent to the shards as
// arrays, one for each column that is needed.
struct ShippedItem {
	int first_placeholder;	 // the array of the first column
	RangeTblEntry *original; // what stood in the query
	List *conditions;		 // on it alone; they are gone from the query
	CommonTableExpr *cte;	 // reads it, once
	double rows;
};

// Tries to make a query shard-complete by sending small tables, sub-queries and values to the shards of its
// large tables, so that the join and what is above it run there. Returns true when the query has been
// replaced by one over a fragment.
bool ship_small_sides(Query *query);

// Puts back what stood in a query instead of shipped arrays, for estimates.
void restore_shipped(Query *query);

} // namespace shardext

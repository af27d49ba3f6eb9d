// Sizes of joins on several columns.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/pathnodes.h"
}

namespace shardext {

// Tells the planner of joins what it takes from foreign keys otherwise, which distributed tables of different
// colocation groups cannot have: a row finds at most one partner where a unique key is compared (an index, or
// what a sub-query or a fragment groups by), and a table has no more combinations of values than rows.
// Without, the selectivities of the columns would be multiplied as if they were independent. To be called
// when the base relations have their sizes and nothing has been joined yet; works once for each PlannerInfo.
void add_join_keys(PlannerInfo *root);

// The positions (int list, from 1) of the columns whose combination is different in each row of a query's
// result because it groups by them; NIL when there are none. `columns` are TargetEntries of the query's
// target list.
List *grouped_columns(const Query *query, List *columns);

} // namespace shardext

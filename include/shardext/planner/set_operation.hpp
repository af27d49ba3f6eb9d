// UNION, INTERSECT and EXCEPT.
#pragma once
#include "shardext/planner/shard_complete.hpp"

namespace shardext {

// analyze_query() for a query that is a set operation: its arms must be shard-complete, and the operation
// itself must only meet rows of one shard group.
void analyze_set_operation(Query *query, QueryAnalysis *result);

// True for an expression that may choose shard groups: without columns of its query level or below (columns
// of outer levels are fine), and the same for all rows.
bool is_pin_value(Node *node);

} // namespace shardext

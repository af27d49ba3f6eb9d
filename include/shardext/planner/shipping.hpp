// Small sides of joins travel to the shards of the large one.
#pragma once
#include "shardext/planner/join_graph.hpp"

namespace shardext {

// Tries to make a query shard-complete by sending small tables, sub-queries and values to the shards of its
// large tables, so that the join and what is above it run there. The graph is the query's. Returns true when
// the query has been replaced by one over a fragment; else says why in *reason, if there is more to say than
// what the analysis has said.
bool ship_small_sides(Query *query, JoinGraph *graph, const char **reason);

} // namespace shardext

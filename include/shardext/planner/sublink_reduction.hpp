// Moving less data between a query and the sub-queries in its expressions.
#pragma once
#include "shardext/planner/join_graph.hpp"

namespace shardext {

// x IN (SELECT y …) with a small result becomes x = ANY (ARRAY (SELECT y …)), which travels to the shards.
// EXISTS with a small inner side restricts the outer one. A small outer side restricts what a correlated
// sub-query (of any kind, anywhere in the query) reads.
void restrict_by_sublinks(JoinGraph *graph);

} // namespace shardext

// Cutting queries into fragments.
#pragma once
#include "shardext/planner/fragment.hpp"

namespace shardext {

// Replaces every part of the query that can run on the shards by fragments; what cannot stays as it is.
void cut_into_fragments(Query *query);

// The same for all sub-queries of an expression.
void cut_sub_queries(Node *expr);

// Makes one fragment of a query whose joins stay inside shard groups, with as much of what is above them as
// possible. False when nothing is gained: the query is as it was.
bool run_on_shards(Query *query, QueryAnalysis *analysis);

} // namespace shardext

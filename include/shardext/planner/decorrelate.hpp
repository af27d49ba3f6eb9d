// Correlated aggregates as joins.
#pragma once
#include "shardext/planner/fragment.hpp"

namespace shardext {

// Turns scalar sub-queries over distributed tables such as (SELECT avg(t.n) FROM t WHERE t.x = outer.x) into
// a LEFT JOIN with the aggregates of all x, worked out once: t's shards do that, while the sub-query itself
// would have to fetch t and run through it for every row. Only where nothing can be told from the difference.
void decorrelate_aggregates(Query *query);

} // namespace shardext

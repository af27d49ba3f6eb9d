// ORDER BY and LIMIT of a statement that runs on all shards: nodes sort and cut, the coordinator merges.
#pragma once
#include "shardext/planner/fragment.hpp"

namespace shardext {

// LIMIT + OFFSET, as many rows as one node may have to contribute; nullptr when that cannot be said.
Node *limit_plus_offset(Query *query);

// The ORDER BY of a node's whole statement, over the output names _c1, _c2, ….
char *order_by_suffix(Query *inner, List *sort_clause);

// Makes the fragment merge the nodes' sorted rows.
void set_merge_order(Fragment *fragment, Query *inner, List *sort_clause);

} // namespace shardext

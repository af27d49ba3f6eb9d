// INSERT … ON CONFLICT DO UPDATE that shards cannot do by themselves.
#pragma once
#include "shardext/planner/write_parts.hpp"

namespace shardext {

// Why the shards cannot do an INSERT's DO UPDATE, or nullptr.
const char *why_not_on_shards(Query *insert, const DistributedTable *table);

// The columns of the unique key that decides on conflicts (int list); NIL when it has expressions or a WHERE.
List *arbiter_columns(const OnConflictExpr *conflict);

// The INSERT as a MERGE: its rows (called EXCLUDED) are joined with the table on the key's columns.
Query *conflict_to_merge(Query *insert, List *arbiter);

} // namespace shardext

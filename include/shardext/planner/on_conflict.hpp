// INSERT … ON CONFLICT DO UPDATE that shards cannot do by themselves.
#pragma once
#include "shardext/planner/user_triggers.hpp"
#include "shardext/planner/write_parts.hpp"

namespace shardext {

// Why the shards cannot do an INSERT's DO UPDATE, or nullptr.
const char *why_not_on_shards(Query *insert, const DistributedTable *table);

// The INSERT as a MERGE: its rows (called EXCLUDED) are joined with the table on the unique keys that decide
// on conflicts. The conflict's keys get a list of expressions over EXCLUDED for each: rows in which all are
// equal, and none is NULL, conflict.
Query *conflict_to_merge(Query *insert, const UserTriggers &triggers, const PlanningContext &context,
						 Conflict *conflict);

// True for the function that gives the rows behind BEFORE INSERT triggers: the same ones each time.
bool gives_proposed_rows(const RangeTblEntry *rte);

} // namespace shardext

// The plan nodes Shard Scan, Shard Insert and Shard Modify.
#pragma once
#include "shardext/planner/write_plan.hpp"

namespace shardext {

// Make the nodes known to PostgreSQL and to the planner; called from _PG_init.
void register_shard_scan();
void register_shard_insert();
void register_shard_modify();

// Raises 42501 for a row that a policy's WITH CHECK or a view's CHECK OPTION refuses.
[[noreturn]] void raise_check_violation(Oid relid, const char *check_name);

} // namespace shardext

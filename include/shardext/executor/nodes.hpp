// The plan nodes Shard Scan, Shard Insert, Shard Modify and Shard Change.
#pragma once
#include "shardext/planner/write_plan.hpp"

namespace shardext {

// Make the nodes known to PostgreSQL and to the planner; called from _PG_init.
void register_shard_scan();
void register_shard_insert();
void register_shard_modify();
void register_shard_change();

// Raises an error when one of a row's checks, whose columns start at `first`, is not true: 42501 for a
// policy's WITH CHECK, 44000 for a view's CHECK OPTION.
void test_checks(const RowChecks &checks, Oid relid, const TupleTableSlot *row, int first);
[[noreturn]] void raise_check_violation(const RowChecks &checks, int number, Oid relid,
										const TupleTableSlot *row);

} // namespace shardext

// FOR UPDATE, FOR SHARE and the like on distributed tables that are scanned one by one.
#pragma once
#include "shardext/planner/fragment.hpp"

namespace shardext {

// Replaces the marked tables by fragments that lock rows where they read them, and takes their marks away.
void lock_marked_tables(Query *query);

// Raises PostgreSQL's error when rows to be locked stand on the nullable side of an outer join.
void check_locked_fragment(PlannerInfo *root, RelOptInfo *rel, const Fragment *fragment);

} // namespace shardext

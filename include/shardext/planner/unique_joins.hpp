// Sizes of joins on several columns that are a unique key together.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/pathnodes.h"
}

namespace shardext {

// Tells the planner that a join of another table with all columns of a unique index of this one finds at most
// one row, as it knows of foreign keys. (Distributed tables of different colocation groups cannot have
// foreign keys; without, the selectivities of the columns would be multiplied as if they were independent.)
void note_unique_joins(PlannerInfo *root, Oid relid, RelOptInfo *rel);

} // namespace shardext

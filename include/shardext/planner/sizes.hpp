// Sizes of relations and groups that PostgreSQL's planner would get wrong.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/pathnodes.h"
}

namespace shardext {

// How many rows a table's shards send. Sets rel->rows as well, where conditions were added for joins: they
// say what the joins say again, so they count for the scan, not for the size of what is joined.
double rows_of_table(PlannerInfo *root, RelOptInfo *rel);

// Gives fragments their number of rows. (To the planner, all functions return as many.)
void size_fragments(PlannerInfo *root);

// create_upper_paths_hook, for GROUP BY: where partial states are combined, as many groups are left as there
// were; elsewhere there are no more than bounded_groups() says.
void correct_group_counts(PlannerInfo *root, const RelOptInfo *input, RelOptInfo *output);

} // namespace shardext

// What an expression of one column gives, tried with the values that statistics know.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/pathnodes.h"
}

namespace shardext {

// How many different values an expression over one column (a Var of `rte`) has, or -1 when that cannot be
// told. Only built-in functions that never fail are tried, on behalf of those who may read the column.
double distinct_by_trial(const RangeTblEntry *rte, const Var *column, const Node *expr);

// Corrects the selectivities of conditions like extract(year FROM day) = 2024, for which the planner has
// defaults only, and the size of the relation with them. To be called when its base size is known.
void correct_selectivities(PlannerInfo *root, RelOptInfo *rel);

} // namespace shardext

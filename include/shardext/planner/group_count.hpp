// How many groups a query can have at most.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace shardext {

// An upper bound of the number of groups that a query's GROUP BY makes of so many rows. PostgreSQL multiplies
// the numbers of values of the grouping columns; this one knows what they have to do with each other: columns
// that one row of a table fixes (through unique keys) have no more combinations than it has rows, CASE has no
// more values than its arms, dates between bounds are no more than days.
double bounded_groups(const Query *query, double rows);

// The rows that a query groups, as the planner sees it.
double ungrouped_rows(const Query *query);

} // namespace shardext

// Parameters that a query with grouping sets groups by.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/params.h"
#include "nodes/parsenodes.h"
}

namespace shardext {

// A grouping set that leaves a column out makes it NULL wherever the query says it, but a constant only where
// it is the grouped column itself (before PostgreSQL 18). Which of the two a parameter is depends on the
// plan: with values at hand (params, may be null) it is a constant for PostgreSQL, so it becomes one here.
// Changes the query.
void make_grouped_params_constant(Query *query, ParamListInfo params);

} // namespace shardext

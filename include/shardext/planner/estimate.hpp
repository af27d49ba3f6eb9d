// How many rows a query returns, as PostgreSQL's planner sees it.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "nodes/pathnodes.h"
#include "utils/selfuncs.h"
}

namespace shardext {

struct Estimate {
	double rows;
	int width; // bytes of a row
	double cost;
};

// Plans a copy of a SELECT as if each distributed table were scanned on its own, only to see its size. The
// query must not refer to anything outside of it.
Estimate estimate_query(const Query *query);

// Raises what PostgreSQL's planner would raise if all tables were ordinary ones.
void raise_planning_errors(const Query *query, ParamListInfo params);

// get_relation_stats_hook: columns of fragments have the statistics of the table columns that they are.
bool find_fragment_statistics(PlannerInfo *root, RangeTblEntry *rte, AttrNumber attnum,
							  VariableStatData *data);

} // namespace shardext

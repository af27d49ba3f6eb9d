// Look-ups: scans of distributed tables that are repeated with other values.
#pragma once
#include "shardext/planner/scan_plan.hpp"

extern "C" {
#include "nodes/pathnodes.h"
}

namespace shardext {

// Parameters that are worked out once, by sub-plans of this query or of those around it.
Bitmapset *once_known_params(PlannerInfo *root);

// True when an expression has a parameter of the plan that changes while the plan runs.
bool has_changing_parameter(Node *node, Bitmapset *once_known);

// column = value, where the value changes from one repetition of a scan to the next.
struct LookupClause {
	RestrictInfo *info;
	Var *column;
	Expr *value;
	Oid op; // column op value
	Oid collation;
	Oid column_hash, value_hash;
};

// Reads a condition as such; the value may have columns of other tables when `of_others`.
bool read_lookup(PlannerInfo *root, RelOptInfo *rel, RestrictInfo *info, bool of_others,
				 LookupClause *result);

// All such conditions of a list of RestrictInfos, as a List of LookupClause.
List *find_lookups(PlannerInfo *root, RelOptInfo *rel, List *clauses);

// The sets of other tables whose rows could be joined to this one's by look-ups, as a List of Relids. Only in
// sub-queries that are repeated themselves: there, what is kept is used again.
List *lookup_parameterizations(PlannerInfo *root, RelOptInfo *rel);

} // namespace shardext

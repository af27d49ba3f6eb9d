// Variances, covariances and regressions in parts.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/primnodes.h"
}

namespace shardext {

// How an aggregate is computed from a few others.
struct MomentParts {
	List *aggregates = NIL; // Aggref: what each shard group computes of the argument(s)
	const char *state =
		nullptr; // SQL over these, $1, $2, …: the state that travels; nullptr: they do themselves
	const char *merge = nullptr; // the aggregate in schema shardext that merges states
	const char *total = nullptr; // SQL over the sums of what travels, or over the merged state
};

// True when the aggregate, a built-in one called `name` without DISTINCT, is of this kind.
bool split_moments(const Aggref *aggregate, const char *name, MomentParts *parts);

// The expression that a piece of SQL over $1, $2, … means, with these nodes in the parameters' places.
Node *expression_from_sql(const char *sql, List *nodes);

} // namespace shardext

// Moving less data: what the small side of a join holds restricts what shards send of the large side.
#pragma once
#include "shardext/planner/fragment.hpp"

namespace shardext {

struct JoinGraph;

// Adds conditions to a query whose tables are scanned one by one: for a join condition large.x = small.y, the
// condition large.x = ANY (ARRAY (SELECT small.y …)). The array is worked out once, before the large table is
// read, and travels to its shards; where x is the distribution column it also chooses them. The join itself
// stays. Which sides are small is decided by estimates. Returns what has been found out about the tables, or
// nullptr.
JoinGraph *restrict_large_sides(Query *query);

// A condition that was added, by its mark.
struct Reduction {
	double fraction; // of the large table's rows that the condition lets pass, as estimated
	bool replaces;	 // stands for a condition of the user, so it counts in estimates of joins, too
};
// Makes such a condition: large_expr op ANY (ARRAY (select)); nullptr when the types do not allow it. The
// select has one column and stands for itself.
Node *make_reduction(Node *large_expr, Oid op, Oid collation, Query *select, double fraction, bool replaces);

// True when a condition that lets this fraction of a table's rows pass is worth its own query.
bool pays(double large_rows, double fraction);

const Reduction *find_reduction(const Node *clause);
int reduction_number(const Node *clause); // its position in the run's list, or -1

extern int max_shipped_rows; // shardext.max_shipped_rows: what counts as small; 0: nothing
extern bool enable_staging;	 // shardext.enable_staging
extern bool always_ship; // shardext.always_ship: whatever is small is used, also without a gain (for tests)

} // namespace shardext

// Can every shard group work out its own part of a query, so that the parts together are the result?
//
// The answer is found bottom-up over the query tree. For each part of a FROM clause the rows are tied to the
// shard key by a set of expressions that are known to be equal to it (columns, and constants or parameters
// where a condition says so). Parts whose sets meet through an equality are joined inside shard groups.
#pragma once
#include "shardext/catalog/metadata.hpp"

namespace shardext {

// What ties rows to the shard key.
struct KeySet {
	List *members = NIL;		  // Expr: equal to the key on every row
	List *nullable_members = NIL; // Expr: equal to the key or NULL (the inner side of an outer join)
};

// One condition that pins the rows to certain key values.
struct KeyPin {
	// GroupIds is no condition: see ScanPlan::limits_locks.
	// RowId is a ctid over all shards.
	enum Kind { Equal, AnyArray, IsNull, GroupIds, RowId } kind;
	Expr *value; // an expression without columns; nullptr for IsNull
};

// The FROM and WHERE part of one query level.
struct FromAnalysis {
	bool ok = true; // joins stay inside shard groups and everything pushed means the same on a node
	const char *reason = nullptr;
	bool has_sharded = false;
	ColocationGroup *colocation = nullptr;
	KeySet keys;
	List *pins = NIL;		// of KeyPin *: each alone restricts the shard groups
	bool pinned = false;	// all rows lie in one shard group
	bool has_local = false; // reads tables that exist on the coordinator only
	bool needs_settings = false;
	bool needs_pin = false; // a member gives the right rows only in the shard group that it is pinned to
	bool ordered_subquery = false; // a sub-query in FROM has ORDER BY, and people count on it
};

struct QueryAnalysis {
	FromAnalysis from;
	bool upper_pushable = true;		 // target list, HAVING, grouping … may run on a node
	bool complete = false;			 // the whole query is shard-complete
	bool complete_but_limit = false; // …but for ORDER BY / LIMIT / OFFSET
	// …also when it runs on every shard group, although it is pinned to one.
	bool complete_everywhere = false;
	List *key_outputs = NIL; // resnos of output columns that equal the key
	const char *reason = nullptr;
};

// Analyzes one query level with everything below it. `outer_keys` are the key sets of enclosing levels for
// correlated sub-queries (expressions as seen from the level just outside), or nullptr.
void analyze_query(Query *query, QueryAnalysis *result);

// The name of what keeps a query from being shard-complete, for EXPLAIN (VERBOSE) and debugging.
const char *analysis_reason(const QueryAnalysis &analysis);

// Every relation, in any sub-query, that satisfies the predicate.
bool query_has_sharded_table(Query *query);

// True for an equality that holds only for values which belong to the same shard group; gives its operands,
// without casts that change nothing.
bool key_equality_operands(Node *qual, const ColocationGroup *group, Node **left, Node **right);

} // namespace shardext

// What a Shard Scan needs to run, in a form that lives in a plan's custom_private (Lists of nodes).
#pragma once
#include "shardext/planner/shard_complete.hpp"
#include "shardext/sql/shard_sql.hpp"

namespace shardext {

// Where a column of the scan comes from: a column of the tasks' result (>= 0) or made on the coordinator.
constexpr int kColumnTableOid = -1;
constexpr int kColumnWholeRow = -2;
constexpr int kColumnRowId = -3; // ctid made unique over shards

// How a scan that is repeated with other values finds its rows without asking the shards each time: it
// fetches all rows that any values may want, once, and keeps them by the hash of some columns. The lists have
// one member for each of these.
struct LookupPlan {
	List *columns = NIL;	   // int list: positions in the tasks' result; NIL: no look-ups
	List *column_hashes = NIL; // Oid list: functions
	List *value_hashes = NIL;
	List *collations = NIL;
	SqlPieces *all = NIL; // the statement without the changing values
	List *lifted_types =
		NIL;	  // of its own lifted expressions; these and the wanted values follow the pins' values
	int rows = 0; // that it is expected to fetch
};

// Rows that are sent along: the shards' statement reads them from a WITH query.
struct SentItem {
	const char *name;  // of the WITH query; its columns are c1, c2, …
	const char *alias; // what the user calls it
	List *types;	   // Oid list
	double rows;	   // that are expected
	int key_column;	   // equals the distribution column wherever a row counts (from 1; 0: none does)
	int position;	   // of the store's number among the lifted expressions (a placeholder before that)
};

// Into how many tables a node's rows are divided at most, where each goes to its shard group.
constexpr double kMaxStagedParts = 64;

struct ScanPlan {
	const char *strategy = "";	  // shown by EXPLAIN
	const char *reason = nullptr; // why more does not run on the shards, shown by EXPLAIN
	SqlPieces *pieces = NIL;	  // one shard group's statement
	List *sent = NIL;			  // of SentItem
	const char *suffix = nullptr; // what follows the UNION ALL of a node's shard groups (ORDER BY … LIMIT …)
	int32 colocation_id = 0;
	Oid relid = InvalidOid;	  // for tableoid and whole rows
	List *column_types = NIL; // Oid list: the tasks' result columns
	List *column_typmods = NIL;
	List *entries = NIL;	  // int list: one per custom_scan_tlist entry
	List *pin_kinds = NIL;	  // int list of KeyPin::Kind; their values follow the lifted expressions
	List *lifted_types = NIL; // Oid list of the lifted expressions
	List *sort_columns = NIL; // int list: positions in the tasks' result
	List *sort_operators = NIL;
	List *sort_collations = NIL;
	List *sort_nulls_first = NIL;
	bool locks_rows = false; // FOR UPDATE and the like
	// No more rows are locked than are returned: shard groups are asked one after the other, $1 is how many
	// rows each may lock. The last pin's value says which groups the rows to come are in, in order; NULL:
	// any.
	bool limits_locks = false;
	bool needs_settings = false;
	bool one_of_several = false; // the statement has more than one scan: they share a snapshot
	bool one_group = false;		 // router: exactly one shard group answers, also when pins prune all

	LookupPlan lookup;

	List *to_private() const;
	static ScanPlan from_private(List *custom_private);
};

// Makes the shard group's id come along as the last column of the tasks' result. Column kColumnRowId needs
// it, and the row's ctid just before it.
void add_group_id(ScanPlan *plan);

// The plan nodes of room executor; it fills this in when the module is loaded.
struct ScanMethods {
	const struct CustomScanMethods *scan, *insert, *modify, *change;
};
extern ScanMethods scan_methods;

// Expressions as the executor wants them, for plans that PostgreSQL's planner does not see.
List *ready_expressions(List *expressions);

// An empty Shard Scan node with its methods; the caller sets targets and expressions.
CustomScan *make_shard_scan(const ScanPlan &plan, List *lifted, List *pins, List *scan_tlist,
							List *lookup_exprs = NIL);

} // namespace shardext

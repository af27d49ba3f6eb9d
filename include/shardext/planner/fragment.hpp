// Fragments: parts of a query that run whole on every shard group.
//
// A fragment stands in the query as a function-like range table entry, which standard_planner treats as a
// relation of its own; set_rel_pathlist_hook supplies the path that runs it. What is left of the query on top
// is ordinary PostgreSQL.
#pragma once
#include "shardext/planner/scan_plan.hpp"
#include "shardext/planner/shard_complete.hpp"

extern "C" {
#include "nodes/pathnodes.h"
}

namespace shardext {

struct Fragment {
	ScanPlan scan;
	List *lifted = NIL;
	List *pins = NIL;
	List *columns = NIL;		// TargetEntry: what the fragment returns
	List *source_tables = NIL;	// Oid list: the table that a column is read from, or InvalidOid
	List *source_columns = NIL; // int list: the column's number there
	List *placeholders = NIL;	// int list: what the plan's expressions still have to be filled in with
	double rows = 1000;
	double groups = 0; // where partial states are combined: how many groups are left, when it is known
	List *unique_columns = NIL; // int list: columns (from 1) whose combination is different in each row
	List *row_marks = NIL;		// PlanRowMark: says what the statement locks, to whoever names it
	bool sorted = false;		// comes in the order of the query's ORDER BY
	// A fragment that writes supplies its own plan node instead of a Shard Scan.
	CustomScan *(*make_plan)(Fragment *fragment, PlannerInfo *root, List *custom_plans) = nullptr;
	void *write = nullptr;
};

// What one call of the planner hook has found; calls nest (functions are planned while others are).
struct PlannerRun {
	List *fragments = NIL;
	List *scans = NIL;		   // CustomScan: the Shard Scans planned
	List *reductions = NIL;	   // Reduction: conditions that were added, by their marks
	List *range_tables = NIL;  // RangeTblEntry: relations inside fragments, for permission checks and locks
	List *looked_at = NIL;	   // Oid list: other relations whose change makes the plan invalid
	List *placeholders = NIL;  // Expr: what placeholders stand for
	List *shipped = NIL;	   // ShippedItem: what is sent to the shards as arrays
	List *keyed = NIL;		   // PlannerInfo: those that add_join_keys() has worked on
	bool distributed = true;   // false: only functions that PostgreSQL inlines may read distributed tables
	bool thrown_away = false;  // the plans are for nobody to run
	bool simple_scans = false; // no scan may wait for values from elsewhere in the plan
	const char *reason = nullptr; // why the query level at hand is not part of a fragment
	List *reasons = NIL;		  // String: those of tables
	int64 token = 0;			  // random; part of what marks the run's fragments in query trees
	PlannerRun *outer = nullptr;
};
extern PlannerRun *current_run;

// A fragment for a query that has been analyzed; finish_fragment() completes it with the query's text and the
// columns (TargetEntry, of the query's target list) that it returns. `lifted` holds expressions that the text
// already refers to as $1, $2, ….
Fragment *new_fragment(const QueryAnalysis &analysis, const char *strategy);
void finish_fragment(Fragment *fragment, Query *inner, List *columns, const QueryAnalysis &analysis,
					 List *lifted = NIL);

// Sets the text of a fragment, and what is lifted out of it.
void set_text(Fragment *fragment, const Query *inner, List *lifted = NIL);

// Adds a fragment to the current run and returns the range table entry that stands for it.
RangeTblEntry *make_fragment_entry(Fragment *fragment);

// Marks the tables of a query level with the current reason; what such a mark says, or nullptr.
void note_reason(Query *query);
const char *reason_of_entry(const RangeTblEntry *rte);

// The fragment a range table entry stands for, or nullptr.
Fragment *fragment_of_entry(const RangeTblEntry *rte);

// SELECT over one fragment: the target list's entries are its columns, in order.
Query *make_query_over_fragment(Fragment *fragment, List *target_list);

// Remembers the relations of a query that becomes (part of) a fragment.
void keep_range_tables(Query *query);

// Splits a grouped query into a fragment that computes partial states and a combine query above it.
bool split_aggregation(Query *query, QueryAnalysis *analysis);

// Supplies paths for fragments and for distributed tables that are scanned alone.
void add_shard_paths(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte);

// Notes which table columns a fragment's columns are, so that the planner finds their statistics.
void set_sources(Fragment *fragment, Query *inner, List *columns);

// Fills columns (types) of a scan from a target list.
void set_scan_columns(ScanPlan *scan, List *target_list);

// True when values of all columns can be sent by a node and read here.
bool columns_travel(List *target_list);

Oid fragment_function_oid();

} // namespace shardext

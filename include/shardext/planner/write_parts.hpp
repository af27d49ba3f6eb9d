// What the planning of all writes has in common.
#pragma once
#include "shardext/planner/plan_statement.hpp"
#include "shardext/planner/write_plan.hpp"

namespace shardext {

[[noreturn]] void refuse_write(const char *what);

// RETURNING: the shards return columns, the coordinator evaluates the expressions.
struct ReturningContext {
	Query *query;
	Oid relid;
	List *columns = NIL; // TargetEntry over the query's own columns: what the shards return
	int level = 0;
	bool whole_rows = false; // of sub-queries may be among the columns
};

// A copy of an expression over the query's tables that reads the columns gathered in the context, at range
// table position 1; missing ones are added.
Node *read_through(Node *expr, ReturningContext *context);

// A copy of a RETURNING list that reads the columns gathered in the context, at range table position 1.
List *read_returning(List *returning_list, ReturningContext *context);

// Keeps something in RETURNING even when no column is asked for.
void need_one_column(List **columns);

// A node that writes, and what RETURNING makes of the columns that it returns.
struct PlannedWrite {
	CustomScan *scan = nullptr;
	List *returned_columns = NIL; // TargetEntry
	List *returning_list = NIL;	  // TargetEntry over these
};

// How a statement is planned.
struct PlanningContext {
	const char *text;
	int cursor_options;
	ParamListInfo params;
	StandardPlanner next;
	// A WITH query that writes: the list that it is in takes the query that it reads from, before it.
	Query *with = nullptr;
	const CommonTableExpr *writer = nullptr;
	// The part of the statement that is planned: its rows are read before any is changed, because other
	// parts read or change them, too; and it changes them at the end of the statement.
	bool shares_rows = false, late = false;
};

// The statement around a write node. With RETURNING: SELECT <list> FROM the write; without: the node alone.
PlannedStmt *plan_around(Query *query, const PlannedWrite &write, const PlanningContext &context);

// The same as a query, for WITH.
Query *select_from_write(const PlannedWrite &write);

// Plans INSERT, UPDATE, DELETE or MERGE of a distributed table.
PlannedWrite plan_one_write(Query *query, const PlanningContext &context);

// Makes data-modifying WITH queries on distributed tables queries over their write nodes
// (planner/modifying_with.cpp). Returns how the statement's main part is to be planned.
PlanningContext plan_modifying_with(Query *query, const PlanningContext &context);

// A part of a statement that writes to a distributed table.
struct WritePart {
	Query *query;
	const CommonTableExpr *cte; // nullptr: the main part
	Oid relid;
	bool shares_rows, late; // as in PlanningContext
};

// The parts of a statement that write, and what they have to mind (planner/shared_rows.cpp). Sets
// simple_scans of the current run where that is needed.
List *find_write_parts(Query *query);

// How often a query reads a table; an INSERT does not read its target.
int reads_of(Query *query, Oid relid);

// How often a query names a WITH query of the list that it is in.
int reads_of_cte(Query *query, const CommonTableExpr *cte);

// True when what RETURNING says of the changed rows can be known before they are.
bool can_be_late(const Query *query);

// Plans the SELECT that a write reads its rows from, as a statement of its own (its relations count for locks
// and invalidation of the whole), or makes it a WITH query.
SourcePlan plan_source(Query *source, const PlanningContext &context);

// SET (b, a) = (SELECT …): the deparser expects the columns of one sub-query side by side and in its order,
// but rewriting has sorted them by their numbers in the table.
void order_multi_assignments(List *targets);

// True for an UPDATE that may give the distribution column another value.
bool changes_key(const Query *query, const DistributedTable *table);

// UPDATE and DELETE that run whole on the shards (planner/write_pushed.cpp); the reason where they do not.
PlannedWrite plan_pushed_write(Query *query, const char **reason);

// INSERT: names all columns that BEFORE ROW triggers may give a value to.
void name_all_columns(Query *insert, Oid relid);

// A query moves one level down, the WITH queries that it names stay: *level is -1.
bool raise_cte_levels(Node *node, int *level);

// An INSERT … ON CONFLICT DO UPDATE that has become a MERGE.
struct Conflict {
	List *keys;		   // of Lists of expressions over EXCLUDED, see conflict_to_merge()
	SqlPieces *clause; // ON CONFLICT … DO NOTHING
	// Where BEFORE INSERT triggers fire before rows conflict: how they are proposed, and the number by which
	// the source reads what the triggers made of them.
	SourcePlan proposed;
	int64 token = 0;
	List *proposed_columns = NIL; // int list
};

// All others: rows are read, locked and changed one by one (planner/change.cpp).
PlannedWrite plan_change(Query *query, const PlanningContext &context, const char *reason,
						 const Conflict *conflict = nullptr);

} // namespace shardext

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

// The statement around a write node. With RETURNING: SELECT <list> FROM the write; without: the node alone.
PlannedStmt *plan_around(Query *query, CustomScan *scan, List *returned_columns, List *returning_list,
						 const char *text, int cursor_options, ParamListInfo params, StandardPlanner next);

// Plans the SELECT that a write reads its rows from, as a statement of its own. Its relations count for locks
// and invalidation of the whole.
PlannedStmt *plan_source(Query *source, const char *text, ParamListInfo params, StandardPlanner next);

// SET (b, a) = (SELECT …): the deparser expects the columns of one sub-query side by side and in its order,
// but rewriting has sorted them by their numbers in the table.
void order_multi_assignments(List *targets);

// True for an UPDATE that may give the distribution column another value.
bool changes_key(const Query *query, const DistributedTable *table);

// UPDATE and DELETE that run whole on the shards (planner/write_pushed.cpp), or nullptr and the reason.
PlannedStmt *plan_pushed_write(Query *query, const char *text, int cursor_options, ParamListInfo params,
							   StandardPlanner next, const char **reason);

// All others: rows are read, locked and changed one by one (planner/change.cpp).
PlannedStmt *plan_change(Query *query, const char *text, int cursor_options, ParamListInfo params,
						 StandardPlanner next, const char *reason);

} // namespace shardext

// Planning of statements that touch distributed tables.
#pragma once
#include "shardext/planner/fragment.hpp"

namespace shardext {

using StandardPlanner = PlannedStmt *(*)(Query *, const char *, int, ParamListInfo);

// Plans one statement; `next` plans what is left for PostgreSQL. The query must touch a distributed table.
PlannedStmt *plan_distributed_statement(Query *query, const char *text, int cursor_options,
										ParamListInfo params, StandardPlanner next);

// Plans any other statement. SQL functions in it may read distributed tables when PostgreSQL inlines them.
PlannedStmt *plan_other_statement(Query *query, const char *text, int cursor_options, ParamListInfo params,
								  StandardPlanner next);

// True when the statement concerns a distributed table anywhere.
bool statement_is_distributed(Query *query);

// Raises an error when a reference table that is written has lost what carries its changes to the copies (a
// dump does not hold it).
void check_reference_target(Oid relid);
void check_reference_targets(Query *query);
// True for a write to a distributed or a reference table.
bool is_distributed_target(const Query *query);

// Plans INSERT, UPDATE and DELETE on distributed tables (planner/write_*.cpp).
PlannedStmt *plan_write(Query *query, const char *text, int cursor_options, ParamListInfo params,
						StandardPlanner next);

// Runs the planner on a query that holds fragments of the current run and completes the result: relations for
// permission checks, invalidation and locks, shared snapshots.
PlannedStmt *plan_rest(Query *query, const char *text, int cursor_options, ParamListInfo params,
					   StandardPlanner next);

} // namespace shardext

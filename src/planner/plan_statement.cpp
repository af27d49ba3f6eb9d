// The planner hook's work: cut into fragments, let PostgreSQL plan what is left.
#include "shardext/planner/plan_statement.hpp"

#include "shardext/pg/walk.hpp"

extern "C" {
#include "optimizer/planner.h"
#include "utils/inval.h"
}

namespace shardext {

bool statement_is_distributed(Query *query) {
	return query->commandType != CMD_UTILITY && extension_exists() && query_has_sharded_table(query);
}

namespace {

// The target of a scan plan's flag list; see ScanPlan::to_private.
void mark_one_of_several(CustomScan *scan) {
	List *flags = static_cast<List *>(linitial(scan->custom_private));
	if (IsA(flags, IntList) && list_length(flags) == 5)
		lfirst_int(list_nth_cell(flags, 2)) = true;
}

// Router statements need none of PostgreSQL's planning: one node that returns the fragment's columns.
PlannedStmt *plan_router(Query *query, const char *) {
	auto *fragment = static_cast<Fragment *>(linitial(current_run->fragments));
	List *scan_tlist = NIL, *targets = NIL;
	foreach_node(TargetEntry, entry, query->targetList) {
		auto *column = list_nth_node(TargetEntry, fragment->columns, entry->resno - 1);
		auto *expr = reinterpret_cast<Node *>(column->expr);
		Var *var = makeVar(1, entry->resno, exprType(expr), exprTypmod(expr), exprCollation(expr), 0);
		scan_tlist = lappend(scan_tlist, makeTargetEntry(reinterpret_cast<Expr *>(var), entry->resno, column->resname, false));
		auto *target = static_cast<TargetEntry *>(copyObjectImpl(entry));
		auto *out = static_cast<Var *>(copyObjectImpl(var));
		out->varno = INDEX_VAR;
		target->expr = reinterpret_cast<Expr *>(out);
		targets = lappend(targets, target);
	}
	CustomScan *scan = make_shard_scan(fragment->scan, fragment->lifted, fragment->pins, scan_tlist);
	scan->scan.plan.targetlist = targets;
	scan->scan.plan.plan_rows = fragment->rows;
	scan->scan.plan.startup_cost = 1;
	scan->scan.plan.total_cost = 1;
	foreach_ptr(Node, expr, scan->custom_exprs)
		fix_opfuncids(expr);

	PlannedStmt *plan = makeNode(PlannedStmt);
	plan->commandType = CMD_SELECT;
	plan->queryId = query->queryId;
	plan->canSetTag = query->canSetTag;
	plan->planTree = reinterpret_cast<Plan *>(scan);
	plan->rtable = query->rtable;
	plan->stmt_location = query->stmt_location;
	plan->stmt_len = query->stmt_len;
	return plan;
}

void add_relations(PlannedStmt *plan) {
	foreach_node(RangeTblEntry, rte, current_run->range_tables) {
		plan->rtable = lappend(plan->rtable, rte);
		plan->relationOids = list_append_unique_oid(plan->relationOids, rte->relid);
	}
}

} // namespace

PlannedStmt *plan_rest(Query *query, const char *text, int cursor_options, ParamListInfo params, StandardPlanner next) {
	// Rows come over sockets of this process: parallel workers cannot take part.
	PlannedStmt *plan = next(query, text, cursor_options & ~CURSOR_OPT_PARALLEL_OK, params);
	if (list_length(current_run->scans) > 1)
		foreach_ptr(CustomScan, scan, current_run->scans)
			mark_one_of_several(scan);
	add_relations(plan);
	return plan;
}

PlannedStmt *plan_distributed_statement(Query *query, const char *text, int cursor_options, ParamListInfo params,
										StandardPlanner next) {
	PlannerRun run;
	run.outer = current_run;
	current_run = &run;
	PlannedStmt *plan = nullptr;
	PG_TRY();
	{
		if (query->commandType != CMD_SELECT || query->hasModifyingCTE) {
			plan = plan_write(query, text, cursor_options, params, next);
		} else {
			const uint64 query_id = query->queryId;
			const bool can_set_tag = query->canSetTag;
			const int location = query->stmt_location, length = query->stmt_len;
			cut_into_fragments(query);
			query->queryId = query_id;
			query->canSetTag = can_set_tag;
			query->stmt_location = location;
			query->stmt_len = length;
			const bool scroll = (cursor_options & CURSOR_OPT_SCROLL) != 0;
			const bool router =
				!scroll && list_length(run.fragments) == 1 && list_length(query->rtable) == 1 &&
				fragment_of_entry(linitial_node(RangeTblEntry, query->rtable)) != nullptr &&
				static_cast<Fragment *>(linitial(run.fragments))->scan.one_group && query->sortClause == NIL &&
				query->limitCount == nullptr && query->limitOffset == nullptr && !query->hasAggs &&
				query->groupClause == NIL && query->distinctClause == NIL && query->jointree->quals == nullptr &&
				!query->hasWindowFuncs && !query->hasTargetSRFs && !query->hasSubLinks &&
				list_length(query->targetList) == list_length(static_cast<Fragment *>(linitial(run.fragments))->columns);
			if (router) {
				plan = plan_router(query, text);
				add_relations(plan);
			} else {
				plan = plan_rest(query, text, cursor_options, params, next);
			}
		}
	}
	PG_FINALLY();
	{
		current_run = run.outer;
	}
	PG_END_TRY();
	return plan;
}

} // namespace shardext

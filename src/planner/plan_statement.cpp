// The planner hook's work: cut into fragments, let PostgreSQL plan what is left.
#include "shardext/planner/plan_statement.hpp"

#include "shardext/planner/cursor_rows.hpp"
#include "shardext/planner/cut.hpp"
#include "shardext/planner/estimate.hpp"
#include "shardext/planner/grouped_params.hpp"
#include "shardext/planner/key_actions.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/sql/deparse.hpp"

extern "C" {
#include "access/sysattr.h"
#include "optimizer/planner.h"
#include "optimizer/prep.h"
#include "parser/analyze.h"
#include "parser/parsetree.h"
#include "utils/inval.h"
}

namespace shardext {

bool statement_is_distributed(Query *query) {
	return query->commandType != CMD_UTILITY && extension_exists() && query_has_sharded_table(query);
}

void check_reference_target(Oid relid) {
	const DistributedTable *table = find_distributed_table(relid);
	if (table != nullptr && !table->is_sharded() && !table->carries_changes && list_length(all_nodes()) > 1)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("changes of reference table \"%s\" would not reach its copies", get_rel_name(relid)),
				errdetail("The trigger that carries them is missing."),
				errhint("Run shardext_adopt_nodes() to make it again."));
}

void check_reference_targets(Query *query) {
	if (query->resultRelation > 0)
		check_reference_target(rt_fetch(query->resultRelation, query->rtable)->relid);
	if (query->hasModifyingCTE)
		foreach_node (CommonTableExpr, cte, query->cteList)
			if (IsA(cte->ctequery, Query))
				check_reference_targets(reinterpret_cast<Query *>(cte->ctequery));
}

namespace {

// The target of a scan plan's flag list; see ScanPlan::to_private.
void mark_one_of_several(CustomScan *scan) {
	List *flags = static_cast<List *>(linitial(scan->custom_private));
	if (IsA(flags, IntList) && list_length(flags) == 6)
		lfirst_int(list_nth_cell(flags, 2)) = true;
}

// Scans of one statement share a snapshot per node.
void mark_if_several() {
	if (list_length(current_run->scans) > 1)
		foreach_ptr (CustomScan, scan, current_run->scans)
			mark_one_of_several(scan);
}

// Router statements need none of PostgreSQL's planning: one node that returns the fragment's columns.
PlannedStmt *plan_router(Query *query, const char *) {
	auto *fragment = static_cast<Fragment *>(linitial(current_run->fragments));
	List *scan_tlist = NIL, *targets = NIL;
	foreach_node (TargetEntry, entry, query->targetList) {
		auto *column = list_nth_node(TargetEntry, fragment->columns, entry->resno - 1);
		auto *expr = reinterpret_cast<Node *>(column->expr);
		Var *var = makeVar(1, entry->resno, exprType(expr), exprTypmod(expr), exprCollation(expr), 0);
		scan_tlist = lappend(
			scan_tlist, makeTargetEntry(reinterpret_cast<Expr *>(var), entry->resno, column->resname, false));
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
	foreach_ptr (Node, expr, scan->custom_exprs)
		fix_opfuncids(expr);

	PlannedStmt *plan = makeNode(PlannedStmt);
	plan->commandType = CMD_SELECT;
	plan->queryId = query->queryId;
	plan->canSetTag = query->canSetTag;
	plan->planTree = reinterpret_cast<Plan *>(scan);
	plan->rtable = query->rtable;
	plan->rowMarks = fragment->row_marks;
	plan->stmt_location = query->stmt_location;
	plan->stmt_len = query->stmt_len;
	return plan;
}

// True when the query returns the fragment's columns as they are.
bool returns_columns(const Query *query) {
	foreach_node (TargetEntry, entry, query->targetList) {
		auto *var = reinterpret_cast<Var *>(entry->expr);
		if (!IsA(var, Var) || var->varno != 1 || var->varlevelsup != 0 || var->varattno != entry->resno)
			return false;
	}
	return true;
}

void add_relations(PlannedStmt *plan) {
	foreach_node (RangeTblEntry, rte, current_run->range_tables) {
		plan->rtable = lappend(plan->rtable, rte);
		plan->relationOids = list_append_unique_oid(plan->relationOids, rte->relid);
	}
	plan->relationOids = list_concat_unique_oid(plan->relationOids, current_run->looked_at);
}

bool has_outer_join(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (IsA(node, JoinExpr) && reinterpret_cast<JoinExpr *>(node)->jointype != JOIN_INNER)
		return true;
	return IsA(node, Query) ? false : walk_expression(node, has_outer_join, static_cast<void *>(nullptr));
}

struct LockedJoins {
	bool locks = false, outer_joins = false;
};

bool find_locked_joins(Node *node, LockedJoins *found) {
	if (node == nullptr)
		return false;
	if (!IsA(node, Query))
		return walk_expression(node, find_locked_joins, found);
	auto *query = reinterpret_cast<Query *>(node);
	found->locks |= query->rowMarks != NIL;
	found->outer_joins |= has_outer_join(reinterpret_cast<Node *>(query->jointree), nullptr);
	return (found->locks && found->outer_joins) || walk_query(query, find_locked_joins, found, 0);
}

// Which rows of an outer join can be locked depends on how PostgreSQL's planner rewrites the query as a
// whole.
void check_locked_joins(Query *query, ParamListInfo params) {
	LockedJoins found;
	if (!query->hasModifyingCTE && find_locked_joins(reinterpret_cast<Node *>(query), &found))
		raise_planning_errors(query, params);
}

bool find_unread_cte(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (!IsA(node, Query))
		return walk_expression(node, find_unread_cte, static_cast<void *>(nullptr));
	auto *query = reinterpret_cast<Query *>(node);
	foreach_node (CommonTableExpr, cte, query->cteList)
		if (cte->cterefcount == 0 && reinterpret_cast<Query *>(cte->ctequery)->commandType == CMD_SELECT)
			return true;
	return walk_query(query, find_unread_cte, static_cast<void *>(nullptr), 0);
}

// WITH queries that nobody reads are not planned: PostgreSQL does not find out that it cannot plan one. But
// it may plan what only those read.
void forget_unread(Query *query, ParamListInfo params) {
	if (!find_unread_cte(reinterpret_cast<Node *>(query), nullptr))
		return;
	if (!query->hasModifyingCTE)
		raise_planning_errors(query, params);
	forget_all_unread_ctes(reinterpret_cast<Node *>(query), nullptr);
}

// tableoid of a distributed table is the same for all its rows: the shards' own would mean nothing. (The
// nullable side of an outer join, where it may be NULL, is left to the scan.)
Node *tableoid_to_constant(Node *node, Query *query) {
	if (node == nullptr)
		return nullptr;
	if (IsA(node, Var)) {
		auto *var = reinterpret_cast<Var *>(node);
		if (var->varlevelsup == 0 && var->varattno == TableOidAttributeNumber) {
			RangeTblEntry *rte = rt_fetch(var->varno, query->rtable);
			if (rte->rtekind == RTE_RELATION && is_sharded_table(rte->relid))
				return reinterpret_cast<Node *>(makeConst(OIDOID, -1, InvalidOid, sizeof(Oid),
														  ObjectIdGetDatum(rte->relid), false, true));
		}
		return node;
	}
	if (IsA(node, Query))
		return node;
	return mutate_expression(node, tableoid_to_constant, query);
}

bool replace_tableoid(Node *node, void *context) {
	if (node == nullptr)
		return false;
	if (!IsA(node, Query))
		return walk_expression(node, replace_tableoid, context);
	auto *query = reinterpret_cast<Query *>(node);
	walk_query(query, replace_tableoid, context, 0);
	if (!has_outer_join(reinterpret_cast<Node *>(query->jointree), nullptr) &&
		query->commandType != CMD_INSERT) {
		query->targetList = reinterpret_cast<List *>(
			tableoid_to_constant(reinterpret_cast<Node *>(query->targetList), query));
		query->jointree->quals = tableoid_to_constant(query->jointree->quals, query);
		query->havingQual = tableoid_to_constant(query->havingQual, query);
	}
	return false;
}

// PostgreSQL does not plan a sub-query that alone stands below a condition that is never true.
bool reads_nothing(const Query *query) {
	if (query->jointree == nullptr || list_length(query->jointree->fromlist) != 1 ||
		query->jointree->quals == nullptr || !IsA(linitial(query->jointree->fromlist), RangeTblRef))
		return false;
	Node *quals =
		eval_const_expressions(nullptr, static_cast<Node *>(copyObjectImpl(query->jointree->quals)));
	quals = reinterpret_cast<Node *>(canonicalize_qual(reinterpret_cast<Expr *>(quals), false));
	auto *value = reinterpret_cast<Const *>(quals);
	return IsA(quals, Const) && (value->constisnull || !DatumGetBool(value->constvalue));
}

// Where there are no rows there is nothing to lock.
bool forget_locks(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (!IsA(node, Query))
		return walk_expression(node, forget_locks, static_cast<void *>(nullptr));
	auto *query = reinterpret_cast<Query *>(node);
	query->rowMarks = NIL;
	query->hasForUpdate = false;
	return walk_query(query, forget_locks, static_cast<void *>(nullptr), 0);
}

// Queries whose rows cannot be locked, also in views; PostgreSQL says so while it plans, which nodes may not
// get to.
bool check_locking(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (!IsA(node, Query))
		return walk_expression(node, check_locking, static_cast<void *>(nullptr));
	auto *query = reinterpret_cast<Query *>(node);
	if (query->rowMarks != NIL)
		CheckSelectLocking(query, linitial_node(RowMarkClause, query->rowMarks)->strength);
	if (reads_nothing(query)) {
		forget_locks(reinterpret_cast<Node *>(query), nullptr);
		return false;
	}
	return walk_query(query, check_locking, static_cast<void *>(nullptr), 0);
}

} // namespace

PlannedStmt *plan_rest(Query *query, const char *text, int cursor_options, ParamListInfo params,
					   StandardPlanner next) {
	// Rows come over sockets of this process: parallel workers cannot take part.
	PlannedStmt *plan = next(query, text, cursor_options & ~CURSOR_OPT_PARALLEL_OK, params);
	foreach_ptr (Fragment, fragment, current_run->fragments)
		if (plan->rowMarks == NIL)
			plan->rowMarks = fragment->row_marks;
	mark_if_several();
	add_relations(plan);
	return plan;
}

bool is_distributed_target(const Query *query) {
	return query->resultRelation > 0 &&
		   find_distributed_table(rt_fetch(query->resultRelation, query->rtable)->relid) != nullptr;
}

PlannedStmt *plan_other_statement(Query *query, const char *text, int cursor_options, ParamListInfo params,
								  StandardPlanner next) {
	// A statement that a function executes while a distributed one is planned has nothing to do with that
	// one.
	PlannerRun *const around = current_run;
	PlannerRun run;
	run.distributed = false;
	run.simple_scans = (cursor_options & CURSOR_OPT_FAST_PLAN) != 0;
	PlannedStmt *plan = nullptr;
	current_run = &run;
	PG_TRY();
	{
		if (extension_exists() && is_distributed_target(query))
			check_key_actions(query);
		plan = next(query, text, cursor_options, params);
		mark_if_several();
		plan->relationOids = list_concat_unique_oid(plan->relationOids, run.looked_at);
	}
	PG_FINALLY();
	{ current_run = around; }
	PG_END_TRY();
	return plan;
}

namespace {

// Returns the length that PostgreSQL's plan would give an expression: one that it computes while it plans may
// lose it.
int32 promised_typmod(Node *expr) {
	const int32 typmod = exprTypmod(expr);
	if (typmod < 0 || IsA(expr, Var))
		return typmod;
	return exprTypmod(eval_const_expressions(nullptr, static_cast<Node *>(copyObjectImpl(expr))));
}

List *typmods_of(const List *targets) {
	List *result = NIL;
	foreach_node (TargetEntry, entry, targets)
		if (!entry->resjunk)
			result = lappend_int(result, promised_typmod(reinterpret_cast<Node *>(entry->expr)));
	return result;
}

// A statement's columns have the lengths that were promised when it was analyzed, also where a value has come
// a long way round: EXECUTE and cursors insist on it.
void restore_typmods(Plan *plan, const List *typmods) {
	int number = 0;
	foreach_node (TargetEntry, entry, plan->targetlist) {
		if (entry->resjunk || number >= list_length(typmods))
			continue;
		const int32 typmod = list_nth_int(typmods, number++);
		auto *expr = reinterpret_cast<Node *>(entry->expr);
		if (exprTypmod(expr) == typmod)
			continue;
		if (IsA(expr, Var))
			reinterpret_cast<Var *>(expr)->vartypmod = typmod;
		else if (typmod >= 0)
			entry->expr = reinterpret_cast<Expr *>(makeRelabelType(
				entry->expr, exprType(expr), typmod, exprCollation(expr), COERCE_IMPLICIT_CAST));
	}
}

} // namespace

PlannedStmt *plan_distributed_statement(Query *query, const char *text, int cursor_options,
										ParamListInfo params, StandardPlanner next) {
	check_locked_joins(query, params);
	forget_unread(query, params);
	check_locking(reinterpret_cast<Node *>(query), nullptr);
	replace_tableoid(reinterpret_cast<Node *>(query), nullptr);
	make_grouped_params_constant(query, params);
	PlannerRun run;
	run.outer = current_run;
	uint64 random;
	if (!pg_strong_random(&random, sizeof random))
		ereport(ERROR, errmsg("could not generate random numbers"));
	run.token = static_cast<int64>(random >> 2);
	current_run = &run;
	// A cursor asks all shards when it is opened: what is written before it is read is not for it.
	run.simple_scans = (cursor_options & CURSOR_OPT_FAST_PLAN) != 0;
	PlannedStmt *plan = nullptr;
	PG_TRY();
	{
		if (query->commandType != CMD_SELECT || query->hasModifyingCTE) {
			read_cursor_rows(query);
			plan = plan_write(query, text, cursor_options, params, next);
		} else {
			const uint64 query_id = query->queryId;
			const bool can_set_tag = query->canSetTag;
			const int location = query->stmt_location, length = query->stmt_len;
			const List *typmods = typmods_of(query->targetList);
			if ((cursor_options & CURSOR_OPT_FAST_PLAN) != 0)
				add_cursor_rows(query);
			cut_into_fragments(query);
			query->queryId = query_id;
			query->canSetTag = can_set_tag;
			query->stmt_location = location;
			query->stmt_len = length;
			const bool scroll = (cursor_options & CURSOR_OPT_SCROLL) != 0;
			const bool router =
				!scroll && list_length(run.fragments) == 1 && list_length(query->rtable) == 1 &&
				fragment_of_entry(linitial_node(RangeTblEntry, query->rtable)) != nullptr &&
				static_cast<Fragment *>(linitial(run.fragments))->scan.one_group &&
				static_cast<Fragment *>(linitial(run.fragments))->placeholders == NIL &&
				query->sortClause == NIL && query->limitCount == nullptr && query->limitOffset == nullptr &&
				!query->hasAggs && query->groupClause == NIL && query->distinctClause == NIL &&
				query->jointree->quals == nullptr && !query->hasWindowFuncs && !query->hasTargetSRFs &&
				!query->hasSubLinks && query->setOperations == nullptr && returns_columns(query) &&
				list_length(query->targetList) ==
					list_length(static_cast<Fragment *>(linitial(run.fragments))->columns);
			if (router) {
				plan = plan_router(query, text);
				add_relations(plan);
			} else {
				plan = plan_rest(query, text, cursor_options, params, next);
			}
			restore_typmods(plan->planTree, typmods);
		}
	}
	PG_FINALLY();
	{ current_run = run.outer; }
	PG_END_TRY();
	return plan;
}

} // namespace shardext

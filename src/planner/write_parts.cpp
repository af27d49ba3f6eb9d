// What the planning of all writes has in common.
#include "shardext/planner/write_parts.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/cut.hpp"
#include "shardext/sql/relation_query.hpp"

extern "C" {
#include "access/sysattr.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
}

namespace shardext {

void refuse_write(const char *what) {
	ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("%s is not supported on a distributed table yet", what));
	pg_unreachable();
}

namespace {

Node *read_returned(Node *node, ReturningContext *context);

// A whole row of the target, put together again from its columns.
Node *rebuild_row(ReturningContext *context, Var *whole) {
	auto *seen = static_cast<Var *>(copyObjectImpl(whole));
	seen->varlevelsup = context->level;
	RowExpr *row = row_from_columns(seen, rt_fetch(whole->varno, context->query->rtable)->relid);
	ListCell *cell;
	foreach (cell, row->args)
		if (IsA(lfirst(cell), Var))
			lfirst(cell) = read_returned(static_cast<Node *>(lfirst(cell)), context);
	return reinterpret_cast<Node *>(row);
}

Node *read_returned(Node *node, ReturningContext *context) {
	if (node == nullptr)
		return nullptr;
	if (IsA(node, Query)) {
		context->level++;
		auto *result = mutate_query(reinterpret_cast<Query *>(node), read_returned, context, 0);
		context->level--;
		return reinterpret_cast<Node *>(result);
	}
	if (IsA(node, NullTest)) {
		auto *row = reinterpret_cast<Var *>(reinterpret_cast<NullTest *>(node)->arg);
		if (IsA(row, Var) && row->varattno == 0 && static_cast<int>(row->varlevelsup) == context->level &&
			rt_fetch(row->varno, context->query->rtable)->rtekind == RTE_RELATION) {
			auto *test = static_cast<NullTest *>(copyObjectImpl(node));
			test->arg = reinterpret_cast<Expr *>(
				row_to_test(row, rt_fetch(row->varno, context->query->rtable)->relid));
			return mutate_expression(reinterpret_cast<Node *>(test), read_returned, context);
		}
	}
	if (IsA(node, Var) && static_cast<int>(reinterpret_cast<Var *>(node)->varlevelsup) == context->level) {
		auto *var = static_cast<Var *>(copyObjectImpl(node));
		var->varlevelsup = 0;
		RangeTblEntry *rte = rt_fetch(var->varno, context->query->rtable);
		if (var->varattno == TableOidAttributeNumber)
			return reinterpret_cast<Node *>(
				makeConst(OIDOID, -1, InvalidOid, sizeof(Oid), ObjectIdGetDatum(rte->relid), false, true));
		// (Where an outer join has no row, the row of another table is NULL, not a row of nulls.)
		const bool is_target = static_cast<int>(var->varno) == context->query->resultRelation;
		if (var->varattno == 0 && rte->rtekind == RTE_RELATION && (is_target || !context->whole_rows))
			return rebuild_row(context, var);
		if (var->varattno == 0 && !context->whole_rows)
			refuse_write("RETURNING a whole row of a sub-query");
		int number = 0;
		foreach_node (TargetEntry, entry, context->columns)
			if (equal(entry->expr, var))
				number = entry->resno;
		if (number == 0) {
			number = list_length(context->columns) + 1;
			context->columns =
				lappend(context->columns, makeTargetEntry(reinterpret_cast<Expr *>(var), number,
														  psprintf("_c%d", number), false));
		}
		return reinterpret_cast<Node *>(
			makeVar(1, number, var->vartype, var->vartypmod, var->varcollid, context->level));
	}
	return mutate_expression(node, read_returned, context);
}

CustomScan *take_scan(Fragment *fragment, PlannerInfo *, List *) {
	return static_cast<CustomScan *>(fragment->write);
}

void complete(PlannedStmt *plan, Query *query, CmdType command, bool returning) {
	plan->commandType = command;
	plan->hasReturning = returning;
	plan->queryId = query->queryId;
	plan->canSetTag = query->canSetTag;
	plan->stmt_location = query->stmt_location;
	plan->stmt_len = query->stmt_len;
}

bool find_multi_param(Node *node, int *id) {
	if (node == nullptr)
		return false;
	if (IsA(node, Param) && reinterpret_cast<Param *>(node)->paramkind == PARAM_MULTIEXPR) {
		*id = reinterpret_cast<Param *>(node)->paramid;
		return true;
	}
	return walk_expression(node, find_multi_param, id);
}

} // namespace

Node *read_through(Node *expr, ReturningContext *context) {
	return read_returned(static_cast<Node *>(copyObjectImpl(expr)), context);
}

List *read_returning(List *returning_list, ReturningContext *context) {
	return reinterpret_cast<List *>(read_through(reinterpret_cast<Node *>(returning_list), context));
}

void need_one_column(List **columns) {
	if (*columns == NIL)
		*columns = list_make1(constant_column());
}

Query *select_from_write(const PlannedWrite &write) {
	auto *fragment = new (palloc0(sizeof(Fragment))) Fragment();
	foreach_node (TargetEntry, entry, write.returned_columns)
		fragment->columns =
			lappend(fragment->columns, makeTargetEntry(entry->expr, entry->resno, entry->resname, false));
	fragment->make_plan = take_scan;
	fragment->write = write.scan;
	Query *outer = make_query_over_fragment(fragment, write.returning_list);
	outer->hasSubLinks = checkExprHasSubLink(reinterpret_cast<Node *>(write.returning_list));
	return outer;
}

PlannedStmt *plan_around(Query *query, const PlannedWrite &write, const PlanningContext &context) {
	PlannedStmt *plan;
	CustomScan *scan = write.scan;
	if (write.returning_list != NIL) {
		Query *outer = select_from_write(write);
		cut_into_fragments(outer);
		plan = plan_rest(outer, context.text, context.cursor_options, context.params, context.next);
	} else {
		foreach_ptr (Node, expr, scan->custom_exprs)
			fix_opfuncids(expr);
		plan = makeNode(PlannedStmt);
		plan->planTree = reinterpret_cast<Plan *>(scan);
		scan->custom_scan_tlist = NIL;
		foreach_node (RangeTblEntry, rte, current_run->range_tables) {
			plan->rtable = lappend(plan->rtable, rte);
			plan->relationOids = list_append_unique_oid(plan->relationOids, rte->relid);
		}
		plan->relationOids = list_concat_unique_oid(plan->relationOids, current_run->looked_at);
	}
	complete(plan, query, query->commandType, write.returning_list != NIL);
	return plan;
}

namespace {

// Queries are found by name: it must be one that the list does not have.
char *new_with_name(const Query *query, const char *wish) {
	char *name = pstrdup(wish);
	for (int number = 2;; number++) {
		bool taken = false;
		foreach_node (CommonTableExpr, cte, query->cteList)
			taken = taken || strcmp(cte->ctename, name) == 0;
		if (!taken)
			return name;
		name = psprintf("%s %d", wish, number);
	}
}

SourcePlan add_with_query(Query *source, const PlanningContext &context) {
	int position = 0;
	while (list_nth(context.with->cteList, position) != context.writer)
		position++;
	const char *mark =
		psprintf("source " INT64_FORMAT " %d", current_run->token, list_length(context.with->cteList));
	CommonTableExpr *cte = makeNode(CommonTableExpr);
	cte->ctename = new_with_name(context.with, psprintf("rows for %s", context.writer->ctename));
	cte->ctematerialized = CTEMaterializeAlways;
	cte->cterefcount = 1; // the write reads it
	cte->location = -1;
	source->hasModifyingCTE = true; // it is not forgotten for want of readers
	foreach_node (TargetEntry, entry, source->targetList) {
		auto *expr = reinterpret_cast<Node *>(entry->expr);
		if (entry->resno == 1)
			entry->resname = pstrdup(mark);
		if (entry->resjunk)
			continue;
		cte->ctecolnames = lappend(cte->ctecolnames, makeString(psprintf("_c%d", entry->resno)));
		cte->ctecoltypes = lappend_oid(cte->ctecoltypes, exprType(expr));
		cte->ctecoltypmods = lappend_int(cte->ctecoltypmods, exprTypmod(expr));
		cte->ctecolcollations = lappend_oid(cte->ctecolcollations, exprCollation(expr));
	}
	cte->ctequery = reinterpret_cast<Node *>(source);
	context.with->cteList = list_insert_nth(list_copy(context.with->cteList), position, cte);
	return {nullptr, mark};
}

} // namespace

SourcePlan plan_source(Query *source, const PlanningContext &context) {
	if (context.with != nullptr)
		return add_with_query(source, context);
	List *before = current_run->range_tables;
	current_run->range_tables = NIL;
	cut_into_fragments(source);
	PlannedStmt *plan = plan_rest(source, context.text, 0, context.params, context.next);
	List *sources = current_run->range_tables;
	current_run->range_tables = list_concat(before, sources);
	foreach_node (RangeTblEntry, rte, plan->rtable)
		if (rte->rtekind == RTE_RELATION) {
			auto *copy = static_cast<RangeTblEntry *>(copyObjectImpl(rte));
			copy->requiredPerms = 0;
			current_run->range_tables = lappend(current_run->range_tables, copy);
		}
	return {plan};
}

void order_multi_assignments(List *targets) {
	struct Keyed {
		static int compare(const ListCell *a, const ListCell *b) {
			int x = 0, y = 0;
			find_multi_param(reinterpret_cast<Node *>(static_cast<TargetEntry *>(lfirst(a))->expr), &x);
			find_multi_param(reinterpret_cast<Node *>(static_cast<TargetEntry *>(lfirst(b))->expr), &y);
			if (x != y)
				return x < y ? -1 : 1;
			return static_cast<TargetEntry *>(lfirst(a))->resno -
				   static_cast<TargetEntry *>(lfirst(b))->resno;
		}
	};
	int any = 0;
	if (find_multi_param(reinterpret_cast<Node *>(targets), &any))
		list_sort(targets, Keyed::compare);
}

bool changes_key(const Query *query, const DistributedTable *table) {
	if (query->commandType != CMD_UPDATE)
		return false;
	foreach_node (TargetEntry, entry, query->targetList) {
		auto *var = reinterpret_cast<Var *>(entry->expr);
		if (entry->resno == table->key_attnum && !entry->resjunk &&
			!(IsA(var, Var) && var->varattno == table->key_attnum && var->varno == query->resultRelation &&
			  var->varlevelsup == 0))
			return true;
	}
	return false;
}

} // namespace shardext

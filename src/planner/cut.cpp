// Cutting queries into fragments.
#include "shardext/planner/cut.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/decorrelate.hpp"
#include "shardext/planner/join_graph.hpp"
#include "shardext/planner/placeholder.hpp"
#include "shardext/planner/reduction.hpp"
#include "shardext/planner/row_locks.hpp"
#include "shardext/planner/scatter_order.hpp"
#include "shardext/planner/shipping.hpp"
#include "shardext/sql/relation_query.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
}

namespace shardext {

namespace {

// A reference to column n of the fragment at range table position 1.
Var *fragment_var(const TargetEntry *entry, int number) {
	auto *expr = reinterpret_cast<Node *>(entry->expr);
	return makeVar(1, number, exprType(expr), exprTypmod(expr), exprCollation(expr), 0);
}

// The query's target list, each entry read from the fragment's column of the same position.
List *read_columns(List *target_list) {
	List *result = NIL;
	int number = 0;
	foreach_node (TargetEntry, entry, target_list) {
		auto *copy = static_cast<TargetEntry *>(copyObjectImpl(entry));
		copy->expr = reinterpret_cast<Expr *>(fragment_var(entry, ++number));
		result = lappend(result, copy);
	}
	return result;
}

// A fragment has at least one column, also where the query has none.
void ensure_column(Query *inner) {
	if (inner->targetList == NIL)
		inner->targetList = list_make1(constant_column());
}

// Puts a set operation into a sub-query, whose columns can be given the names that fragments use.
Query *wrap_set_operation(Query *inner) {
	if (inner->setOperations == nullptr)
		return inner;
	Query *outer = query_over_query(inner, "set_operation");
	foreach_node (TargetEntry, entry, inner->targetList) {
		auto *expr = reinterpret_cast<Node *>(entry->expr);
		Var *var = makeVar(1, entry->resno, exprType(expr), exprTypmod(expr), exprCollation(expr), 0);
		TargetEntry *copy = makeTargetEntry(reinterpret_cast<Expr *>(var), entry->resno,
											psprintf("_c%d", entry->resno), false);
		copy->ressortgroupref = entry->ressortgroupref;
		outer->targetList = lappend(outer->targetList, copy);
	}
	return outer;
}

void cut_children(Query *query);

// All of the query runs in one shard group.
void replace_by_router(Query *query, const QueryAnalysis &analysis) {
	auto *inner = static_cast<Query *>(copyObjectImpl(query));
	List *targets = read_columns(query->targetList);
	ensure_column(inner);
	// Hidden sort columns stay inside: the rows come in order.
	List *visible = NIL, *columns = NIL;
	foreach_node (TargetEntry, entry, targets)
		if (!entry->resjunk)
			visible = lappend(visible, entry);
	foreach_node (TargetEntry, entry, inner->targetList)
		if (!entry->resjunk)
			columns = lappend(columns, entry);
	Fragment *fragment = new_fragment(analysis, "router");
	int number = 0;
	foreach_node (TargetEntry, entry, visible) {
		entry->ressortgroupref = 0;
		entry->resno = ++number;
		entry->expr =
			reinterpret_cast<Expr *>(fragment_var(list_nth_node(TargetEntry, columns, number - 1), number));
	}
	finish_fragment(fragment, inner, columns, analysis);
	*query = *make_query_over_fragment(fragment, visible);
	if (fragment->placeholders != NIL)
		cut_children(query); // their sub-queries
}

void replace_by_scatter(Query *query, const QueryAnalysis &analysis, bool with_group = false);

// Which shard groups the first rows of a query are in: an array of their ids, in the rows' order.
Expr *groups_of_first_rows(const Query *query, const QueryAnalysis &analysis) {
	auto *peek = static_cast<Query *>(copyObjectImpl(query));
	peek->rowMarks = NIL;
	peek->hasForUpdate = false;
	peek->limitCount = limit_plus_offset(peek); // rows that OFFSET leaves out are locked as well
	peek->limitOffset = nullptr;
	replace_by_scatter(peek, analysis, true);
	List *targets = NIL;
	TargetEntry *group = llast_node(TargetEntry, peek->targetList);
	group->resno = 1;
	targets = list_make1(group);
	foreach_node (TargetEntry, entry, peek->targetList)
		if (entry != group && entry->ressortgroupref != 0) {
			entry->resjunk = true;
			entry->resno = list_length(targets) + 1;
			targets = lappend(targets, entry);
		}
	peek->targetList = targets;
	SubLink *link = makeNode(SubLink);
	link->subLinkType = ARRAY_SUBLINK;
	link->subselect = reinterpret_cast<Node *>(peek);
	link->location = -1;
	return reinterpret_cast<Expr *>(link);
}

// Every shard group returns its part; ORDER BY and LIMIT are finished above. With the group's id as one more
// column, if asked for.
void replace_by_scatter(Query *query, const QueryAnalysis &analysis, bool with_group) {
	auto *inner = static_cast<Query *>(copyObjectImpl(query));
	int number = 0;
	foreach_node (TargetEntry, entry, inner->targetList) {
		entry->resno = ++number;
		entry->resjunk = false; // hidden sort columns travel
	}
	Fragment *fragment = new_fragment(analysis, "all shards");
	List *lifted = NIL;
	Node *limit = limit_plus_offset(query);
	const bool limits_locks =
		query->rowMarks != NIL && limit != nullptr && query->limitOption != LIMIT_OPTION_WITH_TIES;
	if (limits_locks) {
		Expr *order = query->sortClause != NIL
						  ? groups_of_first_rows(query, analysis)
						  : reinterpret_cast<Expr *>(makeNullConst(INT8ARRAYOID, -1, InvalidOid));
		fragment->scan.limits_locks = true;
		fragment->scan.strategy = "shards one after the other";
		if (query->sortClause != NIL)
			order = reinterpret_cast<Expr *>(add_placeholder(order));
		fragment->pins =
			lappend(list_copy(fragment->pins), new (palloc0(sizeof(KeyPin))) KeyPin{KeyPin::GroupIds, order});
		limit = reinterpret_cast<Node *>(add_placeholder(reinterpret_cast<Expr *>(limit)));
		lifted = list_make1(limit);
	}
	StringInfoData suffix;
	initStringInfo(&suffix);
	if (query->sortClause != NIL && !limits_locks) {
		appendStringInfoString(&suffix, order_by_suffix(inner, query->sortClause));
		set_merge_order(fragment, inner, query->sortClause);
	}
	if (limit != nullptr && !limits_locks) {
		if (IsA(limit, Const)) {
			if (!reinterpret_cast<Const *>(limit)->constisnull)
				appendStringInfo(&suffix, " FETCH FIRST (" INT64_FORMAT ") ROWS %s",
								 DatumGetInt64(reinterpret_cast<Const *>(limit)->constvalue),
								 query->limitOption == LIMIT_OPTION_WITH_TIES ? "WITH TIES" : "ONLY");
		} else {
			lifted = list_make1(limit);
			appendStringInfo(&suffix, " FETCH FIRST ($1) ROWS %s",
							 query->limitOption == LIMIT_OPTION_WITH_TIES ? "WITH TIES" : "ONLY");
		}
	}
	inner->limitCount = static_cast<Node *>(copyObjectImpl(limit));
	inner->limitOffset = nullptr;
	// A shard's own order matters only where it decides which rows are taken.
	const bool has_distinct_on = query->hasDistinctOn;
	if (limit == nullptr && !has_distinct_on) {
		inner->sortClause = NIL;
	}
	if (limit == nullptr || inner->sortClause == NIL)
		inner->limitOption = LIMIT_OPTION_COUNT;
	List *targets = read_columns(query->targetList);
	ensure_column(inner);
	inner = wrap_set_operation(inner);
	finish_fragment(fragment, inner, inner->targetList, analysis, lifted);
	fragment->scan.suffix = suffix.data;
	if (with_group) {
		add_group_id(&fragment->scan);
		const int column = list_length(fragment->columns) + 1;
		auto *type = reinterpret_cast<Expr *>(makeNullConst(INT8OID, -1, InvalidOid));
		TargetEntry *entry = makeTargetEntry(type, column, pstrdup("shard_group"), false);
		fragment->columns = lappend(fragment->columns, entry);
		fragment->scan.entries = lappend_int(fragment->scan.entries, column - 1);
		targets = lappend(targets, makeTargetEntry(reinterpret_cast<Expr *>(fragment_var(entry, column)),
												   list_length(targets) + 1, pstrdup("shard_group"), false));
	}
	Query *outer = make_query_over_fragment(fragment, targets);
	outer->sortClause = query->sortClause;
	outer->limitCount = query->limitCount;
	outer->limitOffset = query->limitOffset;
	outer->limitOption = query->limitOption;
	outer->hasSubLinks = checkExprHasSubLink(query->limitCount) || checkExprHasSubLink(query->limitOffset);
	if (outer->hasSubLinks)
		outer->cteList = static_cast<List *>(copyObjectImpl(query->cteList));
	outer->hasSubLinks = outer->hasSubLinks || fragment->placeholders != NIL;
	*query = *outer;
	cut_children(query);
}

// --- FROM and WHERE run on the shards, everything above stays ---

struct PullContext {
	Query *inner;
	int level; // nesting below the query
	bool failed;
};

Node *pull_columns(Node *node, PullContext *context) {
	if (node == nullptr)
		return nullptr;
	if (IsA(node, Query)) {
		context->level++;
		auto *result = mutate_query(reinterpret_cast<Query *>(node), pull_columns, context, 0);
		context->level--;
		return reinterpret_cast<Node *>(result);
	}
	if (IsA(node, Var) && static_cast<int>(reinterpret_cast<Var *>(node)->varlevelsup) == context->level) {
		auto *var = static_cast<Var *>(copyObjectImpl(node));
		if (var->varattno <= 0) {
			context->failed = true;
			return node;
		}
		var->varlevelsup = 0;
		int number = 0;
		foreach_node (TargetEntry, entry, context->inner->targetList)
			if (equal(entry->expr, var))
				number = entry->resno;
		if (number == 0) {
			number = list_length(context->inner->targetList) + 1;
			context->inner->targetList =
				lappend(context->inner->targetList, makeTargetEntry(reinterpret_cast<Expr *>(var), number,
																	psprintf("_c%d", number), false));
		}
		Var *result = makeVar(1, number, var->vartype, var->vartypmod, var->varcollid, context->level);
		return reinterpret_cast<Node *>(result);
	}
	return mutate_expression(node, pull_columns, context);
}

bool replace_from_clause(Query *query, const QueryAnalysis &analysis) {
	if (query->cteList != NIL && query->hasSubLinks)
		return false;
	if (analysis.from.ordered_subquery && !analysis.from.pinned)
		return false; // its order would be lost
	Query *inner = makeNode(Query);
	inner->commandType = CMD_SELECT;
	inner->querySource = QSRC_ORIGINAL;
	inner->canSetTag = true;
	inner->rtable = static_cast<List *>(copyObjectImpl(query->rtable));
	inner->jointree = static_cast<FromExpr *>(copyObjectImpl(query->jointree));
	inner->cteList = static_cast<List *>(copyObjectImpl(query->cteList));
	inner->rowMarks = static_cast<List *>(copyObjectImpl(query->rowMarks));
	inner->hasForUpdate = query->hasForUpdate;
	inner->hasSubLinks = query->hasSubLinks; // in FROM and WHERE, and in functions of FROM

	auto *upper = static_cast<Query *>(copyObjectImpl(query));
	upper->targetList =
		reinterpret_cast<List *>(flatten_join_alias_vars(upper, reinterpret_cast<Node *>(upper->targetList)));
	upper->havingQual = flatten_join_alias_vars(upper, upper->havingQual);
	PullContext context{inner, 0, false};
	upper->targetList =
		reinterpret_cast<List *>(pull_columns(reinterpret_cast<Node *>(upper->targetList), &context));
	upper->havingQual = pull_columns(upper->havingQual, &context);
	if (context.failed)
		return false;
	if (inner->targetList == NIL)
		inner->targetList = list_make1(constant_column());
	if (!columns_travel(inner->targetList))
		return false;
	Fragment *fragment = new_fragment(analysis, "rows from all shards");
	finish_fragment(fragment, inner, inner->targetList, analysis);
	Query *base = make_query_over_fragment(fragment, NIL);
	upper->rtable = base->rtable;
	upper->jointree = base->jointree;
	upper->cteList = NIL;
	upper->rowMarks = NIL;
	upper->hasForUpdate = false;
	*query = *upper;
	return true;
}

// --- recursion ---

bool cut_below(Node *node, void *);

void cut_children(Query *query) {
	walk_query(query, cut_below, static_cast<void *>(nullptr), 0);
}

bool cut_below(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (IsA(node, Query)) {
		cut_into_fragments(reinterpret_cast<Query *>(node));
		return false;
	}
	if (IsA(node, SubLink)) {
		auto *link = reinterpret_cast<SubLink *>(node);
		if (link->subLinkType == EXISTS_SUBLINK && !refers_outside(link->subselect))
			simplify_exists(reinterpret_cast<Query *>(link->subselect));
	}
	return walk_expression(node, cut_below, static_cast<void *>(nullptr));
}

bool is_correlated(Query *query) {
	return contain_vars_of_level(reinterpret_cast<Node *>(query), 1) ||
		   // Columns of levels further out.
		   ({
			   bool found = false;
			   for (int level = 2; level <= 8 && !found; level++)
				   found = contain_vars_of_level(reinterpret_cast<Node *>(query), level);
			   found;
		   });
}

} // namespace

bool run_on_shards(Query *query, QueryAnalysis *analysis) {
	if (analysis->from.has_sharded && analysis->complete_but_limit && columns_travel(query->targetList)) {
		if (analysis->from.pinned)
			replace_by_router(query, *analysis);
		else
			replace_by_scatter(query, *analysis);
		return true;
	}
	if (!analysis->from.ok || !analysis->from.has_sharded || query->setOperations != nullptr)
		return false;
	if (analysis->upper_pushable && split_aggregation(query, analysis)) {
		cut_children(query);
		return true;
	}
	const bool single_table =
		list_length(query->rtable) == 1 && query->rowMarks == NIL && !query->hasSubLinks;
	if (!single_table && replace_from_clause(query, *analysis)) {
		cut_children(query);
		return true;
	}
	return false;
}

void cut_sub_queries(Node *expr) {
	cut_below(expr, nullptr);
}

namespace {

// The query runs on the coordinator; parts of it may still run on the shards.
void stay_above(Query *query, const char *reason) {
	const char *outer_reason = current_run->reason;
	current_run->reason = reason;
	note_reason(query);
	cut_children(query);
	lock_marked_tables(query);
	current_run->reason = outer_reason;
}

// A CASE of constants has the length of the one that is left when it is planned: char(3), not char.
void fold_for_typmods(Query *query) {
	if (query->hasAggs || query->groupClause != NIL)
		return;
	foreach_node (TargetEntry, entry, query->targetList) {
		auto *expr = reinterpret_cast<Node *>(entry->expr);
		if (entry->ressortgroupref == 0 && (IsA(expr, CaseExpr) || IsA(expr, CoalesceExpr)) &&
			exprTypmod(expr) < 0 && !checkExprHasSubLink(expr))
			entry->expr = reinterpret_cast<Expr *>(eval_const_expressions(nullptr, expr));
	}
}

} // namespace

void cut_into_fragments(Query *query) {
	check_stack_depth();
	if (query->commandType != CMD_SELECT || !query_has_sharded_table(query))
		return;
	if (is_correlated(query)) {
		stay_above(query, "rows of an outer query are needed");
		return;
	}
	fold_for_typmods(query);
	QueryAnalysis analysis;
	analyze_query(query, &analysis);
	if (run_on_shards(query, &analysis))
		return;
	decorrelate_aggregates(query);
	const char *reason = analysis.reason != nullptr ? analysis.reason : "all of its rows are needed";
	JoinGraph *graph = current_run->simple_scans ? nullptr : restrict_large_sides(query);
	if (graph != nullptr && ship_small_sides(query, graph, &reason))
		return;
	stay_above(query, reason);
}

} // namespace shardext

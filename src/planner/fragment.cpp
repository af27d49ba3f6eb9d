// Cutting queries into fragments.
#include "shardext/planner/fragment.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/statistics.hpp"
#include "shardext/sql/deparse.hpp"
#include "shardext/sql/pushable.hpp"

extern "C" {
#include "catalog/pg_collation.h"
#include "common/int.h"
#include "catalog/pg_proc.h"
#include "nodes/print.h"
#include "optimizer/cost.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parse_clause.h"
#include "parser/parse_coerce.h"
#include "parser/parse_func.h"
#include "parser/parse_oper.h"
#include "parser/parsetree.h"
#include "utils/ruleutils.h"
}

namespace shardext {

PlannerRun *current_run = nullptr;

Oid fragment_function_oid() {
	Oid argument = INT8OID;
	List *name = list_make2(makeString(pstrdup("shardext")), makeString(pstrdup("fragment_rows")));
	return LookupFuncName(name, 1, &argument, false);
}

RangeTblEntry *make_fragment_entry(Fragment *fragment) {
	current_run->fragments = lappend(current_run->fragments, fragment);
	const int number = list_length(current_run->fragments) - 1;

	FuncExpr *call = makeNode(FuncExpr);
	call->funcid = fragment_function_oid();
	call->funcresulttype = RECORDOID;
	call->funcretset = true;
	// The run's random token tells our entries from calls that a user has written.
	call->args = list_make1(makeConst(INT8OID, -1, InvalidOid, sizeof(int64),
									  Int64GetDatum(current_run->token + number), false, FLOAT8PASSBYVAL));
	call->location = -1;

	RangeTblFunction *function = makeNode(RangeTblFunction);
	function->funcexpr = reinterpret_cast<Node *>(call);
	List *names = NIL;
	foreach_node (TargetEntry, entry, fragment->columns) {
		auto *expr = reinterpret_cast<Node *>(entry->expr);
		char *name = entry->resname != nullptr ? pstrdup(entry->resname) : pstrdup("?column?");
		names = lappend(names, makeString(name));
		function->funccolnames = lappend(function->funccolnames, makeString(pstrdup(name)));
		function->funccoltypes = lappend_oid(function->funccoltypes, exprType(expr));
		function->funccoltypmods = lappend_int(function->funccoltypmods, exprTypmod(expr));
		function->funccolcollations = lappend_oid(function->funccolcollations, exprCollation(expr));
	}
	function->funccolcount = list_length(fragment->columns);

	RangeTblEntry *rte = makeNode(RangeTblEntry);
	rte->rtekind = RTE_FUNCTION;
	rte->functions = list_make1(function);
	rte->eref = makeAlias("shards", names);
	rte->alias = makeAlias("shards", NIL);
	rte->inFromCl = true;
	return rte;
}

Fragment *fragment_of_entry(const RangeTblEntry *rte) {
	if (rte->rtekind != RTE_FUNCTION || current_run == nullptr || list_length(rte->functions) != 1)
		return nullptr;
	auto *function = linitial_node(RangeTblFunction, rte->functions);
	if (!IsA(function->funcexpr, FuncExpr))
		return nullptr;
	auto *call = reinterpret_cast<FuncExpr *>(function->funcexpr);
	if (call->funcresulttype != RECORDOID || function->funccolcount == 0 || list_length(call->args) != 1 ||
		!IsA(linitial(call->args), Const) || call->funcid != fragment_function_oid())
		return nullptr;
	auto *argument = linitial_node(Const, call->args);
	if (argument->constisnull || argument->consttype != INT8OID)
		return nullptr;
	const int64 number = DatumGetInt64(argument->constvalue) - current_run->token;
	return number >= 0 && number < list_length(current_run->fragments)
			   ? static_cast<Fragment *>(list_nth(current_run->fragments, number))
			   : nullptr;
}

Query *make_query_over_fragment(Fragment *fragment, List *target_list) {
	Query *query = makeNode(Query);
	query->commandType = CMD_SELECT;
	query->querySource = QSRC_ORIGINAL;
	query->canSetTag = true;
	query->rtable = list_make1(make_fragment_entry(fragment));
	RangeTblRef *ref = makeNode(RangeTblRef);
	ref->rtindex = 1;
	query->jointree = makeFromExpr(list_make1(ref), nullptr);
	query->targetList = target_list;
	return query;
}

namespace {

bool collect_range_tables(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (IsA(node, RangeTblEntry)) {
		auto *rte = reinterpret_cast<RangeTblEntry *>(node);
		if (rte->rtekind == RTE_RELATION) {
			auto *copy = static_cast<RangeTblEntry *>(copyObjectImpl(rte));
			copy->securityQuals = NIL; // conditions have been deparsed; only the permissions matter
			copy->tablesample = nullptr;
			current_run->range_tables = lappend(current_run->range_tables, copy);
		}
		return false;
	}
	if (IsA(node, Query))
		return walk_query(reinterpret_cast<Query *>(node), collect_range_tables, static_cast<void *>(nullptr),
						  QTW_EXAMINE_RTES_BEFORE);
	return walk_expression(node, collect_range_tables, static_cast<void *>(nullptr));
}

} // namespace

void keep_range_tables(Query *query) {
	collect_range_tables(reinterpret_cast<Node *>(query), nullptr);
}

void set_scan_columns(ScanPlan *scan, List *target_list) {
	int position = 0;
	foreach_node (TargetEntry, entry, target_list) {
		scan->column_types = lappend_oid(scan->column_types, exprType(reinterpret_cast<Node *>(entry->expr)));
		scan->column_typmods =
			lappend_int(scan->column_typmods, exprTypmod(reinterpret_cast<Node *>(entry->expr)));
		scan->entries = lappend_int(scan->entries, position++);
	}
}

// Columns of a fragment's result must have types that exist on both sides and can be read back.
bool columns_travel(List *target_list) {
	foreach_node (TargetEntry, entry, target_list) {
		const Oid type = exprType(reinterpret_cast<Node *>(entry->expr));
		if (type == RECORDOID || type == RECORDARRAYOID || get_typtype(type) == TYPTYPE_PSEUDO ||
			is_object_identifier_type(type))
			return false;
	}
	return true;
}

namespace {

List *columns_of(List *target_list) {
	List *columns = NIL;
	int number = 0;
	foreach_node (TargetEntry, entry, target_list)
		columns = lappend(
			columns, makeTargetEntry(entry->expr, ++number,
									 entry->resname != nullptr ? pstrdup(entry->resname) : nullptr, false));
	return columns;
}

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

Fragment *new_fragment(const QueryAnalysis &analysis, const char *strategy) {
	auto *fragment = new (palloc0(sizeof(Fragment))) Fragment();
	fragment->scan.strategy = strategy;
	fragment->scan.colocation_id = analysis.from.colocation->id;
	fragment->scan.one_group = analysis.from.pinned;
	fragment->pins = analysis.from.pins;
	fragment->rows = analysis.from.pinned ? 10 : 1000;
	return fragment;
}

// Remembers FOR UPDATE and the like. The marks in the plan lock nothing here (isParent): the nodes do.
void set_row_marks(Fragment *fragment, Query *inner) {
	fragment->scan.locks_rows = inner->rowMarks != NIL;
	foreach_node (RowMarkClause, clause, inner->rowMarks) {
		PlanRowMark *mark = makeNode(PlanRowMark);
		mark->rti = mark->prti = 1;
		mark->strength = clause->strength;
		mark->waitPolicy = clause->waitPolicy;
		mark->isParent = true;
		fragment->row_marks = lappend(fragment->row_marks, mark);
	}
}

struct LargestTable {
	double rows;
};

bool find_largest_table(Node *node, LargestTable *largest) {
	if (node == nullptr)
		return false;
	if (IsA(node, RangeTblEntry)) {
		auto *rte = reinterpret_cast<RangeTblEntry *>(node);
		if (rte->rtekind == RTE_RELATION && is_sharded_table(rte->relid))
			largest->rows = std::max(largest->rows, estimated_rows(rte->relid));
		return false;
	}
	if (IsA(node, Query))
		return walk_query(reinterpret_cast<Query *>(node), find_largest_table, largest,
						  QTW_EXAMINE_RTES_BEFORE);
	return walk_expression(node, find_largest_table, largest);
}

void finish_fragment(Fragment *fragment, Query *inner, const QueryAnalysis &analysis, List *lifted) {
	if (!analysis.from.pinned)
		fragment->rows = estimated_fragment_rows(inner);
	keep_range_tables(inner);
	fragment->columns = columns_of(inner->targetList);
	set_scan_columns(&fragment->scan, inner->targetList);
	set_row_marks(fragment, inner);
	fragment->scan.needs_settings = analysis.from.needs_settings;
	const DeparsedQuery deparsed = deparse_for_shards(inner, lifted);
	fragment->scan.pieces = deparsed.pieces;
	fragment->lifted = deparsed.lifted;
}

// LIMIT + OFFSET: as many rows as one node may have to contribute.
Node *limit_plus_offset(Query *query) {
	if (query->limitCount == nullptr || checkExprHasSubLink(query->limitCount) ||
		checkExprHasSubLink(query->limitOffset))
		return nullptr;
	Node *count = static_cast<Node *>(copyObjectImpl(query->limitCount));
	if (query->limitOffset != nullptr) {
		// "All rows" is sometimes asked for with the largest number: then nothing is pushed. Sums that only
		// show at execution are left to the coordinator as well.
		auto *limit = reinterpret_cast<Const *>(
			eval_const_expressions(nullptr, static_cast<Node *>(copyObjectImpl(query->limitCount))));
		auto *offset = reinterpret_cast<Const *>(
			eval_const_expressions(nullptr, static_cast<Node *>(copyObjectImpl(query->limitOffset))));
		int64 sum;
		if (!IsA(limit, Const) || !IsA(offset, Const) ||
			(!limit->constisnull && !offset->constisnull &&
			 (DatumGetInt64(offset->constvalue) < 0 ||
			  pg_add_s64_overflow(DatumGetInt64(limit->constvalue), DatumGetInt64(offset->constvalue),
								  &sum))))
			return nullptr;
	}
	if (query->limitOffset != nullptr) {
		// A NULL offset means none.
		CoalesceExpr *offset = makeNode(CoalesceExpr);
		offset->coalescetype = INT8OID;
		offset->args = list_make2(
			copyObjectImpl(query->limitOffset),
			makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(0), false, FLOAT8PASSBYVAL));
		offset->location = -1;
		OpExpr *sum = makeNode(OpExpr);
		sum->opno = OpernameGetOprid(list_make2(makeString(pstrdup("pg_catalog")), makeString(pstrdup("+"))),
									 INT8OID, INT8OID);
		sum->opfuncid = F_INT8PL;
		sum->opresulttype = INT8OID;
		sum->args = list_make2(count, offset);
		sum->location = -1;
		count = reinterpret_cast<Node *>(sum);
	}
	return eval_const_expressions(nullptr, count);
}

// The ORDER BY of a node's whole statement, over the output names _c1, _c2, ….
char *order_by_suffix(Query *inner, List *sort_clause) {
	StringInfoData text;
	initStringInfo(&text);
	const char *separator = "ORDER BY ";
	foreach_node (SortGroupClause, clause, sort_clause) {
		TargetEntry *entry = get_sortgroupclause_tle(clause, inner->targetList);
		const Oid type = exprType(reinterpret_cast<Node *>(entry->expr));
		const Oid collation = exprCollation(reinterpret_cast<Node *>(entry->expr));
		appendStringInfo(&text, "%s_c%d", separator, entry->resno);
		if (OidIsValid(collation) && collation != DEFAULT_COLLATION_OID) {
			char *name = get_collation_name(collation);
			appendStringInfo(&text, " COLLATE pg_catalog.%s", quote_identifier(name));
		}
		Oid lt, eq, gt;
		get_sort_group_operators(type, false, false, false, &lt, &eq, &gt, nullptr);
		if (clause->sortop == gt)
			appendStringInfoString(&text, " DESC");
		else if (clause->sortop != lt)
			appendStringInfo(
				&text, " USING OPERATOR(%s.%s)",
				quote_identifier(get_namespace_name(get_func_namespace(get_opcode(clause->sortop)))),
				get_opname(clause->sortop));
		appendStringInfoString(&text, clause->nulls_first ? " NULLS FIRST" : " NULLS LAST");
		separator = ", ";
	}
	return text.data;
}

void set_merge_order(Fragment *fragment, Query *inner, List *sort_clause) {
	foreach_node (SortGroupClause, clause, sort_clause) {
		TargetEntry *entry = get_sortgroupclause_tle(clause, inner->targetList);
		ScanPlan &scan = fragment->scan;
		scan.sort_columns = lappend_int(scan.sort_columns, entry->resno - 1);
		scan.sort_operators = lappend_oid(scan.sort_operators, clause->sortop);
		scan.sort_collations =
			lappend_oid(scan.sort_collations, exprCollation(reinterpret_cast<Node *>(entry->expr)));
		scan.sort_nulls_first = lappend_int(scan.sort_nulls_first, clause->nulls_first);
	}
	fragment->sorted = true;
}

// A fragment has at least one column, also where the query has none.
void ensure_column(Query *inner) {
	if (inner->targetList == NIL)
		inner->targetList = list_make1(
			makeTargetEntry(reinterpret_cast<Expr *>(makeConst(INT4OID, -1, InvalidOid, sizeof(int32),
															   Int32GetDatum(1), false, true)),
							1, pstrdup("_c1"), false));
}

// Puts a set operation into a sub-query, whose columns can be given the names that fragments use.
Query *wrap_set_operation(Query *inner) {
	if (inner->setOperations == nullptr)
		return inner;
	Query *outer = makeNode(Query);
	outer->commandType = CMD_SELECT;
	outer->querySource = QSRC_ORIGINAL;
	outer->canSetTag = true;
	List *names = NIL;
	foreach_node (TargetEntry, entry, inner->targetList) {
		auto *expr = reinterpret_cast<Node *>(entry->expr);
		names = lappend(names, makeString(psprintf("_c%d", entry->resno)));
		Var *var = makeVar(1, entry->resno, exprType(expr), exprTypmod(expr), exprCollation(expr), 0);
		TargetEntry *copy = makeTargetEntry(reinterpret_cast<Expr *>(var), entry->resno,
											psprintf("_c%d", entry->resno), false);
		copy->ressortgroupref = entry->ressortgroupref;
		outer->targetList = lappend(outer->targetList, copy);
	}
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = inner;
	rte->eref = makeAlias("set_operation", names);
	rte->alias = makeAlias("set_operation", static_cast<List *>(copyObjectImpl(names)));
	rte->inFromCl = true;
	outer->rtable = list_make1(rte);
	RangeTblRef *ref = makeNode(RangeTblRef);
	ref->rtindex = 1;
	outer->jointree = makeFromExpr(list_make1(ref), nullptr);
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
	keep_range_tables(inner);
	int number = 0;
	foreach_node (TargetEntry, entry, visible) {
		entry->ressortgroupref = 0;
		entry->resno = ++number;
		entry->expr =
			reinterpret_cast<Expr *>(fragment_var(list_nth_node(TargetEntry, columns, number - 1), number));
	}
	fragment->columns = columns_of(columns);
	set_scan_columns(&fragment->scan, columns);
	set_row_marks(fragment, inner);
	fragment->scan.needs_settings = analysis.from.needs_settings;
	const DeparsedQuery deparsed = deparse_for_shards(inner);
	fragment->scan.pieces = deparsed.pieces;
	fragment->lifted = deparsed.lifted;
	*query = *make_query_over_fragment(fragment, visible);
}

// Every shard group returns its part; ORDER BY and LIMIT are finished above.
void replace_by_scatter(Query *query, const QueryAnalysis &analysis) {
	auto *inner = static_cast<Query *>(copyObjectImpl(query));
	int number = 0;
	foreach_node (TargetEntry, entry, inner->targetList) {
		entry->resno = ++number;
		entry->resjunk = false; // hidden sort columns travel
	}
	Fragment *fragment = new_fragment(analysis, "all shards");
	List *lifted = NIL;
	Node *limit = limit_plus_offset(query);
	StringInfoData suffix;
	initStringInfo(&suffix);
	if (query->sortClause != NIL) {
		appendStringInfoString(&suffix, order_by_suffix(inner, query->sortClause));
		set_merge_order(fragment, inner, query->sortClause);
	}
	if (limit != nullptr) {
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
	finish_fragment(fragment, inner, analysis, lifted);
	fragment->scan.suffix = suffix.data;
	Query *outer = make_query_over_fragment(fragment, targets);
	outer->sortClause = query->sortClause;
	outer->limitCount = query->limitCount;
	outer->limitOffset = query->limitOffset;
	outer->limitOption = query->limitOption;
	outer->hasSubLinks = checkExprHasSubLink(query->limitCount) || checkExprHasSubLink(query->limitOffset);
	if (outer->hasSubLinks)
		outer->cteList = static_cast<List *>(copyObjectImpl(query->cteList));
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
	inner->hasSubLinks = checkExprHasSubLink(reinterpret_cast<Node *>(query->jointree));

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
		inner->targetList = list_make1(
			makeTargetEntry(reinterpret_cast<Expr *>(makeConst(INT4OID, -1, InvalidOid, sizeof(int32),
															   Int32GetDatum(1), false, true)),
							1, pstrdup("_c1"), false));
	if (!columns_travel(inner->targetList))
		return false;
	Fragment *fragment = new_fragment(analysis, "rows from all shards");
	finish_fragment(fragment, inner, analysis, NIL);
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

// FOR UPDATE on tables that are scanned one by one: the rows are locked where they are read.
void lock_marked_tables(Query *query);

} // namespace

// A rough guess: the largest table, less what conditions, grouping and LIMIT usually take away.
double estimated_fragment_rows(Query *inner) {
	LargestTable largest{1};
	find_largest_table(reinterpret_cast<Node *>(inner), &largest);
	double rows = largest.rows;
	if (inner->jointree != nullptr && inner->jointree->quals != nullptr)
		rows *= 0.1;
	if (inner->groupClause != NIL || inner->distinctClause != NIL)
		rows *= 0.1;
	else if (inner->hasAggs)
		rows = 10;
	if (inner->limitCount != nullptr && IsA(inner->limitCount, Const) &&
		!reinterpret_cast<Const *>(inner->limitCount)->constisnull)
		rows = std::min(rows, 2.0 * DatumGetInt64(reinterpret_cast<Const *>(inner->limitCount)->constvalue));
	return clamp_row_est(rows);
}

void cut_into_fragments(Query *query) {
	check_stack_depth();
	if (query->commandType != CMD_SELECT || !query_has_sharded_table(query))
		return;
	if (is_correlated(query)) {
		cut_children(query);
		return;
	}
	QueryAnalysis analysis;
	analyze_query(query, &analysis);
	if (analysis.from.has_sharded && analysis.complete_but_limit && columns_travel(query->targetList)) {
		if (analysis.from.pinned)
			replace_by_router(query, analysis);
		else
			replace_by_scatter(query, analysis);
		return;
	}
	if (analysis.from.ok && analysis.from.has_sharded && query->setOperations == nullptr) {
		if (analysis.upper_pushable && query->groupingSets == NIL && split_aggregation(query, &analysis)) {
			cut_children(query);
			return;
		}
		const bool single_table =
			list_length(query->rtable) == 1 && query->rowMarks == NIL && !query->hasSubLinks;
		if (!single_table && replace_from_clause(query, analysis)) {
			cut_children(query);
			return;
		}
	}
	cut_children(query);
	if (query->rowMarks != NIL)
		lock_marked_tables(query);
}

namespace {

bool refers_to_system_columns(Node *node, int *rtindex) {
	if (node == nullptr)
		return false;
	if (IsA(node, Var)) {
		auto *var = reinterpret_cast<Var *>(node);
		return var->varno == *rtindex && var->varlevelsup == 0 && var->varattno <= 0;
	}
	if (IsA(node, Query))
		return false;
	return walk_expression(node, refers_to_system_columns, rtindex);
}

// The conditions of WHERE that concern one table alone and may run on its shards.
List *own_conditions(Query *query, int rtindex) {
	List *result = NIL;
	foreach_ptr (Node, qual, make_ands_implicit(reinterpret_cast<Expr *>(query->jointree->quals))) {
		Relids used = pull_varnos(nullptr, qual);
		Pushability pushability;
		check_pushable(qual, &pushability);
		if (bms_is_member(rtindex, used) && bms_num_members(used) == 1 && pushability.ok &&
			!checkExprHasSubLink(qual)) {
			Node *copy = static_cast<Node *>(copyObjectImpl(qual));
			ChangeVarNodes(copy, rtindex, 1, 0);
			forget_syntactic_names(copy);
			result = lappend(result, copy);
		}
	}
	return result;
}

void lock_marked_tables(Query *query) {
	List *left = NIL;
	foreach_node (RowMarkClause, mark, query->rowMarks) {
		RangeTblEntry *rte = rt_fetch(mark->rti, query->rtable);
		if (rte->rtekind != RTE_RELATION || !is_sharded_table(rte->relid)) {
			if (rte->rtekind != RTE_SUBQUERY)
				left = lappend(left, mark);
			continue;
		}
		int rtindex = mark->rti;
		if (refers_to_system_columns(reinterpret_cast<Node *>(query->targetList), &rtindex) ||
			rte->securityQuals != NIL || rte->tablesample != nullptr)
			ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("row locks over several shards cannot be combined with whole-row or system "
						   "columns in this query"));
		Relation relation = RelationIdGetRelation(rte->relid);
		TupleDesc desc = RelationGetDescr(relation);
		List *targets = NIL;
		for (int i = 0; i < desc->natts; i++) {
			Form_pg_attribute attribute = TupleDescAttr(desc, i);
			Expr *value =
				attribute->attisdropped
					? reinterpret_cast<Expr *>(makeNullConst(INT4OID, -1, InvalidOid))
					: reinterpret_cast<Expr *>(makeVar(1, i + 1, attribute->atttypid, attribute->atttypmod,
													   attribute->attcollation, 0));
			targets =
				lappend(targets, makeTargetEntry(value, i + 1, pstrdup(NameStr(attribute->attname)), false));
		}
		RelationClose(relation);
		Query *inner = query_over_relation(rte->relid, targets, own_conditions(query, rtindex));
		RowMarkClause *inner_mark = makeNode(RowMarkClause);
		*inner_mark = *mark;
		inner_mark->rti = 1;
		inner_mark->pushedDown = false;
		inner->rowMarks = list_make1(inner_mark);
		inner->hasForUpdate = true;
		QueryAnalysis analysis;
		analyze_query(inner, &analysis);
		auto *permissions = static_cast<RangeTblEntry *>(copyObjectImpl(rte));
		current_run->range_tables = lappend(current_run->range_tables, permissions);
		Fragment *fragment = new_fragment(analysis, "locked rows from all shards");
		finish_fragment(fragment, inner, analysis, NIL);
		RangeTblEntry *replacement = make_fragment_entry(fragment);
		replacement->alias = rte->alias;
		replacement->eref = rte->eref;
		replacement->inFromCl = rte->inFromCl;
		*rte = *replacement;
	}
	query->rowMarks = left;
	query->hasForUpdate = left != NIL;
}

} // namespace

Query *query_over_relation(Oid relid, List *target_entries, List *quals) {
	Query *query = makeNode(Query);
	query->commandType = CMD_SELECT;
	query->querySource = QSRC_ORIGINAL;
	query->canSetTag = true;
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	rte->rtekind = RTE_RELATION;
	rte->relid = relid;
	rte->relkind = get_rel_relkind(relid);
	rte->rellockmode = AccessShareLock;
	rte->inFromCl = true;
	rte->inh = false;
	List *names = NIL;
	Relation relation = RelationIdGetRelation(relid);
	TupleDesc desc = RelationGetDescr(relation);
	for (int i = 0; i < desc->natts; i++)
		names = lappend(names, makeString(pstrdup(TupleDescAttr(desc, i)->attisdropped
													  ? ""
													  : NameStr(TupleDescAttr(desc, i)->attname))));
	RelationClose(relation);
	rte->eref = makeAlias(get_rel_name(relid), names);
	rte->inh = true;
	query->rtable = list_make1(rte);
	RangeTblRef *ref = makeNode(RangeTblRef);
	ref->rtindex = 1;
	query->jointree = makeFromExpr(
		list_make1(ref), reinterpret_cast<Node *>(quals != NIL ? make_ands_explicit(quals) : nullptr));
	query->targetList = target_entries;
	return query;
}

} // namespace shardext

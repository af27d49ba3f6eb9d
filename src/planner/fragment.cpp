// Fragments and the range table entries that stand for them.
#include "shardext/planner/fragment.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/estimate.hpp"
#include "shardext/planner/group_count.hpp"
#include "shardext/planner/join_keys.hpp"
#include "shardext/planner/placeholder.hpp"
#include "shardext/planner/shipped_item.hpp"
#include "shardext/planner/statistics.hpp"
#include "shardext/sql/deparse.hpp"
#include "shardext/sql/pushable.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_class.h"
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
#include "utils/syscache.h"
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
	// What PostgreSQL has to plan for the fragment follows.
	foreach_ptr (Node, expr, fragment->lifted)
		fragment->placeholders = placeholders_in(expr, fragment->placeholders);
	foreach_ptr (KeyPin, pin, fragment->pins)
		fragment->placeholders =
			placeholders_in(reinterpret_cast<Node *>(pin->value), fragment->placeholders);
	call->args = list_concat(call->args, placeholder_expressions(fragment->placeholders));

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
	if (rte->rtekind != RTE_FUNCTION || current_run == nullptr || current_run->fragments == NIL ||
		list_length(rte->functions) != 1)
		return nullptr;
	auto *function = linitial_node(RangeTblFunction, rte->functions);
	if (!IsA(function->funcexpr, FuncExpr))
		return nullptr;
	auto *call = reinterpret_cast<FuncExpr *>(function->funcexpr);
	if (call->funcresulttype != RECORDOID || function->funccolcount == 0 || call->args == NIL ||
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

Fragment *new_fragment(const QueryAnalysis &analysis, const char *strategy) {
	auto *fragment = new (palloc0(sizeof(Fragment))) Fragment();
	fragment->scan.strategy = strategy;
	fragment->scan.colocation_id = analysis.from.colocation->id;
	fragment->scan.one_group = analysis.from.pinned;
	fragment->scan.reason = analysis.from.pinned ? nullptr : current_run->reason;
	fragment->pins = analysis.from.pins;
	return fragment;
}

// (ctelevelsup means nothing for a table, and goes with the entry wherever it is copied.)
void note_reason(Query *query) {
	if (current_run->reason == nullptr)
		return;
	current_run->reasons = lappend(current_run->reasons, makeString(pstrdup(current_run->reason)));
	foreach_node (RangeTblEntry, rte, query->rtable)
		if (rte->rtekind == RTE_RELATION)
			rte->ctelevelsup = list_length(current_run->reasons);
}

const char *reason_of_entry(const RangeTblEntry *rte) {
	return rte->rtekind == RTE_RELATION && rte->ctelevelsup > 0 &&
				   static_cast<int>(rte->ctelevelsup) <= list_length(current_run->reasons)
			   ? strVal(list_nth(current_run->reasons, rte->ctelevelsup - 1))
			   : nullptr;
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

// Remembers FOR UPDATE and the like at any level of a query. The marks in the plan lock nothing here
// (isParent): the nodes do.
bool note_row_marks(Node *node, Fragment *fragment) {
	if (node == nullptr)
		return false;
	if (!IsA(node, Query))
		return walk_expression(node, note_row_marks, fragment);
	auto *query = reinterpret_cast<Query *>(node);
	foreach_node (RowMarkClause, clause, query->rowMarks) {
		PlanRowMark *mark = makeNode(PlanRowMark);
		mark->rti = mark->prti = 1;
		mark->strength = clause->strength;
		mark->waitPolicy = clause->waitPolicy;
		mark->isParent = true;
		fragment->row_marks = lappend(fragment->row_marks, mark);
		fragment->scan.locks_rows = true;
	}
	return walk_query(query, note_row_marks, fragment, 0);
}

// How many rows have the same shard key: known without planning, as single rows are asked for in a hurry.
double rows_of_one_key(const Query *query) {
	if (query->hasAggs && query->groupClause == NIL)
		return 1;
	double most = -1;
	foreach_node (RangeTblEntry, rte, query->rtable) {
		const DistributedTable *table =
			rte->rtekind == RTE_RELATION ? find_distributed_table(rte->relid) : nullptr;
		if (table == nullptr || !table->is_sharded())
			continue;
		HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(rte->relid));
		if (!HeapTupleIsValid(tuple))
			continue;
		const double rows = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->reltuples;
		ReleaseSysCache(tuple);
		const double keys = known_distinct(rte, table->key_attnum, rows);
		if (rows > 0 && keys > 0)
			most = std::max(most, rows / keys);
	}
	return most < 0 ? 10 : clamp_row_est(most);
}

} // namespace

void finish_fragment(Fragment *fragment, Query *inner, List *columns, const QueryAnalysis &analysis,
					 List *lifted) {
	if (!analysis.from.pinned) {
		fragment->rows = estimate_query(inner).rows;
		if (inner->groupClause != NIL && inner->groupingSets == NIL && !inner->hasTargetSRFs)
			fragment->rows = std::min(fragment->rows, bounded_groups(inner, ungrouped_rows(inner)));
	} else {
		fragment->rows = rows_of_one_key(inner);
	}
	set_sources(fragment, inner, columns);
	fragment->unique_columns = grouped_columns(inner, columns);
	keep_range_tables(inner);
	fragment->columns = columns_of(columns);
	set_scan_columns(&fragment->scan, columns);
	fragment->scan.needs_settings = analysis.from.needs_settings;
	set_text(fragment, inner, lifted);
}

// Whether a query may say FOR UPDATE. (What a view may not say, PostgreSQL does not mind in the query that
// reads it, where it plans that at all.)
static bool may_lock(const Query *query) {
	bool skips = false;
	foreach_node (RowMarkClause, clause, query->rowMarks)
		skips = skips || clause->waitPolicy == LockWaitSkip;
	return query->setOperations == nullptr && query->distinctClause == NIL && query->groupClause == NIL &&
		   query->groupingSets == NIL && query->havingQual == nullptr && !query->hasAggs &&
		   !query->hasWindowFuncs && !query->hasTargetSRFs &&
		   !(skips && query->limitOption == LIMIT_OPTION_WITH_TIES);
}

void set_text(Fragment *fragment, const Query *inner, List *lifted) {
	auto *copy = static_cast<Query *>(copyObjectImpl(inner));
	note_row_marks(reinterpret_cast<Node *>(copy), fragment);
	// Locks that come from an outer query, which is not part of the text.
	if (may_lock(copy)) {
		copy->hasForUpdate = copy->rowMarks != NIL;
		foreach_node (RowMarkClause, clause, copy->rowMarks)
			clause->pushedDown = false;
	}
	fragment->scan.sent = name_shipped(copy);
	const DeparsedQuery deparsed = deparse_for_shards(copy, lifted, fragment->scan.sent == NIL);
	fragment->scan.pieces = deparsed.pieces;
	fragment->lifted = lift_sent_items(fragment->scan.sent, deparsed.lifted);
}

void set_sources(Fragment *fragment, Query *inner, List *columns) {
	foreach_node (TargetEntry, entry, columns) {
		auto *var = reinterpret_cast<Var *>(entry->expr);
		const RangeTblEntry *rte = IsA(var, Var) && var->varlevelsup == 0 && var->varattno > 0
									   ? rt_fetch(var->varno, inner->rtable)
									   : nullptr;
		const bool known = rte != nullptr && rte->rtekind == RTE_RELATION && rte->securityQuals == NIL;
		fragment->source_tables = lappend_oid(fragment->source_tables, known ? rte->relid : InvalidOid);
		fragment->source_columns = lappend_int(fragment->source_columns, known ? var->varattno : 0);
	}
}

} // namespace shardext

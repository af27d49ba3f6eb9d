// Splitting aggregation: partial states on the shards, a combine query above.
#include "shardext/planner/fragment.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/estimate.hpp"
#include "shardext/planner/group_count.hpp"
#include "shardext/planner/moments.hpp"
#include "shardext/sql/deparse.hpp"
#include "shardext/sql/relation_query.hpp"
#include "shardext/sql/pushable.hpp"

#include <cmath>

extern "C" {
#include "catalog/pg_aggregate.h"
#include "nodes/print.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parse_clause.h"
#include "parser/parse_coerce.h"
#include "parser/parse_func.h"
#include "parser/parse_oper.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
}

namespace shardext {

namespace {

struct SplitContext {
	Query *query;			  // as the user wrote it, join aliases flattened
	Query *inner;			  // what the shards compute
	List *extra_groups = NIL; // TargetEntry of inner: grouping columns added here
	bool failed = false;
};

List *system_name(const char *name) {
	return list_make2(makeString(pstrdup("pg_catalog")), makeString(pstrdup(name)));
}

// The number of the inner query's output for an expression, added when it is new.
int output_of(SplitContext *context, Node *expr) {
	foreach_node (TargetEntry, entry, context->inner->targetList)
		if (equal(entry->expr, expr))
			return entry->resno;
	const int number = list_length(context->inner->targetList) + 1;
	context->inner->targetList =
		lappend(context->inner->targetList, makeTargetEntry(static_cast<Expr *>(copyObjectImpl(expr)), number,
															psprintf("_c%d", number), false));
	return number;
}

Var *read_output(SplitContext *context, int number) {
	auto *expr =
		reinterpret_cast<Node *>(list_nth_node(TargetEntry, context->inner->targetList, number - 1)->expr);
	return makeVar(1, number, exprType(expr), exprTypmod(expr), exprCollation(expr), 0);
}

// Makes an expression a grouping column of the inner query; false when its type cannot be grouped.
bool add_group(SplitContext *context, Node *expr, int *number) {
	foreach_node (TargetEntry, entry, context->inner->targetList)
		if (entry->ressortgroupref != 0 && equal(entry->expr, expr)) {
			*number = entry->resno;
			return true;
		}
	Oid lt, eq, gt;
	bool hashable;
	get_sort_group_operators(exprType(expr), false, false, false, &lt, &eq, &gt, &hashable);
	if (!OidIsValid(eq) || (!OidIsValid(lt) && !hashable))
		return false;
	*number = list_length(context->inner->targetList) + 1;
	TargetEntry *entry =
		makeTargetEntry(static_cast<Expr *>(copyObjectImpl(expr)), *number, psprintf("_c%d", *number), false);
	context->inner->targetList = lappend(context->inner->targetList, entry);
	SortGroupClause *clause = makeNode(SortGroupClause);
	clause->tleSortGroupRef = assignSortGroupRef(entry, context->inner->targetList);
	clause->eqop = eq;
	clause->sortop = lt;
	clause->hashable = hashable;
	context->inner->groupClause = lappend(context->inner->groupClause, clause);
	return true;
}

// An aggregate call of pg_catalog over one argument.
Aggref *make_aggregate(const char *name, Node *argument, Aggref *model) {
	Oid type = exprType(argument);
	const Oid function = LookupFuncName(system_name(name), 1, &type, true);
	if (!OidIsValid(function))
		return nullptr;
	Aggref *aggregate = makeNode(Aggref);
	aggregate->aggfnoid = function;
	aggregate->aggtype = get_func_rettype(function);
	aggregate->aggcollid = model->aggcollid;
	aggregate->inputcollid = model->inputcollid;
	aggregate->aggargtypes = list_make1_oid(type);
	aggregate->args = list_make1(makeTargetEntry(reinterpret_cast<Expr *>(argument), 1, nullptr, false));
	aggregate->aggkind = AGGKIND_NORMAL;
	aggregate->aggsplit = AGGSPLIT_SIMPLE;
	aggregate->aggno = aggregate->aggtransno = -1;
	aggregate->location = -1;
	return aggregate;
}

Node *cast_to(Node *node, Oid type) {
	if (exprType(node) == type)
		return node;
	return coerce_to_target_type(nullptr, node, exprType(node), type, -1, COERCION_EXPLICIT,
								 COERCE_IMPLICIT_CAST, -1);
}

// The partial aggregate's output, summed up above: sum(partial)::type.
Node *sum_of_partials(SplitContext *context, Aggref *partial, Aggref *model, bool keep_numeric) {
	const int number = output_of(context, reinterpret_cast<Node *>(partial));
	Aggref *total = make_aggregate("sum", reinterpret_cast<Node *>(read_output(context, number)), model);
	if (total == nullptr)
		return nullptr;
	auto *node = reinterpret_cast<Node *>(total);
	return keep_numeric ? node : cast_to(node, partial->aggtype);
}

bool is_one_of(const char *name, std::initializer_list<const char *> names) {
	for (const char *other : names)
		if (strcmp(name, other) == 0)
			return true;
	return false;
}

Node *combine_count(SplitContext *context, Aggref *aggregate) {
	Node *total = sum_of_partials(context, aggregate, aggregate, false);
	CoalesceExpr *zero = makeNode(CoalesceExpr); // no row at all counts as 0
	zero->coalescetype = INT8OID;
	zero->args = list_make2(
		total, makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(0), false, FLOAT8PASSBYVAL));
	zero->location = -1;
	return reinterpret_cast<Node *>(zero);
}

// avg is the sum of sums over the sum of counts, in the type PostgreSQL divides in.
Node *combine_avg(SplitContext *context, Aggref *aggregate) {
	auto *argument = reinterpret_cast<Node *>(linitial_node(TargetEntry, aggregate->args)->expr);
	argument = static_cast<Node *>(copyObjectImpl(argument));
	const Oid type = exprType(argument);
	if (type == FLOAT4OID)
		argument = cast_to(argument, FLOAT8OID); // PostgreSQL sums float4 in double precision here
	Aggref *sum = make_aggregate("sum", argument, aggregate);
	Aggref *count = static_cast<Aggref *>(copyObjectImpl(aggregate));
	Oid any = ANYOID;
	count->aggfnoid = LookupFuncName(system_name("count"), 1, &any, false);
	count->aggtype = INT8OID;
	count->aggcollid = InvalidOid;
	if (sum == nullptr)
		return nullptr;
	sum->aggfilter = static_cast<Expr *>(copyObjectImpl(aggregate->aggfilter));
	Node *total = sum_of_partials(context, sum, aggregate, true);
	Node *number = sum_of_partials(context, count, aggregate, true); // numeric
	if (total == nullptr || number == nullptr)
		return nullptr;
	if (aggregate->aggtype == FLOAT8OID || aggregate->aggtype == INTERVALOID)
		number = cast_to(number, FLOAT8OID);
	ParseState *state = make_parsestate(nullptr);
	// Division by a zero count cannot happen: the sum is NULL then, and NULL / 0 is NULL.
	auto *result = reinterpret_cast<Node *>(make_op(state, system_name("/"), total, number, nullptr, -1));
	return cast_to(result, aggregate->aggtype);
}

// count(DISTINCT x) and the like: x becomes a grouping column, the aggregate runs above unchanged. So do
// other arguments, what it is ordered by, and FILTER.
Node *combine_distinct(SplitContext *context, Aggref *aggregate) {
	auto *copy = static_cast<Aggref *>(copyObjectImpl(aggregate));
	auto read_group = [&](Expr **expr) {
		int number;
		// (The first argument always: where there is no row, there is no group.)
		if (!depends_on_row(reinterpret_cast<Node *>(*expr)) &&
			expr != &linitial_node(TargetEntry, copy->args)->expr)
			return true;
		if (!add_group(context, reinterpret_cast<Node *>(*expr), &number))
			return false;
		*expr = reinterpret_cast<Expr *>(read_output(context, number));
		return true;
	};
	foreach_node (TargetEntry, entry, copy->args)
		if (!read_group(&entry->expr))
			return nullptr;
	return copy->aggfilter == nullptr || read_group(&copy->aggfilter) ? reinterpret_cast<Node *>(copy)
																	  : nullptr;
}

// An aggregate over partial results of its own kind.
Node *same_above(SplitContext *context, Aggref *partial, Oid function = InvalidOid) {
	const int number = output_of(context, reinterpret_cast<Node *>(partial));
	Var *value = read_output(context, number);
	auto *top = static_cast<Aggref *>(copyObjectImpl(partial));
	if (OidIsValid(function)) {
		top->aggfnoid = function;
		top->aggargtypes = list_make1_oid(value->vartype);
	}
	top->aggfilter = nullptr;
	linitial(top->args) = makeTargetEntry(reinterpret_cast<Expr *>(value), 1, nullptr, false);
	return reinterpret_cast<Node *>(top);
}

Node *combine_moments(SplitContext *context, const MomentParts &parts, Aggref *model) {
	List *totals = NIL;
	if (parts.state != nullptr) {
		Node *state = expression_from_sql(parts.state, parts.aggregates);
		Var *value = read_output(context, output_of(context, state));
		Oid type = value->vartype;
		List *name = list_make2(makeString(pstrdup("shardext")), makeString(pstrdup(parts.merge)));
		auto *merged = static_cast<Aggref *>(copyObjectImpl(linitial(parts.aggregates)));
		merged->aggfnoid = LookupFuncName(name, 1, &type, false);
		merged->aggtype = type;
		merged->aggargtypes = list_make1_oid(type);
		merged->aggfilter = nullptr;
		merged->args = list_make1(makeTargetEntry(reinterpret_cast<Expr *>(value), 1, nullptr, false));
		totals = list_make1(merged);
	} else {
		foreach_node (Aggref, partial, parts.aggregates)
			totals = lappend(totals, sum_of_partials(context, partial, model, true));
	}
	return expression_from_sql(parts.total, totals);
}

// Replaces an aggregate by what combines its partial states, or returns nullptr when it cannot be split.
Node *combine_aggregate(SplitContext *context, Aggref *aggregate) {
	if (aggregate->aggfnoid >= FirstNormalObjectId || aggregate->aggkind != AGGKIND_NORMAL ||
		aggregate->agglevelsup > 0)
		return nullptr;
	const char *name = get_func_name(aggregate->aggfnoid);
	const bool same_on_top = is_one_of(name, {"min", "max", "bool_and", "bool_or", "every", "bit_and",
											  "bit_or", "bit_xor", "range_intersect_agg", "any_value"});
	if (aggregate->aggdistinct != NIL && !(same_on_top && strcmp(name, "bit_xor") != 0))
		return combine_distinct(context, aggregate);
	auto *plain = static_cast<Aggref *>(copyObjectImpl(aggregate));
	// In which order rows come is for those only who keep them all.
	const bool ordered = plain->aggorder != NIL;
	plain->aggdistinct = plain->aggorder = NIL;
	while (list_length(plain->args) > list_length(plain->aggargtypes)) // hidden ORDER BY columns
		plain->args = list_delete_last(plain->args);
	foreach_node (TargetEntry, entry, plain->args)
		entry->ressortgroupref = 0;
	if (strcmp(name, "count") == 0)
		return combine_count(context, plain);
	if (strcmp(name, "sum") == 0)
		return sum_of_partials(context, plain, plain, false);
	if (strcmp(name, "avg") == 0)
		return combine_avg(context, plain);
	if (same_on_top)
		return same_above(context, plain);
	MomentParts parts;
	if (split_moments(plain, name, &parts))
		return combine_moments(context, parts, plain);
	if (strcmp(name, "range_agg") == 0) {
		Oid type = plain->aggtype;
		const Oid function = LookupFuncName(system_name(name), 1, &type, true);
		return OidIsValid(function) ? same_above(context, plain, function) : nullptr;
	}
	// Without ORDER BY, parts may come in any order; the delimiter must not change from row to row.
	if (strcmp(name, "string_agg") == 0 && !ordered &&
		!depends_on_row(reinterpret_cast<Node *>(lsecond_node(TargetEntry, plain->args)->expr)))
		return same_above(context, plain);
	return nullptr;
}

Node *combine(Node *node, SplitContext *context) {
	if (node == nullptr || context->failed)
		return node;
	if (IsA(node, Aggref)) {
		Node *result = combine_aggregate(context, reinterpret_cast<Aggref *>(node));
		if (result == nullptr)
			context->failed = true;
		return result != nullptr ? result : node;
	}
	if (IsA(node, SubLink) || IsA(node, Query)) {
		context->failed = true;
		return node;
	}
	// A grouping expression?
	if (!IsA(node, List) && !IsA(node, TargetEntry) && !IsA(node, Const)) {
		foreach_node (SortGroupClause, clause, context->query->groupClause) {
			TargetEntry *entry = get_sortgroupclause_tle(clause, context->query->targetList);
			if (equal(entry->expr, node)) {
				foreach_node (TargetEntry, output, context->inner->targetList)
					if (output->ressortgroupref != 0 && equal(output->expr, node))
						return reinterpret_cast<Node *>(read_output(context, output->resno));
			}
		}
	}
	if (IsA(node, Var) && reinterpret_cast<Var *>(node)->varlevelsup == 0) {
		// A column that depends on the grouping columns (GROUP BY primary key).
		int number;
		if (!add_group(context, node, &number)) {
			context->failed = true;
			return node;
		}
		if (!list_member_int(context->extra_groups, number))
			context->extra_groups = lappend_int(context->extra_groups, number);
		return reinterpret_cast<Node *>(read_output(context, number));
	}
	return mutate_expression(node, combine, context);
}

Query *make_inner(Query *query) {
	Query *inner = makeNode(Query);
	inner->commandType = CMD_SELECT;
	inner->querySource = QSRC_ORIGINAL;
	inner->canSetTag = true;
	inner->rtable = static_cast<List *>(copyObjectImpl(query->rtable));
	inner->jointree = static_cast<FromExpr *>(copyObjectImpl(query->jointree));
	inner->cteList = static_cast<List *>(copyObjectImpl(query->cteList));
	inner->hasSubLinks = query->hasSubLinks;
	return inner;
}

// True when all rows of a group lie in one shard group.
bool groups_by_key(const Query *inner, const KeySet &keys) {
	foreach_node (SortGroupClause, clause, inner->groupClause) {
		const Expr *expr = get_sortgroupclause_tle(clause, inner->targetList)->expr;
		if (list_member(keys.members, expr) || list_member(keys.nullable_members, expr))
			return true;
	}
	return false;
}

// A shard group returns those groups of which it has rows. `groups` is set to how many there are in all when
// nothing but the query's own columns is grouped by.
double estimated_partial_rows(const Query *inner, const FromAnalysis &from, double *groups) {
	const double shards = from.colocation->group_count;
	if (inner->groupClause == NIL)
		return shards;
	const double rows = ungrouped_rows(inner);
	*groups = std::min(estimate_query(inner).rows, bounded_groups(inner, rows));
	if (groups_by_key(inner, from.keys))
		return *groups;
	// Rows of a group as if thrown at random: the share of groups that a shard group's rows do not meet.
	const double missed = *groups <= 1 ? 0 : std::pow(1 - 1 / *groups, rows / shards);
	return clamp_row_est(std::min(rows, shards * *groups * (1 - missed)));
}

// With several grouping sets, a constant that is written like a grouping expression is not NULL where the
// expression is: PostgreSQL works it out before it looks for them.
bool is_constant_beside_sets(const Query *query, TargetEntry *entry) {
	if (query->groupingSets == NIL || entry->ressortgroupref != 0 ||
		contain_aggs_of_level(reinterpret_cast<Node *>(entry->expr), 0))
		return false;
	Node *folded = eval_const_expressions(nullptr, static_cast<Node *>(copyObjectImpl(entry->expr)));
	if (!IsA(folded, Const))
		return false;
	entry->expr = reinterpret_cast<Expr *>(folded);
	return true;
}

} // namespace

bool split_aggregation(Query *original, QueryAnalysis *analysis) {
	const bool distinct_only = !original->hasAggs && original->groupClause == NIL &&
							   original->havingQual == nullptr && original->distinctClause != NIL &&
							   !original->hasWindowFuncs && !original->hasTargetSRFs;
	const bool grouped = original->hasAggs || original->groupClause != NIL;
	if ((!grouped && !distinct_only) || original->hasTargetSRFs || original->rowMarks != NIL)
		return false;
	if (distinct_only && original->hasDistinctOn)
		return false;
	// LIMIT and window frames stay above, with the sub-queries in them.
	const bool sublinks_above = checkExprHasSubLink(original->limitCount) ||
								checkExprHasSubLink(original->limitOffset) ||
								checkExprHasSubLink(reinterpret_cast<Node *>(original->windowClause));
	if (sublinks_above && original->cteList != NIL)
		return false;
	auto *query = static_cast<Query *>(copyObjectImpl(original));
	query->targetList =
		reinterpret_cast<List *>(flatten_join_alias_vars(query, reinterpret_cast<Node *>(query->targetList)));
	query->havingQual = flatten_join_alias_vars(query, query->havingQual);

	SplitContext context{query, make_inner(query)};
	if (distinct_only) {
		// SELECT DISTINCT is a grouping by all its columns: once per shard, once above.
		foreach_node (TargetEntry, entry, query->targetList) {
			if (checkExprHasSubLink(reinterpret_cast<Node *>(entry->expr)))
				return false;
			int number;
			if (!add_group(&context, reinterpret_cast<Node *>(entry->expr), &number))
				return false;
			entry->expr = reinterpret_cast<Expr *>(read_output(&context, number));
		}
	} else {
		foreach_node (SortGroupClause, clause, query->groupClause) {
			TargetEntry *entry = get_sortgroupclause_tle(clause, query->targetList);
			const int number = list_length(context.inner->targetList) + 1;
			TargetEntry *output = makeTargetEntry(static_cast<Expr *>(copyObjectImpl(entry->expr)), number,
												  psprintf("_c%d", number), false);
			output->ressortgroupref = clause->tleSortGroupRef;
			context.inner->targetList = lappend(context.inner->targetList, output);
			context.inner->groupClause = lappend(context.inner->groupClause, copyObjectImpl(clause));
		}
		auto *targets = static_cast<List *>(copyObjectImpl(query->targetList));
		List *combined = NIL;
		foreach_node (TargetEntry, entry, targets) {
			if (is_constant_beside_sets(query, entry)) {
				combined = lappend(combined, entry);
				continue;
			}
			entry->expr = reinterpret_cast<Expr *>(combine(reinterpret_cast<Node *>(entry->expr), &context));
			combined = lappend(combined, entry);
		}
		Node *having = combine(static_cast<Node *>(copyObjectImpl(query->havingQual)), &context);
		if (context.failed)
			return false;
		query->targetList = combined;
		query->havingQual = having;
		// Grouping columns that were added for columns depending on the group. (Which of several grouping
		// sets they would belong to is not said.)
		const ListCell *cell;
		if (query->groupingSets != NIL && context.extra_groups != NIL)
			return false;
		foreach (cell, context.extra_groups) {
			Var *var = read_output(&context, lfirst_int(cell));
			TargetEntry *entry = nullptr;
			foreach_node (TargetEntry, existing, query->targetList)
				if (equal(existing->expr, var))
					entry = existing;
			if (entry == nullptr) {
				entry = makeTargetEntry(reinterpret_cast<Expr *>(var), list_length(query->targetList) + 1,
										nullptr, true);
				query->targetList = lappend(query->targetList, entry);
			}
			SortGroupClause *clause = makeNode(SortGroupClause);
			get_sort_group_operators(var->vartype, false, false, false, &clause->sortop, &clause->eqop,
									 nullptr, &clause->hashable);
			clause->tleSortGroupRef = assignSortGroupRef(entry, query->targetList);
			query->groupClause = lappend(query->groupClause, clause);
		}
	}
	if (context.inner->targetList == NIL || !columns_travel(context.inner->targetList))
		return false;
	context.inner->hasAggs = contain_aggs_of_level(reinterpret_cast<Node *>(context.inner->targetList), 0);

	auto *fragment = new (palloc0(sizeof(Fragment))) Fragment();
	fragment->scan.strategy = "all shards, combined";
	fragment->scan.reason = current_run->reason;
	fragment->scan.colocation_id = analysis->from.colocation->id;
	fragment->pins = analysis->from.pins;
	double groups = 0;
	fragment->rows = estimated_partial_rows(context.inner, analysis->from, &groups);
	if (list_length(context.inner->groupClause) == list_length(query->groupClause))
		fragment->groups = groups;
	set_sources(fragment, context.inner, context.inner->targetList);
	keep_range_tables(context.inner);
	set_scan_columns(&fragment->scan, context.inner->targetList);
	foreach_node (TargetEntry, entry, context.inner->targetList)
		fragment->columns =
			lappend(fragment->columns, makeTargetEntry(entry->expr, entry->resno, entry->resname, false));
	fragment->scan.needs_settings = analysis->from.needs_settings;
	set_text(fragment, context.inner);

	Query *base = make_query_over_fragment(fragment, NIL);
	query->rtable = base->rtable;
	query->jointree = base->jointree;
	query->cteList = NIL;
	query->hasSubLinks = sublinks_above;
	*original = *query;
	return true;
}

} // namespace shardext

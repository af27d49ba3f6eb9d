// Paths and plan nodes for fragments and for single distributed tables.
#include "shardext/planner/fragment.hpp"

#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/planner/join_keys.hpp"
#include "shardext/planner/key_values.hpp"
#include "shardext/planner/lookup.hpp"
#include "shardext/planner/placeholder.hpp"
#include "shardext/planner/reduction.hpp"
#include "shardext/planner/sizes.hpp"
#include "shardext/planner/value_trial.hpp"
#include "shardext/sql/deparse.hpp"
#include "shardext/sql/relation_query.hpp"
#include "shardext/sql/pushable.hpp"

extern "C" {
#include "access/stratnum.h"
#include "access/sysattr.h"
#include "catalog/heap.h"
#include "catalog/pg_operator.h"
#include "nodes/extensible.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/prep.h"
#include "optimizer/restrictinfo.h"
#include "optimizer/tlist.h"
#include "parser/analyze.h"
#include "parser/parse_func.h"
#include "parser/parsetree.h"
#include "utils/typcache.h"
}

namespace shardext {

namespace {

constexpr double kRoundTripCost = 100; // in units of cpu work, for one statement to all nodes
constexpr double kRowCost = 0.05;
constexpr double kLookupCost = 0.1; // finding the rows of one value among those that are kept
// A scan that is repeated with other parameters keeps its rows and runs through them each time. From this
// size on it is better to ask the shards again for the few that are wanted.
constexpr double kMaxRepeatedRows = 10000;

Plan *plan_fragment(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist, List *clauses,
					List *custom_plans);
Plan *plan_table(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist, List *clauses,
				 List *custom_plans);

const CustomPathMethods kFragmentMethods = {"Shard Scan", plan_fragment, nullptr};
const CustomPathMethods kTableMethods = {"Shard Scan", plan_table, nullptr};

void add_only_path(PlannerInfo *root, RelOptInfo *rel, const CustomPathMethods *methods, double rows,
				   double fetched, List *pathkeys, List *custom_private) {
	CustomPath *path = makeNode(CustomPath);
	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.param_info = get_baserel_parampathinfo(root, rel, rel->lateral_relids);
	path->path.rows = rows;
	path->path.startup_cost = kRoundTripCost;
	QualCost conditions;
	cost_qual_eval(&conditions, rel->baserestrictinfo, root);
	path->path.total_cost =
		kRoundTripCost + fetched * (kRowCost + (fetched > rows ? conditions.per_tuple : 0));
	path->path.pathkeys = pathkeys;
	path->custom_private = custom_private;
	path->methods = methods;
	// The coordinator's own heap is empty: nothing else than this path may read the table.
	rel->pathlist = NIL;
	rel->partial_pathlist = NIL;
	rel->consider_parallel = false;
	add_path(rel, reinterpret_cast<Path *>(path));
}

// A path that looks rows up by columns of other tables. What it fetches first is not counted: it is kept for
// all repetitions.
void add_lookup_path(PlannerInfo *root, RelOptInfo *rel, Relids others) {
	CustomPath *path = makeNode(CustomPath);
	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.param_info = get_baserel_parampathinfo(root, rel, others);
	path->path.rows = path->path.param_info->ppi_rows;
	path->path.startup_cost = kLookupCost;
	path->path.total_cost = kLookupCost + path->path.rows * kRowCost;
	path->methods = &kTableMethods;
	add_path(rel, reinterpret_cast<Path *>(path));
}

Plan *finish_plan(CustomScan *scan, List *tlist, List *local_clauses, CustomPath *path) {
	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = extract_actual_clauses(local_clauses, false);
	scan->scan.scanrelid = 0;
	scan->flags = path->flags;
	if (current_run != nullptr)
		current_run->scans = lappend(current_run->scans, scan);
	return reinterpret_cast<Plan *>(scan);
}

Bitmapset *needed_columns(List *tlist, List *local_clauses, Index rti);

// The scan of a fragment, in whose expressions the values stand that PostgreSQL has planned meanwhile.
CustomScan *make_filled_scan(PlannerInfo *root, RelOptInfo *rel, Fragment *fragment, const ScanPlan &plan,
							 List *scan_tlist) {
	if (fragment->placeholders == NIL)
		return make_shard_scan(plan, fragment->lifted, fragment->pins, scan_tlist);
	const RangeTblEntry *rte = planner_rt_fetch(rel->relid, root);
	auto *call = reinterpret_cast<FuncExpr *>(linitial_node(RangeTblFunction, rte->functions)->funcexpr);
	List *values = list_copy_tail(call->args, 1);
	List *lifted = NIL, *pins = NIL;
	foreach_ptr (Node, expr, fragment->lifted)
		lifted = lappend(lifted, fill_placeholders(expr, fragment->placeholders, values));
	foreach_ptr (KeyPin, pin, fragment->pins) {
		auto *value = reinterpret_cast<Expr *>(
			fill_placeholders(reinterpret_cast<Node *>(pin->value), fragment->placeholders, values));
		pins = lappend(pins, new (palloc0(sizeof(KeyPin))) KeyPin{pin->kind, value});
	}
	return make_shard_scan(plan, lifted, pins, scan_tlist);
}

Plan *plan_fragment(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist, List *clauses,
					List *custom_plans) {
	return gate([&]() -> Plan * {
		const int number = intVal(linitial(path->custom_private));
		auto *fragment = static_cast<Fragment *>(list_nth(current_run->fragments, number));
		List *scan_tlist = NIL;
		int position = 0;
		foreach_node (TargetEntry, entry, fragment->columns) {
			auto *expr = reinterpret_cast<Node *>(entry->expr);
			Var *var =
				makeVar(rel->relid, ++position, exprType(expr), exprTypmod(expr), exprCollation(expr), 0);
			scan_tlist = lappend(
				scan_tlist, makeTargetEntry(reinterpret_cast<Expr *>(var), position, entry->resname, false));
		}
		CustomScan *scan;
		if (fragment->make_plan != nullptr) {
			scan = fragment->make_plan(fragment, root, custom_plans);
			scan->custom_scan_tlist = scan_tlist;
		} else {
			// A whole row is asked for where rows may have to be checked again (row locks).
			ScanPlan plan = fragment->scan;
			Bitmapset *needed = needed_columns(tlist, clauses, rel->relid);
			if (bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, needed)) {
				Var *row = makeVar(rel->relid, 0, RECORDOID, -1, InvalidOid, 0);
				scan_tlist = lappend(
					scan_tlist, makeTargetEntry(reinterpret_cast<Expr *>(row), ++position, nullptr, false));
				plan.entries = lappend_int(list_copy(plan.entries), kColumnWholeRow);
			}
			scan = make_filled_scan(root, rel, fragment, plan, scan_tlist);
		}
		return finish_plan(scan, tlist, clauses, path);
	});
}

// --- one distributed table, scanned as the base relation it is ---

bool is_key_equality(OpExpr *op, const DistributedTable *table, Index rti, Expr **value) {
	if (!IsA(op, OpExpr) || list_length(op->args) != 2)
		return false;
	TypeCacheEntry *type = lookup_type_cache(table->colocation->key_type, TYPECACHE_HASH_OPFAMILY);
	if (get_op_opfamily_strategy(op->opno, type->hash_opf) != HTEqualStrategyNumber)
		return false;
	if (OidIsValid(op->inputcollid) && op->inputcollid != table->colocation->key_collation &&
		!get_collation_isdeterministic(op->inputcollid))
		return false;
	for (int side = 0; side < 2; side++) {
		auto *candidate = static_cast<Node *>(list_nth(op->args, side));
		while (candidate != nullptr && IsA(candidate, RelabelType))
			candidate = reinterpret_cast<Node *>(reinterpret_cast<RelabelType *>(candidate)->arg);
		auto *var = reinterpret_cast<Var *>(candidate);
		auto *other = static_cast<Node *>(list_nth(op->args, 1 - side));
		if (IsA(var, Var) && var->varno == static_cast<int>(rti) && var->varattno == table->key_attnum &&
			!contain_var_clause(other) && !contain_volatile_functions(other) && !contain_subplans(other)) {
			*value = reinterpret_cast<Expr *>(other);
			return true;
		}
	}
	return false;
}

bool has_placeholder(Node *node, void *) {
	if (node == nullptr)
		return false;
	return IsA(node, PlaceHolderVar) || walk_expression(node, has_placeholder, static_cast<void *>(nullptr));
}

bool has_plan_parameter(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (IsA(node, Param))
		return reinterpret_cast<Param *>(node)->paramkind == PARAM_EXEC;
	return walk_expression(node, has_plan_parameter, static_cast<void *>(nullptr));
}

// True when a sub-query's value may never be asked for, and then must not fail: CASE and COALESCE promise
// that.
bool asks_lazily(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (IsA(node, CaseExpr) || IsA(node, CoalesceExpr))
		return has_plan_parameter(node, nullptr);
	return walk_expression(node, asks_lazily, static_cast<void *>(nullptr));
}

// Which conditions may run on the shards. Those with parameters of the plan run there only when they choose
// the shard; others would make every repetition of the scan a new round trip.
bool goes_to_shards(PlannerInfo *root, RestrictInfo *info, RelOptInfo *rel, const DistributedTable *table,
					bool *needs_settings, bool with_changing = false) {
	if (info->pseudoconstant)
		return false;
	// Row security and barriers: nothing that could leak runs before the filter.
	if (info->security_level > rel->baserestrict_min_security && !info->leakproof)
		return false;
	auto *clause = reinterpret_cast<Node *>(info->clause);
	if (contain_subplans(clause) || asks_lazily(clause, nullptr))
		return false;
	// Conditions of lateral references mention other relations; what stands in for them is not there yet.
	Relids mentioned = pull_varnos(nullptr, clause);
	if (!bms_is_subset(mentioned, rel->relids) || has_placeholder(clause, nullptr))
		return false;
	Expr *value;
	if (has_changing_parameter(clause, once_known_params(root)) && !with_changing)
		return is_key_equality(reinterpret_cast<OpExpr *>(clause), table, rel->relid, &value);
	Pushability pushability;
	pushability.plan_params = true;
	check_pushable(clause, &pushability);
	*needs_settings |= pushability.ok && pushability.needs_settings;
	return pushability.ok;
}

void collect_table_pins(Node *clause, const DistributedTable *table, Index rti, List **pins,
						bool *one_group) {
	Expr *value;
	if (IsA(clause, OpExpr) && is_key_equality(reinterpret_cast<OpExpr *>(clause), table, rti, &value)) {
		*pins = lappend(*pins, new (palloc0(sizeof(KeyPin))) KeyPin{KeyPin::Equal, value});
		*one_group = true;
	} else if (IsA(clause, NullTest)) {
		auto *test = reinterpret_cast<NullTest *>(clause);
		auto *var = reinterpret_cast<Var *>(test->arg);
		// (Of a composite type, a row of NULLs IS NULL as well.)
		if (test->nulltesttype == IS_NULL && !test->argisrow && IsA(var, Var) &&
			var->varattno == table->key_attnum)
			*pins = lappend(*pins, new (palloc0(sizeof(KeyPin))) KeyPin{KeyPin::IsNull, nullptr});
	} else if (is_orclause(clause)) {
		struct KeyColumn {
			Index rti;
			AttrNumber column;
		} key{rti, table->key_attnum};
		auto is_key = +[](Node *node, const void *context) {
			auto *wanted = static_cast<const KeyColumn *>(context);
			auto *var = reinterpret_cast<Var *>(node);
			return IsA(node, Var) && var->varno == static_cast<int>(wanted->rti) &&
				   var->varattno == wanted->column && var->varlevelsup == 0;
		};
		if (Expr *values = key_values_of_or(clause, table->colocation, is_key, &key))
			*pins = lappend(*pins, new (palloc0(sizeof(KeyPin))) KeyPin{KeyPin::AnyArray, values});
	} else if (IsA(clause, ScalarArrayOpExpr)) {
		auto *any = reinterpret_cast<ScalarArrayOpExpr *>(clause);
		TypeCacheEntry *type = lookup_type_cache(table->colocation->key_type, TYPECACHE_HASH_OPFAMILY);
		auto *var = static_cast<Node *>(linitial(any->args));
		auto *array = static_cast<Node *>(lsecond(any->args));
		while (IsA(var, RelabelType))
			var = reinterpret_cast<Node *>(reinterpret_cast<RelabelType *>(var)->arg);
		if (any->useOr && get_op_opfamily_strategy(any->opno, type->hash_opf) == HTEqualStrategyNumber &&
			IsA(var, Var) && reinterpret_cast<Var *>(var)->varattno == table->key_attnum &&
			!contain_var_clause(array) && !contain_volatile_functions(array) && !contain_subplans(array))
			*pins = lappend(*pins, new (palloc0(sizeof(KeyPin)))
									   KeyPin{KeyPin::AnyArray, reinterpret_cast<Expr *>(array)});
	}
}

// Rows that the shards send when only conditions go there that stay the same.
double fetched_rows(PlannerInfo *root, RelOptInfo *rel, const DistributedTable *table, List *clauses) {
	List *remote = NIL;
	bool needs_settings;
	foreach_node (RestrictInfo, info, clauses)
		if (goes_to_shards(root, info, rel, table, &needs_settings))
			remote = lappend(remote, info);
	return clamp_row_est(rel->tuples * clauselist_selectivity(root, remote, 0, JOIN_INNER, nullptr));
}

// The conditions that are the same for all repetitions.
List *without_changing(List *clauses, Bitmapset *known) {
	List *result = NIL;
	foreach_node (RestrictInfo, info, clauses)
		if (!has_changing_parameter(reinterpret_cast<Node *>(info->clause), known))
			result = lappend(result, info);
	return result;
}

// True when rows are looked up by a value that changes, and keeping them all would be worse.
bool asks_again(PlannerInfo *root, RelOptInfo *rel, const DistributedTable *table, List *clauses) {
	bool looks_up = false, needs_settings;
	Bitmapset *known = once_known_params(root);
	foreach_node (RestrictInfo, info, clauses) {
		auto *op = reinterpret_cast<OpExpr *>(info->clause);
		looks_up =
			looks_up || (has_changing_parameter(reinterpret_cast<Node *>(op), known) && IsA(op, OpExpr) &&
						 op_mergejoinable(op->opno, exprType(static_cast<Node *>(linitial(op->args)))) &&
						 goes_to_shards(root, info, rel, table, &needs_settings, true));
	}
	return looks_up && fetched_rows(root, rel, table, clauses) > kMaxRepeatedRows;
}

// The columns a scan must fetch: attribute numbers as a set offset by FirstLowInvalidHeapAttributeNumber.
Bitmapset *needed_columns(List *tlist, List *local_clauses, Index rti) {
	Bitmapset *needed = nullptr;
	pull_varattnos(reinterpret_cast<Node *>(tlist), rti, &needed);
	foreach_node (RestrictInfo, info, local_clauses)
		pull_varattnos(reinterpret_cast<Node *>(info->clause), rti, &needed);
	return needed;
}

// For ctid = <value>: the same for the shard that the row is in; the pin says which.
OpExpr *row_id_condition(RestrictInfo *info, RelOptInfo *rel, KeyPin **pin) {
	auto *op = reinterpret_cast<OpExpr *>(info->clause);
	if (!IsA(op, OpExpr) || op->opno != TIDEqualOperator ||
		(info->security_level > rel->baserestrict_min_security && !info->leakproof))
		return nullptr;
	for (int side = 0; side < 2; side++) {
		auto *var = static_cast<Var *>(list_nth(op->args, side));
		auto *value = static_cast<Node *>(list_nth(op->args, 1 - side));
		if (!IsA(var, Var) || var->varno != static_cast<int>(rel->relid) ||
			var->varattno != SelfItemPointerAttributeNumber || contain_var_clause(value) ||
			contain_volatile_functions(value) || contain_subplans(value))
			continue;
		*pin = new (palloc0(sizeof(KeyPin))) KeyPin{KeyPin::RowId, reinterpret_cast<Expr *>(value)};
		Oid type = TIDOID;
		List *name = list_make2(makeString(pstrdup("shardext")), makeString(pstrdup("shard_ctid")));
		FuncExpr *tid = makeFuncExpr(LookupFuncName(name, 1, &type, false), TIDOID, list_make1(value),
									 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
		Var *ctid = makeVar(1, SelfItemPointerAttributeNumber, TIDOID, -1, InvalidOid, 0);
		return reinterpret_cast<OpExpr *>(
			make_opclause(TIDEqualOperator, BOOLOID, false, reinterpret_cast<Expr *>(ctid),
						  reinterpret_cast<Expr *>(tid), InvalidOid, InvalidOid));
	}
	return nullptr;
}

OpExpr *condition_on(const LookupClause *lookup, Param *wanted) {
	OpExpr *condition = makeNode(OpExpr);
	condition->opno = lookup->op;
	condition->opfuncid = get_opcode(lookup->op);
	condition->opresulttype = BOOLOID;
	condition->inputcollid = lookup->collation;
	condition->args = list_make2(copyObjectImpl(lookup->column), wanted);
	condition->location = -1;
	return condition;
}

Plan *plan_table(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist, List *clauses, List *) {
	return gate([&]() -> Plan * {
		RangeTblEntry *rte = planner_rt_fetch(rel->relid, root);
		const DistributedTable *table = find_distributed_table(rte->relid);
		ScanPlan plan;
		plan.relid = rte->relid;
		plan.colocation_id = table->colocation->id;

		List *remote = NIL, *local = NIL, *pins = NIL;
		bool restricted = false, one_row = false;
		List *lookups = find_lookups(root, rel, clauses);
		List *always = NIL;				   // conditions without values that change
		List *wanted = NIL, *values = NIL; // placeholders in the text, and what they stand for
		bool asks_for_values = false;
		Bitmapset *known = once_known_params(root);
		const bool with_changing = lookups != NIL || asks_again(root, rel, table, clauses);
		foreach_node (RestrictInfo, info, clauses) {
			const bool goes = goes_to_shards(root, info, rel, table, &plan.needs_settings, with_changing);
			const bool changes =
				lookups != NIL && has_changing_parameter(reinterpret_cast<Node *>(info->clause), known);
			if (!goes || changes)
				local = lappend(local, info);
			KeyPin *row;
			if (!goes && !has_changing_parameter(reinterpret_cast<Node *>(info->clause), known))
				if (OpExpr *condition = row_id_condition(info, rel, &row)) {
					remote = lappend(remote, condition);
					pins = lappend(pins, row);
					one_row = true;
				}
			foreach_ptr (LookupClause, lookup, lookups) {
				if (goes || info != lookup->info)
					continue;
				Param *value = add_placeholder(lookup->value);
				OpExpr *condition = condition_on(lookup, value);
				Pushability pushability;
				check_pushable(reinterpret_cast<Node *>(condition), &pushability);
				// Nothing that could leak runs before a row filter.
				const bool hidden = info->security_level > rel->baserestrict_min_security && !info->leakproof;
				if (!pushability.ok || hidden)
					continue;
				wanted = lappend_int(wanted, value->paramid);
				values = lappend(values, lookup->value);
				collect_table_pins(reinterpret_cast<Node *>(condition), table, rel->relid, &pins,
								   &plan.one_group);
				ChangeVarNodes(reinterpret_cast<Node *>(condition), rel->relid, 1, 0);
				forget_syntactic_names(reinterpret_cast<Node *>(condition));
				remote = lappend(remote, condition);
			}
			asks_for_values = asks_for_values || (goes && changes) || wanted != NIL;
			if (!goes)
				continue;
			restricted = restricted || find_reduction(reinterpret_cast<Node *>(info->clause)) != nullptr;
			collect_table_pins(reinterpret_cast<Node *>(info->clause), table, rel->relid, &pins,
							   &plan.one_group);
			auto *copy = static_cast<Node *>(copyObjectImpl(info->clause));
			ChangeVarNodes(copy, rel->relid, 1, 0);
			forget_syntactic_names(copy);
			remote = lappend(remote, copy);
			if (!changes)
				always = lappend(always, copyObjectImpl(copy));
		}
		plan.strategy = plan.one_group ? "table, one shard"
						: one_row	   ? "table, one row"
						: restricted   ? "table, restricted by the other side of a join"
									   : "table, all shards";
		plan.reason = plan.one_group || one_row ? nullptr : reason_of_entry(rte);

		// Whole rows need every column, in order and first.
		Bitmapset *needed = needed_columns(tlist, local, rel->relid);
		const bool whole_row = bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, needed);
		List *fetched = NIL, *scan_tlist = NIL, *scan_columns = NIL;
		Relation relation = RelationIdGetRelation(rte->relid);
		TupleDesc desc = RelationGetDescr(relation);
		auto add = [&](AttrNumber attnum, int entry) {
			Var *var;
			if (attnum == 0) {
				var = makeVar(rel->relid, 0, get_rel_type_id(rte->relid), -1, InvalidOid, 0);
			} else if (attnum < 0) {
				const FormData_pg_attribute *attribute = SystemAttributeDefinition(attnum);
				var = makeVar(rel->relid, attnum, attribute->atttypid, attribute->atttypmod,
							  attribute->attcollation, 0);
			} else {
				Form_pg_attribute attribute = TupleDescAttr(desc, attnum - 1);
				var = makeVar(rel->relid, attnum, attribute->atttypid, attribute->atttypmod,
							  attribute->attcollation, 0);
			}
			if (entry >= 0) {
				auto *remote_var = static_cast<Var *>(copyObjectImpl(var));
				remote_var->varno = remote_var->varnosyn = 1;
				fetched = lappend(
					fetched, makeTargetEntry(reinterpret_cast<Expr *>(remote_var), list_length(fetched) + 1,
											 psprintf("_c%d", list_length(fetched) + 1), false));
			}
			scan_columns = lappend_int(scan_columns, entry);
			scan_tlist = lappend(scan_tlist, makeTargetEntry(reinterpret_cast<Expr *>(var),
															 list_length(scan_tlist) + 1, nullptr, false));
		};
		for (AttrNumber attnum = 1; attnum <= desc->natts; attnum++)
			if (!TupleDescAttr(desc, attnum - 1)->attisdropped &&
				(whole_row || bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, needed)))
				add(attnum, list_length(fetched));
		for (AttrNumber attnum = FirstLowInvalidHeapAttributeNumber + 1; attnum < 0; attnum++)
			if (bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, needed))
				add(attnum, attnum == TableOidAttributeNumber		   ? kColumnTableOid
							: attnum == SelfItemPointerAttributeNumber ? kColumnRowId
																	   : list_length(fetched));
		if (whole_row)
			add(0, kColumnWholeRow);
		const bool row_id =
			bms_is_member(SelfItemPointerAttributeNumber - FirstLowInvalidHeapAttributeNumber, needed);
		if (row_id) {
			Var *ctid = makeVar(1, SelfItemPointerAttributeNumber, TIDOID, -1, InvalidOid, 0);
			const int number = list_length(fetched) + 1;
			fetched = lappend(fetched, makeTargetEntry(reinterpret_cast<Expr *>(ctid), number,
													   psprintf("_c%d", number), false));
		}
		RelationClose(relation);
		if (fetched == NIL)
			fetched = list_make1(constant_column());
		set_scan_columns(&plan, fetched);
		plan.entries = scan_columns;

		Query *query = query_over_relation(rte->relid, fetched, remote);
		if (rte->tablesample != nullptr)
			linitial_node(RangeTblEntry, query->rtable)->tablesample =
				static_cast<TableSampleClause *>(copyObjectImpl(rte->tablesample));
		DeparsedQuery deparsed = deparse_for_shards(query);
		plan.pieces = deparsed.pieces;
		if (row_id)
			add_group_id(&plan);
		List *lookup_exprs = NIL;
		if (wanted != NIL) {
			deparsed.lifted = reinterpret_cast<List *>(
				fill_placeholders(reinterpret_cast<Node *>(deparsed.lifted), wanted, values));
			foreach_ptr (KeyPin, pin, pins)
				pin->value = reinterpret_cast<Expr *>(
					fill_placeholders(reinterpret_cast<Node *>(pin->value), wanted, values));
		}
		if (lookups != NIL && !row_id) {
			query->jointree->quals =
				reinterpret_cast<Node *>(always != NIL ? make_ands_explicit(always) : nullptr);
			const DeparsedQuery all = deparse_for_shards(query);
			plan.lookup.all = all.pieces;
			foreach_ptr (Node, expr, all.lifted)
				plan.lookup.lifted_types = lappend_oid(plan.lookup.lifted_types, exprType(expr));
			// Where single values cannot be asked for, all rows are fetched at once.
			if (asks_for_values)
				plan.lookup.rows = static_cast<int>(std::min(
					1e9, fetched_rows(root, rel, table, without_changing(rel->baserestrictinfo, known))));
			lookup_exprs = list_copy(all.lifted);
			foreach_ptr (LookupClause, lookup, lookups) {
				foreach_node (TargetEntry, entry, fetched)
					if (reinterpret_cast<Var *>(entry->expr)->varattno == lookup->column->varattno)
						plan.lookup.columns = lappend_int(plan.lookup.columns, entry->resno - 1);
				plan.lookup.column_hashes = lappend_oid(plan.lookup.column_hashes, lookup->column_hash);
				plan.lookup.value_hashes = lappend_oid(plan.lookup.value_hashes, lookup->value_hash);
				plan.lookup.collations = lappend_oid(plan.lookup.collations, lookup->collation);
				lookup_exprs = lappend(lookup_exprs, copyObjectImpl(lookup->value));
			}
			plan.strategy = plan.one_group ? "table, looked up, one shard" : "table, looked up";
		}
		CustomScan *scan = make_shard_scan(plan, deparsed.lifted, pins, scan_tlist, lookup_exprs);
		return finish_plan(scan, tlist, local, path);
	});
}

// Fragments lock tables that the statement itself marks.
void refuse_locks(PlannerInfo *root, const RelOptInfo *rel, const RangeTblEntry *rte) {
	const PlanRowMark *mark = get_plan_rowmark(root->rowMarks, rel->relid);
	if (mark != nullptr && mark->strength != LCS_NONE && current_run != nullptr && !current_run->thrown_away)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				/* translator: %s is a SQL row locking clause such as FOR UPDATE */
				errmsg("%s is not supported on distributed table \"%s\" in a function that is inlined",
					   LCS_asString(mark->strength), get_rel_name(rte->relid)),
				errhint("Declare the function VOLATILE."));
}

} // namespace

void add_shard_paths(PlannerInfo *root, RelOptInfo *rel, Index, RangeTblEntry *rte) {
	if (current_run != nullptr && current_run->distributed && !list_member_ptr(current_run->keyed, root)) {
		size_fragments(root);
		add_join_keys(root);
	}
	if (IS_DUMMY_REL(rel))
		return;
	if (rte->rtekind == RTE_FUNCTION && current_run != nullptr) {
		Fragment *fragment = fragment_of_entry(rte);
		if (fragment == nullptr)
			return;
		int number = 0;
		foreach_ptr (Fragment, other, current_run->fragments) {
			if (other == fragment)
				break;
			number++;
		}
		List *pathkeys = NIL;
		if (fragment->sorted && root->parse->sortClause != NIL)
			pathkeys = make_pathkeys_for_sortclauses(root, root->parse->sortClause, root->parse->targetList);
		rel->rows = clamp_row_est(
			fragment->rows * clauselist_selectivity(root, rel->baserestrictinfo, 0, JOIN_INNER, nullptr));
		add_only_path(root, rel, &kFragmentMethods, rel->rows, fragment->rows, pathkeys,
					  list_make1(makeInteger(number)));
		return;
	}
	if (rte->rtekind == RTE_RELATION &&
		(rel->reloptkind == RELOPT_BASEREL || rel->reloptkind == RELOPT_OTHER_MEMBER_REL) &&
		is_sharded_table(rte->relid)) {
		refuse_locks(root, rel, rte);
		correct_selectivities(root, rel);
		const double rows = rows_of_table(root, rel);
		const DistributedTable *table = find_distributed_table(rte->relid);
		const bool again = asks_again(root, rel, table, rel->baserestrictinfo);
		const double fetched = again ? rows : fetched_rows(root, rel, table, rel->baserestrictinfo);
		add_only_path(root, rel, &kTableMethods, rows, std::max(rows, std::min(fetched, rel->tuples)), NIL,
					  NIL);
		if (rte->tablesample == nullptr)
			foreach_ptr (Bitmapset, others, lookup_parameterizations(root, rel))
				add_lookup_path(root, rel, others);
	}
}

} // namespace shardext

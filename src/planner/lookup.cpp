// Which conditions can be looked up.
#include "shardext/planner/lookup.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/join_graph.hpp"

extern "C" {
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
}

namespace shardext {

Bitmapset *once_known_params(PlannerInfo *root) {
	Bitmapset *params = nullptr;
	for (; root != nullptr; root = root->parent_root)
		foreach_node (SubPlan, plan, root->init_plans) {
			const ListCell *cell;
			foreach (cell, plan->setParam)
				params = bms_add_member(params, lfirst_int(cell));
		}
	return params;
}

bool has_changing_parameter(Node *node, Bitmapset *once_known) {
	if (node == nullptr)
		return false;
	if (IsA(node, Param))
		return reinterpret_cast<Param *>(node)->paramkind == PARAM_EXEC &&
			   !bms_is_member(reinterpret_cast<Param *>(node)->paramid, once_known);
	if (IsA(node, Query))
		return walk_query(reinterpret_cast<Query *>(node), has_changing_parameter, once_known, 0);
	return walk_expression(node, has_changing_parameter, once_known);
}

bool read_lookup(PlannerInfo *root, RelOptInfo *rel, RestrictInfo *info, bool of_others,
				 LookupClause *result) {
	auto *op = reinterpret_cast<OpExpr *>(info->clause);
	if (!IsA(op, OpExpr) || list_length(op->args) != 2 || info->pseudoconstant)
		return false;
	for (int side = 0; side < 2; side++) {
		auto *column = reinterpret_cast<Var *>(static_cast<Node *>(list_nth(op->args, side)));
		auto *value = static_cast<Node *>(list_nth(op->args, 1 - side));
		if (!IsA(column, Var) || column->varno != static_cast<int>(rel->relid) || column->varattno <= 0 ||
			contain_volatile_functions(value) || contain_subplans(value))
			continue;
		Relids used = pull_varnos(root, value);
		if (bms_is_member(rel->relid, used) ||
			(bms_is_empty(used) ? !has_changing_parameter(value, once_known_params(root)) : !of_others))
			continue;
		const Oid clause_op = side == 0 ? op->opno : get_commutator(op->opno);
		Oid left, right;
		if (!OidIsValid(clause_op) || !op_hashjoinable(clause_op, column->vartype) ||
			!get_op_hash_functions(clause_op, &left, &right))
			continue;
		*result = {info, column, reinterpret_cast<Expr *>(value), clause_op, op->inputcollid, left, right};
		return true;
	}
	return false;
}

List *find_lookups(PlannerInfo *root, RelOptInfo *rel, List *clauses) {
	List *result = NIL;
	foreach_node (RestrictInfo, info, clauses) {
		LookupClause lookup;
		if (read_lookup(root, rel, info, true, &lookup))
			result = lappend(result, new (palloc(sizeof(LookupClause))) LookupClause(lookup));
	}
	return result;
}

namespace {

bool is_this_column(PlannerInfo *, RelOptInfo *rel, EquivalenceClass *, EquivalenceMember *member,
					void *column) {
	auto *var = reinterpret_cast<Var *>(member->em_expr);
	return IsA(var, Var) && var->varno == static_cast<int>(rel->relid) &&
		   var->varattno == *static_cast<int *>(column);
}

} // namespace

List *lookup_parameterizations(PlannerInfo *root, RelOptInfo *rel) {
	bool repeated = root->parent_root != nullptr &&
					has_changing_parameter(reinterpret_cast<Node *>(root->parse), once_known_params(root));
	foreach_node (RangeTblEntry, rte, root->parse->rtable) // the recursive part of WITH RECURSIVE
		repeated = repeated || (rte->rtekind == RTE_CTE && rte->self_reference);
	if (!repeated)
		return NIL;
	List *infos = NIL, *result = NIL;
	foreach_node (RestrictInfo, info, rel->joininfo)
		if (join_clause_is_movable_to(info, rel))
			infos = lappend(infos, info);
	if (rel->has_eclass_joins)
		for (int column = 1; column <= rel->max_attr; column++)
			infos = list_concat(infos, generate_implied_equalities_for_column(
										   root, rel, is_this_column, &column, rel->lateral_referencers));
	foreach_node (RestrictInfo, info, infos) {
		LookupClause lookup;
		if (!read_lookup(root, rel, info, true, &lookup))
			continue;
		Relids others = bms_difference(bms_union(info->clause_relids, rel->lateral_relids), rel->relids);
		bool known = bms_is_empty(others);
		foreach_ptr (Bitmapset, set, result)
			known = known || bms_equal(set, others);
		if (!known)
			result = lappend(result, others);
	}
	return result;
}

} // namespace shardext

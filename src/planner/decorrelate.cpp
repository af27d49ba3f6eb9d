// Decorrelation of aggregates (source: Kim's method with the correction for empty groups, as in
// Galindo-Legaria and Joshi, "Orthogonal optimization of subqueries and aggregation", 2001).
#include "shardext/planner/decorrelate.hpp"

#include "shardext/pg/compat.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/planner/join_graph.hpp"
#include "shardext/planner/sublink_reduction.hpp"
#include "shardext/sql/deparse.hpp"
#include "shardext/sql/join_expr.hpp"

extern "C" {
#include "catalog/pg_aggregate.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parse_clause.h"
#include "parser/parse_oper.h"
#include "parser/parsetree.h"
}

namespace shardext {

namespace {

// The aggregates of groups that no row of the query asks for are computed, too: they must not be able to
// fail.
bool may_fail(Node *node, bool *inside_aggregate) {
	if (node == nullptr)
		return false;
	switch (nodeTag(node)) {
	case T_OpExpr: {
		auto *op = reinterpret_cast<OpExpr *>(node);
		const char *name = get_opname(op->opno);
		const bool arithmetic =
			op->opno < FirstNormalObjectId && name != nullptr &&
			(strcmp(name, "+") == 0 || strcmp(name, "-") == 0 || strcmp(name, "*") == 0) &&
			// Integers overflow; counts and sums of them do not get there.
			(op->opresulttype == NUMERICOID || (op->opresulttype == INT8OID && !*inside_aggregate));
		if (!arithmetic && !get_func_leakproof(get_opcode(op->opno)) &&
			!op_mergejoinable(op->opno, exprType(static_cast<Node *>(linitial(op->args)))))
			return true;
		break;
	}
	case T_FuncExpr:
		if (reinterpret_cast<FuncExpr *>(node)->funcformat != COERCE_IMPLICIT_CAST &&
			!get_func_leakproof(reinterpret_cast<FuncExpr *>(node)->funcid))
			return true;
		break;
	case T_Aggref: {
		auto *aggregate = reinterpret_cast<Aggref *>(node);
		if (aggregate->aggfnoid >= FirstNormalObjectId || aggregate->aggkind != AGGKIND_NORMAL ||
			aggregate->agglevelsup != 0 ||
			strstr(get_func_name(aggregate->aggfnoid), "object_agg") != nullptr ||
			(strcmp(get_func_name(aggregate->aggfnoid), "array_agg") == 0 &&
			 OidIsValid(get_element_type(linitial_oid(aggregate->aggargtypes)))))
			return true;
		bool inside = true;
		return walk_expression(node, may_fail, &inside);
	}
	case T_Var:
	case T_Const:
	case T_Param:
	case T_TargetEntry:
	case T_List:
	case T_BoolExpr:
	case T_NullTest:
	case T_BooleanTest:
	case T_RelabelType:
	case T_CoalesceExpr:
	case T_CaseExpr:
	case T_CaseWhen:
	case T_ScalarArrayOpExpr:
	case T_SubLink: // only those that have been added, see below
		break;
	default:
		return true;
	}
	return walk_expression(node, may_fail, inside_aggregate);
}

// The value of an expression over aggregates of no rows.
Node *over_nothing(Node *node, void *) {
	if (node == nullptr)
		return nullptr;
	if (IsA(node, Aggref)) {
		auto *aggregate = reinterpret_cast<Aggref *>(node);
		const char *name = get_func_name(aggregate->aggfnoid);
		if (strcmp(name, "count") == 0 || strcmp(name, "regr_count") == 0)
			return reinterpret_cast<Node *>(
				makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(0), false, FLOAT8PASSBYVAL));
		return reinterpret_cast<Node *>(makeNullConst(aggregate->aggtype, -1, aggregate->aggcollid));
	}
	return mutate_expression(node, over_nothing, static_cast<void *>(nullptr));
}

// Splits WHERE of a sub-query into correlations and the rest; false when there is anything else outside.
bool split_conditions(Query *sub, List **correlations, List **rest) {
	foreach_ptr (Node, condition, and_list(sub->jointree->quals)) {
		auto *correlation = static_cast<Correlation *>(palloc(sizeof(Correlation)));
		if (read_correlation(sub, condition, correlation)) {
			if (exprCollation(correlation->inner) != correlation->collation)
				return false;
			*correlations = lappend(*correlations, correlation);
		} else if (refers_outside(condition)) {
			return false;
		} else {
			*rest = lappend(*rest, condition);
		}
	}
	return *correlations != NIL;
}

bool add_group(Query *sub, Node *expr, int *position) {
	foreach_node (TargetEntry, entry, sub->targetList)
		if (entry->ressortgroupref != 0 && equal(entry->expr, expr)) {
			*position = entry->resno;
			return true;
		}
	Oid lt, eq, gt;
	bool hashable;
	get_sort_group_operators(exprType(expr), false, false, false, &lt, &eq, &gt, &hashable);
	if (!OidIsValid(eq))
		return false;
	const int number = *position = list_length(sub->targetList) + 1;
	TargetEntry *entry =
		makeTargetEntry(static_cast<Expr *>(copyObjectImpl(expr)), number, psprintf("key%d", number), false);
	sub->targetList = lappend(sub->targetList, entry);
	SortGroupClause *clause = makeNode(SortGroupClause);
	clause->tleSortGroupRef = assignSortGroupRef(entry, sub->targetList);
	clause->eqop = eq;
	clause->sortop = lt;
	clause->hashable = hashable;
	sub->groupClause = lappend(sub->groupClause, clause);
	return true;
}

// Puts LEFT JOIN sub ON conditions behind the query's FROM; returns the sub-query's position and that of the
// join.
int join_sub_query(Query *query, Query *sub, List *conditions, int *join_index) {
	List *names = NIL;
	foreach_node (TargetEntry, entry, sub->targetList)
		names = lappend(names, makeString(pstrdup(entry->resname)));
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = sub;
	rte->alias = makeAlias("aggregates", NIL);
	rte->eref = makeAlias("aggregates", names);
	rte->inFromCl = true;
	query->rtable = lappend(query->rtable, rte);
	const int position = list_length(query->rtable);

	RangeTblRef *ref = makeNode(RangeTblRef);
	ref->rtindex = position;
	foreach_ptr (OpExpr, condition, conditions) // their inner side has been left open
		reinterpret_cast<Var *>(linitial(condition->args))->varno =
			reinterpret_cast<Var *>(linitial(condition->args))->varnosyn = position;
	Node *from = from_as_join(query);
	JoinExpr *join = make_join(query, JOIN_LEFT, from, reinterpret_cast<Node *>(ref),
							   reinterpret_cast<Node *>(make_ands_explicit(conditions)));
	*join_index = join->rtindex;
	query->jointree->fromlist = list_make1(join);
	return position;
}

// What takes the place of a scalar sub-query, or nullptr.
Node *replace(Query *query, SubLink *link) {
	auto *sub = reinterpret_cast<Query *>(link->subselect);
	if (link->subLinkType != EXPR_SUBLINK || !is_plain(sub) || !sub->hasAggs || sub->groupClause != NIL ||
		sub->havingQual != nullptr || sub->hasWindowFuncs || sub->distinctClause != NIL ||
		list_length(sub->targetList) != 1 || sub->hasSubLinks || !query_has_sharded_table(sub) ||
		names_cte(reinterpret_cast<Node *>(sub), nullptr) ||
		contain_volatile_functions(reinterpret_cast<Node *>(sub)))
		return nullptr;
	List *correlations = NIL, *rest = NIL;
	if (!split_conditions(sub, &correlations, &rest))
		return nullptr;
	auto *grouped = static_cast<Query *>(copyObjectImpl(sub));
	grouped->jointree->quals =
		static_cast<Node *>(copyObjectImpl(rest != NIL ? make_ands_explicit(rest) : nullptr));
	grouped->sortClause = NIL;
	bool above = false, below = true; // the aggregates
	if (refers_outside(reinterpret_cast<Node *>(grouped)) ||
		may_fail(reinterpret_cast<Node *>(grouped->targetList), &above) ||
		may_fail(grouped->jointree->quals, &below))
		return nullptr;
	TargetEntry *value = linitial_node(TargetEntry, grouped->targetList);
	value->resname = pstrdup("value");
	Node *nothing = eval_const_expressions(
		nullptr, over_nothing(static_cast<Node *>(copyObjectImpl(value->expr)), nullptr));

	List *conditions = NIL;
	foreach_ptr (Correlation, correlation, correlations) {
		int number;
		if (!add_group(grouped, correlation->inner, &number))
			return nullptr;
		Node *inner = correlation->inner;
		Var *key = makeVar(0, number, exprType(inner), exprTypmod(inner), exprCollation(inner), 0);
		forget_syntactic_names(correlation->outer);
		OpExpr *condition = makeNode(OpExpr);
		condition->opno = correlation->inner_op_outer;
		condition->opfuncid = get_opcode(condition->opno);
		condition->opresulttype = BOOLOID;
		condition->inputcollid = correlation->collation;
		condition->args = list_make2(key, correlation->outer);
		condition->location = -1;
		Oid left, right;
		op_input_types(condition->opno, &left, &right);
		if (left != key->vartype || right != exprType(correlation->outer))
			return nullptr;
		conditions = lappend(conditions, condition);
	}
	int join_index;
	const int position = join_sub_query(query, grouped, conditions, &join_index);
	auto *expr = reinterpret_cast<Node *>(value->expr);
	Var *result = makeVar(position, 1, exprType(expr), exprTypmod(expr), exprCollation(expr), 0);
	make_nullable_by(result, join_index);
	if (IsA(nothing, Const) && reinterpret_cast<Const *>(nothing)->constisnull)
		return reinterpret_cast<Node *>(result);
	TargetEntry *key = list_nth_node(TargetEntry, grouped->targetList, 1);
	auto *key_expr = reinterpret_cast<Node *>(key->expr);
	Var *matched = makeVar(position, 2, exprType(key_expr), exprTypmod(key_expr), exprCollation(key_expr), 0);
	make_nullable_by(matched, join_index);
	NullTest *test = makeNode(NullTest);
	test->arg = reinterpret_cast<Expr *>(matched);
	test->nulltesttype = IS_NULL;
	test->location = -1;
	CaseWhen *when = makeNode(CaseWhen);
	when->expr = reinterpret_cast<Expr *>(test);
	when->result = reinterpret_cast<Expr *>(nothing);
	when->location = -1;
	CaseExpr *choice = makeNode(CaseExpr);
	choice->casetype = exprType(expr);
	choice->casecollid = exprCollation(expr);
	choice->args = list_make1(when);
	choice->defresult = reinterpret_cast<Expr *>(result);
	choice->location = -1;
	return reinterpret_cast<Node *>(choice);
}

Node *rewrite(Node *node, Query *query) {
	if (node == nullptr || IsA(node, Query))
		return node;
	if (IsA(node, SubLink))
		if (Node *replacement = replace(query, reinterpret_cast<SubLink *>(node)))
			return replacement;
	return mutate_expression(node, rewrite, query);
}

} // namespace

void decorrelate_aggregates(Query *query) {
	if (!query->hasSubLinks || query->commandType != CMD_SELECT || query->setOperations != nullptr ||
		query->rowMarks != NIL || query->jointree == nullptr || query->jointree->fromlist == NIL)
		return;
	query->jointree->quals = rewrite(query->jointree->quals, query);
	// Above a grouping, sub-queries see groups, not rows.
	if (!query->hasAggs && query->groupClause == NIL && query->groupingSets == NIL)
		query->targetList =
			reinterpret_cast<List *>(rewrite(reinterpret_cast<Node *>(query->targetList), query));
}

} // namespace shardext

// What a shipped item looks like: kept rows on the coordinator, a WITH query on the shards.
#include "shardext/planner/shipped_item.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/fragment.hpp"
#include "shardext/planner/join_graph.hpp"
#include "shardext/planner/placeholder.hpp"
#include "shardext/sql/deparse.hpp"
#include "shardext/sql/pushable.hpp"
#include "shardext/sql/relation_query.hpp"

extern "C" {
#include "nodes/makefuncs.h"
#include "catalog/pg_aggregate.h"
#include "optimizer/optimizer.h"
#include "parser/parse_func.h"
#include "utils/fmgroids.h"
}

namespace shardext {

namespace {

bool find_columns(Node *node, NeededColumns *needed) {
	if (node == nullptr)
		return false;
	if (IsA(node, Query)) {
		needed->level++;
		walk_query(reinterpret_cast<Query *>(node), find_columns, needed, QTW_IGNORE_JOINALIASES);
		needed->level--;
		return false;
	}
	if (IsA(node, Var)) {
		auto *var = static_cast<Var *>(copyObjectImpl(node));
		if (var->varno != needed->rtindex || static_cast<int>(var->varlevelsup) != needed->level)
			return false;
		needed->failed = needed->failed || var->varattno <= 0;
		foreach_ptr (Var, known, needed->vars)
			if (known->varattno == var->varattno)
				return false;
		var->varlevelsup = 0;
		needed->vars = lappend(needed->vars, var);
		return false;
	}
	return walk_expression(node, find_columns, needed);
}

} // namespace

NeededColumns columns_needed(Query *level, int rtindex) {
	NeededColumns needed{rtindex, 0};
	walk_query(level, find_columns, &needed, QTW_IGNORE_JOINALIASES);
	return needed;
}

bool column_can_be_shipped(const Var *var) {
	const Oid type = var->vartype;
	return OidIsValid(get_array_type(type)) && !OidIsValid(get_element_type(getBaseType(type))) &&
		   type != RECORDOID && get_typtype(type) != TYPTYPE_PSEUDO &&
		   get_typtype(getBaseType(type)) != TYPTYPE_COMPOSITE && !is_object_identifier_type(type) &&
		   getBaseType(type) != INT2VECTOROID && getBaseType(type) != OIDVECTOROID;
}

Expr *kept_rows_of(const CommonTableExpr *cte) {
	Query *query = makeNode(Query);
	query->commandType = CMD_SELECT;
	query->querySource = QSRC_ORIGINAL;
	query->canSetTag = true;
	query->hasAggs = true;
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	rte->rtekind = RTE_CTE;
	rte->ctename = pstrdup(cte->ctename);
	rte->ctelevelsup = 1;
	rte->coltypes = static_cast<List *>(copyObjectImpl(cte->ctecoltypes));
	rte->coltypmods = static_cast<List *>(copyObjectImpl(cte->ctecoltypmods));
	rte->colcollations = static_cast<List *>(copyObjectImpl(cte->ctecolcollations));
	rte->eref = makeAlias(cte->ctename, static_cast<List *>(copyObjectImpl(cte->ctecolnames)));
	rte->inFromCl = true;
	query->rtable = list_make1(rte);
	RangeTblRef *ref = makeNode(RangeTblRef);
	ref->rtindex = 1;
	query->jointree = makeFromExpr(list_make1(ref), nullptr);

	Oid any = ANYOID;
	List *name = list_make2(makeString(pstrdup("shardext")), makeString(pstrdup("kept_rows")));
	Aggref *aggregate = makeNode(Aggref);
	aggregate->aggfnoid = LookupFuncName(name, 1, &any, false);
	aggregate->aggtype = INT8OID;
	aggregate->aggkind = AGGKIND_NORMAL;
	aggregate->aggsplit = AGGSPLIT_SIMPLE;
	aggregate->aggno = aggregate->aggtransno = -1;
	aggregate->location = -1;
	for (int number = 1; number <= list_length(rte->coltypes); number++) {
		const Oid type = list_nth_oid(rte->coltypes, number - 1);
		Var *column = makeVar(1, number, type, list_nth_int(rte->coltypmods, number - 1),
							  list_nth_oid(rte->colcollations, number - 1), 0);
		aggregate->aggargtypes = lappend_oid(aggregate->aggargtypes, type);
		aggregate->args = lappend(aggregate->args,
								  makeTargetEntry(reinterpret_cast<Expr *>(column), number, nullptr, false));
	}
	query->targetList =
		list_make1(makeTargetEntry(reinterpret_cast<Expr *>(aggregate), 1, pstrdup("kept_rows"), false));
	SubLink *link = makeNode(SubLink);
	link->subLinkType = EXPR_SUBLINK;
	link->subselect = reinterpret_cast<Node *>(query);
	link->location = -1;
	return reinterpret_cast<Expr *>(link);
}

namespace {

bool read_link_at_once(Node *node, CommonTableExpr *cte) {
	if (node == nullptr)
		return false;
	if (IsA(node, SubLink) && IsA(reinterpret_cast<SubLink *>(node)->subselect, Query)) {
		auto *query = reinterpret_cast<Query *>(reinterpret_cast<SubLink *>(node)->subselect);
		RangeTblEntry *rte =
			list_length(query->rtable) == 1 ? linitial_node(RangeTblEntry, query->rtable) : nullptr;
		if (rte != nullptr && rte->rtekind == RTE_CTE && rte->ctelevelsup == 1 &&
			strcmp(rte->ctename, cte->ctename) == 0) {
			rte->rtekind = RTE_SUBQUERY;
			rte->subquery = static_cast<Query *>(copyObjectImpl(cte->ctequery));
			IncrementVarSublevelsUp(reinterpret_cast<Node *>(rte->subquery), 1, 1);
			rte->ctename = nullptr;
			rte->ctelevelsup = 0;
			rte->coltypes = rte->coltypmods = rte->colcollations = NIL;
			return false;
		}
	}
	return walk_expression(node, read_link_at_once, cte);
}

} // namespace

void read_at_once(Node *node, const CommonTableExpr *cte) {
	read_link_at_once(node, const_cast<CommonTableExpr *>(cte));
}

// (SELECT u.1 AS a, NULL AS b, … FROM ROWS FROM (unnest ($1), …) u), with the columns of what it stands for.
RangeTblEntry *array_entry(const RangeTblEntry *rte, const NeededColumns &needed, const ShippedItem *item) {
	RangeTblEntry *functions = makeNode(RangeTblEntry);
	functions->rtekind = RTE_FUNCTION;
	functions->inFromCl = true;
	List *names = NIL;
	int number = 0;
	foreach_ptr (Var, var, needed.vars) {
		Param *array = makeNode(Param);
		array->paramkind = PARAM_EXEC;
		array->paramid = item->first_placeholder + number++;
		array->paramtype = get_array_type(var->vartype);
		array->paramtypmod = -1;
		array->paramcollid = var->varcollid;
		array->location = -1;
		FuncExpr *call = makeNode(FuncExpr);
		call->funcid = F_UNNEST_ANYARRAY;
		call->funcresulttype = var->vartype;
		call->funcretset = true;
		call->funcformat = COERCE_EXPLICIT_CALL;
		call->funccollid = call->inputcollid = get_typcollation(var->vartype);
		call->args = list_make1(array);
		call->location = -1;
		RangeTblFunction *function = makeNode(RangeTblFunction);
		function->funcexpr = reinterpret_cast<Node *>(call);
		function->funccolcount = 1;
		functions->functions = lappend(functions->functions, function);
		names = lappend(names, makeString(psprintf("c%d", number)));
	}
	functions->eref = makeAlias("u", names);
	functions->alias = makeAlias("u", static_cast<List *>(copyObjectImpl(names)));

	Query *query = makeNode(Query);
	query->commandType = CMD_SELECT;
	query->querySource = QSRC_ORIGINAL;
	query->canSetTag = true;
	query->rtable = list_make1(functions);
	RangeTblRef *ref = makeNode(RangeTblRef);
	ref->rtindex = 1;
	query->jointree = makeFromExpr(list_make1(ref), nullptr);
	List *columns = NIL;
	for (int i = 1; i <= list_length(rte->eref->colnames); i++) {
		Expr *value = reinterpret_cast<Expr *>(makeNullConst(INT4OID, -1, InvalidOid));
		number = 0;
		foreach_ptr (Var, var, needed.vars) {
			number++;
			if (var->varattno != i)
				continue;
			const Oid collation = get_typcollation(var->vartype);
			value = reinterpret_cast<Expr *>(makeVar(1, number, var->vartype, -1, collation, 0));
			if (var->varcollid != collation && OidIsValid(var->varcollid)) {
				CollateExpr *collate = makeNode(CollateExpr);
				collate->arg = value;
				collate->collOid = var->varcollid;
				collate->location = -1;
				value = reinterpret_cast<Expr *>(collate);
			}
		}
		char *name = psprintf("_s%d", i);
		columns = lappend(columns, makeString(name));
		query->targetList = lappend(query->targetList, makeTargetEntry(value, i, pstrdup(name), false));
	}
	if (query->targetList == NIL)
		query->targetList = list_make1(constant_column());

	RangeTblEntry *entry = makeNode(RangeTblEntry);
	entry->rtekind = RTE_SUBQUERY;
	entry->subquery = query;
	entry->eref = makeAlias(rte->eref->aliasname, columns);
	entry->alias = makeAlias(rte->eref->aliasname, NIL);
	entry->inFromCl = true;
	return entry;
}

namespace {

const ShippedItem *shipped_item(const RangeTblEntry *rte) {
	if (rte->rtekind != RTE_SUBQUERY || list_length(rte->subquery->rtable) != 1)
		return nullptr;
	auto *entry = linitial_node(RangeTblEntry, rte->subquery->rtable);
	if (entry->rtekind != RTE_FUNCTION)
		return nullptr;
	auto *call = reinterpret_cast<FuncExpr *>(linitial_node(RangeTblFunction, entry->functions)->funcexpr);
	if (!IsA(call, FuncExpr) || call->args == NIL ||
		!is_placeholder(static_cast<Node *>(linitial(call->args))))
		return nullptr;
	const int number = linitial_node(Param, call->args)->paramid;
	for (const PlannerRun *run = current_run; run != nullptr; run = run->outer)
		foreach_ptr (ShippedItem, item, run->shipped)
			if (item->first_placeholder == number)
				return item;
	return nullptr;
}

bool restore(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (!IsA(node, Query))
		return walk_expression(node, restore, static_cast<void *>(nullptr));
	restore_shipped(reinterpret_cast<Query *>(node));
	return false;
}

bool name_in(Node *node, List **sent);

// --- what the nodes' planners cannot know ---

// An equality of columns of two range table entries.
bool is_column_equality(Node *qual, const Var **left, const Var **right) {
	auto *op = reinterpret_cast<OpExpr *>(qual);
	if (!IsA(op, OpExpr) || list_length(op->args) != 2)
		return false;
	*left = reinterpret_cast<Var *>(strip_relabels(static_cast<Node *>(linitial(op->args))));
	*right = reinterpret_cast<Var *>(strip_relabels(static_cast<Node *>(lsecond(op->args))));
	return IsA(*left, Var) && IsA(*right, Var) && (*left)->varlevelsup == 0 && (*right)->varlevelsup == 0 &&
		   (*left)->varno != (*right)->varno &&
		   op_mergejoinable(op->opno, exprType(reinterpret_cast<const Node *>(*left)));
}

// The other entry that an equality compares a column of an item with, or 0.
int partner_of(Node *qual, int rtindex, const Var **column) {
	const Var *left, *right;
	if (!is_column_equality(qual, &left, &right) || (left->varno != rtindex && right->varno != rtindex))
		return 0;
	*column = left->varno == rtindex ? left : right;
	return left->varno == rtindex ? right->varno : left->varno;
}

// Where a column that is nearly unique meets its partner, equalities of further columns of the two (the rest
// of a key) hold as well. A planner multiplies their selectivities unless there is a foreign key, arrives at
// one row and takes nested loops. In CASE they count for half.
List *hide_implied(List *quals, int rtindex, const ShippedItem *item) {
	Bitmapset *partners = nullptr;
	List *chosen = NIL; // the equality that counts, for each partner
	const Var *column;
	foreach_ptr (Node, qual, quals) {
		const int partner = partner_of(qual, rtindex, &column);
		if (partner == 0 || bms_is_member(partner, partners) ||
			!bms_is_member(column->varattno, item->near_unique))
			continue;
		partners = bms_add_member(partners, partner);
		chosen = lappend(chosen, qual);
	}
	List *result = NIL;
	foreach_ptr (Node, qual, quals) {
		const int partner = partner_of(qual, rtindex, &column);
		if (partner == 0 || !bms_is_member(partner, partners) || list_member_ptr(chosen, qual)) {
			result = lappend(result, qual);
			continue;
		}
		CaseWhen *when = makeNode(CaseWhen);
		when->expr = reinterpret_cast<Expr *>(qual);
		when->result = reinterpret_cast<Expr *>(makeBoolConst(true, false));
		when->location = -1;
		CaseExpr *choice = makeNode(CaseExpr);
		choice->casetype = BOOLOID;
		choice->args = list_make1(when);
		choice->defresult = reinterpret_cast<Expr *>(makeBoolConst(false, false));
		choice->location = -1;
		result = lappend(result, choice);
	}
	return result;
}

void hide_implied_below(Node *node, int rtindex, const ShippedItem *item) {
	if (node == nullptr || IsA(node, RangeTblRef))
		return;
	Node **quals;
	if (IsA(node, FromExpr)) {
		auto *from = reinterpret_cast<FromExpr *>(node);
		foreach_ptr (Node, child, from->fromlist)
			hide_implied_below(child, rtindex, item);
		quals = &from->quals;
	} else {
		auto *join = reinterpret_cast<JoinExpr *>(node);
		hide_implied_below(join->larg, rtindex, item);
		hide_implied_below(join->rarg, rtindex, item);
		if (join->jointype == JOIN_FULL) // asks for conditions that can be merged or hashed
			return;
		quals = &join->quals;
	}
	if (*quals != nullptr)
		*quals = reinterpret_cast<Node *>(make_ands_explicit(hide_implied(and_list(*quals), rtindex, item)));
}

void name_in_level(Query *query, List **sent) {
	int rtindex = 0;
	foreach_node (RangeTblEntry, rte, query->rtable) {
		rtindex++;
		const ShippedItem *item = shipped_item(rte);
		if (item == nullptr)
			continue;
		hide_implied_below(reinterpret_cast<Node *>(query->jointree), rtindex, item);
		auto *source = linitial_node(RangeTblEntry, rte->subquery->rtable);
		source->rtekind = RTE_CTE;
		source->functions = NIL;
		source->ctename = pstrdup(item->cte->ctename);
		source->coltypes = item->cte->ctecoltypes;
		source->coltypmods = item->cte->ctecoltypmods;
		source->colcollations = NIL;
		const ListCell *cell;
		foreach (cell, source->coltypes)
			source->colcollations = lappend_oid(source->colcollations, get_typcollation(lfirst_oid(cell)));
		bool known = false; // parts of a query may have been copied
		foreach_ptr (SentItem, other, *sent)
			known = known || other->position == item->kept_rows;
		if (!known)
			*sent = lappend(*sent, new (palloc0(sizeof(SentItem)))
									   SentItem{item->cte->ctename, item->original->eref->aliasname,
												item->cte->ctecoltypes, item->rows, item->key_column,
												item->kept_rows});
	}
	walk_query(query, name_in, sent, 0);
}

bool name_in(Node *node, List **sent) {
	if (node == nullptr)
		return false;
	if (!IsA(node, Query))
		return walk_expression(node, name_in, sent);
	name_in_level(reinterpret_cast<Query *>(node), sent);
	return false;
}

} // namespace

List *name_shipped(Query *query) {
	List *sent = NIL;
	name_in_level(query, &sent);
	return sent;
}

List *lift_sent_items(List *sent, List *lifted) {
	// (The executor relies on their being the last.)
	foreach_ptr (SentItem, item, sent) {
		Param *number = makeNode(Param);
		number->paramkind = PARAM_EXEC;
		number->paramid = item->position;
		number->paramtype = INT8OID;
		number->paramtypmod = -1;
		number->location = -1;
		item->position = list_length(lifted);
		lifted = lappend(lifted, number);
	}
	return lifted;
}

void restore_shipped(Query *query) {
	foreach_node (RangeTblEntry, rte, query->rtable) {
		const ShippedItem *item = shipped_item(rte);
		if (item == nullptr)
			continue;
		*rte = *static_cast<RangeTblEntry *>(copyObjectImpl(item->original));
		query->hasSubLinks = true; // in the conditions or in what the item is made of
		foreach_ptr (Node, condition, item->conditions)
			query->jointree->quals =
				make_and_qual(query->jointree->quals, static_cast<Node *>(copyObjectImpl(condition)));
	}
	walk_query(query, restore, static_cast<void *>(nullptr), 0);
}

} // namespace shardext

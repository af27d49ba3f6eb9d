// What a shipped item looks like: arrays on the coordinator, unnest() on the shards.
#include "shardext/planner/shipped_item.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/fragment.hpp"
#include "shardext/planner/placeholder.hpp"
#include "shardext/sql/deparse.hpp"
#include "shardext/sql/pushable.hpp"
#include "shardext/sql/relation_query.hpp"

extern "C" {
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
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

// ARRAY (SELECT column n FROM the WITH query), as seen from the query that has it.
Expr *array_of_column(const CommonTableExpr *cte, const Var *var, int number) {
	Query *query = makeNode(Query);
	query->commandType = CMD_SELECT;
	query->querySource = QSRC_ORIGINAL;
	query->canSetTag = true;
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
	Var *column = makeVar(1, number, var->vartype, var->vartypmod, var->varcollid, 0);
	query->targetList =
		list_make1(makeTargetEntry(reinterpret_cast<Expr *>(column), 1, pstrdup("value"), false));
	SubLink *link = makeNode(SubLink);
	link->subLinkType = ARRAY_SUBLINK;
	link->subselect = reinterpret_cast<Node *>(query);
	link->location = -1;
	return reinterpret_cast<Expr *>(link);
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

// Values of more rows than this are unpacked once per node, of fewer once per shard group: planning copies
// arrays, but what reads a WITH query cannot run in parallel.
constexpr double kHoistedRows = 1000;

struct Hoist {
	List **lifted;
	StringInfoData text;
};

bool hoist(Node *node, Hoist *context);

void hoist_level(Query *query, Hoist *context) {
	foreach_node (RangeTblEntry, rte, query->rtable) {
		const ShippedItem *item = shipped_item(rte);
		if (item == nullptr || item->rows <= kHoistedRows)
			continue;
		const DeparsedQuery deparsed = deparse_for_shards(rte->subquery, *context->lifted);
		*context->lifted = deparsed.lifted;
		appendStringInfo(&context->text, "%s%s (", context->text.len > 0 ? ", " : "",
						 quote_identifier(item->cte->ctename));
		const char *separator = "";
		foreach_node (TargetEntry, entry, rte->subquery->targetList) {
			auto *expr = reinterpret_cast<Node *>(entry->expr);
			appendStringInfo(&context->text, "%s%s", separator, entry->resname);
			separator = ", ";
			rte->coltypes = lappend_oid(rte->coltypes, exprType(expr));
			rte->coltypmods = lappend_int(rte->coltypmods, exprTypmod(expr));
			rte->colcollations = lappend_oid(rte->colcollations, exprCollation(expr));
		}
		appendStringInfo(&context->text, ") AS MATERIALIZED (%s)", shard_sql(deparsed.pieces, 0, false));
		rte->rtekind = RTE_CTE;
		rte->ctename = pstrdup(item->cte->ctename);
		rte->subquery = nullptr;
	}
	walk_query(query, hoist, context, 0);
}

bool hoist(Node *node, Hoist *context) {
	if (node == nullptr)
		return false;
	if (!IsA(node, Query))
		return walk_expression(node, hoist, context);
	hoist_level(reinterpret_cast<Query *>(node), context);
	return false;
}

} // namespace

char *hoist_shipped(Query *query, List **lifted) {
	Hoist context{lifted, {}};
	initStringInfo(&context.text);
	hoist_level(query, &context);
	return context.text.len > 0 ? context.text.data : nullptr;
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

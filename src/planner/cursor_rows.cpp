// WHERE CURRENT OF, and the cursors that it names.
#include "shardext/planner/cursor_rows.hpp"

#include "shardext/catalog/metadata.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/sysattr.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
}

namespace shardext {

namespace {

Var *row_id_of(int rtindex) {
	return makeVar(rtindex, SelfItemPointerAttributeNumber, TIDOID, -1, InvalidOid, 0);
}

bool is_sharded_relation(const RangeTblEntry *rte) {
	return rte->rtekind == RTE_RELATION && is_sharded_table(rte->relid);
}

// The one table of a query whose rows are rows of that table, or 0. (Where PostgreSQL sorts, it refuses,
// too.)
int simply_updatable(const Query *query) {
	if (query->setOperations != nullptr || query->hasAggs || query->groupClause != NIL ||
		query->groupingSets != NIL || query->havingQual != nullptr || query->distinctClause != NIL ||
		query->hasWindowFuncs || query->hasTargetSRFs || query->sortClause != NIL ||
		list_length(query->jointree->fromlist) != 1 || !IsA(linitial(query->jointree->fromlist), RangeTblRef))
		return 0;
	return linitial_node(RangeTblRef, query->jointree->fromlist)->rtindex;
}

Node *cursor_name(const CurrentOfExpr *current) {
	if (current->cursor_name != nullptr)
		return reinterpret_cast<Node *>(
			makeConst(TEXTOID, -1, InvalidOid, -1, CStringGetTextDatum(current->cursor_name), false, false));
	Param *param = makeNode(Param);
	param->paramkind = PARAM_EXTERN;
	param->paramid = current->cursor_param;
	param->paramtype = REFCURSOROID;
	param->paramtypmod = -1;
	param->paramcollid = get_typcollation(REFCURSOROID);
	param->location = -1;
	return reinterpret_cast<Node *>(makeRelabelType(reinterpret_cast<Expr *>(param), TEXTOID, -1,
													get_typcollation(TEXTOID), COERCE_IMPLICIT_CAST));
}

// (SELECT shardext.current_row(cursor, table)): once for each run of the statement.
Node *current_row(const CurrentOfExpr *current, Oid relid) {
	Oid types[] = {TEXTOID, OIDOID};
	List *name = list_make2(makeString(pstrdup("shardext")), makeString(pstrdup("current_row")));
	FuncExpr *call =
		makeFuncExpr(LookupFuncName(name, 2, types, false), TIDOID,
					 list_make2(cursor_name(current), makeConst(OIDOID, -1, InvalidOid, sizeof(Oid),
																ObjectIdGetDatum(relid), false, true)),
					 InvalidOid, get_typcollation(TEXTOID), COERCE_EXPLICIT_CALL);
	Query *select = makeNode(Query);
	select->commandType = CMD_SELECT;
	select->canSetTag = true;
	select->jointree = makeFromExpr(NIL, nullptr);
	select->targetList =
		list_make1(makeTargetEntry(reinterpret_cast<Expr *>(call), 1, pstrdup("current_row"), false));
	SubLink *link = makeNode(SubLink);
	link->subLinkType = EXPR_SUBLINK;
	link->subselect = reinterpret_cast<Node *>(select);
	link->location = -1;
	return reinterpret_cast<Node *>(link);
}

struct Replacement {
	const Query *query;
	bool done;
};

Node *replace_current_of(Node *node, Replacement *context) {
	if (node == nullptr)
		return nullptr;
	if (!IsA(node, CurrentOfExpr))
		return mutate_expression(node, replace_current_of, context);
	auto *current = reinterpret_cast<CurrentOfExpr *>(node);
	context->done = true;
	const Oid relid = rt_fetch(current->cvarno, context->query->rtable)->relid;
	return reinterpret_cast<Node *>(
		make_opclause(TIDEqualOperator, BOOLOID, false, reinterpret_cast<Expr *>(row_id_of(current->cvarno)),
					  reinterpret_cast<Expr *>(current_row(current, relid)), InvalidOid, InvalidOid));
}

bool read_cursor_rows_below(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (!IsA(node, Query))
		return walk_expression(node, read_cursor_rows_below, static_cast<void *>(nullptr));
	read_cursor_rows(reinterpret_cast<Query *>(node));
	return false;
}

} // namespace

char *cursor_row_column(Oid relid) {
	return psprintf("shardext row of %u", relid);
}

void add_cursor_rows(Query *query) {
	List *positions = NIL;
	// The shards could not apply the limit any more.
	if (query->limitCount != nullptr || query->limitOffset != nullptr)
		return;
	foreach_node (RowMarkClause, mark, query->rowMarks)
		positions = lappend_int(positions, mark->rti);
	if (query->rowMarks == NIL)
		if (const int position = simply_updatable(query))
			positions = list_make1_int(position);
	const ListCell *cell;
	foreach (cell, positions) {
		const RangeTblEntry *rte = rt_fetch(lfirst_int(cell), query->rtable);
		if (!is_sharded_relation(rte))
			continue;
		TargetEntry *entry =
			makeTargetEntry(reinterpret_cast<Expr *>(row_id_of(lfirst_int(cell))),
							list_length(query->targetList) + 1, cursor_row_column(rte->relid), true);
		query->targetList = lappend(query->targetList, entry);
	}
}

void read_cursor_rows(Query *query) {
	if ((query->commandType == CMD_UPDATE || query->commandType == CMD_DELETE) &&
		is_sharded_relation(rt_fetch(query->resultRelation, query->rtable))) {
		Replacement context{query, false};
		query->jointree->quals = replace_current_of(query->jointree->quals, &context);
		query->hasSubLinks = query->hasSubLinks || context.done;
	}
	walk_query(query, read_cursor_rows_below, static_cast<void *>(nullptr), 0);
}

} // namespace shardext

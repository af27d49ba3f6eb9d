// Query trees over one relation.
#include "shardext/sql/relation_query.hpp"

#include "shardext/pg/walk.hpp"

extern "C" {
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "optimizer/clauses.h"
#include "utils/rel.h"
}

namespace shardext {

List *columns_of_relation(Oid relid, int varno) {
	List *columns = NIL;
	Relation relation = RelationIdGetRelation(relid);
	TupleDesc desc = RelationGetDescr(relation);
	for (int i = 0; i < desc->natts; i++) {
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Expr *value;
		char *name;
		if (attribute->attisdropped) {
			value = reinterpret_cast<Expr *>(makeNullConst(INT4OID, -1, InvalidOid));
			name = psprintf("_dropped%d", i + 1);
		} else {
			value = reinterpret_cast<Expr *>(
				makeVar(varno, i + 1, attribute->atttypid, attribute->atttypmod, attribute->attcollation, 0));
			name = pstrdup(NameStr(attribute->attname));
		}
		columns = lappend(columns, makeTargetEntry(value, i + 1, name, false));
	}
	RelationClose(relation);
	return columns;
}

RowExpr *row_from_columns(const Var *whole, Oid relid) {
	RowExpr *row = makeNode(RowExpr);
	row->row_typeid = whole->vartype;
	row->row_format = COERCE_IMPLICIT_CAST;
	row->location = -1;
	foreach_node (TargetEntry, entry, columns_of_relation(relid, whole->varno)) {
		if (IsA(entry->expr, Var))
			reinterpret_cast<Var *>(entry->expr)->varlevelsup = whole->varlevelsup;
		row->args = lappend(row->args, entry->expr);
		row->colnames = lappend(row->colnames, makeString(entry->resname));
	}
	return row;
}

RowExpr *row_to_test(const Var *whole, Oid relid) {
	RowExpr *row = row_from_columns(whole, relid);
	row->row_typeid = RECORDOID;
	List *args = NIL, *names = NIL;
	for (int i = 0; i < list_length(row->args); i++)
		if (IsA(list_nth(row->args, i), Var)) {
			args = lappend(args, list_nth(row->args, i));
			names = lappend(names, list_nth(row->colnames, i));
		}
	row->args = args;
	row->colnames = names;
	return row;
}

Query *query_over_relation(Oid relid, List *target_entries, List *quals) {
	Query *query = makeNode(Query);
	query->commandType = CMD_SELECT;
	query->querySource = QSRC_ORIGINAL;
	query->canSetTag = true;
	List *names = NIL;
	foreach_node (TargetEntry, entry, columns_of_relation(relid, 1))
		names = lappend(names, makeString(IsA(entry->expr, Var) ? entry->resname : pstrdup("")));
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	rte->rtekind = RTE_RELATION;
	rte->relid = relid;
	rte->relkind = get_rel_relkind(relid);
	rte->rellockmode = AccessShareLock;
	rte->inFromCl = true;
	rte->inh = true;
	rte->eref = makeAlias(get_rel_name(relid), names);
	query->rtable = list_make1(rte);
	RangeTblRef *ref = makeNode(RangeTblRef);
	ref->rtindex = 1;
	query->jointree = makeFromExpr(
		list_make1(ref), reinterpret_cast<Node *>(quals != NIL ? make_ands_explicit(quals) : nullptr));
	query->targetList = target_entries;
	return query;
}

Query *query_over_query(Query *query, const char *alias) {
	Query *outer = makeNode(Query);
	outer->commandType = CMD_SELECT;
	outer->querySource = QSRC_ORIGINAL;
	outer->canSetTag = true;
	List *names = NIL;
	foreach_node (TargetEntry, entry, query->targetList)
		if (!entry->resjunk)
			names = lappend(names, makeString(psprintf("_c%d", list_length(names) + 1)));
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = query;
	rte->eref = makeAlias(alias, names);
	rte->alias = makeAlias(alias, static_cast<List *>(copyObjectImpl(names)));
	rte->inFromCl = true;
	outer->rtable = list_make1(rte);
	RangeTblRef *ref = makeNode(RangeTblRef);
	ref->rtindex = 1;
	outer->jointree = makeFromExpr(list_make1(ref), nullptr);
	return outer;
}

Node *value_when(AttrNumber column, int number, Node *value, Node *otherwise) {
	OpExpr *same = makeNode(OpExpr);
	same->opno = Int4EqualOperator;
	same->opfuncid = get_opcode(Int4EqualOperator);
	same->opresulttype = BOOLOID;
	same->args =
		list_make2(makeVar(1, column, INT4OID, -1, InvalidOid, 0),
				   makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(number), false, true));
	same->location = -1;
	CaseWhen *arm = makeNode(CaseWhen);
	arm->expr = reinterpret_cast<Expr *>(same);
	arm->result = reinterpret_cast<Expr *>(value);
	arm->location = -1;
	CaseExpr *choice = makeNode(CaseExpr);
	choice->casetype = exprType(value);
	choice->casecollid = exprCollation(value);
	choice->args = list_make1(arm);
	choice->defresult = reinterpret_cast<Expr *>(otherwise);
	choice->location = -1;
	return reinterpret_cast<Node *>(choice);
}

TargetEntry *constant_column() {
	Const *one = makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(1), false, true);
	return makeTargetEntry(reinterpret_cast<Expr *>(one), 1, pstrdup("_c1"), false);
}

void wrap_column_list(RangeTblEntry *rte) {
	auto *function = linitial_node(RangeTblFunction, rte->functions);
	if (list_length(rte->functions) != 1 || function->funccolnames == NIL || rte->funcordinality ||
		equal(rte->eref->colnames, function->funccolnames))
		return;
	auto *inner = static_cast<RangeTblEntry *>(copyObjectImpl(rte));
	IncrementVarSublevelsUp(reinterpret_cast<Node *>(inner->functions), 1, 0);
	inner->eref = makeAlias("f", static_cast<List *>(copyObjectImpl(function->funccolnames)));
	inner->alias = makeAlias("f", NIL);
	inner->inFromCl = true;
	Query *query = makeNode(Query);
	query->commandType = CMD_SELECT;
	query->querySource = QSRC_ORIGINAL;
	query->canSetTag = true;
	query->rtable = list_make1(inner);
	RangeTblRef *ref = makeNode(RangeTblRef);
	ref->rtindex = 1;
	query->jointree = makeFromExpr(list_make1(ref), nullptr);
	for (int i = 0; i < list_length(function->funccolnames); i++) {
		Var *var = makeVar(1, i + 1, list_nth_oid(function->funccoltypes, i),
						   list_nth_int(function->funccoltypmods, i),
						   list_nth_oid(function->funccolcollations, i), 0);
		char *name = pstrdup(strVal(list_nth(function->funccolnames, i)));
		query->targetList =
			lappend(query->targetList, makeTargetEntry(reinterpret_cast<Expr *>(var), i + 1, name, false));
	}
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = query;
	rte->functions = NIL;
	rte->alias = makeAlias(rte->eref->aliasname, static_cast<List *>(copyObjectImpl(rte->eref->colnames)));
	rte->eref->colnames = static_cast<List *>(copyObjectImpl(function->funccolnames));
}

} // namespace shardext

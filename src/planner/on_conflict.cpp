// INSERT … ON CONFLICT DO UPDATE as MERGE.
#include "shardext/planner/on_conflict.hpp"

#include "shardext/pg/merge.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/sql/pushable.hpp"
#include "shardext/sql/relation_query.hpp"

extern "C" {
#include "access/genam.h"
#include "access/stratnum.h"
#include "optimizer/optimizer.h"
#include "optimizer/plancat.h"
#include "optimizer/prep.h"
#include "parser/parse_func.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/typcache.h"
}

namespace shardext {

namespace {

bool finds_sharded_sublink(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (IsA(node, SubLink)) {
		QueryAnalysis analysis;
		analyze_query(reinterpret_cast<Query *>(reinterpret_cast<SubLink *>(node)->subselect), &analysis);
		if (!analysis.complete || analysis.from.has_sharded)
			return true;
	}
	return walk_expression(node, finds_sharded_sublink, static_cast<void *>(nullptr));
}

RangeTblEntry *nothing() {
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	rte->rtekind = RTE_RESULT;
	rte->eref = makeAlias("*RESULT*", NIL);
	return rte;
}

// The proposed rows, with a column for each of the table's.
Query *proposed_rows(Query *insert, Oid relid) {
	auto *source = static_cast<Query *>(copyObjectImpl(insert));
	source->commandType = CMD_SELECT;
	source->resultRelation = 0;
	source->onConflict = nullptr;
	source->returningList = source->withCheckOptions = source->cteList = NIL;
	source->override = OVERRIDING_NOT_SET;
	RangeTblEntry *target = rt_fetch(insert->resultRelation, source->rtable);
	target->requiredPerms = 0;
	target->securityQuals = NIL;
	List *targets = NIL;
	foreach_node (TargetEntry, column, columns_of_relation(relid, 1)) {
		auto *like = reinterpret_cast<Node *>(column->expr);
		Expr *value = nullptr;
		foreach_node (TargetEntry, entry, source->targetList)
			if (entry->resno == column->resno)
				value = entry->expr;
		if (value == nullptr)
			value = reinterpret_cast<Expr *>(
				makeNullConst(exprType(like), exprTypmod(like), exprCollation(like)));
		// The row is taken for one of the table from here on; a column of INSERT's VALUES has no collation.
		if (exprCollation(reinterpret_cast<Node *>(value)) != exprCollation(like))
			value = reinterpret_cast<Expr *>(makeRelabelType(value, exprType(like), exprTypmod(like),
															 exprCollation(like), COERCE_IMPLICIT_CAST));
		targets = lappend(targets, makeTargetEntry(value, column->resno, column->resname, false));
	}
	source->targetList = targets;
	int level = -1;
	raise_cte_levels(reinterpret_cast<Node *>(source), &level);
	return source;
}

// <key of one> = <key of the other>, as the index compares them.
Node *equal_keys(Relation index, int column, Node *left, Node *right) {
	const Oid family = index->rd_opfamily[column], type = index->rd_opcintype[column];
	const Oid op = get_opfamily_member(family, type, type, BTEqualStrategyNumber);
	auto fitting = [&](Node *node) { // varchar compares as text
		if (IsPolymorphicType(type) || type == RECORDOID || exprType(node) == type)
			return reinterpret_cast<Expr *>(node);
		return reinterpret_cast<Expr *>(makeRelabelType(
			reinterpret_cast<Expr *>(node), type, -1, index->rd_indcollation[column], COERCE_IMPLICIT_CAST));
	};
	Expr *equal = make_opclause(op, BOOLOID, false, fitting(left), fitting(right), InvalidOid,
								index->rd_indcollation[column]);
	reinterpret_cast<OpExpr *>(equal)->opfuncid = get_opcode(op);
	if (!index->rd_index->indnullsnotdistinct)
		return reinterpret_cast<Node *>(equal);
	auto *distinct = static_cast<OpExpr *>(copyObjectImpl(equal));
	NodeSetTag(distinct, T_DistinctExpr);
	return reinterpret_cast<Node *>(makeBoolExpr(NOT_EXPR, list_make1(distinct), -1));
}

// What an index is made of, for a row at a position of the range table: its columns, and its WHERE at the
// end.
List *parts_of_index(Relation index, Oid relid, int rtindex, Node **predicate) {
	List *expressions = RelationGetIndexExpressions(index), *parts = NIL;
	int next = 0;
	for (int i = 0; i < index->rd_index->indnkeyatts; i++) {
		const AttrNumber column = index->rd_index->indkey.values[i];
		Node *part;
		if (column != 0) {
			Oid type, collation;
			int32 typmod;
			get_atttypetypmodcoll(relid, column, &type, &typmod, &collation);
			part = reinterpret_cast<Node *>(makeVar(1, column, type, typmod, collation, 0));
		} else {
			part = static_cast<Node *>(copyObjectImpl(list_nth(expressions, next++)));
		}
		ChangeVarNodes(part, 1, rtindex, 0);
		parts = lappend(parts, part);
	}
	auto *conditions = static_cast<List *>(copyObjectImpl(RelationGetIndexPredicate(index)));
	*predicate = conditions != NIL ? reinterpret_cast<Node *>(make_ands_explicit(conditions)) : nullptr;
	ChangeVarNodes(*predicate, 1, rtindex, 0);
	return parts;
}

// The unique indexes that decide on conflicts, as PostgreSQL finds them.
List *arbiter_indexes(const Query *insert) {
	PlannerInfo *root = makeNode(PlannerInfo);
	root->parse = static_cast<Query *>(copyObjectImpl(insert));
	OnConflictExpr *conflict = root->parse->onConflict;
	conflict->arbiterElems = reinterpret_cast<List *>(
		eval_const_expressions(nullptr, reinterpret_cast<Node *>(conflict->arbiterElems)));
	auto *where = reinterpret_cast<Expr *>(eval_const_expressions(nullptr, conflict->arbiterWhere));
	conflict->arbiterWhere = reinterpret_cast<Node *>(
		make_ands_implicit(where != nullptr ? canonicalize_qual(where, false) : where));
	return infer_arbiter_indexes(root);
}

// The condition under which a proposed row conflicts with one of the table by an index.
Node *conflict_by_index(Oid index_id, Oid relid, int excluded, int target, List **keys) {
	Relation index = index_open(index_id, AccessShareLock);
	if (!index->rd_index->indimmediate)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("ON CONFLICT does not support deferrable unique constraints/exclusion constraints as "
					   "arbiters"),
				errtableconstraint(RelationIdGetRelation(relid), RelationGetRelationName(index)));
	Node *proposed_where, *present_where;
	List *proposed = parts_of_index(index, relid, excluded, &proposed_where);
	List *present = parts_of_index(index, relid, target, &present_where);
	List *conditions = NIL;
	for (int i = 0; i < list_length(proposed); i++)
		conditions = lappend(conditions, equal_keys(index, i, static_cast<Node *>(list_nth(proposed, i)),
													static_cast<Node *>(list_nth(present, i))));
	List *key = static_cast<List *>(copyObjectImpl(proposed));
	if (proposed_where != nullptr) {
		conditions = lappend(lappend(conditions, copyObjectImpl(proposed_where)), present_where);
		// Rows that the index does not hold have no key.
		CaseExpr *held = makeNode(CaseExpr);
		CaseWhen *arm = makeNode(CaseWhen);
		arm->expr = reinterpret_cast<Expr *>(proposed_where);
		arm->result = reinterpret_cast<Expr *>(makeBoolConst(true, false));
		arm->location = held->location = -1;
		held->casetype = BOOLOID;
		held->args = list_make1(arm);
		held->defresult = reinterpret_cast<Expr *>(makeBoolConst(false, true));
		key = lappend(key, held);
	}
	*keys = lappend(*keys, key);
	index_close(index, NoLock);
	return reinterpret_cast<Node *>(make_ands_explicit(conditions));
}

// The proposed rows with their generated columns.
Query *with_generated_columns(Query *rows, Oid relid) {
	Relation relation = RelationIdGetRelation(relid);
	TupleDesc desc = RelationGetDescr(relation);
	Query *outer = query_over_query(rows, "proposed");
	bool any = false;
	foreach_node (TargetEntry, entry, rows->targetList) {
		auto *expr = reinterpret_cast<Node *>(entry->expr);
		Form_pg_attribute attribute = TupleDescAttr(desc, entry->resno - 1);
		const bool generated = attribute->attgenerated != '\0' && !attribute->attisdropped;
		any = any || generated;
		Node *value = generated ? build_column_default(relation, entry->resno)
								: reinterpret_cast<Node *>(makeVar(1, entry->resno, exprType(expr),
																   exprTypmod(expr), exprCollation(expr), 0));
		outer->targetList = lappend(outer->targetList, makeTargetEntry(reinterpret_cast<Expr *>(value),
																	   entry->resno, entry->resname, false));
	}
	RelationClose(relation);
	if (!any)
		return rows;
	int level = -1;
	raise_cte_levels(reinterpret_cast<Node *>(outer), &level);
	return outer;
}

// The proposed rows, with generated columns, after BEFORE INSERT triggers: a function gives them, which reads
// them from the executor's node.
Query *rows_behind_triggers(Query *insert, Oid relid, const PlanningContext &context, Conflict *conflict) {
	if (context.with != nullptr)
		refuse_write("ON CONFLICT DO UPDATE in WITH, of a table with BEFORE INSERT triggers,");
	auto *source = static_cast<Query *>(copyObjectImpl(insert));
	name_all_columns(source, relid);
	foreach_node (TargetEntry, entry, source->targetList)
		conflict->proposed_columns = lappend_int(conflict->proposed_columns, entry->resno);
	source->commandType = CMD_SELECT;
	source->resultRelation = 0;
	source->onConflict = nullptr;
	source->returningList = source->withCheckOptions = NIL;
	source->override = OVERRIDING_NOT_SET;
	RangeTblEntry *target = rt_fetch(insert->resultRelation, source->rtable);
	target->requiredPerms = 0;
	target->securityQuals = NIL;
	conflict->proposed = plan_source(source, context);
	conflict->token = ++current_run->token;

	const Oid row_type = get_rel_type_id(relid);
	const Oid types[] = {ANYELEMENTOID, INT8OID};
	const Oid function = LookupFuncName(
		list_make2(makeString(pstrdup("shardext")), makeString(pstrdup("proposed_rows"))), 2, types, false);
	Const *token =
		makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(conflict->token), false, true);
	FuncExpr *call =
		makeFuncExpr(function, row_type, list_make2(makeNullConst(row_type, -1, InvalidOid), token),
					 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
	call->funcretset = true;
	RangeTblFunction *rows = makeNode(RangeTblFunction);
	rows->funcexpr = reinterpret_cast<Node *>(call);
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	rte->rtekind = RTE_FUNCTION;
	rte->functions = list_make1(rows);
	rte->inFromCl = true;
	List *names = NIL;
	Query *query = makeNode(Query);
	foreach_node (TargetEntry, column, columns_of_relation(relid, 1)) {
		rows->funccolcount++;
		names = lappend(names, makeString(IsA(column->expr, Var) ? column->resname : pstrdup("")));
		query->targetList = lappend(query->targetList, column);
	}
	rte->alias = makeAlias("proposed", NIL);
	rte->eref = makeAlias("proposed", names);
	query->commandType = CMD_SELECT;
	query->querySource = QSRC_ORIGINAL;
	query->canSetTag = true;
	query->rtable = list_make1(rte);
	RangeTblRef *ref = makeNode(RangeTblRef);
	ref->rtindex = 1;
	query->jointree = makeFromExpr(list_make1(ref), nullptr);
	return query;
}

} // namespace

bool gives_proposed_rows(const RangeTblEntry *rte) {
	if (rte->rtekind != RTE_FUNCTION || list_length(rte->functions) != 1)
		return false;
	const auto *call =
		reinterpret_cast<FuncExpr *>(linitial_node(RangeTblFunction, rte->functions)->funcexpr);
	if (!IsA(call, FuncExpr) || get_func_namespace(call->funcid) != shardext_schema())
		return false;
	const char *name = get_func_name(call->funcid);
	return name != nullptr && strcmp(name, "proposed_rows") == 0;
}

const char *why_not_on_shards(Query *insert, const DistributedTable *table) {
	const OnConflictExpr *conflict = insert->onConflict;
	if (conflict == nullptr || conflict->action != ONCONFLICT_UPDATE)
		return nullptr;
	foreach_node (TargetEntry, entry, conflict->onConflictSet) {
		auto *var = reinterpret_cast<Var *>(entry->expr);
		if (entry->resno == table->key_attnum && !(IsA(var, Var) && var->varattno == table->key_attnum))
			return "ON CONFLICT DO UPDATE of the distribution column";
	}
	Pushability pushability;
	check_pushable(reinterpret_cast<Node *>(conflict->onConflictSet), &pushability);
	if (pushability.ok)
		check_pushable(conflict->onConflictWhere, &pushability);
	if (!pushability.ok)
		return psprintf("ON CONFLICT DO UPDATE with %s", pushability.reason);
	if (finds_sharded_sublink(reinterpret_cast<Node *>(conflict->onConflictSet), nullptr) ||
		finds_sharded_sublink(conflict->onConflictWhere, nullptr))
		return "ON CONFLICT DO UPDATE with a sub-query over shards";
	foreach_node (WithCheckOption, check, insert->withCheckOptions)
		if (check->kind != WCO_RLS_INSERT_CHECK)
			return "ON CONFLICT DO UPDATE with row-level security";
	return nullptr;
}

Query *conflict_to_merge(Query *insert, const UserTriggers &triggers, const PlanningContext &context,
						 Conflict *made) {
	const OnConflictExpr *conflict = insert->onConflict;
	const int target = insert->resultRelation, excluded = conflict->exclRelIndex;
	auto *merge = static_cast<Query *>(copyObjectImpl(insert));
	merge->onConflict = nullptr;
	merge->override = OVERRIDING_NOT_SET;
	merge->hasSubLinks = true;
	const Oid relid = rt_fetch(target, insert->rtable)->relid;
	RangeTblEntry *rows = makeNode(RangeTblEntry);
	rows->rtekind = RTE_SUBQUERY;
	rows->subquery = triggers.before_row(CMD_INSERT)
						 ? rows_behind_triggers(insert, relid, context, made)
						 : with_generated_columns(proposed_rows(insert, relid), relid);
	rows->eref = static_cast<Alias *>(copyObjectImpl(rt_fetch(excluded, insert->rtable)->eref));
	rows->alias = makeAlias("excluded", NIL);
	rows->inFromCl = true;
	int position = 0;
	List *rtable = NIL;
	foreach_node (RangeTblEntry, rte, merge->rtable) {
		position++;
		rtable = lappend(rtable, position == target ? rte : position == excluded ? rows : nothing());
	}
	merge->rtable = rtable;
	rt_fetch(target, rtable)->inFromCl = true;
	List *conflicts = NIL, *inserted = NIL;
	const ListCell *cell;
	foreach (cell, arbiter_indexes(insert))
		conflicts =
			lappend(conflicts, conflict_by_index(lfirst_oid(cell), relid, excluded, target, &made->keys));
	if (triggers.before_row(CMD_INSERT)) {
		name_all_columns(insert, relid);
		merge->cteList = NIL; // the proposed rows have them
		merge->hasModifyingCTE = merge->hasRecursive = false;
	}
	foreach_node (TargetEntry, entry, insert->targetList) {
		auto *like = reinterpret_cast<Node *>(entry->expr);
		inserted = lappend(inserted, makeTargetEntry(reinterpret_cast<Expr *>(
														 makeVar(excluded, entry->resno, exprType(like),
																 exprTypmod(like), exprCollation(like), 0)),
													 entry->resno, entry->resname, false));
	}
	merge->targetList = NIL;
	make_merge(merge, excluded,
			   reinterpret_cast<Node *>(list_length(conflicts) == 1 ? static_cast<Expr *>(linitial(conflicts))
																	: make_orclause(conflicts)),
			   static_cast<List *>(copyObjectImpl(conflict->onConflictSet)),
			   static_cast<Node *>(copyObjectImpl(conflict->onConflictWhere)), inserted);
	return merge;
}

} // namespace shardext

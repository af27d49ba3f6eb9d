// INSERT … ON CONFLICT DO UPDATE as MERGE.
#include "shardext/planner/on_conflict.hpp"

#include "shardext/pg/merge.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/sql/pushable.hpp"
#include "shardext/sql/relation_query.hpp"

extern "C" {
#include "catalog/pg_constraint.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
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
		targets = lappend(targets, makeTargetEntry(value, column->resno, column->resname, false));
	}
	source->targetList = targets;
	int level = -1;
	raise_cte_levels(reinterpret_cast<Node *>(source), &level);
	return source;
}

Node *equal_columns(int left, int right, Oid relid, AttrNumber column) {
	Oid type, collation;
	int32 typmod;
	get_atttypetypmodcoll(relid, column, &type, &typmod, &collation);
	const Oid op = lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;
	OpExpr *equal = makeNode(OpExpr);
	equal->opno = op;
	equal->opfuncid = get_opcode(op);
	equal->opresulttype = BOOLOID;
	equal->inputcollid = collation;
	Oid left_type, right_type;
	op_input_types(op, &left_type, &right_type);
	for (const int varno : {left, right}) {
		auto *var = reinterpret_cast<Expr *>(makeVar(varno, column, type, typmod, collation, 0));
		if (left_type != type) // varchar compares as text
			var = reinterpret_cast<Expr *>(
				makeRelabelType(var, left_type, -1, collation, COERCE_IMPLICIT_CAST));
		equal->args = lappend(equal->args, var);
	}
	equal->location = -1;
	return reinterpret_cast<Node *>(equal);
}

} // namespace

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

List *arbiter_columns(const OnConflictExpr *conflict) {
	List *columns = NIL;
	if (OidIsValid(conflict->constraint)) {
		Relation index = RelationIdGetRelation(get_constraint_index(conflict->constraint));
		for (int i = 0; i < index->rd_index->indnkeyatts; i++)
			columns = lappend_int(columns, index->rd_index->indkey.values[i]);
		const bool simple = heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, nullptr) &&
							heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs, nullptr);
		RelationClose(index);
		return simple ? columns : NIL;
	}
	if (conflict->arbiterWhere != nullptr)
		return NIL;
	foreach_node (InferenceElem, element, conflict->arbiterElems) {
		auto *var = reinterpret_cast<Var *>(element->expr);
		if (var == nullptr || !IsA(var, Var) || OidIsValid(element->infercollid) ||
			OidIsValid(element->inferopclass))
			return NIL;
		columns = list_append_unique_int(columns, var->varattno);
	}
	return columns;
}

Query *conflict_to_merge(Query *insert, List *arbiter) {
	const OnConflictExpr *conflict = insert->onConflict;
	const int target = insert->resultRelation, excluded = conflict->exclRelIndex;
	auto *merge = static_cast<Query *>(copyObjectImpl(insert));
	merge->onConflict = nullptr;
	merge->override = OVERRIDING_NOT_SET;
	merge->hasSubLinks = true;
	const Oid relid = rt_fetch(target, insert->rtable)->relid;
	RangeTblEntry *rows = makeNode(RangeTblEntry);
	rows->rtekind = RTE_SUBQUERY;
	rows->subquery = proposed_rows(insert, relid);
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
	List *equalities = NIL, *inserted = NIL;
	const ListCell *cell;
	foreach (cell, arbiter)
		equalities = lappend(equalities, equal_columns(excluded, target, relid, lfirst_int(cell)));
	foreach_node (TargetEntry, entry, insert->targetList) {
		auto *like = reinterpret_cast<Node *>(entry->expr);
		inserted = lappend(inserted, makeTargetEntry(reinterpret_cast<Expr *>(
														 makeVar(excluded, entry->resno, exprType(like),
																 exprTypmod(like), exprCollation(like), 0)),
													 entry->resno, entry->resname, false));
	}
	merge->targetList = NIL;
	make_merge(merge, excluded, reinterpret_cast<Node *>(make_ands_explicit(equalities)),
			   static_cast<List *>(copyObjectImpl(conflict->onConflictSet)),
			   static_cast<Node *>(copyObjectImpl(conflict->onConflictWhere)), inserted);
	return merge;
}

} // namespace shardext

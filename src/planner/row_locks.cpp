// Row locks on tables that are scanned one by one: each node locks what it reads.
#include "shardext/planner/row_locks.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/sql/deparse.hpp"
#include "shardext/sql/pushable.hpp"
#include "shardext/sql/relation_query.hpp"

extern "C" {
#include "access/sysattr.h"
#include "catalog/heap.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/analyze.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
}

namespace shardext {

namespace {

// A fragment has neither system columns nor a row type: what the query asks of them is read from columns that
// follow the table's own.
struct Replacement {
	int rtindex;
	Oid relid;
	int level;	   // nesting below the query
	List *columns; // TargetEntry of the fragment's query
};

Node *replace_references(Node *node, Replacement *context) {
	if (node == nullptr)
		return nullptr;
	if (IsA(node, Query)) {
		context->level++;
		auto *result = mutate_query(reinterpret_cast<Query *>(node), replace_references, context, 0);
		context->level--;
		return reinterpret_cast<Node *>(result);
	}
	if (IsA(node, NullTest)) {
		auto *test = reinterpret_cast<NullTest *>(node);
		auto *row = reinterpret_cast<Var *>(test->arg);
		if (IsA(row, Var) && row->varno == context->rtindex && row->varattno == 0 &&
			static_cast<int>(row->varlevelsup) == context->level) {
			auto *copy = static_cast<NullTest *>(copyObjectImpl(test));
			copy->arg = reinterpret_cast<Expr *>(row_to_test(row, context->relid));
			return reinterpret_cast<Node *>(copy);
		}
	}
	if (!IsA(node, Var))
		return mutate_expression(node, replace_references, context);
	auto *var = reinterpret_cast<Var *>(node);
	if (var->varno != context->rtindex || static_cast<int>(var->varlevelsup) != context->level ||
		var->varattno > 0)
		return static_cast<Node *>(copyObjectImpl(node));
	if (var->varattno == 0)
		return reinterpret_cast<Node *>(row_from_columns(var, context->relid));
	if (var->varattno == TableOidAttributeNumber)
		return reinterpret_cast<Node *>(
			makeConst(OIDOID, -1, InvalidOid, sizeof(Oid), ObjectIdGetDatum(context->relid), false, true));
	int number = 0;
	foreach_node (TargetEntry, entry, context->columns)
		if (IsA(entry->expr, Var) && reinterpret_cast<Var *>(entry->expr)->varattno == var->varattno)
			number = entry->resno;
	if (number == 0) {
		const FormData_pg_attribute *attribute = SystemAttributeDefinition(var->varattno);
		Var *column =
			makeVar(1, var->varattno, attribute->atttypid, attribute->atttypmod, attribute->attcollation, 0);
		number = list_length(context->columns) + 1;
		context->columns = lappend(context->columns, makeTargetEntry(reinterpret_cast<Expr *>(column), number,
																	 psprintf("_system%d", number), false));
	}
	return reinterpret_cast<Node *>(
		makeVar(var->varno, number, var->vartype, var->vartypmod, var->varcollid, var->varlevelsup));
}

bool refers_outside(Node *node) {
	for (int level = 1; level <= 8; level++)
		if (contain_vars_of_level(node, level))
			return true;
	return false;
}

Node *seen_alone(Node *expr, int rtindex) {
	Node *copy = static_cast<Node *>(copyObjectImpl(expr));
	ChangeVarNodes(copy, rtindex, 1, 0);
	forget_syntactic_names(copy);
	return copy;
}

bool may_run_on_shards(Node *expr) {
	Pushability pushability;
	check_pushable(expr, &pushability);
	return pushability.ok && !checkExprHasSubLink(expr) && !refers_outside(expr);
}

// The conditions of WHERE that concern one table alone and may run on its shards.
List *own_conditions(Query *query, int rtindex) {
	List *result = NIL;
	foreach_ptr (Node, qual, make_ands_implicit(reinterpret_cast<Expr *>(query->jointree->quals))) {
		Relids used = pull_varnos(nullptr, qual);
		if (bms_is_member(rtindex, used) && bms_num_members(used) == 1 && may_run_on_shards(qual))
			result = lappend(result, seen_alone(qual, rtindex));
	}
	return result;
}

// Puts a row filter that must run on the coordinator around a fragment.
RangeTblEntry *filter_fragment(RangeTblEntry *fragment_entry, List *columns, List *filters) {
	Query *query = makeNode(Query);
	query->commandType = CMD_SELECT;
	query->querySource = QSRC_ORIGINAL;
	query->canSetTag = true;
	query->rtable = list_make1(fragment_entry);
	RangeTblRef *ref = makeNode(RangeTblRef);
	ref->rtindex = 1;
	query->jointree = makeFromExpr(list_make1(ref), reinterpret_cast<Node *>(make_ands_explicit(filters)));
	query->hasSubLinks = checkExprHasSubLink(reinterpret_cast<Node *>(filters));
	foreach_node (TargetEntry, entry, columns) {
		auto *expr = reinterpret_cast<Node *>(entry->expr);
		Var *var = makeVar(1, entry->resno, exprType(expr), exprTypmod(expr), exprCollation(expr), 0);
		query->targetList = lappend(query->targetList, makeTargetEntry(reinterpret_cast<Expr *>(var),
																	   entry->resno, entry->resname, false));
	}
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = query;
	rte->security_barrier = true;
	return rte;
}

void lock_table(Query *query, RangeTblEntry *rte, const RowMarkClause *mark) {
	const int rtindex = mark->rti;
	const Oid relid = rte->relid;
	List *filters = rte->securityQuals;
	auto *permissions = static_cast<RangeTblEntry *>(copyObjectImpl(rte));
	permissions->securityQuals = NIL;
	permissions->tablesample = nullptr;
	current_run->range_tables = lappend(current_run->range_tables, permissions);

	List *own = own_conditions(query, rtindex);
	Replacement replacement{rtindex, relid, 0, columns_of_relation(relid, 1)};
	*query = *mutate_query(query, replace_references, &replacement, 0);
	rte = rt_fetch(rtindex, query->rtable);
	filters = rte->securityQuals;

	// Nothing that could leak runs before a row filter: such conditions stay above.
	bool filters_pushed = true;
	foreach_ptr (Node, filter, filters)
		filters_pushed = filters_pushed && may_run_on_shards(filter);
	List *conditions = NIL;
	if (filters_pushed)
		foreach_ptr (Node, filter, filters)
			conditions = lappend(conditions, seen_alone(filter, rtindex));
	foreach_ptr (Node, condition, own)
		if (filters == NIL || !contain_leaked_vars(condition))
			conditions = lappend(conditions, condition);

	// The row's place in its shard comes last, where the scan looks for it.
	List *columns = replacement.columns;
	bool row_id = false;
	foreach_node (TargetEntry, entry, columns)
		row_id = row_id || (IsA(entry->expr, Var) &&
							reinterpret_cast<Var *>(entry->expr)->varattno == SelfItemPointerAttributeNumber);
	if (row_id) {
		Var *ctid = makeVar(1, SelfItemPointerAttributeNumber, TIDOID, -1, InvalidOid, 0);
		const int number = list_length(columns) + 1;
		columns = lappend(columns, makeTargetEntry(reinterpret_cast<Expr *>(ctid), number,
												   psprintf("_system%d", number), false));
	}

	Query *inner = query_over_relation(relid, columns, conditions);
	auto *inner_rte = linitial_node(RangeTblEntry, inner->rtable);
	inner_rte->tablesample = static_cast<TableSampleClause *>(copyObjectImpl(rte->tablesample));
	RowMarkClause *inner_mark = makeNode(RowMarkClause);
	*inner_mark = *mark;
	inner_mark->rti = 1;
	inner_mark->pushedDown = false;
	inner->rowMarks = list_make1(inner_mark);
	inner->hasForUpdate = true;

	QueryAnalysis analysis;
	analyze_query(inner, &analysis);
	inner_rte->requiredPerms = 0; // the table's own entry has been kept above
	Fragment *fragment = new_fragment(analysis, "locked rows from all shards");
	finish_fragment(fragment, inner, columns, analysis);
	if (row_id) {
		ListCell *cell;
		foreach (cell, fragment->scan.entries) {
			auto *entry = list_nth_node(TargetEntry, columns, foreach_current_index(cell));
			if (IsA(entry->expr, Var) &&
				reinterpret_cast<Var *>(entry->expr)->varattno == SelfItemPointerAttributeNumber)
				lfirst_int(cell) = kColumnRowId;
		}
		add_group_id(&fragment->scan);
	}

	RangeTblEntry *entry = make_fragment_entry(fragment);
	if (!filters_pushed) {
		List *moved = NIL;
		foreach_ptr (Node, filter, filters)
			moved = lappend(moved, seen_alone(filter, rtindex));
		entry = filter_fragment(entry, columns, moved);
	}
	// The names of the table's columns stay what they are; more follow.
	entry->eref = static_cast<Alias *>(copyObjectImpl(rte->eref));
	while (list_length(entry->eref->colnames) < list_length(columns))
		entry->eref->colnames = lappend(entry->eref->colnames, makeString(pstrdup("")));
	entry->alias = rte->alias;
	entry->lateral = false;
	entry->inFromCl = rte->inFromCl;
	*rte = *entry;
}

} // namespace

void lock_marked_tables(Query *query) {
	List *left = NIL;
	List *marks = query->rowMarks;
	foreach_node (RowMarkClause, mark, marks) {
		RangeTblEntry *rte = rt_fetch(mark->rti, query->rtable);
		if (rte->rtekind == RTE_RELATION && is_sharded_table(rte->relid))
			lock_table(query, rte, mark);
		else if (rte->rtekind != RTE_SUBQUERY) // rows of sub-queries are locked inside
			left = lappend(left, mark);
	}
	query->rowMarks = left;
	query->hasForUpdate = left != NIL;
}

} // namespace shardext

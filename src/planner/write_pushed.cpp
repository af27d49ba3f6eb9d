// UPDATE and DELETE that run whole on the shards.
#include "shardext/planner/write_parts.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/user_triggers.hpp"
#include "shardext/sql/deparse.hpp"
#include "shardext/sql/pushable.hpp"
#include "shardext/sql/relation_query.hpp"

extern "C" {
#include "access/sysattr.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/typcache.h"
}

namespace shardext {

namespace {

bool assigns_element(const Node *node) {
	return IsA(node, SubscriptingRef) &&
		   reinterpret_cast<const SubscriptingRef *>(node)->refassgnexpr != nullptr;
}

Node *without_domain(Node *node) {
	while (IsA(node, CoerceToDomain))
		node = reinterpret_cast<Node *>(reinterpret_cast<CoerceToDomain *>(node)->arg);
	return node;
}

// What the new value of a column, or of a part of it, is made of.
List *values_of_assignment(Node *node) {
	node = without_domain(node);
	List *values = NIL;
	if (assigns_element(node)) {
		auto *ref = reinterpret_cast<SubscriptingRef *>(node);
		values = values_of_assignment(reinterpret_cast<Node *>(ref->refassgnexpr));
		values = list_concat_copy(values, ref->refupperindexpr);
		values = lappend(list_concat_copy(values, ref->reflowerindexpr), ref->refexpr);
	} else if (IsA(node, FieldStore)) {
		auto *store = reinterpret_cast<FieldStore *>(node);
		foreach_ptr (Node, value, store->newvals)
			values = list_concat(values, values_of_assignment(value));
		values = lappend(values, store->arg);
	} else {
		return list_make1(node);
	}
	List *present = NIL;
	foreach_ptr (Node, value, values)
		if (value != nullptr && !IsA(value, CaseTestExpr))
			present = lappend(present, value);
	return present;
}

// The statement as a SELECT of what it reads, to find out whether it is shard-complete.
Query *as_select(Query *query) {
	auto *select = static_cast<Query *>(copyObjectImpl(query));
	select->commandType = CMD_SELECT;
	select->resultRelation = 0;
	select->returningList = NIL;
	select->withCheckOptions = NIL;
	List *values = NIL;
	int number = 0;
	foreach_node (TargetEntry, entry, select->targetList)
		foreach_ptr (Expr, value, values_of_assignment(reinterpret_cast<Node *>(entry->expr)))
			values = lappend(values, makeTargetEntry(value, ++number, pstrdup("v"), false));
	select->targetList = values;
	return select;
}

// Row security on the target: a filter that must run before conditions that could leak.
void protect_filter(Query *query, RangeTblEntry *target) {
	if (target->securityQuals == NIL || query->jointree->quals == nullptr ||
		!contain_leaked_vars(query->jointree->quals))
		return;
	CaseExpr *guarded = makeNode(CaseExpr);
	guarded->casetype = BOOLOID;
	CaseWhen *when = makeNode(CaseWhen);
	when->expr = reinterpret_cast<Expr *>(
		make_ands_explicit(static_cast<List *>(copyObjectImpl(target->securityQuals))));
	when->result = reinterpret_cast<Expr *>(query->jointree->quals);
	when->location = -1;
	guarded->args = list_make1(when);
	guarded->defresult = reinterpret_cast<Expr *>(makeBoolConst(false, false));
	guarded->location = -1;
	query->jointree->quals = reinterpret_cast<Node *>(guarded);
}

// Inside the new value of a field, the field's old value has no name of its own (CaseTestExpr).
Node *name_old_value(Node *value, Node *row, Form_pg_attribute attribute, AttrNumber number) {
	if (!IsA(value, FieldStore) || !IsA(reinterpret_cast<FieldStore *>(value)->arg, CaseTestExpr))
		return value;
	auto *copy = static_cast<FieldStore *>(copyObjectImpl(value));
	FieldSelect *old = makeNode(FieldSelect);
	old->arg = static_cast<Expr *>(copyObjectImpl(row));
	old->fieldnum = number;
	old->resulttype = attribute->atttypid;
	old->resulttypmod = attribute->atttypmod;
	old->resultcollid = attribute->attcollation;
	copy->arg = reinterpret_cast<Expr *>(old);
	return reinterpret_cast<Node *>(copy);
}

// Assignments to several fields of a composite are one value built from its parts; the deparser prints one
// field only.
Node *fields_to_row(Node *node, void *context) {
	if (node == nullptr)
		return {};
	if (!IsA(node, FieldStore))
		return mutate_expression(node, fields_to_row, context);
	auto *store = reinterpret_cast<FieldStore *>(node);
	TupleDesc desc = lookup_rowtype_tupdesc(store->resulttype, -1);
	Node *base = fields_to_row(reinterpret_cast<Node *>(store->arg), context);
	RowExpr *row = makeNode(RowExpr);
	row->row_typeid = store->resulttype;
	row->row_format = COERCE_EXPLICIT_CAST;
	row->location = -1;
	for (int i = 0; i < desc->natts; i++) {
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		if (attribute->attisdropped)
			continue;
		Node *value = nullptr;
		for (int n = 0; n < list_length(store->fieldnums); n++)
			if (list_nth_int(store->fieldnums, n) == i + 1)
				value = fields_to_row(
					name_old_value(static_cast<Node *>(list_nth(store->newvals, n)), base, attribute, i + 1),
					context);
		if (value == nullptr) {
			FieldSelect *select = makeNode(FieldSelect);
			select->arg = static_cast<Expr *>(copyObjectImpl(base));
			select->fieldnum = i + 1;
			select->resulttype = attribute->atttypid;
			select->resulttypmod = attribute->atttypmod;
			select->resultcollid = attribute->attcollation;
			value = reinterpret_cast<Node *>(select);
		}
		row->args = lappend(row->args, value);
		row->colnames = lappend(row->colnames, makeString(pstrdup(NameStr(attribute->attname))));
	}
	ReleaseTupleDesc(desc);
	return reinterpret_cast<Node *>(row);
}

// An assignment to an element, or a value that SET (…) = (…) gives to a field: neither can be printed inside
// of a row.
bool find_inner_assignment(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (assigns_element(node) ||
		(IsA(node, Param) && reinterpret_cast<Param *>(node)->paramkind == PARAM_MULTIEXPR))
		return true;
	return walk_expression(node, find_inner_assignment, static_cast<void *>(nullptr));
}

// False when an assignment cannot be printed.
bool simplify_assignments(Query *query) {
	if (query->commandType != CMD_UPDATE)
		return true;
	order_multi_assignments(query->targetList);
	foreach_node (TargetEntry, entry, query->targetList) {
		auto *expr = reinterpret_cast<Node *>(entry->expr), *value = without_domain(expr);
		if (assigns_element(value)) {
			auto *ref = reinterpret_cast<SubscriptingRef *>(value);
			if (!IsA(ref->refexpr, Var) || assigns_element(reinterpret_cast<Node *>(ref->refassgnexpr)))
				return false;
		} else {
			if (IsA(value, FieldStore) && find_inner_assignment(value, nullptr))
				return false;
			entry->expr = reinterpret_cast<Expr *>(fields_to_row(expr, nullptr));
		}
	}
	if (query->targetList == NIL) {
		// Only generated columns were named: any assignment computes them anew.
		const Oid relid = rt_fetch(query->resultRelation, query->rtable)->relid;
		Relation relation = RelationIdGetRelation(relid);
		for (int i = 0; i < RelationGetDescr(relation)->natts && query->targetList == NIL; i++) {
			Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation), i);
			if (!attribute->attisdropped && attribute->attgenerated == '\0')
				query->targetList = list_make1(makeTargetEntry(
					reinterpret_cast<Expr *>(makeVar(query->resultRelation, i + 1, attribute->atttypid,
													 attribute->atttypmod, attribute->attcollation, 0)),
					i + 1, pstrdup(NameStr(attribute->attname)), false));
		}
		RelationClose(relation);
	}
	return true;
}

// All columns, to show a row that fails a check.
List *add_whole_row(List *columns, int target, Oid relid, List **attnums, List **places) {
	int attnum = 0;
	foreach_node (TargetEntry, entry, columns_of_relation(relid, target)) {
		attnum++;
		if (!IsA(entry->expr, Var))
			continue; // dropped
		const int place = list_length(columns);
		*attnums = lappend_int(*attnums, attnum);
		*places = lappend_int(*places, place);
		columns =
			lappend(columns, makeTargetEntry(entry->expr, place + 1, psprintf("_c%d", place + 1), false));
	}
	return columns;
}

bool find_outer_join(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (IsA(node, JoinExpr) && reinterpret_cast<JoinExpr *>(node)->jointype != JOIN_INNER)
		return true;
	return walk_expression(node, find_outer_join, static_cast<void *>(nullptr));
}

// A row that cannot be put together again from columns: those of a sub-query have no names, and those of an
// outer join cannot tell a row of nulls from none.
bool find_whole_row(Node *node, Query *query) {
	if (node == nullptr)
		return false;
	auto *var = reinterpret_cast<Var *>(node);
	if (IsA(node, Var) && var->varlevelsup == 0 && var->varattno == 0) {
		if (rt_fetch(var->varno, query->rtable)->rtekind != RTE_RELATION)
			return true;
		return static_cast<int>(var->varno) != query->resultRelation &&
			   find_outer_join(reinterpret_cast<Node *>(query->jointree), nullptr);
	}
	return walk_expression(node, find_whole_row, query);
}

// ctid would have to be completed by the number of the shard group.
bool find_row_id(Node *node, Query *query) {
	if (node == nullptr)
		return false;
	auto *var = reinterpret_cast<Var *>(node);
	if (IsA(node, Var))
		return var->varattno == SelfItemPointerAttributeNumber &&
			   rt_fetch(var->varno, query->rtable)->rtekind == RTE_RELATION;
	return walk_expression(node, find_row_id, query);
}

bool returns_foreign_row(Query *query) {
	return find_whole_row(reinterpret_cast<Node *>(query->returningList), query);
}

} // namespace

PlannedWrite plan_pushed_write(Query *original, const char **reason) {
	auto *query = static_cast<Query *>(copyObjectImpl(original));
	RangeTblEntry *target = rt_fetch(query->resultRelation, query->rtable);
	const DistributedTable *table = find_distributed_table(target->relid);
	if (changes_key(query, table)) {
		*reason = "a new value of the distribution column";
		return {};
	}
	if (!simplify_assignments(query)) {
		*reason = "several elements of one column";
		return {};
	}
	foreach_node (WithCheckOption, check, query->withCheckOptions) {
		Pushability pushability;
		check_pushable(check->qual, &pushability);
		if (!pushability.ok || checkExprHasSubLink(check->qual)) {
			*reason = "a check that must run on the coordinator";
			return {};
		}
	}
	QueryAnalysis analysis;
	Query *select = as_select(query);
	analyze_query(select, &analysis);
	if (!analysis.complete) {
		*reason =
			analysis.reason != nullptr ? analysis.reason : "a FROM clause that cannot run on the shards";
		return {};
	}
	if (find_row_id(reinterpret_cast<Node *>(query->returningList), query)) {
		*reason = "RETURNING ctid";
		return {};
	}
	if (returns_foreign_row(query)) {
		*reason = "a whole row of a sub-query or an outer join";
		return {};
	}

	ModifyPlan plan;
	plan.relid = target->relid;
	plan.sets_tag = query->canSetTag;
	plan.triggers = plan_triggers(user_triggers(target->relid), query);
	plan.scan.strategy = analysis.from.pinned ? "router" : "all shards";
	plan.scan.colocation_id = table->colocation->id;
	plan.scan.needs_settings = analysis.from.needs_settings;

	auto *inner = static_cast<Query *>(copyObjectImpl(query));
	RangeTblEntry *inner_target = rt_fetch(inner->resultRelation, inner->rtable);
	inner_target->inFromCl = false;
	protect_filter(inner, inner_target);
	ReturningContext returning{query, target->relid};
	List *returning_list = read_returning(query->returningList, &returning);
	List *columns = returning.columns;
	if (returning_list != NIL)
		need_one_column(&columns);
	const int visible = plan.first_check = list_length(columns);
	foreach_node (WithCheckOption, check, query->withCheckOptions) {
		const int number = list_length(columns) + 1;
		columns = lappend(columns, makeTargetEntry(static_cast<Expr *>(copyObjectImpl(check->qual)), number,
												   psprintf("_c%d", number), false));
	}
	List *attnums = NIL, *places = NIL;
	if (has_view_check(query->withCheckOptions))
		columns = add_whole_row(columns, query->resultRelation, target->relid, &attnums, &places);
	foreach_node (WithCheckOption, check, query->withCheckOptions)
		add_check(&plan.checks, check, attnums, places);
	inner->withCheckOptions = NIL;
	inner->returningList = columns;
	plan.returning = columns != NIL;
	set_scan_columns(&plan.scan, columns);
	keep_range_tables(query);
	const DeparsedQuery deparsed = deparse_for_shards(inner);
	plan.scan.pieces = deparsed.pieces;
	CustomScan *scan = make_shard_modify(plan, deparsed.lifted, analysis.from.pins);
	// A write whose rows only feed checks still has to be read to its end, but shows nothing.
	List *shown = visible > 0 ? list_truncate(list_copy(columns), visible) : NIL;
	return {scan, shown, returning_list};
}

} // namespace shardext

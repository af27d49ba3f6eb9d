// Planning INSERT, UPDATE and DELETE on distributed tables.
#include "shardext/planner/write_plan.hpp"
#include "shardext/planner/plan_statement.hpp"
#include "shardext/planner/cut.hpp"

#include "shardext/core/sql_text.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/sql/deparse.hpp"
#include "shardext/sql/relation_query.hpp"
#include "shardext/sql/pushable.hpp"

extern "C" {
#include "access/sysattr.h"
#include "commands/trigger.h"
#include "nodes/extensible.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/typcache.h"
}

namespace shardext {

namespace {

[[noreturn]] void refuse(const char *what) {
	ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("%s is not supported on a distributed table yet", what));
	pg_unreachable();
}

// --- RETURNING: the shards return columns, the coordinator evaluates the expressions ---

struct ReturningContext {
	Query *query;
	Oid relid;
	List *columns = NIL; // TargetEntry over the query's own columns: what the shards return
	int level = 0;
};

Node *read_returned(Node *node, ReturningContext *context);

// A whole row of the target, put together again from its columns.
Node *rebuild_row(ReturningContext *context, Var *whole) {
	auto *seen = static_cast<Var *>(copyObjectImpl(whole));
	seen->varlevelsup = context->level;
	RowExpr *row = row_from_columns(seen, rt_fetch(whole->varno, context->query->rtable)->relid);
	ListCell *cell;
	foreach (cell, row->args)
		if (IsA(lfirst(cell), Var))
			lfirst(cell) = read_returned(static_cast<Node *>(lfirst(cell)), context);
	return reinterpret_cast<Node *>(row);
}

Node *read_returned(Node *node, ReturningContext *context) {
	if (node == nullptr)
		return nullptr;
	if (IsA(node, Query)) {
		context->level++;
		auto *result = mutate_query(reinterpret_cast<Query *>(node), read_returned, context, 0);
		context->level--;
		return reinterpret_cast<Node *>(result);
	}
	if (IsA(node, Var) && static_cast<int>(reinterpret_cast<Var *>(node)->varlevelsup) == context->level) {
		auto *var = static_cast<Var *>(copyObjectImpl(node));
		var->varlevelsup = 0;
		RangeTblEntry *rte = rt_fetch(var->varno, context->query->rtable);
		if (var->varattno == TableOidAttributeNumber)
			return reinterpret_cast<Node *>(
				makeConst(OIDOID, -1, InvalidOid, sizeof(Oid), ObjectIdGetDatum(rte->relid), false, true));
		if (var->varattno == 0 && rte->rtekind == RTE_RELATION)
			return rebuild_row(context, var);
		if (var->varattno == 0)
			refuse("RETURNING a whole row of a sub-query");
		int number = 0;
		foreach_node (TargetEntry, entry, context->columns)
			if (equal(entry->expr, var))
				number = entry->resno;
		if (number == 0) {
			number = list_length(context->columns) + 1;
			context->columns =
				lappend(context->columns, makeTargetEntry(reinterpret_cast<Expr *>(var), number,
														  psprintf("_c%d", number), false));
		}
		return reinterpret_cast<Node *>(
			makeVar(1, number, var->vartype, var->vartypmod, var->varcollid, context->level));
	}
	return mutate_expression(node, read_returned, context);
}

// Keeps something in RETURNING even when no column is asked for.
void need_one_column(List **columns) {
	if (*columns == NIL)
		*columns = list_make1(constant_column());
}

// --- the statement around a write node ---

struct WriteFragment {
	CustomScan *scan;
};

CustomScan *take_scan(Fragment *fragment, PlannerInfo *, List *) {
	return static_cast<CustomScan *>(fragment->write);
}

void complete(PlannedStmt *plan, Query *query, CmdType command, bool returning) {
	plan->commandType = command;
	plan->hasReturning = returning;
	plan->queryId = query->queryId;
	plan->canSetTag = query->canSetTag;
	plan->stmt_location = query->stmt_location;
	plan->stmt_len = query->stmt_len;
}

// With RETURNING: SELECT <list> FROM the write; without: the write node alone.
PlannedStmt *plan_around(Query *query, CustomScan *scan, List *returned_columns, List *returning_list,
						 const char *text, int cursor_options, ParamListInfo params, StandardPlanner next) {
	PlannedStmt *plan;
	if (returning_list != NIL) {
		auto *fragment = new (palloc0(sizeof(Fragment))) Fragment();
		foreach_node (TargetEntry, entry, returned_columns)
			fragment->columns =
				lappend(fragment->columns, makeTargetEntry(entry->expr, entry->resno, entry->resname, false));
		fragment->make_plan = take_scan;
		fragment->write = scan;
		Query *outer = make_query_over_fragment(fragment, returning_list);
		outer->hasSubLinks = checkExprHasSubLink(reinterpret_cast<Node *>(returning_list));
		cut_into_fragments(outer);
		plan = plan_rest(outer, text, cursor_options, params, next);
	} else {
		foreach_ptr (Node, expr, scan->custom_exprs)
			fix_opfuncids(expr);
		plan = makeNode(PlannedStmt);
		plan->planTree = reinterpret_cast<Plan *>(scan);
		scan->custom_scan_tlist = NIL;
		foreach_node (RangeTblEntry, rte, current_run->range_tables) {
			plan->rtable = lappend(plan->rtable, rte);
			plan->relationOids = list_append_unique_oid(plan->relationOids, rte->relid);
		}
	}
	complete(plan, query, query->commandType, returning_list != NIL);
	return plan;
}

// --- INSERT ---

// The statement's text before the rows and after them.
void split_insert_text(Query *query, List *returned_columns, InsertPlan *plan, List **lifted) {
	auto *shell = static_cast<Query *>(copyObjectImpl(query));
	RangeTblEntry *target =
		static_cast<RangeTblEntry *>(copyObjectImpl(rt_fetch(query->resultRelation, query->rtable)));
	target->securityQuals = NIL;
	// Only the target and EXCLUDED are left in the range table; positions stay.
	int position = 0;
	List *rtable = NIL;
	foreach_node (RangeTblEntry, rte, shell->rtable) {
		position++;
		if (position == query->resultRelation)
			rtable = lappend(rtable, target);
		else if (query->onConflict != nullptr && position == query->onConflict->exclRelIndex)
			rtable = lappend(rtable, rte);
		else {
			RangeTblEntry *nothing = makeNode(RangeTblEntry);
			nothing->rtekind = RTE_RESULT;
			nothing->eref = makeAlias("*RESULT*", NIL);
			rtable = lappend(rtable, nothing);
		}
	}
	shell->rtable = rtable;
	shell->jointree = makeFromExpr(NIL, nullptr);
	shell->targetList = NIL;
	shell->cteList = NIL;
	shell->withCheckOptions = NIL;
	shell->returningList = returned_columns;
	shell->override = OVERRIDING_NOT_SET;
	const DeparsedQuery deparsed = deparse_for_shards(shell);
	*lifted = deparsed.lifted;

	// INSERT INTO schema.table [AS alias] DEFAULT VALUES ON CONFLICT … RETURNING …
	StringInfoData columns;
	initStringInfo(&columns);
	const char *separator = "(";
	const ListCell *cell;
	foreach (cell, plan->attnums) {
		appendStringInfo(&columns, "%s%s", separator,
						 quote_identifier(get_attname(plan->relid, lfirst_int(cell), false)));
		separator = ", ";
	}
	if (plan->attnums == NIL) { // nothing is given: one column says DEFAULT
		Relation relation = RelationIdGetRelation(plan->relid);
		for (int i = 0; i < RelationGetDescr(relation)->natts; i++) {
			Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation), i);
			if (!attribute->attisdropped) {
				appendStringInfo(&columns, "(%s", quote_identifier(NameStr(attribute->attname)));
				break;
			}
		}
		RelationClose(relation);
	}
	appendStringInfoString(&columns, ") ");
	constexpr std::string_view kDefaultValues = "DEFAULT VALUES";
	bool in_tail = false;
	foreach_ptr (Node, piece, deparsed.pieces) {
		if (in_tail) {
			plan->tail = lappend(plan->tail, piece);
			continue;
		}
		const std::string_view text = IsA(piece, String) ? strVal(piece) : "";
		const size_t found = core::find_outside_quotes(text, kDefaultValues);
		if (found == text.npos) {
			plan->head = lappend(plan->head, piece);
			continue;
		}
		plan->head = lappend(
			plan->head, makeString(psprintf("%.*s%s", static_cast<int>(found), text.data(), columns.data)));
		plan->tail = lappend(plan->tail, makeString(pstrdup(text.data() + found + kDefaultValues.size())));
		in_tail = true;
	}
}

struct SubstituteContext {
	int target;
	List *columns; // TargetEntry, resno is the attribute number
	Query *query;
};

// Reads a column of the row to be inserted.
Node *substitute_new_row(Node *node, SubstituteContext *context) {
	if (node == nullptr)
		return nullptr;
	if (IsA(node, Var) && reinterpret_cast<Var *>(node)->varlevelsup == 0 &&
		reinterpret_cast<Var *>(node)->varno == context->target) {
		auto *var = reinterpret_cast<Var *>(node);
		int position = 0;
		foreach_node (TargetEntry, entry, context->columns) {
			position++;
			if (entry->resno == var->varattno)
				return reinterpret_cast<Node *>(
					makeVar(1, position, var->vartype, var->vartypmod, var->varcollid, 0));
		}
		return reinterpret_cast<Node *>(makeNullConst(var->vartype, var->vartypmod, var->varcollid));
	}
	if (IsA(node, Query) || IsA(node, SubLink))
		refuse("a row security check with a sub-query");
	return mutate_expression(node, substitute_new_row, context);
}

// The source with the row security checks as boolean columns after the target columns.
Query *add_checks(Query *query, Query *source, InsertPlan *plan) {
	Query *outer = makeNode(Query);
	outer->commandType = CMD_SELECT;
	outer->querySource = QSRC_ORIGINAL;
	outer->canSetTag = true;
	List *names = NIL;
	int position = 0;
	foreach_node (TargetEntry, entry, source->targetList) {
		auto *expr = reinterpret_cast<Node *>(entry->expr);
		position++;
		names = lappend(names, makeString(psprintf("_c%d", position)));
		Var *var = makeVar(1, position, exprType(expr), exprTypmod(expr), exprCollation(expr), 0);
		outer->targetList =
			lappend(outer->targetList, makeTargetEntry(reinterpret_cast<Expr *>(var), position,
													   psprintf("_c%d", position), false));
	}
	SubstituteContext context{query->resultRelation, query->targetList, query};
	foreach_node (WithCheckOption, check, query->withCheckOptions) {
		if (check->kind != WCO_RLS_INSERT_CHECK && check->kind != WCO_VIEW_CHECK)
			continue;
		if (check->kind == WCO_VIEW_CHECK)
			refuse("INSERT through a view with CHECK OPTION");
		Node *expr = substitute_new_row(static_cast<Node *>(copyObjectImpl(check->qual)), &context);
		position++;
		outer->targetList = lappend(outer->targetList, makeTargetEntry(reinterpret_cast<Expr *>(expr),
																	   position, pstrdup("check"), false));
		plan->check_count++;
		plan->check_names =
			lappend(plan->check_names, makeString(pstrdup(check->polname != nullptr ? check->polname : "")));
	}
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = source;
	rte->eref = makeAlias("new", names);
	rte->alias = makeAlias("new", static_cast<List *>(copyObjectImpl(names)));
	rte->inFromCl = true;
	outer->rtable = list_make1(rte);
	RangeTblRef *ref = makeNode(RangeTblRef);
	ref->rtindex = 1;
	outer->jointree = makeFromExpr(list_make1(ref), nullptr);
	return outer;
}

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

// True when the sub-queries read reference tables only.
bool sublinks_are_local_to_shards(Node *node) {
	return !finds_sharded_sublink(node, nullptr);
}

bool find_multi_param(Node *node, int *id) {
	if (node == nullptr)
		return false;
	if (IsA(node, Param) && reinterpret_cast<Param *>(node)->paramkind == PARAM_MULTIEXPR) {
		*id = reinterpret_cast<Param *>(node)->paramid;
		return true;
	}
	return walk_expression(node, find_multi_param, id);
}

// SET (b, a) = (SELECT …): the deparser expects the columns of one sub-query side by side and in its order,
// but rewriting has sorted them by their numbers in the table.
void order_multi_assignments(List *targets) {
	struct Keyed {
		static int compare(const ListCell *a, const ListCell *b) {
			int x = 0, y = 0;
			find_multi_param(reinterpret_cast<Node *>(static_cast<TargetEntry *>(lfirst(a))->expr), &x);
			find_multi_param(reinterpret_cast<Node *>(static_cast<TargetEntry *>(lfirst(b))->expr), &y);
			if (x != y)
				return x < y ? -1 : 1;
			return static_cast<TargetEntry *>(lfirst(a))->resno -
				   static_cast<TargetEntry *>(lfirst(b))->resno;
		}
	};
	int any = 0;
	if (find_multi_param(reinterpret_cast<Node *>(targets), &any))
		list_sort(targets, Keyed::compare);
}

void check_on_conflict(Query *query, const DistributedTable *table) {
	OnConflictExpr *conflict = query->onConflict;
	if (conflict == nullptr || conflict->action != ONCONFLICT_UPDATE)
		return;
	foreach_node (TargetEntry, entry, conflict->onConflictSet) {
		auto *var = reinterpret_cast<Var *>(entry->expr);
		const bool unchanged = IsA(var, Var) && var->varattno == table->key_attnum;
		if (entry->resno == table->key_attnum && !unchanged)
			refuse("ON CONFLICT DO UPDATE of the distribution column");
	}
	Pushability pushability;
	check_pushable(reinterpret_cast<Node *>(conflict->onConflictSet), &pushability);
	if (pushability.ok)
		check_pushable(conflict->onConflictWhere, &pushability);
	if (!pushability.ok)
		refuse(psprintf("ON CONFLICT DO UPDATE with %s", pushability.reason));
	order_multi_assignments(conflict->onConflictSet);
	if (!sublinks_are_local_to_shards(reinterpret_cast<Node *>(conflict->onConflictSet)) ||
		!sublinks_are_local_to_shards(conflict->onConflictWhere))
		refuse("ON CONFLICT DO UPDATE with a sub-query over shards");
	foreach_node (WithCheckOption, check, query->withCheckOptions)
		if (check->kind != WCO_RLS_INSERT_CHECK)
			refuse("ON CONFLICT DO UPDATE with row-level security");
}

PlannedStmt *plan_insert(Query *query, const char *text, int cursor_options, ParamListInfo params,
						 StandardPlanner next) {
	RangeTblEntry *target = rt_fetch(query->resultRelation, query->rtable);
	const DistributedTable *table = find_distributed_table(target->relid);
	check_on_conflict(query, table);

	InsertPlan plan;
	plan.relid = target->relid;
	plan.colocation_id = table->colocation->id;
	plan.sets_tag = query->canSetTag;
	int position = 0;
	foreach_node (TargetEntry, entry, query->targetList) {
		if (entry->resno == table->key_attnum)
			plan.key_position = position;
		plan.attnums = lappend_int(plan.attnums, entry->resno);
		position++;
	}
	ReturningContext returning{query, target->relid};
	List *returning_list = reinterpret_cast<List *>(
		read_returned(static_cast<Node *>(copyObjectImpl(query->returningList)), &returning));
	if (returning_list != NIL)
		need_one_column(&returning.columns);
	plan.returning = returning_list != NIL;
	plan.keeps_order = plan.returning && query->onConflict == nullptr;
	// A second batch would see what the first has done: DO UPDATE would update a row twice instead of
	// refusing it, and sub-queries would count rows of this very statement.
	plan.one_statement = (query->onConflict != nullptr && query->onConflict->action == ONCONFLICT_UPDATE) ||
						 checkExprHasSubLink(reinterpret_cast<Node *>(query->onConflict)) ||
						 checkExprHasSubLink(reinterpret_cast<Node *>(returning.columns));
	foreach_node (TargetEntry, entry, returning.columns) {
		plan.column_types = lappend_oid(plan.column_types, exprType(reinterpret_cast<Node *>(entry->expr)));
		plan.column_typmods =
			lappend_int(plan.column_typmods, exprTypmod(reinterpret_cast<Node *>(entry->expr)));
	}
	List *lifted = NIL;
	split_insert_text(query, returning.columns, &plan, &lifted);

	// The rows, as a SELECT.
	auto *source = static_cast<Query *>(copyObjectImpl(query));
	source->commandType = CMD_SELECT;
	source->resultRelation = 0;
	source->onConflict = nullptr;
	source->returningList = NIL;
	source->withCheckOptions = NIL;
	source->override = OVERRIDING_NOT_SET;
	auto *permissions = static_cast<RangeTblEntry *>(copyObjectImpl(target));
	permissions->securityQuals = NIL;
	rt_fetch(query->resultRelation, source->rtable)->requiredPerms = 0;
	rt_fetch(query->resultRelation, source->rtable)->securityQuals = NIL;
	if (query->withCheckOptions != NIL)
		source = add_checks(query, source, &plan);
	if (source->targetList == NIL)
		source->targetList = list_make1(constant_column());
	List *before = current_run->range_tables;
	current_run->range_tables = NIL;
	cut_into_fragments(source);
	plan.source = plan_rest(source, text, 0, params, next);
	List *sources = current_run->range_tables;
	current_run->range_tables = list_concat(before, sources);
	// Locks and invalidation are those of the whole statement.
	foreach_node (RangeTblEntry, rte, plan.source->rtable)
		if (rte->rtekind == RTE_RELATION) {
			auto *copy = static_cast<RangeTblEntry *>(copyObjectImpl(rte));
			copy->requiredPerms = 0;
			current_run->range_tables = lappend(current_run->range_tables, copy);
		}
	current_run->range_tables = lappend(current_run->range_tables, permissions);
	CustomScan *scan = make_shard_insert(plan, lifted);
	return plan_around(query, scan, returning.columns, returning_list, text, cursor_options, params, next);
}

// --- UPDATE and DELETE that run whole on the shards ---

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
		values = lappend(values, makeTargetEntry(entry->expr, ++number, pstrdup("v"), false));
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

// A foreign key from a table that is not distributed (yet) could be left with orphans: nobody checks it.
void check_referencing_tables(const DistributedTable *table) {
	Relation relation = RelationIdGetRelation(table->relid);
	const TriggerDesc *triggers = relation->trigdesc;
	Oid local = InvalidOid;
	for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
		const Trigger *trigger = &triggers->triggers[i];
		if (trigger->tgisinternal && OidIsValid(trigger->tgconstrrelid) &&
			RI_FKey_trigger_type(trigger->tgfoid) == RI_TRIGGER_PK &&
			find_distributed_table(trigger->tgconstrrelid) == nullptr)
			local = trigger->tgconstrrelid;
	}
	RelationClose(relation);
	if (OidIsValid(local))
		ereport(
			ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("cannot update or delete rows of distributed table \"%s\"", get_rel_name(table->relid)),
			errdetail("Table \"%s\", which is not distributed, references it.", get_rel_name(local)),
			errhint("Distribute table \"%s\" as well.", get_rel_name(local)));
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
		return nullptr;
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

bool assigns_element(Node *node) {
	return IsA(node, SubscriptingRef) && reinterpret_cast<SubscriptingRef *>(node)->refassgnexpr != nullptr;
}

void simplify_assignments(Query *query) {
	if (query->commandType != CMD_UPDATE)
		return;
	order_multi_assignments(query->targetList);
	foreach_node (TargetEntry, entry, query->targetList) {
		auto *expr = reinterpret_cast<Node *>(entry->expr);
		if (assigns_element(expr)) {
			auto *ref = reinterpret_cast<SubscriptingRef *>(expr);
			if (!IsA(ref->refexpr, Var) || assigns_element(reinterpret_cast<Node *>(ref->refassgnexpr)))
				refuse("UPDATE of several elements of one column");
		} else {
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
}

PlannedStmt *plan_update_or_delete(Query *query, const char *text, int cursor_options, ParamListInfo params,
								   StandardPlanner next) {
	RangeTblEntry *target = rt_fetch(query->resultRelation, query->rtable);
	const DistributedTable *table = find_distributed_table(target->relid);
	check_referencing_tables(table);
	const char *verb = query->commandType == CMD_UPDATE ? "UPDATE" : "DELETE";
	foreach_node (TargetEntry, entry, query->targetList) {
		auto *var = reinterpret_cast<Var *>(entry->expr);
		const bool unchanged =
			IsA(var, Var) && var->varattno == table->key_attnum && var->varno == query->resultRelation;
		if (query->commandType == CMD_UPDATE && entry->resno == table->key_attnum && !unchanged)
			refuse("UPDATE of the distribution column");
	}
	simplify_assignments(query);
	QueryAnalysis analysis;
	Query *select = as_select(query);
	analyze_query(select, &analysis);
	if (!analysis.complete)
		refuse(
			psprintf("%s with %s", verb, analysis.reason != nullptr ? analysis.reason : "this FROM clause"));

	ModifyPlan plan;
	plan.relid = target->relid;
	plan.sets_tag = query->canSetTag;
	plan.scan.strategy = analysis.from.pinned ? "router" : "all shards";
	plan.scan.colocation_id = table->colocation->id;
	plan.scan.needs_settings = analysis.from.needs_settings;

	auto *inner = static_cast<Query *>(copyObjectImpl(query));
	RangeTblEntry *inner_target = rt_fetch(inner->resultRelation, inner->rtable);
	inner_target->inFromCl = false;
	protect_filter(inner, inner_target);
	ReturningContext returning{query, target->relid};
	List *returning_list = reinterpret_cast<List *>(
		read_returned(static_cast<Node *>(copyObjectImpl(query->returningList)), &returning));
	List *columns = returning.columns;
	if (returning_list != NIL)
		need_one_column(&columns);
	const int visible = list_length(columns);
	foreach_node (WithCheckOption, check, query->withCheckOptions) {
		Pushability pushability;
		check_pushable(check->qual, &pushability);
		if (!pushability.ok || checkExprHasSubLink(check->qual))
			refuse("a row security check that cannot run on the shards");
		if (check->kind == WCO_VIEW_CHECK)
			refuse("UPDATE through a view with CHECK OPTION");
		plan.check_count++;
		plan.check_names =
			lappend(plan.check_names, makeString(pstrdup(check->polname != nullptr ? check->polname : "")));
		const int number = list_length(columns) + 1;
		columns = lappend(columns, makeTargetEntry(static_cast<Expr *>(copyObjectImpl(check->qual)), number,
												   psprintf("_c%d", number), false));
	}
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
	return plan_around(query, scan, shown, returning_list, text, cursor_options, params, next);
}

} // namespace

PlannedStmt *plan_write(Query *query, const char *text, int cursor_options, ParamListInfo params,
						StandardPlanner next) {
	const bool target_sharded =
		query->resultRelation > 0 && is_sharded_table(rt_fetch(query->resultRelation, query->rtable)->relid);
	foreach_node (CommonTableExpr, cte, query->cteList) {
		auto *sub = reinterpret_cast<Query *>(cte->ctequery);
		if (sub->commandType != CMD_SELECT && query_has_sharded_table(sub))
			refuse("a data-modifying WITH clause");
	}
	if (!target_sharded) {
		// The rows come from shards, the target is an ordinary or a reference table.
		walk_query(
			query,
			+[](Node *node, void *) -> bool {
				if (node != nullptr && IsA(node, Query))
					cut_into_fragments(reinterpret_cast<Query *>(node));
				return false;
			},
			static_cast<void *>(nullptr), 0);
		return plan_rest(query, text, cursor_options, params, next);
	}
	switch (query->commandType) {
	case CMD_INSERT:
		return plan_insert(query, text, cursor_options, params, next);
	case CMD_UPDATE:
	case CMD_DELETE:
		return plan_update_or_delete(query, text, cursor_options, params, next);
	default:
		refuse("MERGE");
	}
}

} // namespace shardext

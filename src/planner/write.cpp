// Planning INSERT, UPDATE and DELETE on distributed tables.
#include "shardext/planner/write_parts.hpp"

#include "shardext/core/sql_text.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/planner/cut.hpp"
#include "shardext/planner/key_actions.hpp"
#include "shardext/planner/new_row.hpp"
#include "shardext/planner/on_conflict.hpp"
#include "shardext/planner/user_triggers.hpp"
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

// ON CONFLICT … DO NOTHING with the same key.
SqlPieces *conflict_clause(Query *query) {
	auto *shell = static_cast<Query *>(copyObjectImpl(query));
	OnConflictExpr *conflict = shell->onConflict;
	conflict->action = ONCONFLICT_NOTHING;
	conflict->onConflictSet = NIL;
	conflict->onConflictWhere = nullptr;
	InsertPlan plan;
	plan.relid = rt_fetch(query->resultRelation, query->rtable)->relid;
	List *lifted = NIL;
	split_insert_text(shell, NIL, &plan, &lifted);
	if (lifted != NIL)
		refuse_write("ON CONFLICT with a value that only the coordinator knows");
	return plan.tail;
}

// The place of each of the table's columns among those that come back; missing ones are added.
List *return_whole_row(Oid relid, int target, List **columns) {
	List *places = NIL;
	foreach_node (TargetEntry, column, columns_of_relation(relid, target)) {
		int place = -1;
		if (IsA(column->expr, Var)) {
			foreach_node (TargetEntry, entry, *columns)
				if (equal(entry->expr, column->expr))
					place = entry->resno - 1;
			if (place < 0) {
				place = list_length(*columns);
				*columns = lappend(
					*columns, makeTargetEntry(column->expr, place + 1, psprintf("_c%d", place + 1), false));
			}
		}
		places = lappend_int(places, place);
	}
	return places;
}

PlannedWrite plan_insert(Query *query, const PlanningContext &context) {
	RangeTblEntry *target = rt_fetch(query->resultRelation, query->rtable);
	const DistributedTable *table = find_distributed_table(target->relid);
	const UserTriggers triggers = user_triggers(target->relid);
	const char *reason = why_not_on_shards(query, table);
	if (reason == nullptr && query->onConflict != nullptr && query->onConflict->action == ONCONFLICT_UPDATE &&
		has_row_triggers(triggers, query))
		reason = "row triggers";
	if (reason != nullptr) {
		Conflict conflict{NIL, conflict_clause(query)};
		Query *merge = conflict_to_merge(query, triggers, context, &conflict);
		return plan_change(merge, context, reason, &conflict);
	}
	if (query->onConflict != nullptr)
		order_multi_assignments(query->onConflict->onConflictSet);

	InsertPlan plan;
	plan.triggers = plan_triggers(triggers, query);
	if (triggers.before_row(CMD_INSERT)) {
		name_all_columns(query, target->relid);
		move_checks_behind_triggers(query, true, false, &plan.triggers);
	}
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
	List *returning_list = read_returning(query->returningList, &returning);
	if (returning_list != NIL)
		need_one_column(&returning.columns);
	plan.returning = returning_list != NIL;
	plan.keeps_order = plan.returning && query->onConflict == nullptr;
	if (query->onConflict != nullptr && triggers.after_row(CMD_INSERT))
		plan.inserted = return_whole_row(target->relid, query->resultRelation, &returning.columns);
	// A second batch would see what the first has done: DO UPDATE would update a row twice instead of
	// refusing it, and sub-queries would count rows of this very statement.
	plan.one_statement = (query->onConflict != nullptr && query->onConflict->action == ONCONFLICT_UPDATE) ||
						 checkExprHasSubLink(reinterpret_cast<Node *>(query->onConflict)) ||
						 checkExprHasSubLink(reinterpret_cast<Node *>(returning.columns));
	foreach_node (TargetEntry, entry, returning.columns) {
		auto *var = reinterpret_cast<Var *>(entry->expr);
		if (IsA(var, Var) && var->varattno == SelfItemPointerAttributeNumber)
			plan.row_id_column = entry->resno - 1;
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
	if (query->withCheckOptions != NIL) {
		NewRow row{query->resultRelation, target->relid, plan.attnums, NIL};
		for (int column = 1; column <= list_length(plan.attnums); column++)
			row.columns = lappend_int(row.columns, column);
		source = select_with_checks(
			source,
			add_checks_of_row(NIL, query->withCheckOptions, row, {WCO_RLS_INSERT_CHECK, WCO_VIEW_CHECK}),
			&plan.checks);
	}
	if (source->targetList == NIL)
		source->targetList = list_make1(constant_column());
	plan.source = plan_source(source, context);
	current_run->range_tables = lappend(current_run->range_tables, permissions);
	return {make_shard_insert(plan, lifted), returning.columns, returning_list};
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

} // namespace

void name_all_columns(Query *insert, Oid relid) {
	List *targets = NIL;
	foreach_node (TargetEntry, column, columns_of_relation(relid, 1)) {
		auto *like = reinterpret_cast<Var *>(column->expr);
		TargetEntry *given = nullptr;
		foreach_node (TargetEntry, entry, insert->targetList)
			if (entry->resno == column->resno)
				given = entry;
		if (given == nullptr && IsA(like, Var) &&
			get_attgenerated(relid, column->resno) == '\0') // (else it is dropped or generated)
			given = makeTargetEntry(
				reinterpret_cast<Expr *>(makeNullConst(like->vartype, like->vartypmod, like->varcollid)),
				column->resno, column->resname, false);
		if (given != nullptr)
			targets = lappend(targets, given);
	}
	insert->targetList = targets;
}

PlannedWrite plan_one_write(Query *query, const PlanningContext &context) {
	constexpr const char *kShared = "rows that another part of the statement reads or changes";
	check_key_actions(query);
	if (query->commandType == CMD_INSERT)
		return context.late ? plan_change(query, context, kShared) : plan_insert(query, context);
	check_referencing_tables(find_distributed_table(rt_fetch(query->resultRelation, query->rtable)->relid));
	const bool row_triggers =
		has_row_triggers(user_triggers(rt_fetch(query->resultRelation, query->rtable)->relid), query);
	const char *reason = context.shares_rows			   ? kShared
						 : query->commandType == CMD_MERGE ? "MERGE"
														   : "row triggers";
	if (query->commandType != CMD_MERGE && !context.shares_rows && !row_triggers) {
		const PlannedWrite pushed = plan_pushed_write(query, &reason);
		if (pushed.scan != nullptr)
			return pushed;
	}
	return plan_change(query, context, reason);
}

PlannedStmt *plan_write(Query *query, const char *text, int cursor_options, ParamListInfo params,
						StandardPlanner next) {
	const PlanningContext context{text, cursor_options, params, next};
	const PlanningContext main = plan_modifying_with(query, context);
	if (query->resultRelation > 0 && is_sharded_table(rt_fetch(query->resultRelation, query->rtable)->relid))
		return plan_around(query, plan_one_write(query, main), context);
	if (is_distributed_target(query))
		check_key_actions(query);
	// The rows come from shards, the target is an ordinary or a reference table; or there is none.
	if (query->commandType == CMD_SELECT)
		cut_into_fragments(query);
	else
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

} // namespace shardext

// Which triggers of the user's a table has.
#include "shardext/planner/user_triggers.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/write_parts.hpp"

extern "C" {
#include "access/sysattr.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/rel.h"
#include "utils/relcache.h"
}

namespace shardext {

namespace {

// As PostgreSQL does for all triggers of a table.
void set_flags(TriggerDesc *kinds, const Trigger &trigger) {
	const int16 type = trigger.tgtype;
	auto is = [type](int16 level, int16 timing, int16 event) {
		return TRIGGER_TYPE_MATCHES(type, level, timing, event);
	};
	constexpr int16 row = TRIGGER_TYPE_ROW, statement = TRIGGER_TYPE_STATEMENT, before = TRIGGER_TYPE_BEFORE,
					after = TRIGGER_TYPE_AFTER;
	kinds->trig_insert_before_row |= is(row, before, TRIGGER_TYPE_INSERT);
	kinds->trig_insert_after_row |= is(row, after, TRIGGER_TYPE_INSERT);
	kinds->trig_insert_before_statement |= is(statement, before, TRIGGER_TYPE_INSERT);
	kinds->trig_insert_after_statement |= is(statement, after, TRIGGER_TYPE_INSERT);
	kinds->trig_update_before_row |= is(row, before, TRIGGER_TYPE_UPDATE);
	kinds->trig_update_after_row |= is(row, after, TRIGGER_TYPE_UPDATE);
	kinds->trig_update_before_statement |= is(statement, before, TRIGGER_TYPE_UPDATE);
	kinds->trig_update_after_statement |= is(statement, after, TRIGGER_TYPE_UPDATE);
	kinds->trig_delete_before_row |= is(row, before, TRIGGER_TYPE_DELETE);
	kinds->trig_delete_after_row |= is(row, after, TRIGGER_TYPE_DELETE);
	kinds->trig_delete_before_statement |= is(statement, before, TRIGGER_TYPE_DELETE);
	kinds->trig_delete_after_statement |= is(statement, after, TRIGGER_TYPE_DELETE);
	kinds->trig_truncate_before_statement |= is(statement, before, TRIGGER_TYPE_TRUNCATE);
	kinds->trig_truncate_after_statement |= is(statement, after, TRIGGER_TYPE_TRUNCATE);
	const bool reads_new = trigger.tgnewtable != nullptr, reads_old = trigger.tgoldtable != nullptr;
	kinds->trig_insert_new_table |= TRIGGER_FOR_INSERT(type) && reads_new;
	kinds->trig_update_old_table |= TRIGGER_FOR_UPDATE(type) && reads_old;
	kinds->trig_update_new_table |= TRIGGER_FOR_UPDATE(type) && reads_new;
	kinds->trig_delete_old_table |= TRIGGER_FOR_DELETE(type) && reads_old;
}

bool is_wanted(const Trigger &trigger) {
	return !trigger.tgisinternal && trigger.tgenabled != TRIGGER_DISABLED;
}

List *updated_columns(const Query *query) {
	const RangeTblEntry *target = rt_fetch(query->resultRelation, query->rtable);
	List *columns = NIL;
	for (int i = -1; (i = bms_next_member(target->updatedCols, i)) >= 0;)
		columns = lappend_int(columns, i + FirstLowInvalidHeapAttributeNumber);
	return columns;
}

} // namespace

void keep_user_triggers(TriggerDesc *triggers) {
	Trigger *all = triggers->triggers;
	const int count = triggers->numtriggers;
	*triggers = {};
	triggers->triggers = all;
	for (int i = 0; i < count; i++) {
		if (!is_wanted(all[i]))
			continue;
		set_flags(triggers, all[i]);
		all[triggers->numtriggers++] = all[i];
	}
}

bool UserTriggers::before_row(CmdType command) const {
	return command == CMD_INSERT   ? kinds.trig_insert_before_row
		   : command == CMD_UPDATE ? kinds.trig_update_before_row
		   : command == CMD_DELETE ? kinds.trig_delete_before_row
								   : false;
}

bool UserTriggers::after_row(CmdType command) const {
	return command == CMD_INSERT ? kinds.trig_insert_after_row || kinds.trig_insert_new_table
		   : command == CMD_UPDATE
			   ? kinds.trig_update_after_row || kinds.trig_update_old_table || kinds.trig_update_new_table
		   : command == CMD_DELETE ? kinds.trig_delete_after_row || kinds.trig_delete_old_table
								   : false;
}

UserTriggers user_triggers(Oid relid) {
	UserTriggers result;
	Relation relation = RelationIdGetRelation(relid);
	const TriggerDesc *triggers = relation->trigdesc;
	for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
		const Trigger &trigger = triggers->triggers[i];
		if (!is_wanted(trigger))
			continue;
		set_flags(&result.kinds, trigger);
		result.any = result.any || TRIGGER_FOR_INSERT(trigger.tgtype) || TRIGGER_FOR_UPDATE(trigger.tgtype) ||
					 TRIGGER_FOR_DELETE(trigger.tgtype);
	}
	RelationClose(relation);
	return result;
}

List *commands_of(const Query *query) {
	if (query->commandType == CMD_INSERT && query->onConflict != nullptr &&
		query->onConflict->action == ONCONFLICT_UPDATE)
		return list_make2_int(CMD_INSERT, CMD_UPDATE);
	if (query->commandType != CMD_MERGE)
		return list_make1_int(query->commandType);
	List *commands = NIL;
	for (const CmdType command : {CMD_INSERT, CMD_UPDATE, CMD_DELETE}) {
		bool found = false;
		foreach_node (MergeAction, action, query->mergeActionList)
			found = found || action->commandType == command;
		if (found)
			commands = lappend_int(commands, command);
	}
	return commands;
}

bool has_row_triggers(const UserTriggers &triggers, const Query *query) {
	const ListCell *cell;
	foreach (cell, commands_of(query))
		if (triggers.row(static_cast<CmdType>(lfirst_int(cell))))
			return true;
	return false;
}

TriggerPlan plan_triggers(const UserTriggers &triggers, const Query *query) {
	TriggerPlan plan;
	if (!triggers.any)
		return plan;
	plan.commands = commands_of(query);
	plan.operation = query->commandType;
	plan.updated = updated_columns(query);
	const ListCell *cell;
	foreach (cell, plan.commands) {
		const auto command = static_cast<CmdType>(lfirst_int(cell));
		plan.before_rows = plan.before_rows || triggers.before_row(command);
		plan.after_rows = plan.after_rows || triggers.after_row(command);
	}
	return plan;
}

void move_checks_behind_triggers(Query *query, bool inserts, bool updates, TriggerPlan *plan) {
	List *others = NIL;
	foreach_node (WithCheckOption, check, query->withCheckOptions) {
		const bool of_new_row = check->kind == WCO_VIEW_CHECK		  ? inserts || updates
								: check->kind == WCO_RLS_INSERT_CHECK ? inserts
								: check->kind == WCO_RLS_UPDATE_CHECK ? updates
																	  : false;
		if (!of_new_row) {
			others = lappend(others, check);
			continue;
		}
		if (checkExprHasSubLink(check->qual))
			refuse_write("a check with a sub-query of a row that BEFORE ROW triggers may change");
		auto *copy = static_cast<WithCheckOption *>(copyObjectImpl(check));
		copy->qual = eval_const_expressions(nullptr, copy->qual);
		fix_opfuncids(copy->qual);
		plan->checks = lappend(plan->checks, copy);
	}
	query->withCheckOptions = others;
}

} // namespace shardext

// Foreign keys whose actions change rows of tables with triggers.
#include "shardext/planner/key_actions.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/user_triggers.hpp"

extern "C" {
#include "catalog/pg_constraint.h"
#include "commands/trigger.h"
#include "parser/parsetree.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
}

namespace shardext {

namespace {

struct KeyAction {
	Oid table; // whose rows change
	CmdType command;
	const char *constraint;
	Bitmapset *referenced, *referring; // columns
};

CmdType command_of(char action, CmdType command) {
	switch (action) {
	case FKCONSTR_ACTION_CASCADE:
		return command;
	case FKCONSTR_ACTION_SETNULL:
	case FKCONSTR_ACTION_SETDEFAULT:
		return CMD_UPDATE;
	default:
		return CMD_NOTHING;
	}
}

// What happens by one foreign key when rows that it refers to are changed.
KeyAction read_action(Oid constraint, CmdType command) {
	HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	if (!HeapTupleIsValid(tuple))
		return {};
	const auto *form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
	const char action = command == CMD_DELETE ? form->confdeltype : form->confupdtype;
	KeyAction result{form->conrelid, command_of(action, command), pstrdup(NameStr(form->conname)), nullptr,
					 nullptr};
	AttrNumber referring[INDEX_MAX_KEYS], referenced[INDEX_MAX_KEYS], set[INDEX_MAX_KEYS];
	Oid operators[INDEX_MAX_KEYS];
	int count, set_count;
	DeconstructFkConstraintRow(tuple, &count, referring, referenced, operators, operators, operators,
							   &set_count, set);
	for (int i = 0; i < count; i++) {
		result.referenced = bms_add_member(result.referenced, referenced[i]);
		result.referring = bms_add_member(result.referring, referring[i]);
	}
	ReleaseSysCache(tuple);
	return result;
}

bool fires(Oid relid, CmdType command) {
	const TriggerDesc kinds = user_triggers(relid).kinds;
	return command == CMD_DELETE
			   ? kinds.trig_delete_before_row || kinds.trig_delete_after_row ||
					 kinds.trig_delete_before_statement || kinds.trig_delete_after_statement
			   : kinds.trig_update_before_row || kinds.trig_update_after_row ||
					 kinds.trig_update_before_statement || kinds.trig_update_after_statement;
}

void check_actions(Oid relid, CmdType command, const Bitmapset *changed, Oid first, List **seen) {
	Relation relation = RelationIdGetRelation(relid);
	const TriggerDesc *triggers = relation->trigdesc;
	List *keys = NIL;
	for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
		const Trigger &trigger = triggers->triggers[i];
		if (trigger.tgisinternal && OidIsValid(trigger.tgconstraint) &&
			RI_FKey_trigger_type(trigger.tgfoid) == RI_TRIGGER_PK)
			keys = list_append_unique_oid(keys, trigger.tgconstraint);
	}
	RelationClose(relation);
	const ListCell *cell;
	foreach (cell, keys) {
		const KeyAction action = read_action(lfirst_oid(cell), command);
		if (action.command == CMD_NOTHING || !is_sharded_table(action.table) ||
			(command == CMD_UPDATE && !bms_overlap(changed, action.referenced)))
			continue;
		current_run->looked_at = list_append_unique_oid(current_run->looked_at, action.table);
		if (fires(action.table, action.command))
			ereport(
				ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot %s rows of table \"%s\" to which rows of table \"%s\" refer",
					   command == CMD_DELETE ? "delete" : "update", get_rel_name(first),
					   get_rel_name(action.table)),
				errdetail("Foreign key constraint \"%s\" would change rows of table \"%s\" on the shards, "
						  "and its triggers would not fire.",
						  action.constraint, get_rel_name(action.table)),
				errhint(
					"Drop or disable the triggers, or change the referring rows first and use a foreign key "
					"without an action."));
		const List *visited = list_make2_oid(action.table, static_cast<Oid>(action.command));
		bool known = false;
		foreach_ptr (List, one, *seen)
			known = known || equal(one, visited);
		if (known)
			continue;
		*seen = lappend(*seen, const_cast<List *>(visited));
		check_actions(action.table, action.command, action.referring, first, seen);
	}
}

Bitmapset *columns_of(Bitmapset *columns, const List *targets) {
	foreach_node (TargetEntry, entry, targets)
		if (!entry->resjunk)
			columns = bms_add_member(columns, entry->resno);
	return columns;
}

// The columns that a statement gives new values to in rows that are there.
Bitmapset *updated_columns(const Query *query) {
	Bitmapset *columns = nullptr;
	if (query->commandType == CMD_UPDATE)
		columns = columns_of(columns, query->targetList);
	if (query->onConflict != nullptr)
		columns = columns_of(columns, query->onConflict->onConflictSet);
	foreach_node (MergeAction, action, query->mergeActionList)
		if (action->commandType == CMD_UPDATE)
			columns = columns_of(columns, action->targetList);
	return columns;
}

} // namespace

void check_key_actions(const Query *query) {
	const Oid relid = rt_fetch(query->resultRelation, query->rtable)->relid;
	List *seen = NIL;
	const Bitmapset *updated = updated_columns(query);
	const ListCell *cell;
	foreach (cell, commands_of(query))
		if (lfirst_int(cell) != CMD_INSERT)
			check_actions(relid, static_cast<CmdType>(lfirst_int(cell)), updated, relid, &seen);
}

} // namespace shardext

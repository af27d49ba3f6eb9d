// Write plans to and from custom_private.
#include "shardext/planner/write_plan.hpp"

#include "shardext/pg/compat.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "nodes/extensible.h"
#include "nodes/value.h"
}

namespace shardext {

void add_check(RowChecks *checks, const WithCheckOption *check, List *attnums, List *places) {
	const bool of_view = check->kind == WCO_VIEW_CHECK || check->kind == kViewConflictCheck;
	const char *name = of_view ? check->relname : check->polname != nullptr ? check->polname : "";
	checks->kinds = lappend_int(checks->kinds, check->kind);
	checks->names = lappend(checks->names, makeString(pstrdup(name)));
	checks->attnums = lappend(checks->attnums, attnums);
	checks->places = lappend(checks->places, places);
}

bool has_view_check(const List *with_check_options) {
	foreach_node (WithCheckOption, check, with_check_options)
		if (check->kind == WCO_VIEW_CHECK)
			return true;
	return false;
}

namespace {

List *source_list(const SourcePlan &source) {
	return list_make2(source.statement, makeString(pstrdup(source.mark)));
}

SourcePlan source_from(List *list) {
	return {static_cast<PlannedStmt *>(linitial(list)), strVal(lsecond(list))};
}

List *checks_list(const RowChecks &checks) {
	return list_make4(checks.kinds, checks.names, checks.attnums, checks.places);
}

RowChecks checks_from(List *list) {
	auto part = [&](int n) { return static_cast<List *>(list_nth(list, n)); };
	return {part(0), part(1), part(2), part(3)};
}

} // namespace

List *TriggerPlan::to_list() const {
	return list_make4(list_make3_int(operation, before_rows, after_rows), commands, updated, checks);
}

TriggerPlan TriggerPlan::from_list(List *list) {
	auto part = [&](int n) { return static_cast<List *>(list_nth(list, n)); };
	TriggerPlan plan;
	plan.operation = static_cast<CmdType>(list_nth_int(part(0), 0));
	plan.before_rows = list_nth_int(part(0), 1);
	plan.after_rows = list_nth_int(part(0), 2);
	plan.commands = part(1);
	plan.updated = part(2);
	plan.checks = part(3);
	return plan;
}

List *InsertPlan::to_private() const {
	List *numbers =
		list_make5_int(static_cast<int>(relid), colocation_id, key_position, one_statement, returning);
	numbers = lappend_int(lappend_int(lappend_int(numbers, keeps_order), sets_tag), row_id_column);
	List *result = list_make5(numbers, attnums, checks_list(checks), head, tail);
	result = lappend(result, column_types);
	result = lappend(result, column_typmods);
	result = lappend(result, lifted_types);
	result = lappend(result, source_list(source));
	return lappend(lappend(result, triggers.to_list()), inserted);
}

InsertPlan InsertPlan::from_private(List *custom_private) {
	auto list = [&](int n) { return static_cast<List *>(list_nth(custom_private, n)); };
	InsertPlan plan;
	plan.relid = static_cast<Oid>(list_nth_int(list(0), 0));
	plan.colocation_id = list_nth_int(list(0), 1);
	plan.key_position = list_nth_int(list(0), 2);
	plan.one_statement = list_nth_int(list(0), 3);
	plan.returning = list_nth_int(list(0), 4);
	plan.keeps_order = list_nth_int(list(0), 5);
	plan.sets_tag = list_nth_int(list(0), 6);
	plan.row_id_column = list_nth_int(list(0), 7);
	plan.attnums = list(1);
	plan.checks = checks_from(list(2));
	plan.head = list(3);
	plan.tail = list(4);
	plan.column_types = list(5);
	plan.column_typmods = list(6);
	plan.lifted_types = list(7);
	plan.source = source_from(list(8));
	plan.triggers = TriggerPlan::from_list(list(9));
	plan.inserted = list(10);
	return plan;
}

List *ModifyPlan::to_private() const {
	List *numbers = list_make4_int(returning, static_cast<int>(relid), sets_tag, first_check);
	return list_make4(scan.to_private(), numbers, checks_list(checks), triggers.to_list());
}

ModifyPlan ModifyPlan::from_private(List *custom_private) {
	ModifyPlan plan;
	plan.scan = ScanPlan::from_private(static_cast<List *>(linitial(custom_private)));
	List *numbers = static_cast<List *>(lsecond(custom_private));
	plan.returning = list_nth_int(numbers, 0);
	plan.relid = static_cast<Oid>(list_nth_int(numbers, 1));
	plan.sets_tag = list_nth_int(numbers, 2);
	plan.first_check = list_nth_int(numbers, 3);
	plan.checks = checks_from(static_cast<List *>(lthird(custom_private)));
	plan.triggers = TriggerPlan::from_list(static_cast<List *>(lfourth(custom_private)));
	return plan;
}

List *ChangePlan::to_private() const {
	List *numbers = list_make5_int(static_cast<int>(relid), colocation_id, key_attnum, once, keeps_key);
	numbers = lappend_int(lappend_int(lappend_int(numbers, first_check), returning), sets_tag);
	numbers = lappend_int(lappend_int(numbers, shared), late);
	List *all = NIL;
	foreach_ptr (ChangeAction, action, actions)
		all = lappend(all, list_make4(list_make1_int(action->command), action->attnums, action->unchanged,
									  action->places));
	List *result = list_make5(numbers, all, checks_list(checks), returned, outputs);
	result = lappend(result, output_types);
	result = lappend(result, output_typmods);
	result = lappend(result, makeString(pstrdup(reason)));
	result = lappend(result, source_list(source));
	result = lappend(lappend(lappend(result, conflict_keys), conflict_clause), constants);
	result = lappend(lappend(result, triggers.to_list()), old_row);
	result = lappend(result, source_list(proposed));
	result = lappend(result, makeFloat(psprintf(INT64_FORMAT, proposed_token)));
	return lappend(result, proposed_columns);
}

ChangePlan ChangePlan::from_private(List *custom_private) {
	auto list = [&](int n) { return static_cast<List *>(list_nth(custom_private, n)); };
	ChangePlan plan;
	plan.relid = static_cast<Oid>(list_nth_int(list(0), 0));
	plan.colocation_id = list_nth_int(list(0), 1);
	plan.key_attnum = list_nth_int(list(0), 2);
	plan.once = list_nth_int(list(0), 3);
	plan.keeps_key = list_nth_int(list(0), 4);
	plan.first_check = list_nth_int(list(0), 5);
	plan.returning = list_nth_int(list(0), 6);
	plan.sets_tag = list_nth_int(list(0), 7);
	plan.shared = list_nth_int(list(0), 8);
	plan.late = list_nth_int(list(0), 9);
	foreach_ptr (List, parts, list(1)) {
		auto *action = new (palloc0(sizeof(ChangeAction))) ChangeAction();
		action->command = static_cast<CmdType>(linitial_int(static_cast<List *>(linitial(parts))));
		action->attnums = static_cast<List *>(lsecond(parts));
		action->unchanged = static_cast<List *>(lthird(parts));
		action->places = static_cast<List *>(lfourth(parts));
		plan.actions = lappend(plan.actions, action);
	}
	plan.checks = checks_from(list(2));
	plan.returned = list(3);
	plan.outputs = list(4);
	plan.output_types = list(5);
	plan.output_typmods = list(6);
	plan.reason = strVal(list_nth(custom_private, 7));
	plan.source = source_from(list(8));
	plan.conflict_keys = list(9);
	plan.conflict_clause = list(10);
	plan.constants = list(11);
	plan.triggers = TriggerPlan::from_list(list(12));
	plan.old_row = list(13);
	plan.proposed = source_from(list(14));
	plan.proposed_token = pg_strtoint64(castNode(Float, list_nth(custom_private, 15))->fval);
	plan.proposed_columns = list(16);
	return plan;
}

CustomScan *make_shard_change(const ChangePlan &plan) {
	CustomScan *scan = makeNode(CustomScan);
	scan->methods = scan_methods.change;
	scan->custom_private = plan.to_private();
	return scan;
}

CustomScan *make_shard_modify(const ModifyPlan &plan, List *lifted, List *pins) {
	CustomScan *scan = make_shard_scan(plan.scan, lifted, pins, NIL);
	ModifyPlan complete = plan;
	complete.scan = ScanPlan::from_private(scan->custom_private); // with the types of what was lifted
	scan->methods = scan_methods.modify;
	scan->custom_private = complete.to_private();
	return scan;
}

CustomScan *make_shard_insert(const InsertPlan &plan, List *lifted) {
	CustomScan *scan = makeNode(CustomScan);
	scan->methods = scan_methods.insert;
	InsertPlan complete = plan;
	complete.lifted_types = NIL;
	foreach_ptr (Node, expr, lifted)
		complete.lifted_types = lappend_oid(complete.lifted_types, exprType(expr));
	scan->custom_exprs = ready_expressions(lifted);
	scan->custom_private = complete.to_private();
	return scan;
}

} // namespace shardext

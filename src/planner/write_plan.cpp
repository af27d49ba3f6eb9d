// Write plans to and from custom_private.
#include "shardext/planner/write_plan.hpp"

#include "shardext/pg/walk.hpp"

extern "C" {
#include "nodes/extensible.h"
#include "nodes/value.h"
}

namespace shardext {

List *InsertPlan::to_private() const {
	List *numbers =
		list_make5_int(static_cast<int>(relid), colocation_id, key_position, check_count, returning);
	numbers = lappend_int(lappend_int(lappend_int(numbers, keeps_order), sets_tag), one_statement);
	List *result = list_make5(numbers, attnums, check_names, head, tail);
	result = lappend(result, column_types);
	result = lappend(result, column_typmods);
	result = lappend(result, lifted_types);
	return lappend(result, source);
}

InsertPlan InsertPlan::from_private(List *custom_private) {
	auto list = [&](int n) { return static_cast<List *>(list_nth(custom_private, n)); };
	InsertPlan plan;
	plan.relid = static_cast<Oid>(list_nth_int(list(0), 0));
	plan.colocation_id = list_nth_int(list(0), 1);
	plan.key_position = list_nth_int(list(0), 2);
	plan.check_count = list_nth_int(list(0), 3);
	plan.returning = list_nth_int(list(0), 4);
	plan.keeps_order = list_nth_int(list(0), 5);
	plan.sets_tag = list_nth_int(list(0), 6);
	plan.one_statement = list_nth_int(list(0), 7);
	plan.attnums = list(1);
	plan.check_names = list(2);
	plan.head = list(3);
	plan.tail = list(4);
	plan.column_types = list(5);
	plan.column_typmods = list(6);
	plan.lifted_types = list(7);
	plan.source = static_cast<PlannedStmt *>(list_nth(custom_private, 8));
	return plan;
}

List *ModifyPlan::to_private() const {
	List *numbers = list_make4_int(returning, check_count, static_cast<int>(relid), sets_tag);
	return list_make3(scan.to_private(), numbers, check_names);
}

ModifyPlan ModifyPlan::from_private(List *custom_private) {
	ModifyPlan plan;
	plan.scan = ScanPlan::from_private(static_cast<List *>(linitial(custom_private)));
	List *numbers = static_cast<List *>(lsecond(custom_private));
	plan.returning = list_nth_int(numbers, 0);
	plan.check_count = list_nth_int(numbers, 1);
	plan.relid = static_cast<Oid>(list_nth_int(numbers, 2));
	plan.sets_tag = list_nth_int(numbers, 3);
	plan.check_names = static_cast<List *>(lthird(custom_private));
	return plan;
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

// Shard Scan plans to and from custom_private.
#include "shardext/planner/scan_plan.hpp"

#include "shardext/pg/walk.hpp"

extern "C" {
#include "nodes/extensible.h"
#include "nodes/value.h"
#include "optimizer/optimizer.h"
}

namespace shardext {

List *ScanPlan::to_private() const {
	List *flags = list_make5_int(locks_rows, needs_settings, one_of_several, one_group, colocation_id);
	flags = lappend_int(flags, limits_locks);
	List *texts =
		list_make3(makeString(pstrdup(strategy)), makeString(pstrdup(suffix != nullptr ? suffix : "")),
				   makeString(pstrdup(reason != nullptr ? reason : "")));
	List *result = list_make5(flags, texts, pieces, column_types, column_typmods);
	result = lappend(result, entries);
	result = lappend(result, pin_kinds);
	result = lappend(result, lifted_types);
	result = lappend(result, sort_columns);
	result = lappend(result, sort_operators);
	result = lappend(result, sort_collations);
	result = lappend(result, sort_nulls_first);
	result = lappend(result, list_make1_oid(relid));
	result = lappend(result, lookup.columns);
	result = lappend(result, lookup.column_hashes);
	result = lappend(result, lookup.value_hashes);
	result = lappend(result, lookup.collations);
	result = lappend(result, lookup.all);
	result = lappend(result, lookup.lifted_types);
	result = lappend(result, list_make1_int(lookup.rows));
	List *items = NIL;
	foreach_ptr (SentItem, item, sent)
		items = lappend(items, list_make5(makeString(pstrdup(item->name)), makeString(pstrdup(item->alias)),
										  item->types, makeFloat(psprintf("%.0f", item->rows)),
										  list_make2_int(item->key_column, item->position)));
	return lappend(result, items);
}

ScanPlan ScanPlan::from_private(List *custom_private) {
	auto list = [&](int n) { return static_cast<List *>(list_nth(custom_private, n)); };
	ScanPlan plan;
	plan.locks_rows = list_nth_int(list(0), 0);
	plan.needs_settings = list_nth_int(list(0), 1);
	plan.one_of_several = list_nth_int(list(0), 2);
	plan.one_group = list_nth_int(list(0), 3);
	plan.colocation_id = list_nth_int(list(0), 4);
	plan.limits_locks = list_nth_int(list(0), 5);
	plan.strategy = strVal(linitial(list(1)));
	plan.suffix = strVal(lsecond(list(1)));
	plan.reason = strVal(lthird(list(1)));
	plan.pieces = list(2);
	plan.column_types = list(3);
	plan.column_typmods = list(4);
	plan.entries = list(5);
	plan.pin_kinds = list(6);
	plan.lifted_types = list(7);
	plan.sort_columns = list(8);
	plan.sort_operators = list(9);
	plan.sort_collations = list(10);
	plan.sort_nulls_first = list(11);
	plan.relid = linitial_oid(list(12));
	plan.lookup.columns = list(13);
	plan.lookup.column_hashes = list(14);
	plan.lookup.value_hashes = list(15);
	plan.lookup.collations = list(16);
	plan.lookup.all = list(17);
	plan.lookup.lifted_types = list(18);
	plan.lookup.rows = linitial_int(list(19));
	foreach_ptr (List, item, list(20)) {
		auto *numbers = static_cast<List *>(list_nth(item, 4));
		plan.sent = lappend(plan.sent, new (palloc(sizeof(SentItem))) SentItem{
										   strVal(linitial(item)), strVal(lsecond(item)),
										   static_cast<List *>(lthird(item)), floatVal(lfourth(item)),
										   linitial_int(numbers), lsecond_int(numbers)});
	}
	return plan;
}

ScanMethods scan_methods;

List *ready_expressions(List *expressions) {
	List *ready = NIL;
	foreach_ptr (Expr, expr, expressions)
		ready = lappend(ready, expression_planner(static_cast<Expr *>(copyObjectImpl(expr))));
	return ready;
}

CustomScan *make_shard_scan(const ScanPlan &plan, List *lifted, List *pins, List *scan_tlist,
							List *lookup_exprs) {
	CustomScan *scan = makeNode(CustomScan);
	scan->methods = scan_methods.scan;
	ScanPlan complete = plan;
	complete.lifted_types = NIL;
	complete.pin_kinds = NIL;
	foreach_ptr (Node, expr, lifted)
		complete.lifted_types = lappend_oid(complete.lifted_types, exprType(expr));
	scan->custom_exprs = list_copy(lifted);
	foreach_ptr (KeyPin, pin, pins) {
		complete.pin_kinds = lappend_int(complete.pin_kinds, pin->kind);
		// IsNull has no value; a constant holds its place.
		scan->custom_exprs = lappend(scan->custom_exprs, pin->value != nullptr
															 ? static_cast<void *>(copyObjectImpl(pin->value))
															 : makeNullConst(INT4OID, -1, InvalidOid));
	}
	scan->custom_exprs = ready_expressions(list_concat(scan->custom_exprs, lookup_exprs));
	scan->custom_private = complete.to_private();
	scan->custom_scan_tlist = scan_tlist;
	scan->flags = 0;
	return scan;
}

void add_group_id(ScanPlan *plan) {
	SqlBuilder with_group;
	with_group.text("SELECT s.*, ");
	with_group.group_id();
	with_group.text("::bigint FROM (");
	with_group.append(plan->pieces);
	with_group.text(") s");
	plan->pieces = with_group.finish();
	plan->column_types = lappend_oid(plan->column_types, INT8OID);
	plan->column_typmods = lappend_int(plan->column_typmods, -1);
}

} // namespace shardext

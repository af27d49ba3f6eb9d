// Shard Scan plans to and from custom_private.
#include "shardext/executor/scan_plan.hpp"

extern "C" {
#include "nodes/value.h"
}

namespace shardext {

List *ScanPlan::to_private() const {
	List *flags = list_make5_int(locks_rows, needs_settings, one_of_several, one_group, colocation_id);
	List *texts = list_make2(makeString(pstrdup(strategy)), makeString(pstrdup(suffix != nullptr ? suffix : "")));
	List *result = list_make5(flags, texts, pieces, column_types, column_typmods);
	result = lappend(result, entries);
	result = lappend(result, pin_kinds);
	result = lappend(result, lifted_types);
	result = lappend(result, sort_columns);
	result = lappend(result, sort_operators);
	result = lappend(result, sort_collations);
	result = lappend(result, sort_nulls_first);
	return lappend(result, list_make1_oid(relid));
}

ScanPlan ScanPlan::from_private(List *custom_private) {
	auto list = [&](int n) { return static_cast<List *>(list_nth(custom_private, n)); };
	ScanPlan plan;
	plan.locks_rows = list_nth_int(list(0), 0);
	plan.needs_settings = list_nth_int(list(0), 1);
	plan.one_of_several = list_nth_int(list(0), 2);
	plan.one_group = list_nth_int(list(0), 3);
	plan.colocation_id = list_nth_int(list(0), 4);
	plan.strategy = strVal(linitial(list(1)));
	plan.suffix = strVal(lsecond(list(1)));
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
	return plan;
}

} // namespace shardext

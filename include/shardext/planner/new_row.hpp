// Conditions on a row that is about to be written.
#pragma once
#include "shardext/planner/write_plan.hpp"

namespace shardext {

// Where the columns of the new row are among the output of the query that makes it.
struct NewRow {
	int target; // the table's range table position in the statement
	Oid relid;
	List *attnums; // int list
	List *columns; // int list: output columns (from 1) of these
};

// SELECT all columns of `source` and, after them, the checks of these kinds, FROM it. What a check reads of
// the row is NULL where the source has no such column; generated columns are worked out.
Query *select_with_checks(Query *source, const List *with_check_options, const NewRow &row,
						  std::initializer_list<WCOKind> kinds, RowChecks *checks);

} // namespace shardext

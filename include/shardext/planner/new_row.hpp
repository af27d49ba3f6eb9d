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

// A check, the row it is about, and the number of the action (a column of the output, from 1) that it belongs
// to; -1: any.
struct CheckOfRow {
	const WithCheckOption *check;
	NewRow row;
	int action = -1, action_column = 0;
};

// SELECT all columns of `source` and, after them, the checks (List of CheckOfRow), FROM it. What a check
// reads of the row is NULL where the source has no such column; generated columns are worked out.
Query *select_with_checks(Query *source, const List *checks_of_rows, RowChecks *checks);

// The checks of these kinds, in their order, appended to a list of CheckOfRow.
List *add_checks_of_row(List *list, const List *with_check_options, const NewRow &row,
						std::initializer_list<WCOKind> kinds, int action = -1, int action_column = 0);

} // namespace shardext

// WHERE CURRENT OF.
//
// The query of a cursor carries the identity of its tables' rows in hidden columns at its end. WHERE CURRENT
// OF becomes a condition on ctid, whose value a function reads there.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace shardext {

// The hidden column for a table's row in a cursor's query. It has this name, and comes once for each time
// that a cursor FOR UPDATE (or the like) locks rows of the table.
char *cursor_row_column(Oid relid);

// Adds the hidden columns to the query of a cursor, where PostgreSQL would let WHERE CURRENT OF name it.
void add_cursor_rows(Query *query);

// Makes WHERE CURRENT OF in a statement that writes distributed tables conditions on ctid.
void read_cursor_rows(Query *query);

} // namespace shardext

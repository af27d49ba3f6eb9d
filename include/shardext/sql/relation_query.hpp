// Query trees over one relation, and its columns as expressions.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"
}

namespace shardext {

// TargetEntries of all columns of a relation at range table position varno, in order: position i is attribute
// number i. A dropped column is a NULL with a name of its own.
List *columns_of_relation(Oid relid, int varno);

// A whole row put together again from the relation's columns, for a whole-row reference `whole`.
RowExpr *row_from_columns(const Var *whole, Oid relid);

// The same for IS [NOT] NULL, which does not count dropped columns: a row without them.
RowExpr *row_to_test(const Var *whole, Oid relid);

// SELECT target_entries FROM relid WHERE quals; the relation is range table position 1.
Query *query_over_relation(Oid relid, List *target_entries, List *quals);

// SELECT … FROM query, with a target list still to be filled in: the query is range table position 1, its
// visible columns are called _c1, _c2, ….
Query *query_over_query(Query *query, const char *alias);

// CASE WHEN column = number THEN value ELSE otherwise END; the column is an integer of range table
// position 1.
Node *value_when(AttrNumber column, int number, Node *value, Node *otherwise);

// One constant column, for queries of which only the number of rows is wanted.
TargetEntry *constant_column();

// Puts a function whose column list has been renamed into a query of its own. jsonb_to_recordset(…) AS (a
// int) looks for fields by the names in its list, where the deparser writes those of the alias, which may be
// others.
void wrap_column_list(RangeTblEntry *rte);

} // namespace shardext

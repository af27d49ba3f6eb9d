// A table, or anything else of a FROM clause, that is read on the coordinator and sent to the shards as
// arrays, one for each column that is needed.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace shardext {

struct ShippedItem {
	int first_placeholder;	 // the array of the first column
	RangeTblEntry *original; // what stood in the query
	List *conditions;		 // on it alone; they are gone from the query
	CommonTableExpr *cte;	 // reads it, once
	double rows;
};

// Columns of one range table entry that a query level, or anything below it, refers to.
struct NeededColumns {
	int rtindex, level;
	List *vars = NIL;
	bool failed = false;
};

NeededColumns columns_needed(Query *level, int rtindex);

// False for types whose values cannot be elements of arrays.
bool column_can_be_shipped(const Var *var);

// ARRAY (SELECT column n FROM the WITH query), as seen from the query that has it.
Expr *array_of_column(const CommonTableExpr *cte, const Var *var, int number);

// (SELECT u.1 AS a, NULL AS b, … FROM ROWS FROM (unnest ($1), …) u), with the columns of what it stands for.
RangeTblEntry *array_entry(const RangeTblEntry *rte, const NeededColumns &needed, const ShippedItem *item);

// Puts back what stood in a query instead of shipped arrays, for estimates.
void restore_shipped(Query *query);

// Makes a fragment's query read the larger shipped items from WITH queries, which are common to all shard
// groups of a node. Returns the text of these, "name AS (…), …", or nullptr; `lifted` gets their parameters.
char *hoist_shipped(Query *query, List **lifted);

} // namespace shardext

// A table, or anything else of a FROM clause, that is read on the coordinator and sent to the shards.
//
// While the query is analyzed, it reads the item from unnest() of placeholders, one for each column that is
// needed: a function of values that are known beforehand. In the text it becomes a WITH query, whose rows
// come from parameters or from a staging table; that is decided when they have been counted.
#pragma once
#include "shardext/planner/scan_plan.hpp"

namespace shardext {

struct ShippedItem {
	int first_placeholder;	 // of the first column; nothing is filled in for those of columns
	int kept_rows;			 // placeholder: the number of the store that the rows are kept in
	RangeTblEntry *original; // what stood in the query
	List *conditions;		 // on it alone; they are gone from the query
	CommonTableExpr *cte;	 // reads it, once
	double rows;
	int key_column; // see SentItem; as long as the table with the distribution column stays on the shards
	Bitmapset *near_unique; // attribute numbers of columns with about as many values as there are rows
	const struct JoinItem *item, *partner; // what is shipped, and that table
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

// More columns cannot be kept.
constexpr int kMaxShippedColumns = FUNC_MAX_ARGS - 1;

// (SELECT shardext.kept_rows (every column) FROM the WITH query), as seen from the query that has it.
Expr *kept_rows_of(const CommonTableExpr *cte);

// Puts the WITH query itself in place of the reference to it, in all such expressions below a node, so that
// its rows are not stored twice.
void read_at_once(Node *node, const CommonTableExpr *cte);

// (SELECT u.1 AS a, NULL AS b, … FROM ROWS FROM (unnest ($1), …) u), with the columns of what it stands for.
RangeTblEntry *array_entry(const RangeTblEntry *rte, const NeededColumns &needed, const ShippedItem *item);

// Puts back what stood in a query instead of shipped items, for estimates.
void restore_shipped(Query *query);

// Makes a fragment's query read shipped items from WITH queries of their names, which it does not have
// itself. Returns the items, as a List of SentItem; their values are appended to `lifted` by
// lift_sent_items().
List *name_shipped(Query *query);
List *lift_sent_items(List *sent, List *lifted);

} // namespace shardext

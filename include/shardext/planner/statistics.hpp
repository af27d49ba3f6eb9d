// How large tables are. The coordinator's own part of a distributed table is empty, so the planner is told.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace shardext {

// An estimate of a distributed table's rows. The nodes are asked for what they know of the shards; the answer
// is kept in this backend for a minute.
double estimated_rows(Oid relid);

// Sets the size of a distributed table in the planner's description of it.
struct RelationSize {
	double tuples;
	double pages;
};
RelationSize estimated_size(Oid relid);

// Makes the nodes be asked again.
void forget_size(Oid relid);

// Rows of any table, or -1 when they are not known.
double known_rows(const RangeTblEntry *rte);

// The pg_statistic row of a column, to be released as one of the system cache; may be nullptr. Values in it
// may be looked at by those only who may read the column (may_read_column()).
HeapTuple find_column_statistics(const RangeTblEntry *rte, AttrNumber column);

// How many different values a column of a table with so many rows has; -1 when it is not known.
double known_distinct(const RangeTblEntry *rte, AttrNumber column, double rows);

bool may_read_column(Oid relid, AttrNumber column);

} // namespace shardext

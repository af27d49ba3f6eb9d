// Columns that GROUP BY a primary key implies.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace shardext {

// GROUP BY a table's primary key lets its other columns stand outside of aggregates. A sub-query in the
// table's place has no key: before it takes the place, those columns are added to GROUP BY, where they change
// nothing. False, and nothing changed, when values of one cannot be compared or there are grouping sets.
bool group_by_implied_columns(Query *query, int rtindex);

} // namespace shardext

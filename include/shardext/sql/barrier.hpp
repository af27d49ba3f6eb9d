// Row filters and security barriers in SQL text: a sub-select with OFFSET 0, which nothing that could leak
// gets into.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace shardext {

// Turns a relation with row filters into FROM (SELECT … WHERE filters OFFSET 0). Conditions of the query on
// this relation alone that cannot leak run inside as well: they may use an index, and FOR UPDATE locks no
// more than what they leave.
void put_filters_behind_barrier(Query *query, int rtindex);

// The same for a view that is a security barrier.
void put_view_behind_barrier(Query *query, int rtindex);

} // namespace shardext

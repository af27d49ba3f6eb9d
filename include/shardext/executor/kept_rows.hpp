// What is sent along to shards: rows that the plan has read before, kept in a store that spills.
//
// In the plan a store is the value of an init plan, SELECT shardext.kept_rows (column, …), which is the
// store's number. It lives as long as the aggregate that has filled it: until the statement ends.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "executor/tuptable.h"
#include "lib/ilist.h"
#include "utils/tuplestore.h"
}

namespace shardext {

struct KeptRows {
	dlist_node link; // must be first
	int64 number;
	TupleDesc desc; // domains as their base types, with the domains' collations
	Tuplestorestate *store;
	int64 rows, bytes; // bytes of values of variable length
};

// Raises an error when there is none.
KeptRows *find_kept_rows(int64 number);

// A descriptor of columns c1, c2, …, which have these types.
TupleDesc kept_descriptor(const List *types);

// The store has several readers; this one starts from the beginning.
void rewind_kept_rows(KeptRows *rows);

} // namespace shardext

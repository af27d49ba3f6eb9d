// Rows kept in many small stores by the hash of one column, so that looking some up does not mean running
// through all. Stores spill to disk on their own.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "executor/tuptable.h"
#include "utils/tuplestore.h"
}

namespace shardext {

struct LookupStore {
	Tuplestorestate **parts;
	int count; // a power of two
};

// `rows` is how many are expected.
LookupStore *make_lookup_store(double rows);
void put_row(LookupStore *store, uint32 hash, TupleTableSlot *row);

// The store with the rows of a hash value (and some others), at its beginning; nullptr when there is none.
Tuplestorestate *find_rows(LookupStore *store, uint32 hash);
void end_lookup_store(LookupStore *store);

} // namespace shardext

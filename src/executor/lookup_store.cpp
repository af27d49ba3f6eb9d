// Rows by hash.
#include "shardext/executor/lookup_store.hpp"

extern "C" {
#include "miscadmin.h"
}

#include <algorithm>

namespace shardext {

LookupStore *make_lookup_store(double rows) {
	auto *store = static_cast<LookupStore *>(palloc(sizeof(LookupStore)));
	store->count = 16;
	while (store->count < 1024 && store->count * 64.0 < rows)
		store->count *= 2;
	store->parts = static_cast<Tuplestorestate **>(palloc0(sizeof(Tuplestorestate *) * store->count));
	return store;
}

void put_row(LookupStore *store, uint32 hash, TupleTableSlot *row) {
	Tuplestorestate **part = &store->parts[hash & (store->count - 1)];
	if (*part == nullptr)
		*part = tuplestore_begin_heap(false, false, std::max(64, work_mem / store->count));
	tuplestore_puttupleslot(*part, row);
}

Tuplestorestate *find_rows(LookupStore *store, uint32 hash) {
	Tuplestorestate *part = store->parts[hash & (store->count - 1)];
	if (part != nullptr)
		tuplestore_rescan(part);
	return part;
}

void end_lookup_store(LookupStore *store) {
	for (int i = 0; i < store->count; i++)
		if (store->parts[i] != nullptr)
			tuplestore_end(store->parts[i]);
}

} // namespace shardext

// Rows kept in the order of one column's hash, in memory or, beyond work_mem, in a temporary file: looking
// some up does not mean running through all.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "executor/tuptable.h"
#include "storage/buffile.h"
#include "utils/tuplesort.h"
}

namespace shardext {

class LookupStore {
public:
	// In the current memory context; rows have the columns of `desc`.
	static LookupStore *make(TupleDesc desc);
	void put(int32 hash, TupleTableSlot *row);
	void finish(); // no rows come any more

	// Goes to the rows with a hash value; next() gives them one by one, into a slot for minimal tuples.
	void find(int32 hash);
	bool next(TupleTableSlot *slot);
	void end();

private:
	struct Mark {
		int32 hash;
		int file_number;
		off_t offset;
	};

	void to_memory(MinimalTuple tuple, int32 hash);
	void to_file(MinimalTuple tuple, int32 hash);
	void spill();

	MemoryContext context_;
	Tuplesortstate *sort_;
	TupleTableSlot *row_; // with the hash as one more column
	int64 count_ = 0, capacity_ = 0, bytes_ = 0;
	// In memory.
	MinimalTuple *tuples_ = nullptr;
	int32 *hashes_ = nullptr;
	// In a file: every so many rows there is a mark.
	BufFile *file_ = nullptr;
	Mark *marks_ = nullptr;
	int64 mark_count_ = 0;
	// What find() looks for.
	int32 wanted_ = 0;
	int64 position_ = 0;
	bool reading_ = false;
};

} // namespace shardext

// SELECT … LIMIT … FOR UPDATE over several shard groups, without locking more rows than are returned.
#pragma once
#include "shardext/executor/node_parts.hpp"

namespace shardext {

// Rows that have been locked, of one shard group after the other.
struct LockedRows {
	struct Part {
		int position;		   // of the shard group
		int64 asked, returned; // rows
		Tuplestorestate *rows;
	};
	Part *parts;
	int count;
	int current; // the part being read
};

// Asks the shard groups of a scan one after the other. `order` has the groups' ids, once for each row that is
// to come from there; nullptr: whichever have rows. The first parameter is how many rows there are to be.
LockedRows *lock_rows(const ScanPlan &plan, const ColocationGroup *colocation, const GroupSet &groups,
					  StatementParams params, ArrayType *order, TupleDesc desc);

// The next row, in the order of parts; the slot is one for minimal tuples.
bool next_locked_row(LockedRows *rows, TupleTableSlot *slot);
void rescan_locked_rows(LockedRows *rows);
void end_locked_rows(LockedRows *rows);

} // namespace shardext

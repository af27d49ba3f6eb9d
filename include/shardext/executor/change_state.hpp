// What the parts of Shard Change share.
#pragma once
#include "shardext/executor/change_sql.hpp"
#include "shardext/executor/write_source.hpp"
#include "shardext/executor/write_triggers.hpp"

extern "C" {
#include "nodes/extensible.h"
#include "utils/tuplesort.h"
#include "utils/tuplestore.h"
}

namespace shardext {

struct ShardChangeState {
	CustomScanState css; // must be first
	ChangePlan plan;
	ColocationGroup *colocation;
	ChangeSql *sql;
	WriteSource source;
	TupleDesc source_desc;
	Tuplesortstate *rows;
	Snapshot snapshot; // that was taken to read again; it is the active one then
	TupleTableSlot *row;
	ItemPointerData last_row; // the row that was met last
	MemoryContext batch_context;
	int max_rows, batches;
	List *carried;		  // Oid list: tables whose rows move along with those that move
	List *following_keys; // what must not refer to rows that move
	bool finished;
	WriteTriggers *triggers;
	bool triggers_wrote;			// BEFORE ROW triggers have changed rows themselves
	struct ProposedRows *proposals; // of an upsert

	Tuplestorestate *results;
	TupleTableSlot *result_slot, *store_slot;
};

inline const ChangeAction *action_of(const ShardChangeState *state, int number) {
	return static_cast<ChangeAction *>(list_nth(state->plan.actions, number));
}

// --- batches (change_batches.cpp) ---

// Goes to the first of the rows that were read, `again` for another time.
void start_pass(ShardChangeState *state, bool again);
// The next rows, as many as go into one round of messages; nullptr at the end.
ChangeBatch *fill_batch(ShardChangeState *state);
// For rows of the source, in the order of their identity.
Tuplesortstate *begin_rows(const ShardChangeState *state);
// The next of the rows that were read, in state->row. A row that joins several rows of other tables comes
// once.
bool next_row(ShardChangeState *state);
// Raises 21000.
[[noreturn]] void refuse_second_time(const ShardChangeState *state);

// The rows (numbers) of a batch in one shard group that satisfy a condition.
template <class Condition>
List *rows_of_group(const ChangeBatch &batch, const int *groups, int group, Condition wanted) {
	List *rows = NIL;
	for (int row = 0; row < batch.rows; row++)
		if (groups[row] == group && wanted(row))
			rows = lappend_int(rows, row);
	return rows;
}

// Locks all rows (change_locks.cpp); false when one is not what was read any more.
bool lock_all(ShardChangeState *state);

// Changes all rows (change_apply.cpp). They must be locked.
void apply_all(ShardChangeState *state);

// BEFORE ROW triggers (change_triggers.cpp): the rows that were read become what the triggers make of them.
void fire_before_rows(ShardChangeState *state);
// Gives all rows to AFTER ROW triggers.
void queue_rows(ShardChangeState *state);
// A function of the statement has changed rows that the statement itself is about to change.
[[noreturn]] void raise_changed_by_itself(const ShardChangeState *state);

// The rows that an upsert proposes (proposed_rows.cpp).
struct ProposedRows *begin_proposals(ShardChangeState *state, int eflags);
void end_proposals(struct ProposedRows *proposals);

// Checks all rows and stores what RETURNING reads of them, which are to be changed later (change_apply.cpp).
void foretell_all(ShardChangeState *state);

} // namespace shardext

// Shard Change: row triggers.
//
// BEFORE ROW triggers fire for all rows that are locked, before any is changed; AFTER ROW triggers get the
// rows when all are. So BEFORE ROW triggers see none of the rows that the statement itself changes.
#include "shardext/executor/change_state.hpp"

#include "shardext/executor/statement_scans.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "executor/executor.h"
#include "utils/snapmgr.h"
}

namespace shardext {

namespace {

void fill_old_row(const ShardChangeState *state, TupleTableSlot *row) {
	int column = 0;
	const ListCell *cell;
	foreach (cell, state->plan.old_row) {
		const int place = lfirst_int(cell);
		row->tts_isnull[column] = place < 0 || state->row->tts_isnull[place];
		row->tts_values[column] = place < 0 ? 0 : state->row->tts_values[place];
		column++;
	}
	ExecStoreVirtualTuple(row);
}

// The row at hand, as it was and as it is to be.
void fill_rows(ShardChangeState *state, const ChangeAction *action) {
	TupleTableSlot *old_row = state->triggers->old_row, *new_row = state->triggers->new_row;
	start_row(state->triggers);
	start_queued_row(state->triggers);
	const int columns = new_row->tts_tupleDescriptor->natts;
	if (action->command != CMD_INSERT && state->plan.old_row != NIL)
		fill_old_row(state, old_row);
	if (action->command == CMD_DELETE)
		return;
	memset(new_row->tts_isnull, true, sizeof(bool) * columns);
	if (action->command == CMD_UPDATE && state->plan.old_row != NIL) {
		memcpy(new_row->tts_values, old_row->tts_values, sizeof(Datum) * columns);
		memcpy(new_row->tts_isnull, old_row->tts_isnull, sizeof(bool) * columns);
	}
	for (int i = 0; i < list_length(action->attnums); i++) {
		const int column = list_nth_int(action->attnums, i) - 1, place = list_nth_int(action->places, i);
		const auto *constant =
			place < 0 ? static_cast<Const *>(list_nth(state->plan.constants, -1 - place)) : nullptr;
		new_row->tts_values[column] =
			constant != nullptr ? constant->constvalue : state->row->tts_values[place];
		new_row->tts_isnull[column] =
			constant != nullptr ? constant->constisnull : state->row->tts_isnull[place];
	}
	ExecStoreVirtualTuple(new_row);
}

// Writes the new values over those of the row at hand.
void take_new_row(const ShardChangeState *state, const ChangeAction *action, TupleTableSlot *row) {
	ExecClearTuple(row);
	const int columns = row->tts_tupleDescriptor->natts;
	memcpy(row->tts_values, state->row->tts_values, sizeof(Datum) * columns);
	memcpy(row->tts_isnull, state->row->tts_isnull, sizeof(bool) * columns);
	TupleTableSlot *new_row = state->triggers->new_row;
	if (action->command != CMD_DELETE)
		slot_getallattrs(new_row);
	for (int i = 0; i < list_length(action->attnums) && action->command != CMD_DELETE; i++) {
		const int column = list_nth_int(action->attnums, i) - 1, place = list_nth_int(action->places, i);
		row->tts_values[place] = new_row->tts_values[column];
		row->tts_isnull[place] = new_row->tts_isnull[column];
	}
	ExecStoreVirtualTuple(row);
}

const ChangeAction *action_at_hand(const ShardChangeState *state) {
	return action_of(state, DatumGetInt32(state->row->tts_values[kChangeAction]));
}

} // namespace

void fire_before_rows(ShardChangeState *state) {
	if (!state->plan.triggers.before_rows)
		return;
	const uint64 writes = writes_so_far();
	Tuplesortstate *fired = begin_rows(state);
	TupleTableSlot *row = MakeSingleTupleTableSlot(state->source_desc, &TTSOpsVirtual);
	start_pass(state, true);
	while (next_row(state)) {
		CHECK_FOR_INTERRUPTS();
		const ChangeAction *action = action_at_hand(state);
		if (state->proposals != nullptr && action->command == CMD_INSERT) { // was proposed before
			tuplesort_puttupleslot(fired, state->row);
			continue;
		}
		fill_rows(state, action);
		if (!fire_before_row(state->triggers, action->command))
			continue;
		take_new_row(state, action, row);
		tuplesort_puttupleslot(fired, row);
	}
	tuplesort_performsort(fired);
	tuplesort_end(state->rows);
	state->rows = fired;
	ExecDropSingleTupleTableSlot(row);
	state->triggers_wrote = writes_so_far() != writes;
}

void queue_rows(ShardChangeState *state) {
	if (!state->plan.triggers.after_rows)
		return;
	start_pass(state, true);
	while (next_row(state)) {
		const ChangeAction *action = action_at_hand(state);
		fill_rows(state, action);
		queue_after_row(state->triggers, action->command, state->triggers->new_row);
	}
}

} // namespace shardext

// Shard Change: the rows that were read, one round of messages at a time.
#include "shardext/executor/change_state.hpp"

#include "shardext/executor/row_ids.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/sharding/routing.hpp"

extern "C" {
#include "utils/datum.h"
}

namespace shardext {

namespace {

constexpr Size kBatchBytes = 4 * 1024 * 1024;

} // namespace

bool next_row(ShardChangeState *state) {
	while (tuplesort_gettupleslot(state->rows, true, false, state->row, nullptr)) {
		slot_getallattrs(state->row);
		if (state->row->tts_isnull[kChangeRowId])
			return true;
		auto *row_id = reinterpret_cast<ItemPointer>(DatumGetPointer(state->row->tts_values[kChangeRowId]));
		if (!ItemPointerIsValid(&state->last_row) || !ItemPointerEquals(&state->last_row, row_id)) {
			ItemPointerCopy(row_id, &state->last_row);
			return true;
		}
		if (state->plan.once)
			refuse_second_time(state);
	}
	return false;
}

namespace {

ChangeBatch *new_batch(ShardChangeState *state) {
	MemoryContextReset(state->batch_context);
	MemoryContext old = MemoryContextSwitchTo(state->batch_context);
	auto *batch = new (palloc0(sizeof(ChangeBatch))) ChangeBatch();
	batch->columns = state->source_desc->natts;
	const int cells = state->max_rows * batch->columns + 1;
	batch->values = static_cast<Datum *>(palloc0(sizeof(Datum) * cells));
	batch->nulls = static_cast<bool *>(palloc0(sizeof(bool) * cells));
	batch->groups = static_cast<int *>(palloc0(sizeof(int) * (state->max_rows + 1)));
	batch->new_groups = static_cast<int *>(palloc0(sizeof(int) * (state->max_rows + 1)));
	batch->actions = static_cast<int *>(palloc0(sizeof(int) * (state->max_rows + 1)));
	batch->tids = static_cast<ItemPointer>(palloc0(sizeof(ItemPointerData) * (state->max_rows + 1)));
	MemoryContextSwitchTo(old);
	return batch;
}

// The shard group of a new row, or the old one's where the key does not change.
int new_group(const ShardChangeState *state, const ChangeBatch &batch, int row) {
	const ChangeAction *action = action_of(state, batch.actions[row]);
	int position = 0;
	const ListCell *cell;
	foreach (cell, action->attnums) {
		const int place = list_nth_int(action->places, position++);
		if (lfirst_int(cell) != state->plan.key_attnum)
			continue;
		bool isnull;
		const Datum key = new_value(state->plan, batch, row, place, &isnull);
		return group_of_key(state->colocation, key, isnull);
	}
	return action->command == CMD_INSERT ? group_of_key(state->colocation, 0, true) : batch.groups[row];
}

} // namespace

void start_pass(ShardChangeState *state, bool again) {
	if (again)
		tuplesort_rescan(state->rows);
	ItemPointerSetInvalid(&state->last_row);
}

[[noreturn]] void refuse_second_time(const ShardChangeState *state) {
	const bool merge = state->plan.conflict_keys == NIL;
	ereport(ERROR, errcode(ERRCODE_CARDINALITY_VIOLATION),
			errmsg("%s command cannot affect row a second time", merge ? "MERGE" : "ON CONFLICT DO UPDATE"),
			merge
				? errhint("Ensure that not more than one source row matches any one target row.")
				: errhint("Ensure that no rows proposed for insertion within the same command have duplicate "
						  "constrained values."));
	pg_unreachable();
}

ChangeBatch *fill_batch(ShardChangeState *state) {
	ChangeBatch *batch = new_batch(state);
	Size bytes = 0;
	while (batch->rows < state->max_rows && bytes < kBatchBytes && next_row(state)) {
		MemoryContext old = MemoryContextSwitchTo(state->batch_context);
		const int row = batch->rows++;
		for (int i = 0; i < batch->columns; i++) {
			Form_pg_attribute attribute = TupleDescAttr(state->source_desc, i);
			const int cell = row * batch->columns + i;
			batch->nulls[cell] = state->row->tts_isnull[i];
			if (batch->nulls[cell])
				continue;
			batch->values[cell] =
				datumCopy(state->row->tts_values[i], attribute->attbyval, attribute->attlen);
			if (!attribute->attbyval)
				bytes += datumGetSize(batch->values[cell], false, attribute->attlen);
		}
		batch->groups[row] = -1;
		batch->actions[row] = DatumGetInt32(batch->value(row, kChangeAction));
		if (!batch->isnull(row, kChangeRowId))
			batch->groups[row] =
				split_row_id(reinterpret_cast<ItemPointer>(DatumGetPointer(batch->value(row, kChangeRowId))),
							 &batch->tids[row]);
		batch->new_groups[row] = new_group(state, *batch, row);
		MemoryContextSwitchTo(old);
	}
	return batch->rows > 0 ? batch : nullptr;
}

} // namespace shardext

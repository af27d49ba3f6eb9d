// Shard Change: changing rows that are locked.
#include "shardext/executor/change_state.hpp"

#include "shardext/executor/carried_rows.hpp"
#include "shardext/executor/move_guard.hpp"
#include "shardext/executor/nodes.hpp"
#include "shardext/executor/row_ids.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/transaction/serializable.hpp"

extern "C" {
#include "utils/datum.h"
}

namespace shardext {

namespace {

struct Change {
	RowStream *stream;
	const List *rows; // of the batch, as the statement names them
	bool numbered;	  // its result says which row it is about
	bool shows;		  // its rows are those of RETURNING
};

void store_result(ShardChangeState *state, const ChangeBatch &batch, int row, const TupleTableSlot *from,
				  int first) {
	TupleTableSlot *out = state->result_slot;
	ExecClearTuple(out);
	ItemPointerData row_id; // ctid means one row of the whole table
	int i = 0;
	const ListCell *cell;
	foreach (cell, state->plan.outputs) {
		const int output = lfirst_int(cell);
		out->tts_values[i] = output >= 0 ? from->tts_values[first + output] : batch.value(row, -1 - output);
		out->tts_isnull[i] = output >= 0 ? from->tts_isnull[first + output] : batch.isnull(row, -1 - output);
		if (output >= 0 && !out->tts_isnull[i] &&
			list_nth_int(state->plan.returned, output) == SelfItemPointerAttributeNumber) {
			make_row_id(&row_id, reinterpret_cast<ItemPointer>(DatumGetPointer(out->tts_values[i])),
						batch.new_groups[row]);
			out->tts_values[i] = PointerGetDatum(&row_id);
		}
		i++;
	}
	ExecStoreVirtualTuple(out);
	tuplestore_puttupleslot(state->results, out);
}

// True when two of the rows that were to be inserted have the same unique key.
bool has_duplicates(const ShardChangeState *state, const ChangeBatch &batch, const List *rows) {
	auto same_key = [&](const List *key, int one, int other) {
		const ListCell *cell;
		foreach (cell, key) {
			const int column = lfirst_int(cell);
			Form_pg_attribute attribute = TupleDescAttr(state->source_desc, column);
			if (batch.isnull(one, column) || batch.isnull(other, column) ||
				!datum_image_eq(batch.value(one, column), batch.value(other, column), attribute->attbyval,
								attribute->attlen))
				return false;
		}
		return true;
	};
	foreach_ptr (List, key, state->plan.conflict_keys)
		for (int i = 0; i < list_length(rows); i++)
			for (int j = i + 1; j < list_length(rows); j++)
				if (same_key(key, list_nth_int(rows, i), list_nth_int(rows, j)))
					return true;
	return false;
}

// Reads a statement's answer. The row was locked, so it must have been changed.
void finish_change(ShardChangeState *state, const ChangeBatch &batch, const Change &change) {
	const bool rows_come = state->plan.returning;
	uint64 changed = 0;
	if (rows_come) {
		TupleDesc desc = change.numbered ? state->sql->result_desc : state->sql->insert_desc;
		TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
		while (change.stream->next(slot)) {
			const int place = change.numbered ? static_cast<int>(DatumGetInt64(slot->tts_values[0])) - 1
											  : static_cast<int>(changed);
			changed++;
			if (change.shows && place < list_length(change.rows))
				store_result(state, batch, list_nth_int(change.rows, place), slot, change.numbered ? 1 : 0);
		}
		ExecDropSingleTupleTableSlot(slot);
	} else {
		while (change.stream->next(nullptr)) {
		}
		changed = change.stream->affected_rows();
	}
	const bool all = changed == static_cast<uint64>(list_length(change.rows));
	if (!all && state->triggers_wrote && change.numbered)
		raise_changed_by_itself(state);
	if (!all && state->plan.conflict_keys != NIL && has_duplicates(state, batch, change.rows))
		refuse_second_time(state);
	if (!all && state->plan.conflict_keys != NIL && !change.numbered)
		ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("could not serialize access due to concurrent insert"));
	if (!all)
		ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("could not change rows of table \"%s\" on node \"%s\"",
					   get_rel_name(state->plan.relid), change.stream->node_name),
				errdetail("%llu of %d locked rows were found.", static_cast<unsigned long long>(changed),
						  list_length(change.rows)));
	change.stream->close();
	if (change.shows && state->plan.sets_tag && !rows_come)
		state->css.ss.ps.state->es_processed += changed;
}

void finish_changes(ShardChangeState *state, const ChangeBatch &batch, List *changes) {
	foreach_ptr (Change, change, changes)
		finish_change(state, batch, *change);
}

Change *make_change(ShardChangeState *state, int group, const StatementRequest &request, List *rows,
					bool numbered, bool shows) {
	note_write(state->plan.relid, group, numbered);
	return new (palloc0(sizeof(Change))) Change{open_stream(request), rows, numbered, shows};
}

void check_batch(ShardChangeState *state, const ChangeBatch &batch) {
	TupleTableSlot row{};
	for (int i = 0; i < batch.rows && state->plan.checks.count() > 0; i++) {
		row.tts_values = batch.values + i * batch.columns;
		row.tts_isnull = batch.nulls + i * batch.columns;
		test_checks(state->plan.checks, state->plan.relid, &row, state->plan.first_check);
	}
}

bool moves_rows(const ChangePlan &plan) {
	foreach_ptr (ChangeAction, action, plan.actions)
		if (action->command == CMD_UPDATE && list_member_int(action->attnums, plan.key_attnum))
			return true;
	return false;
}

// True when rows may get keys that others have given up.
bool frees_keys(const ChangePlan &plan) {
	if (moves_rows(plan))
		return true;
	bool removes = false, writes = false;
	foreach_ptr (ChangeAction, action, plan.actions) {
		removes = removes || action->command == CMD_DELETE;
		writes = writes || action->command != CMD_DELETE;
	}
	return removes && writes;
}

// The keys that rows of a shard group get which move to others.
NewKeys *new_keys(const ShardChangeState *state, const ChangeBatch &batch, int group, const List *moved) {
	auto *keys = static_cast<NewKeys *>(palloc0(sizeof(NewKeys)));
	keys->group = group;
	keys->values = static_cast<Datum *>(palloc(sizeof(Datum) * list_length(moved)));
	const ListCell *cell;
	foreach (cell, moved) {
		const int row = lfirst_int(cell);
		const ChangeAction *action = action_of(state, batch.actions[row]);
		for (int i = 0; i < list_length(action->attnums); i++) {
			if (list_nth_int(action->attnums, i) != state->plan.key_attnum)
				continue;
			bool isnull;
			const Datum key = new_value(state->plan, batch, row, list_nth_int(action->places, i), &isnull);
			if (isnull)
				keys->null = true;
			else
				keys->values[keys->count++] = key;
		}
	}
	return keys;
}

struct Phases {
	bool remove, update, insert;
};

// All statements of a kind are sent before the first answer is read. In a shard group, rows are deleted
// before others get their unique keys; so rows that move are gone everywhere before they are inserted.
void apply_batch(ShardChangeState *state, const ChangeBatch &batch, Phases phases) {
	if (phases.remove)
		check_batch(state, batch);
	MemoryContext old = MemoryContextSwitchTo(state->batch_context);
	const int groups = state->colocation->group_count, actions = list_length(state->plan.actions);
	List *changes = NIL, *moves = NIL, *keys = NIL;
	for (int group = 0; group < groups; group++) {
		List *moved = NIL, *removed = NIL;
		auto **updated = static_cast<List **>(palloc0(sizeof(List *) * (actions + 1)));
		for (int number = 0; number < actions; number++) {
			const ChangeAction *action = action_of(state, number);
			auto is_of = [&](int row) { return batch.actions[row] == number; };
			if (action->command == CMD_DELETE)
				removed = list_concat(removed, rows_of_group(batch, batch.groups, group, is_of));
			if (action->command != CMD_UPDATE)
				continue;
			moved = list_concat(moved, rows_of_group(batch, batch.groups, group, [&](int row) {
									return is_of(row) && batch.new_groups[row] != group;
								}));
			updated[number] = rows_of_group(batch, batch.groups, group, [&](int row) {
				return is_of(row) && batch.new_groups[row] == group;
			});
		}
		if (removed != NIL && phases.remove)
			changes = lappend(changes, make_change(state, group, state->sql->remove(batch, group, removed),
												   removed, true, true));
		if (moved != NIL && state->following_keys != NIL && phases.remove)
			check_not_referenced(state->following_keys, state->plan.relid, state->colocation->groups[group],
								 state->sql->tid_array(batch, moved));
		if (moved != NIL && state->carried != NIL && phases.remove) {
			keys = lappend(keys, new_keys(state, batch, group, moved));
			for (int number = 0; number < actions; number++) {
				const ChangeAction *action = action_of(state, number);
				List *rows = NIL;
				const ListCell *cell;
				foreach (cell, moved)
					if (batch.actions[lfirst_int(cell)] == number)
						rows = lappend_int(rows, lfirst_int(cell));
				if (rows != NIL)
					changes = lappend(changes, make_change(state, group,
														   state->sql->update(batch, group, rows, action),
														   rows, true, true));
			}
		} else if (moved != NIL && phases.remove)
			changes = lappend(changes, make_change(state, group, state->sql->remove(batch, group, moved),
												   moved, true, false));
		for (int number = 0; number < actions && phases.update; number++)
			if (updated[number] != NIL)
				changes = lappend(changes, make_change(state, group,
													   state->sql->update(batch, group, updated[number],
																		  action_of(state, number)),
													   updated[number], true, true));
	}
	finish_changes(state, batch, changes);
	if (keys != NIL)
		carry_rows(state->colocation, state->carried, keys);
	for (int group = 0; group < groups && phases.insert; group++)
		for (int number = 0; number < actions; number++) {
			const ChangeAction *action = action_of(state, number);
			if (action->command != CMD_INSERT && action->command != CMD_UPDATE)
				continue;
			List *added = rows_of_group(batch, batch.new_groups, group, [&](int row) {
				return batch.actions[row] == number && batch.groups[row] != group &&
					   (state->carried == NIL || batch.groups[row] < 0);
			});
			if (added != NIL)
				moves =
					lappend(moves, make_change(state, group, state->sql->insert(batch, group, added, action),
											   added, false, true));
		}
	finish_changes(state, batch, moves);
	MemoryContextSwitchTo(old);
}

void apply_phases(ShardChangeState *state, Phases phases) {
	start_pass(state, true);
	while (ChangeBatch *batch = fill_batch(state))
		apply_batch(state, *batch, phases);
}

} // namespace

void foretell_all(ShardChangeState *state) {
	start_pass(state, true);
	while (ChangeBatch *batch = fill_batch(state)) {
		check_batch(state, *batch);
		for (int row = 0; row < batch->rows && state->plan.returning; row++)
			store_result(state, *batch, row, nullptr, 0);
		if (state->plan.sets_tag && !state->plan.returning)
			state->css.ss.ps.state->es_processed += batch->rows;
	}
}

void apply_all(ShardChangeState *state) {
	if (moves_rows(state->plan)) {
		if (refers_to_shards(state->plan.relid))
			state->following_keys = following_keys(state->plan.relid);
		else
			state->carried = carried_tables(state->plan.relid);
	}
	// Keys that rows of one batch give up may be those of another batch.
	if (state->batches > 1 && frees_keys(state->plan)) {
		apply_phases(state, {true, false, false});
		apply_phases(state, {false, true, false});
		apply_phases(state, {false, false, true});
	} else {
		apply_phases(state, {true, true, true});
	}
}

} // namespace shardext

// Shard Change: rows are read, locked, and changed on their shards one by one.
//
// For UPDATE, DELETE and MERGE that cannot run on the shards as they are. The source plan gives the rows to
// change, with their new values; all of it is read first (sorted by the rows' identity, on disk where it is
// large), so that the statement does not see what it changes. Then the rows are locked and compared with what
// was read: in READ COMMITTED the source is read once more when somebody was faster. Only then they are
// changed, by ctid: a locked row keeps it.
#include "shardext/executor/change_sql.hpp"
#include "shardext/executor/move_guard.hpp"
#include "shardext/executor/node_parts.hpp"
#include "shardext/executor/nodes.hpp"
#include "shardext/executor/row_ids.hpp"
#include "shardext/executor/statement_scans.hpp"
#include "shardext/executor/write_source.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/sharding/routing.hpp"

extern "C" {
#include "access/sysattr.h"
#include "access/xact.h"
#include "catalog/pg_operator.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "tcop/pquery.h"
#include "utils/datum.h"
#include "utils/snapmgr.h"
#include "utils/tuplesort.h"
#include "utils/tuplestore.h"
}

namespace shardext {

namespace {

constexpr int kMaxParams = 65535; // of the protocol
constexpr int kBatchRows = 1000;
constexpr int32 kAllNodes = -1;
constexpr Size kBatchBytes = 4 * 1024 * 1024;

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
	List *following_keys; // of rows that move
	bool finished;

	Tuplestorestate *results;
	TupleTableSlot *result_slot, *store_slot;
};

ShardChangeState *state_of(CustomScanState *node) {
	return reinterpret_cast<ShardChangeState *>(node);
}

const ChangeAction *action_of(const ShardChangeState *state, int number) {
	return static_cast<ChangeAction *>(list_nth(state->plan.actions, number));
}

void begin(CustomScanState *node, EState *estate, int eflags) {
	auto *state = state_of(node);
	gate([&] {
		state->plan =
			ChangePlan::from_private(reinterpret_cast<CustomScan *>(node->ss.ps.plan)->custom_private);
		const ChangePlan &plan = state->plan;
		state->colocation = find_colocation_group(plan.colocation_id);
		state->sql = new (palloc0(sizeof(ChangeSql))) ChangeSql(plan, state->colocation);
		state->max_rows = kBatchRows;
		foreach_ptr (ChangeAction, action, plan.actions)
			state->max_rows = std::min(state->max_rows, kMaxParams / (list_length(action->attnums) +
																	  list_length(action->unchanged) + 1));
		begin_source(&state->source, node, plan.source, estate->es_snapshot, eflags);
		state->source_desc = CreateTupleDescCopy(source_descriptor(&state->source));
		state->row = MakeSingleTupleTableSlot(state->source_desc, &TTSOpsMinimalTuple);
		state->batch_context =
			AllocSetContextCreate(estate->es_query_cxt, "shardext change", ALLOCSET_DEFAULT_SIZES);
		if (!state->plan.sets_tag)
			run_to_the_end(node);
	});
}

// --- reading ---

// Rows that no action concerns are left out here.
void read_source(ShardChangeState *state) {
	AttrNumber column = kChangeRowId + 1;
	Oid less = TIDLessOperator, collation = InvalidOid;
	bool nulls_first = false;
	state->rows = tuplesort_begin_heap(state->source_desc, 1, &column, &less, &collation, &nulls_first,
									   work_mem, nullptr, TUPLESORT_RANDOMACCESS);
	for (;;) {
		TupleTableSlot *slot = next_of_source(&state->source);
		if (TupIsNull(slot))
			break;
		slot_getsomeattrs(slot, kChangeAction + 1);
		if (!slot->tts_isnull[kChangeAction])
			tuplesort_puttupleslot(state->rows, slot);
		CHECK_FOR_INTERRUPTS();
	}
	tuplesort_performsort(state->rows);
}

void start_pass(ShardChangeState *state, bool again) {
	if (again)
		tuplesort_rescan(state->rows);
	ItemPointerSetInvalid(&state->last_row);
}

[[noreturn]] void refuse_second_time(const ShardChangeState *state) {
	const bool merge = state->plan.arbiter == NIL;
	ereport(ERROR, errcode(ERRCODE_CARDINALITY_VIOLATION),
			errmsg("%s command cannot affect row a second time", merge ? "MERGE" : "ON CONFLICT DO UPDATE"),
			merge
				? errhint("Ensure that not more than one source row matches any one target row.")
				: errhint("Ensure that no rows proposed for insertion within the same command have duplicate "
						  "constrained values."));
	pg_unreachable();
}

// The next row to change. A row that joins several rows of other tables is changed once.
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
	int position = action->first_column;
	const ListCell *cell;
	foreach (cell, action->attnums) {
		if (lfirst_int(cell) == state->plan.key_attnum)
			return group_of_key(state->colocation, batch.value(row, position), batch.isnull(row, position));
		position++;
	}
	return action->command == CMD_INSERT ? group_of_key(state->colocation, 0, true) : batch.groups[row];
}

// The next rows, as many as go into one round of messages; nullptr at the end.
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

// --- locking ---

// The rows (numbers) of a batch in one shard group that satisfy a condition.
template <class Condition>
List *rows_of_group(const ChangeBatch &batch, const int *groups, int group, Condition wanted) {
	List *rows = NIL;
	for (int row = 0; row < batch.rows; row++)
		if (groups[row] == group && wanted(row))
			rows = lappend_int(rows, row);
	return rows;
}

// True when a row that was locked is one of those that were read, and as it was then. (They are in the order
// of ctid; the node may return them in another one.)
bool was_read(const ChangeBatch &batch, const List *rows, const TupleTableSlot *locked) {
	auto *tid = reinterpret_cast<ItemPointer>(DatumGetPointer(locked->tts_values[0]));
	int low = 0, high = list_length(rows);
	while (low < high) {
		const int middle = (low + high) / 2, row = list_nth_int(rows, middle);
		const int32 order = ItemPointerCompare(&batch.tids[row], tid);
		if (order == 0)
			return DatumGetTransactionId(locked->tts_values[1]) ==
				   DatumGetTransactionId(batch.value(row, kChangeXmin));
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

// Locks the rows of a batch that are on one node, or on all at once; false when one is not what was read any
// more.
bool lock_on_node(ShardChangeState *state, const ChangeBatch &batch, int32 node_id) {
	const int groups = state->colocation->group_count;
	auto **streams = static_cast<RowStream **>(palloc0(sizeof(RowStream *) * groups));
	auto **rows = static_cast<List **>(palloc0(sizeof(List *) * groups));
	for (int group = 0; group < groups; group++) {
		if (node_id != kAllNodes && state->colocation->groups[group].node_id != node_id)
			continue;
		rows[group] = rows_of_group(batch, batch.groups, group, [](int) { return true; });
		if (rows[group] != NIL)
			streams[group] = open_stream(state->sql->lock(batch, group, rows[group]));
	}
	TupleTableSlot *slot = MakeSingleTupleTableSlot(state->sql->lock_desc, &TTSOpsVirtual);
	bool unchanged = true;
	for (int group = 0; group < groups; group++) {
		if (streams[group] == nullptr)
			continue;
		int found = 0;
		while (streams[group]->next(slot))
			found += was_read(batch, rows[group], slot);
		streams[group]->close();
		unchanged = unchanged && found == list_length(rows[group]);
	}
	ExecDropSingleTupleTableSlot(slot);
	return unchanged;
}

// The ids of the nodes that rows of a batch are on, in order.
List *nodes_of(const ShardChangeState *state, const ChangeBatch &batch) {
	List *nodes = NIL;
	for (int row = 0; row < batch.rows; row++)
		if (batch.groups[row] >= 0)
			nodes = list_append_unique_int(nodes, state->colocation->groups[batch.groups[row]].node_id);
	list_sort(nodes, list_int_cmp);
	return nodes;
}

// Locks a batch. The first one node by node: two statements that want the same rows would otherwise each get
// one node's first, and wait for each other. Who has that one is ahead of the other, and need not be slow.
bool lock_batch(ShardChangeState *state, const ChangeBatch &batch, bool first) {
	MemoryContext old = MemoryContextSwitchTo(state->batch_context);
	bool unchanged = true;
	const ListCell *cell;
	foreach (cell, first ? nodes_of(state, batch) : list_make1_int(kAllNodes))
		if (!lock_on_node(state, batch, lfirst_int(cell)))
			unchanged = false;
	MemoryContextSwitchTo(old);
	return unchanged;
}

// Locks all rows, also those after one that has changed: what is locked is still as it was when it is read
// again.
bool lock_all(ShardChangeState *state) {
	bool unchanged = true, first = true;
	start_pass(state, false);
	state->batches = 0;
	while (ChangeBatch *batch = fill_batch(state)) {
		state->batches++;
		if (!lock_batch(state, *batch, first)) {
			unchanged = false;
			if (IsolationUsesXactSnapshot())
				break;
		}
		first = false;
	}
	return unchanged;
}

// --- changing ---

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
	auto same_key = [&](int one, int other) {
		const ChangeAction *action = action_of(state, batch.actions[one]);
		for (int i = 0; i < list_length(action->attnums); i++) {
			const int column = action->first_column + i;
			Form_pg_attribute attribute = TupleDescAttr(state->source_desc, column);
			if (list_member_int(state->plan.arbiter, list_nth_int(action->attnums, i)) &&
				(batch.isnull(one, column) || batch.isnull(other, column) ||
				 !datum_image_eq(batch.value(one, column), batch.value(other, column), attribute->attbyval,
								 attribute->attlen)))
				return false;
		}
		return true;
	};
	for (int i = 0; i < list_length(rows); i++)
		for (int j = i + 1; j < list_length(rows); j++)
			if (same_key(list_nth_int(rows, i), list_nth_int(rows, j)))
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
	if (changed != static_cast<uint64>(list_length(change.rows)) && state->plan.arbiter != NIL &&
		has_duplicates(state, batch, change.rows))
		refuse_second_time(state);
	if (changed != static_cast<uint64>(list_length(change.rows)))
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

Change *make_change(const StatementRequest &request, List *rows, bool numbered, bool shows) {
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

// True when rows may get keys that others have given up.
bool frees_keys(const ChangePlan &plan) {
	bool removes = false, writes = false;
	foreach_ptr (ChangeAction, action, plan.actions) {
		if (action->command == CMD_UPDATE && list_member_int(action->attnums, plan.key_attnum))
			return true;
		removes = removes || action->command == CMD_DELETE;
		writes = writes || action->command != CMD_DELETE;
	}
	return removes && writes;
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
	List *changes = NIL, *moves = NIL;
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
			changes =
				lappend(changes, make_change(state->sql->remove(batch, group, removed), removed, true, true));
		if (moved != NIL && state->following_keys != NIL && phases.remove)
			check_not_referenced(state->following_keys, state->plan.relid, state->colocation->groups[group],
								 state->sql->tid_array(batch, moved));
		if (moved != NIL && phases.remove)
			changes =
				lappend(changes, make_change(state->sql->remove(batch, group, moved), moved, true, false));
		for (int number = 0; number < actions && phases.update; number++)
			if (updated[number] != NIL)
				changes = lappend(changes, make_change(state->sql->update(batch, group, updated[number],
																		  action_of(state, number)),
													   updated[number], true, true));
	}
	finish_changes(state, batch, changes);
	for (int group = 0; group < groups && phases.insert; group++)
		for (int number = 0; number < actions; number++) {
			const ChangeAction *action = action_of(state, number);
			if (action->command != CMD_INSERT && action->command != CMD_UPDATE)
				continue;
			List *added = rows_of_group(batch, batch.new_groups, group, [&](int row) {
				return batch.actions[row] == number && batch.groups[row] != group;
			});
			if (added != NIL)
				moves = lappend(
					moves, make_change(state->sql->insert(batch, group, added, action), added, false, true));
		}
	finish_changes(state, batch, moves);
	MemoryContextSwitchTo(old);
}

void apply_all(ShardChangeState *state, Phases phases) {
	start_pass(state, true);
	while (ChangeBatch *batch = fill_batch(state))
		apply_batch(state, *batch, phases);
}

// --- the node ---

// A function of the statement has changed rows that the statement itself is about to change.
[[noreturn]] void raise_changed_by_itself(const ShardChangeState *state) {
	const bool removes = action_of(state, 0)->command == CMD_DELETE;
	ereport(
		ERROR, errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
		errmsg("tuple to be %s was already modified by an operation triggered by the current command",
			   state->plan.once ? "updated or deleted"
			   : removes		? "deleted"
								: "updated"),
		errhint("Consider using an AFTER trigger instead of a BEFORE trigger to propagate changes to other "
				"rows."));
	pg_unreachable();
}

void drop_snapshot(ShardChangeState *state) {
	if (state->snapshot == nullptr)
		return;
	PopActiveSnapshot();
	UnregisterSnapshot(state->snapshot);
	state->snapshot = nullptr;
}

// Takes a new snapshot, which local shards are read, locked and changed with from now on: the old one does
// not show what others have changed since.
void renew_snapshot(ShardChangeState *state) {
	drop_snapshot(state);
	state->snapshot = RegisterSnapshot(GetTransactionSnapshot());
	PushActiveSnapshot(state->snapshot);
}

// In READ COMMITTED, what others have changed meanwhile is read again, with a new snapshot; the rows that
// were locked stay so, which is why this comes to an end.
void read_and_lock(ShardChangeState *state) {
	for (bool first = true;; first = false) {
		if (!first)
			renew_snapshot(state);
		if (!first) {
			end_source(&state->source);
			begin_source(&state->source, &state->css, state->plan.source, GetActiveSnapshot(), 0);
		}
		const uint64 writes = writes_so_far();
		read_source(state);
		finish_source(&state->source);
		if (state->css.ss.ps.state->es_instrument == 0) // EXPLAIN still has to look at it
			end_source(&state->source);
		if (writes_so_far() != writes)
			renew_snapshot(state); // to see what functions of the source have changed
		if (lock_all(state))
			return;
		if (writes_so_far() != writes && may_run_again(&state->source))
			raise_changed_by_itself(state);
		// (What the source itself changes must not be changed twice.)
		if (IsolationUsesXactSnapshot() || !may_run_again(&state->source))
			ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					errmsg("could not serialize access due to concurrent update"));
		tuplesort_end(state->rows);
		state->rows = nullptr;
		CHECK_FOR_INTERRUPTS();
	}
}

void run_all(ShardChangeState *state) {
	MemoryContext old = MemoryContextSwitchTo(state->css.ss.ps.state->es_query_cxt);
	if (state->plan.returning) {
		TupleDesc desc = result_descriptor(state->plan.output_types, state->plan.output_typmods);
		state->results = tuplestore_begin_heap(false, false, work_mem);
		state->result_slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
		state->store_slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	}
	read_and_lock(state);
	foreach_ptr (ChangeAction, action, state->plan.actions)
		if (action->unchanged != NIL && state->following_keys == NIL)
			state->following_keys = following_keys(state->plan.relid);
	start_other_scans(state->source.whole, state->plan.colocation_id);
	count_write();
	// Keys that rows of one batch give up may be those of another batch.
	if (state->batches > 1 && frees_keys(state->plan)) {
		apply_all(state, {true, false, false});
		apply_all(state, {false, true, false});
		apply_all(state, {false, false, true});
	} else {
		apply_all(state, {true, true, true});
	}
	drop_snapshot(state);
	tuplesort_end(state->rows);
	state->rows = nullptr;
	MemoryContextSwitchTo(old);
	state->finished = true;
}

TupleTableSlot *access_next(ScanState *node) {
	auto *state = reinterpret_cast<ShardChangeState *>(node);
	TupleTableSlot *slot = node->ss_ScanTupleSlot;
	if (!state->finished)
		run_all(state);
	ExecClearTuple(slot);
	if (!state->plan.returning || !tuplestore_gettupleslot(state->results, true, false, state->store_slot))
		return slot;
	if (state->plan.sets_tag)
		node->ps.state->es_processed++; // a caller who wants no more than two rows counts those
	return pass_row(state->store_slot, slot);
}

TupleTableSlot *exec(CustomScanState *node) {
	return gate([&] { return ExecScan(&node->ss, access_next, no_recheck); });
}

void end(CustomScanState *node) {
	auto *state = state_of(node);
	gate([&] {
		end_source(&state->source);
		if (state->rows != nullptr)
			tuplesort_end(state->rows);
		ExecDropSingleTupleTableSlot(state->row);
		if (state->results != nullptr) {
			ExecDropSingleTupleTableSlot(state->result_slot);
			ExecDropSingleTupleTableSlot(state->store_slot);
			tuplestore_end(state->results);
		}
	});
}

void explain(CustomScanState *node, List *, ExplainState *es) {
	auto *state = state_of(node);
	gate([&] {
		ExplainPropertyText("Strategy", "rows read and locked here, changed on their shards", es);
		ExplainPropertyText("Reason", state->plan.reason, es);
		List *texts = NIL;
		foreach_ptr (ChangeAction, action, state->plan.actions)
			if (const char *sql = state->sql->shown(action))
				texts = lappend(texts, const_cast<char *>(sql));
		if (list_length(texts) > 1 && es->format != EXPLAIN_FORMAT_TEXT)
			ExplainPropertyList("Remote SQL", texts, es);
		else
			foreach_ptr (char, sql, texts)
				ExplainPropertyText("Remote SQL", sql, es);
		explain_source(&state->source, es);
	});
}

const CustomExecMethods kExecMethods = {"Shard Change", begin,	 exec,	  end,	   refuse_rescan,
										nullptr,		nullptr, nullptr, nullptr, nullptr,
										nullptr,		nullptr, explain};

Node *create_state(CustomScan *) {
	auto *state = static_cast<ShardChangeState *>(palloc0(sizeof(ShardChangeState)));
	NodeSetTag(state, T_CustomScanState);
	state->css.methods = &kExecMethods;
	return reinterpret_cast<Node *>(state);
}

const CustomScanMethods kMethods = {"Shard Change", create_state};

} // namespace

void register_shard_change() {
	RegisterCustomScanMethods(&kMethods);
	scan_methods.change = &kMethods;
}

} // namespace shardext

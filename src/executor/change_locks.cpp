// Shard Change: locking the rows that were read.
#include "shardext/executor/change_state.hpp"

#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/xact.h"
}

namespace shardext {

namespace {

constexpr int32 kAllNodes = -1;

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

} // namespace

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

} // namespace shardext

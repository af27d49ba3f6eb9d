// Shard Scan: runs a statement on the shard groups it concerns and returns their rows.
//
// Life of a scan. At the first row the lifted expressions are evaluated (they are the statement's $1, $2, …)
// and the pins say which shard groups are concerned. Each node gets one statement: the UNION ALL of its shard
// groups' texts, so that a node's rows come from one snapshot. All statements are sent before the first row
// is read. Rows are taken from whichever node has some, or, when the scan is sorted, from a merge heap over
// the nodes. A scan that is repeated keeps its rows in a tuplestore from the second time on.
#include "shardext/planner/scan_plan.hpp"

#include "shardext/core/merge_heap.hpp"
#include "shardext/executor/limited_locks.hpp"
#include "shardext/executor/lookup_store.hpp"
#include "shardext/executor/node_parts.hpp"
#include "shardext/executor/nodes.hpp"
#include "shardext/executor/row_ids.hpp"
#include "shardext/executor/sent_rows.hpp"
#include "shardext/executor/statement_scans.hpp"
#include "shardext/executor/tasks.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/row_stream.hpp"
#include "shardext/transaction/remote_transaction.hpp"
#include "shardext/transaction/serializable.hpp"

extern "C" {
#include "commands/explain.h"
#include "executor/executor.h"
#include "executor/nodeCustom.h"
#include "nodes/extensible.h"
#include "optimizer/optimizer.h"
#include "tcop/pquery.h"
#include "utils/portal.h"
#include "common/hashfn.h"
#include "utils/array.h"
#include "utils/sortsupport.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"
}

namespace shardext {

namespace {

struct ShardScanState {
	CustomScanState css; // must be first
	ScanPlan plan;
	List *lifted; // ExprState
	List *pins;	  // ExprState (nullptr for IsNull)
	TupleDesc result_desc;
	bool identity; // the scan's columns are the result's columns
	TupleDesc whole_row_desc;

	bool started;
	SnapshotHold *snapshot_hold;
	StatementParams params;
	TaskSet tasks;
	List *sent; // of SentRows
	RowStream **streams;
	int stream_count;
	int current; // the stream rows are being taken from
	bool *stream_done;
	MemoryContext stream_context;

	// Sorted scans.
	TupleTableSlot **heads;
	SortSupport sort_keys;
	int sort_key_count;
	int *heap_entries;
	int heap_size;
	int to_advance; // the stream whose head was returned last, or -1

	LockedRows *locked; // of a scan that limits locks

	// Look-ups.
	List *all_lifted;	   // ExprState
	List *wanted;		   // ExprState: the values
	Bitmapset *all_params; // what the rows that are kept depend on
	LookupStore *kept;
	bool looking_up; // the value's rows have been found
	FmgrInfo *column_hashes, *value_hashes;
	instr_time asking; // time spent on asking the shards for single values

	// Repeated scans.
	Tuplestorestate *store;
	bool storing, all_stored;
	TupleTableSlot *store_slot, *row_slot;
	uint64 rows;
};

ShardScanState *state_of(CustomScanState *node) {
	return reinterpret_cast<ShardScanState *>(node);
}

List *chosen_nodes(ShardScanState *state);
void open_streams(ShardScanState *state, SnapshotReading *reading);

bool collect_plan_params(Node *node, Bitmapset **params) {
	if (node == nullptr)
		return false;
	if (IsA(node, Param) && reinterpret_cast<Param *>(node)->paramkind == PARAM_EXEC)
		*params = bms_add_member(*params, reinterpret_cast<Param *>(node)->paramid);
	return walk_expression(node, collect_plan_params, params);
}

FmgrInfo *hash_functions(const List *functions) {
	auto *result = static_cast<FmgrInfo *>(palloc(sizeof(FmgrInfo) * list_length(functions)));
	int number = 0;
	const ListCell *cell;
	foreach (cell, functions)
		fmgr_info(lfirst_oid(cell), &result[number++]);
	return result;
}

bool can_start(CustomScanState *node) {
	auto *state = state_of(node);
	return state->plan.lookup.columns == NIL && !state->plan.limits_locks && state->locked == nullptr &&
		   !parameters_used(state->lifted, state->pins);
}

bool has_started(CustomScanState *node) {
	return state_of(node)->started || state_of(node)->all_stored;
}

// A second reading must not ask again where rows are kept.
void start(CustomScanState *node, bool keeps_rows, SnapshotReading *reading) {
	auto *state = state_of(node);
	if (keeps_rows && !state->storing) {
		MemoryContext old = MemoryContextSwitchTo(node->ss.ps.state->es_query_cxt);
		state->store = tuplestore_begin_heap(false, false, work_mem);
		state->storing = true;
		MemoryContextSwitchTo(old);
	}
	open_streams(state, reading);
}

List *nodes_that_may_be_read(CustomScanState *node) {
	auto *state = state_of(node);
	return state->plan.locks_rows || state->plan.limits_locks
			   ? NIL
			   : possible_nodes(state->plan, state->pins, state->css.ss.ps.ps_ExprContext);
}

List *nodes_to_read(CustomScanState *node) {
	return chosen_nodes(state_of(node));
}

SnapshotHold **hold_of(CustomScanState *node) {
	return &state_of(node)->snapshot_hold;
}

const ScanMethodsOfStatement kStatementMethods = {
	nodes_that_may_be_read, can_start, nodes_to_read, start, has_started, hold_of};

void begin(CustomScanState *node, EState *, int eflags) {
	auto *state = state_of(node);
	auto *scan = reinterpret_cast<CustomScan *>(node->ss.ps.plan);
	state->plan = ScanPlan::from_private(scan->custom_private);
	init_expressions(node, list_length(state->plan.lifted_types), &state->lifted, &state->pins);
	if (state->plan.lookup.columns != NIL) {
		// After the pins come the expressions of the statement for all rows, and the wanted values.
		const int pins = list_length(state->plan.pin_kinds);
		const int all = list_length(state->plan.lookup.lifted_types);
		List *more = list_copy_tail(state->pins, pins);
		state->pins = list_truncate(state->pins, pins);
		state->wanted = list_copy_tail(more, all);
		state->all_lifted = list_truncate(more, all);
		foreach_ptr (ExprState, expr, state->all_lifted)
			collect_plan_params(reinterpret_cast<Node *>(expr->expr), &state->all_params);
		state->column_hashes = hash_functions(state->plan.lookup.column_hashes);
		state->value_hashes = hash_functions(state->plan.lookup.value_hashes);
	}
	state->result_desc = result_descriptor(state->plan.column_types, state->plan.column_typmods);
	state->identity = true;
	int entry = 0;
	const ListCell *cell;
	foreach (cell, state->plan.entries)
		state->identity = state->identity && lfirst_int(cell) == entry++;
	state->identity = state->identity && entry == state->result_desc->natts;
	if (state->plan.one_of_several)
		state->snapshot_hold = hold_statement_snapshot(node->ss.ps.state->es_query_cxt);
	if (!(eflags & EXEC_FLAG_EXPLAIN_ONLY))
		announce_scan(node, state->plan.colocation_id, &kStatementMethods);
}

// Staging tables that the nodes do not have yet; they need a transaction that lasts.
void stage_sent_rows(ShardScanState *state, const ColocationGroup *colocation, const GroupSet &groups) {
	if (!stages_rows(state->sent, colocation, groups))
		return;
	if (state->snapshot_hold == nullptr)
		state->snapshot_hold = hold_statement_snapshot(state->css.ss.ps.state->es_query_cxt);
	keep_snapshots(nodes_of_groups(colocation, groups));
	stage_rows(state->sent, colocation, groups);
}

TaskSet choose_tasks(ShardScanState *state) {
	ColocationGroup *colocation = find_colocation_group(state->plan.colocation_id);
	if (colocation == nullptr)
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR),
				errmsg("colocation group %d does not exist", state->plan.colocation_id));
	GroupSet groups =
		groups_of_pins(colocation, state->plan.pin_kinds, state->pins, state->css.ss.ps.ps_ExprContext);
	keep_at_least_one(&groups);
	note_reads(state->css.ss.ps.state->es_range_table, colocation, groups.member);
	stage_sent_rows(state, colocation, groups);
	return make_tasks(colocation, groups, state->plan.pieces, state->sent, state->plan.suffix);
}

// Evaluates the parameters and chooses the tasks.
void choose_streams(ShardScanState *state) {
	if (state->streams != nullptr)
		return;
	if (state->stream_context == nullptr)
		state->stream_context = AllocSetContextCreate(state->css.ss.ps.state->es_query_cxt,
													  "shardext streams", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(state->stream_context);
	state->params = evaluate_lifted(state->lifted, state->plan.lifted_types, state->css.ss.ps.ps_ExprContext,
									params_of_sent(state->plan));
	state->sent = take_sent_rows(state->plan, &state->params);
	state->tasks = choose_tasks(state);
	state->stream_count = state->tasks.count;
	state->streams = static_cast<RowStream **>(palloc0(sizeof(RowStream *) * (state->stream_count + 1)));
	state->stream_done = static_cast<bool *>(palloc0(sizeof(bool) * (state->stream_count + 1)));
	MemoryContextSwitchTo(old);
}

// With a reading: to the nodes that it wants, again if need be. Else to all that have not been asked.
void open_streams(ShardScanState *state, SnapshotReading *reading) {
	choose_streams(state);
	MemoryContext old = MemoryContextSwitchTo(state->stream_context);
	for (int i = 0; i < state->stream_count; i++) {
		StatementRequest request{};
		request.node = state->tasks.tasks[i].node;
		request.tells_snapshot = reading != nullptr && reading->wants(request.node->id);
		if (!request.tells_snapshot && (reading != nullptr || state->streams[i] != nullptr))
			continue;
		if (state->streams[i] != nullptr)
			state->streams[i]->close();
		request.sql = state->tasks.tasks[i].sql;
		request.params = state->params;
		request.result = state->result_desc;
		request.environment = environment_of(state->sent);
		request.scope = state->plan.locks_rows ? Scope::Write : Scope::Autocommit;
		request.needs_settings = state->plan.needs_settings;
		state->streams[i] = open_stream(request);
	}
	state->current = 0;
	state->started = reading == nullptr;
	MemoryContextSwitchTo(old);
}

// The nodes that will be asked; of none, where rows are locked, snapshots are compared.
List *chosen_nodes(ShardScanState *state) {
	choose_streams(state);
	List *ids = NIL;
	for (int i = 0; i < state->tasks.count && !state->plan.locks_rows; i++)
		ids = lappend_int(ids, state->tasks.tasks[i].node->id);
	return ids;
}

// Starts the scan by itself.
void start_now(ShardScanState *state) {
	choose_streams(state);
	MemoryContext old = MemoryContextSwitchTo(state->stream_context);
	SnapshotReading *reading = start_reading(chosen_nodes(state));
	MemoryContextSwitchTo(old);
	while (reading != nullptr && reading->next_round())
		open_streams(state, reading);
	open_streams(state, nullptr);
}

void close_streams(ShardScanState *state) {
	for (int i = 0; i < state->stream_count; i++)
		if (state->streams[i] != nullptr) {
			state->streams[i]->close();
			state->streams[i] = nullptr;
		}
	drop_staged(state->sent);
	state->sent = NIL;
	state->stream_count = 0;
	state->streams = nullptr;
	state->heap_size = 0;
	state->started = false;
	if (state->heads != nullptr) {
		for (int i = 0; state->heads[i] != nullptr; i++)
			ExecDropSingleTupleTableSlot(state->heads[i]);
		state->heads = nullptr;
	}
	if (state->stream_context != nullptr)
		MemoryContextReset(state->stream_context);
}

// Waits until one of the streams that are not at their end has something; notices when a node dies meanwhile.
void wait_for_streams(ShardScanState *state) {
	auto **waiting = static_cast<Connection **>(palloc(sizeof(Connection *) * (state->stream_count + 1)));
	int count = 0;
	for (int i = 0; i < state->stream_count; i++)
		if (!state->stream_done[i] && !state->streams[i]->poll())
			waiting[count++] = state->streams[i]->waits_for();
	if (count == 0 || count < state->stream_count)
		for (int i = 0; i < state->stream_count; i++)
			if (!state->stream_done[i] && state->streams[i]->poll()) {
				pfree(waiting);
				return;
			}
	if (count > 0)
		wait_for_any(waiting, count);
	pfree(waiting);
}

// Waits until every stream has its first row.
void wait_for_all_streams(ShardScanState *state) {
	for (;;) {
		auto **waiting = static_cast<Connection **>(palloc(sizeof(Connection *) * (state->stream_count + 1)));
		int count = 0;
		for (int i = 0; i < state->stream_count; i++)
			if (!state->streams[i]->poll())
				waiting[count++] = state->streams[i]->waits_for();
		if (count > 0)
			wait_for_any(waiting, count);
		pfree(waiting);
		if (count == 0)
			return;
	}
}

// --- sorted scans ---

int compare_heads(ShardScanState *state, int a, int b) {
	for (int k = 0; k < state->sort_key_count; k++) {
		SortSupport key = &state->sort_keys[k];
		const int column = key->ssup_attno - 1;
		const int order = ApplySortComparator(
			state->heads[a]->tts_values[column], state->heads[a]->tts_isnull[column],
			state->heads[b]->tts_values[column], state->heads[b]->tts_isnull[column], key);
		if (order != 0)
			return order;
	}
	return 0;
}

struct HeadLess {
	ShardScanState *state;
	bool operator()(int a, int b) const { return compare_heads(state, a, b) < 0; }
};

void prepare_sort_keys(ShardScanState *state) {
	const ScanPlan &plan = state->plan;
	state->sort_key_count = list_length(plan.sort_columns);
	state->sort_keys = static_cast<SortSupport>(MemoryContextAllocZero(
		state->css.ss.ps.state->es_query_cxt, sizeof(SortSupportData) * state->sort_key_count));
	for (int i = 0; i < state->sort_key_count; i++) {
		SortSupport key = &state->sort_keys[i];
		key->ssup_cxt = state->css.ss.ps.state->es_query_cxt;
		key->ssup_collation = list_nth_oid(plan.sort_collations, i);
		key->ssup_nulls_first = list_nth_int(plan.sort_nulls_first, i);
		key->ssup_attno = list_nth_int(plan.sort_columns, i) + 1;
		PrepareSortSupportFromOrderingOp(list_nth_oid(plan.sort_operators, i), key);
	}
}

// The next row in order: the top of the heap. Each stream's datums live until its next row is read.
bool next_sorted(ShardScanState *state, TupleTableSlot *slot) {
	if (state->sort_keys == nullptr)
		prepare_sort_keys(state);
	if (state->heads == nullptr) {
		MemoryContext old = MemoryContextSwitchTo(state->stream_context);
		state->heads =
			static_cast<TupleTableSlot **>(palloc0(sizeof(TupleTableSlot *) * (state->stream_count + 1)));
		state->heap_entries = static_cast<int *>(palloc0(sizeof(int) * (state->stream_count + 1)));
		for (int i = 0; i < state->stream_count; i++)
			state->heads[i] = MakeSingleTupleTableSlot(state->result_desc, &TTSOpsVirtual);
		MemoryContextSwitchTo(old);
		wait_for_all_streams(state);
		state->heap_size = 0;
		for (int i = 0; i < state->stream_count; i++)
			if (state->streams[i]->next(state->heads[i])) {
				core::MergeHeap<HeadLess> heap(state->heap_entries, HeadLess{state}, state->heap_size);
				heap.push(i);
				state->heap_size = heap.size();
			}
	} else if (state->to_advance >= 0) {
		core::MergeHeap<HeadLess> heap(state->heap_entries, HeadLess{state}, state->heap_size);
		if (state->streams[state->to_advance]->next(state->heads[state->to_advance]))
			heap.replaced();
		else
			heap.pop();
		state->heap_size = heap.size();
	}
	state->to_advance = -1;
	if (state->heap_size == 0)
		return false;
	TupleTableSlot *head = state->heads[state->heap_entries[0]];
	state->to_advance = state->heap_entries[0];
	pass_row(head, slot);
	return true;
}

// --- unsorted scans ---

bool next_unsorted(ShardScanState *state, TupleTableSlot *slot) {
	for (int open = state->stream_count; open > 0;) {
		open = 0;
		// The stream that gave the last row is asked first: rows come in bunches.
		for (int k = 0; k < state->stream_count; k++) {
			const int i = (state->current + k) % state->stream_count;
			if (state->stream_done[i])
				continue;
			if (state->stream_count > 1 && !state->streams[i]->poll()) {
				open++;
				continue;
			}
			if (state->streams[i]->next(slot)) {
				state->current = i;
				return true;
			}
			state->stream_done[i] = true;
		}
		if (open > 0)
			wait_for_streams(state);
	}
	return false;
}

bool next_from_shards(ShardScanState *state, TupleTableSlot *slot) {
	if (!state->started)
		start_now(state);
	const bool found = state->plan.sort_columns != NIL && state->stream_count > 1
						   ? next_sorted(state, slot)
						   : next_unsorted(state, slot);
	if (found)
		state->rows++;
	return found;
}

// ctid over all shards. The tasks return the shard's ctid and the group's id in their last two columns.
Datum row_id(ShardScanState *state, TupleTableSlot *row, bool *isnull) {
	const int last = state->result_desc->natts - 1;
	if (row->tts_isnull[last - 1]) {
		*isnull = true;
		return 0;
	}
	const int64 group_id = DatumGetInt64(row->tts_values[last]);
	const ColocationGroup *colocation = find_colocation_group(state->plan.colocation_id);
	int position = 0;
	while (position < colocation->group_count && colocation->groups[position].id != group_id)
		position++;
	auto *tid = reinterpret_cast<ItemPointer>(DatumGetPointer(row->tts_values[last - 1]));
	auto *result = static_cast<ItemPointer>(
		MemoryContextAlloc(state->css.ss.ps.ps_ExprContext->ecxt_per_tuple_memory, sizeof(ItemPointerData)));
	make_row_id(result, tid, position);
	return PointerGetDatum(result);
}

// Makes the scan's row from the tasks' row.
void fill_scan_slot(ShardScanState *state, TupleTableSlot *row, TupleTableSlot *slot) {
	ExecClearTuple(slot);
	int i = 0;
	const ListCell *cell;
	foreach (cell, state->plan.entries) {
		const int entry = lfirst_int(cell);
		slot->tts_isnull[i] = false;
		if (entry >= 0) {
			slot->tts_values[i] = row->tts_values[entry];
			slot->tts_isnull[i] = row->tts_isnull[entry];
		} else if (entry == kColumnRowId) {
			slot->tts_values[i] = row_id(state, row, &slot->tts_isnull[i]);
		} else if (entry == kColumnTableOid) {
			slot->tts_values[i] = ObjectIdGetDatum(state->plan.relid);
		} else {
			// A whole row: the relation's columns were asked for first, in order, without dropped ones.
			if (state->whole_row_desc == nullptr) {
				MemoryContext query_context = MemoryContextSwitchTo(state->css.ss.ps.state->es_query_cxt);
				state->whole_row_desc =
					OidIsValid(state->plan.relid)
						? lookup_rowtype_tupdesc_copy(get_rel_type_id(state->plan.relid), -1)
						: BlessTupleDesc(CreateTupleDescCopy(state->result_desc));
				MemoryContextSwitchTo(query_context);
			}
			TupleDesc desc = state->whole_row_desc;
			MemoryContext old = MemoryContextSwitchTo(state->css.ss.ps.ps_ExprContext->ecxt_per_tuple_memory);
			auto *values = static_cast<Datum *>(palloc0(sizeof(Datum) * desc->natts));
			auto *nulls = static_cast<bool *>(palloc0(sizeof(bool) * desc->natts));
			int source = 0;
			for (int a = 0; a < desc->natts; a++) {
				nulls[a] = true;
				if (TupleDescAttr(desc, a)->attisdropped)
					continue;
				values[a] = row->tts_values[source];
				nulls[a] = row->tts_isnull[source++];
			}
			slot->tts_values[i] = heap_copy_tuple_as_datum(heap_form_tuple(desc, values, nulls), desc);
			MemoryContextSwitchTo(old);
		}
		i++;
	}
	ExecStoreVirtualTuple(slot);
}

// Rows are asked for in short-lived memory contexts; slots live as long as the scan.
TupleTableSlot *make_slot(ShardScanState *state, const TupleTableSlotOps *kind) {
	MemoryContext old = MemoryContextSwitchTo(state->css.ss.ps.state->es_query_cxt);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(state->result_desc, kind);
	MemoryContextSwitchTo(old);
	return slot;
}

// Locks the rows of a scan that limits locks, all at once.
void lock_rows_now(ShardScanState *state) {
	MemoryContext old = MemoryContextSwitchTo(state->css.ss.ps.state->es_query_cxt);
	ExprContext *context = state->css.ss.ps.ps_ExprContext;
	const ColocationGroup *colocation = find_colocation_group(state->plan.colocation_id);
	const StatementParams params = evaluate_lifted(state->lifted, state->plan.lifted_types, context);
	bool any = true;
	const Datum order = ExecEvalExpr(static_cast<ExprState *>(llast(state->pins)), context, &any);
	const GroupSet groups = groups_of_pins(colocation, state->plan.pin_kinds, state->pins, context);
	note_reads(state->css.ss.ps.state->es_range_table, colocation, groups.member);
	state->locked = lock_rows(state->plan, colocation, groups, params,
							  any ? nullptr : DatumGetArrayTypeP(order), state->result_desc);
	MemoryContextSwitchTo(old);
}

// --- look-ups ---

// The statement for all rows costs about this much for each; as soon as that has been spent on asking for
// single values, it would have been the better choice.
constexpr double kMicrosecondsPerRow = 1.5;
constexpr int kFetchedAtOnce = 2000; // rows

bool keeps_rows(ShardScanState *state) {
	return state->kept != nullptr || state->plan.lookup.rows <= kFetchedAtOnce ||
		   INSTR_TIME_GET_MICROSEC(state->asking) > state->plan.lookup.rows * kMicrosecondsPerRow;
}

// Adds the hash of one value to that of the ones before it.
uint32 add_hash(uint32 hash, FmgrInfo *function, Oid collation, Datum value) {
	return hash_combine(hash, DatumGetUInt32(FunctionCall1Coll(function, collation, value)));
}

// The hash of a row's columns; false when one is NULL, which equals nothing.
bool hash_row(ShardScanState *state, TupleTableSlot *row, int32 *result) {
	const LookupPlan &lookup = state->plan.lookup;
	uint32 hash = 0;
	for (int i = 0; i < list_length(lookup.columns); i++) {
		const int column = list_nth_int(lookup.columns, i);
		if (row->tts_isnull[column])
			return false;
		hash = add_hash(hash, &state->column_hashes[i], list_nth_oid(lookup.collations, i),
						row->tts_values[column]);
	}
	*result = static_cast<int32>(hash);
	return true;
}

bool hash_wanted(ShardScanState *state, int32 *result) {
	uint32 hash = 0;
	for (int i = 0; i < list_length(state->wanted); i++) {
		bool isnull;
		const Datum value = ExecEvalExpr(static_cast<ExprState *>(list_nth(state->wanted, i)),
										 state->css.ss.ps.ps_ExprContext, &isnull);
		if (isnull)
			return false;
		hash = add_hash(hash, &state->value_hashes[i], list_nth_oid(state->plan.lookup.collations, i), value);
	}
	*result = static_cast<int32>(hash);
	return true;
}

void fetch_all(ShardScanState *state) {
	MemoryContext old = MemoryContextSwitchTo(state->css.ss.ps.state->es_query_cxt);
	ScanPlan one_value = state->plan;
	List *lifted = state->lifted, *pins = state->pins;
	state->plan.pieces = state->plan.lookup.all;
	state->plan.lifted_types = state->plan.lookup.lifted_types;
	state->lifted = state->all_lifted;
	// Pins with changing values say nothing of the others.
	state->pins = NIL;
	state->plan.pin_kinds = NIL;
	start_now(state);
	state->plan = one_value;
	state->lifted = lifted;
	state->pins = pins;
	LookupStore *kept = LookupStore::make(state->result_desc);
	TupleTableSlot *row = state->row_slot;
	int32 hash;
	while (next_unsorted(state, row)) {
		CHECK_FOR_INTERRUPTS();
		if (hash_row(state, row, &hash))
			kept->put(hash, row);
	}
	close_streams(state);
	kept->finish();
	state->kept = kept;
	MemoryContextSwitchTo(old);
}

bool next_looked_up(ShardScanState *state, TupleTableSlot *slot) {
	if (!state->looking_up) {
		int32 hash;
		if (!hash_wanted(state, &hash))
			return false;
		if (state->kept == nullptr)
			fetch_all(state);
		state->kept->find(hash);
		state->looking_up = true;
	}
	return state->kept->next(slot);
}

bool next_asked_for(ShardScanState *state, TupleTableSlot *slot) {
	instr_time before, after;
	INSTR_TIME_SET_CURRENT(before);
	const bool found = next_from_shards(state, slot);
	INSTR_TIME_SET_CURRENT(after);
	INSTR_TIME_ACCUM_DIFF(state->asking, after, before);
	return found;
}

TupleTableSlot *access_next(ScanState *node) {
	auto *state = reinterpret_cast<ShardScanState *>(node);
	TupleTableSlot *slot = node->ss_ScanTupleSlot;
	if (state->plan.limits_locks) {
		if (state->locked == nullptr)
			lock_rows_now(state);
		if (state->store_slot == nullptr)
			state->store_slot = make_slot(state, &TTSOpsMinimalTuple);
		if (!next_locked_row(state->locked, state->store_slot))
			return ExecClearTuple(slot);
		slot_getallattrs(state->store_slot);
		fill_scan_slot(state, state->store_slot, slot);
	} else if (state->plan.lookup.columns != NIL) {
		if (state->row_slot == nullptr)
			state->row_slot = make_slot(state, &TTSOpsVirtual);
		if (state->store_slot == nullptr)
			state->store_slot = make_slot(state, &TTSOpsMinimalTuple);
		if (!state->started && (state->looking_up || keeps_rows(state))) {
			if (!next_looked_up(state, state->store_slot))
				return ExecClearTuple(slot);
			slot_getallattrs(state->store_slot);
			fill_scan_slot(state, state->store_slot, slot);
		} else {
			if (!next_asked_for(state, state->row_slot))
				return ExecClearTuple(slot);
			fill_scan_slot(state, state->row_slot, slot);
		}
	} else if (!state->storing) {
		if (state->identity) {
			if (!next_from_shards(state, slot))
				return ExecClearTuple(slot);
		} else {
			if (state->row_slot == nullptr)
				state->row_slot = make_slot(state, &TTSOpsVirtual);
			if (!next_from_shards(state, state->row_slot))
				return ExecClearTuple(slot);
			fill_scan_slot(state, state->row_slot, slot);
		}
	} else {
		if (state->row_slot == nullptr)
			state->row_slot = make_slot(state, &TTSOpsVirtual);
		if (state->store_slot == nullptr)
			state->store_slot = make_slot(state, &TTSOpsMinimalTuple);
		if (!tuplestore_gettupleslot(state->store, true, false, state->store_slot)) {
			if (state->all_stored || !next_from_shards(state, state->row_slot)) {
				state->all_stored = true;
				return ExecClearTuple(slot);
			}
			// What is appended stands behind the read position already.
			tuplestore_puttupleslot(state->store, state->row_slot);
			fill_scan_slot(state, state->row_slot, slot);
		} else {
			slot_getallattrs(state->store_slot);
			fill_scan_slot(state, state->store_slot, slot);
		}
	}
	slot->tts_tableOid = state->plan.relid;
	return slot;
}

TupleTableSlot *exec(CustomScanState *node) {
	return gate([&] { return ExecScan(&node->ss, access_next, no_recheck); });
}

void end(CustomScanState *node) {
	auto *state = state_of(node);
	gate([&] {
		close_streams(state);
		if (state->store != nullptr)
			tuplestore_end(state->store);
		if (state->locked != nullptr)
			end_locked_rows(state->locked);
		if (state->kept != nullptr)
			state->kept->end();
		if (state->snapshot_hold != nullptr)
			release_statement_snapshot(state->snapshot_hold);
	});
}

void rescan(CustomScanState *node) {
	auto *state = state_of(node);
	gate([&] {
		ExecScanReScan(&node->ss);
		if (state->plan.lookup.columns != NIL) {
			close_streams(state);
			state->looking_up = false;
			if (state->kept != nullptr && bms_overlap(node->ss.ps.chgParam, state->all_params)) {
				state->kept->end();
				state->kept = nullptr;
			}
			return;
		}
		// Parameters of the tasks have changed: what was stored is of no use.
		if (node->ss.ps.chgParam != nullptr &&
			bms_overlap(node->ss.ps.chgParam, node->ss.ps.plan->extParam) &&
			parameters_used(state->lifted, state->pins)) {
			close_streams(state);
			if (state->locked != nullptr)
				end_locked_rows(state->locked);
			state->locked = nullptr;
			if (state->store != nullptr)
				tuplestore_clear(state->store);
			state->all_stored = false;
			state->to_advance = -1;
			if (state->storing) {
				state->storing = false;
				tuplestore_end(state->store);
				state->store = nullptr;
			}
			return;
		}
		if (state->locked != nullptr)
			rescan_locked_rows(state->locked);
		if (!state->started && !state->storing)
			return;
		if (!state->storing) {
			close_streams(state);
			state->to_advance = -1;
			MemoryContext old = MemoryContextSwitchTo(node->ss.ps.state->es_query_cxt);
			state->store = tuplestore_begin_heap(false, false, work_mem);
			MemoryContextSwitchTo(old);
			state->storing = true;
			return;
		}
		tuplestore_rescan(state->store);
	});
}

void explain(CustomScanState *node, List *, ExplainState *es) {
	auto *state = state_of(node);
	gate([&] {
		explain_tasks(state->plan, state->started ? &state->tasks : nullptr, state->pins, state->lifted,
					  node->ss.ps.ps_ExprContext, es);
	});
}

const CustomExecMethods kExecMethods = {
	"Shard Scan", begin,   exec,	end,	 rescan,  nullptr, nullptr,
	nullptr,	  nullptr, nullptr, nullptr, nullptr, explain,
};

Node *create_state(CustomScan *) {
	auto *state = static_cast<ShardScanState *>(palloc0(sizeof(ShardScanState)));
	NodeSetTag(state, T_CustomScanState);
	state->css.methods = &kExecMethods;
	state->to_advance = -1;
	return reinterpret_cast<Node *>(state);
}

const CustomScanMethods kScanMethods = {"Shard Scan", create_state};

} // namespace

void register_shard_scan() {
	RegisterCustomScanMethods(&kScanMethods);
	scan_methods.scan = &kScanMethods;
}

} // namespace shardext

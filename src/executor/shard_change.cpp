// Shard Change: rows are read, locked, and changed on their shards one by one.
//
// For UPDATE, DELETE and MERGE that cannot run on the shards as they are. The source plan gives the rows to
// change, with their new values; all of it is read first (sorted by the rows' identity, on disk where it is
// large), so that the statement does not see what it changes. Then the rows are locked and compared with what
// was read: in READ COMMITTED the source is read once more when somebody was faster. Only then they are
// changed, by ctid: a locked row keeps it.
#include "shardext/executor/change_state.hpp"
#include "shardext/executor/node_parts.hpp"
#include "shardext/executor/nodes.hpp"
#include "shardext/executor/statement_scans.hpp"
#include "shardext/executor/statement_writes.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/xact.h"
#include "catalog/pg_operator.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "utils/snapmgr.h"
}

namespace shardext {

namespace {

constexpr int kMaxParams = 65535; // of the protocol
constexpr int kBatchRows = 1000;

ShardChangeState *state_of(CustomScanState *node) {
	return reinterpret_cast<ShardChangeState *>(node);
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
		state->triggers =
			begin_triggers(plan.triggers, plan.relid, whole_statement(estate), estate->es_query_cxt);
		state->proposals = begin_proposals(state, eflags);
		begin_source(&state->source, node, plan.source, estate->es_snapshot, eflags);
		state->source_desc = CreateTupleDescCopy(source_descriptor(&state->source));
		state->row = MakeSingleTupleTableSlot(state->source_desc, &TTSOpsMinimalTuple);
		state->batch_context =
			AllocSetContextCreate(estate->es_query_cxt, "shardext change", ALLOCSET_DEFAULT_SIZES);
		if (!state->plan.sets_tag)
			run_to_the_end(node);
	});
}

// Another part of the statement comes before this one.
bool is_lost(const ShardChangeState *state, const TupleTableSlot *slot) {
	if (!state->plan.shared || slot->tts_isnull[kChangeRowId] ||
		take_row(state->source.whole, state->plan.relid,
				 reinterpret_cast<ItemPointer>(DatumGetPointer(slot->tts_values[kChangeRowId])), &state->css))
		return false;
	if (state->plan.once)
		refuse_second_time(state);
	return true;
}

// Rows that no action concerns are left out here.
void read_source(ShardChangeState *state) {
	state->rows = begin_rows(state);
	for (;;) {
		TupleTableSlot *slot = next_of_source(&state->source);
		if (TupIsNull(slot))
			break;
		slot_getsomeattrs(slot, kChangeAction + 1);
		if (!slot->tts_isnull[kChangeAction] && !is_lost(state, slot))
			tuplesort_puttupleslot(state->rows, slot);
		CHECK_FOR_INTERRUPTS();
	}
	tuplesort_performsort(state->rows);
}

} // namespace

Tuplesortstate *begin_rows(const ShardChangeState *state) {
	AttrNumber column = kChangeRowId + 1;
	Oid less = TIDLessOperator, collation = InvalidOid;
	bool nulls_first = false;
	return tuplesort_begin_heap(state->source_desc, 1, &column, &less, &collation, &nulls_first, work_mem,
								nullptr, TUPLESORT_RANDOMACCESS);
}

void raise_changed_by_itself(const ShardChangeState *state) {
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

namespace {

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
		// (EXPLAIN still has to look at it, and it may hold parts that are to be changed later.)
		if (state->css.ss.ps.state->es_instrument == 0 && may_run_again(&state->source))
			end_source(&state->source);
		if (writes_so_far() != writes)
			renew_snapshot(state); // to see what functions of the source have changed
		if (lock_all(state))
			return;
		if (writes_so_far() != writes && may_run_again(&state->source))
			raise_changed_by_itself(state);
		// (What the source or another part itself changes must not be changed twice.)
		if (IsolationUsesXactSnapshot() || !may_run_again(&state->source) ||
			(state->plan.shared && has_changed_rows(state->source.whole, state->plan.relid)))
			ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					errmsg("could not serialize access due to concurrent update"));
		tuplesort_end(state->rows);
		state->rows = nullptr;
		CHECK_FOR_INTERRUPTS();
	}
}

void change_rows(ShardChangeState *state, bool queues) {
	count_write();
	apply_all(state);
	if (queues)
		queue_rows(state);
	drop_snapshot(state);
	tuplesort_end(state->rows);
	state->rows = nullptr;
}

void change_rows_late(CustomScanState *node) {
	auto *state = state_of(node);
	MemoryContext old = MemoryContextSwitchTo(node->ss.ps.state->es_query_cxt);
	state->plan.checks = {};
	state->plan.returning = state->plan.sets_tag = false; // all has been said
	renew_snapshot(state);
	change_rows(state, false);
	MemoryContextSwitchTo(old);
}

LateChange late_change(ShardChangeState *state) {
	LateChange change{state->plan.relid, false, false, change_rows_late, &state->css};
	foreach_ptr (ChangeAction, action, state->plan.actions) {
		change.inserts = change.inserts || action->command != CMD_DELETE;
		change.removes = change.removes || action->command == CMD_DELETE;
	}
	return change;
}

void run_all(ShardChangeState *state) {
	MemoryContext old = MemoryContextSwitchTo(state->css.ss.ps.state->es_query_cxt);
	if (state->plan.returning) {
		TupleDesc desc = result_descriptor(state->plan.output_types, state->plan.output_typmods);
		state->results = tuplestore_begin_heap(false, false, work_mem);
		state->result_slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
		state->store_slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	}
	fire_before_statement(state->triggers);
	read_and_lock(state);
	fire_before_rows(state);
	if (state->triggers_wrote)
		renew_snapshot(state); // to see what they have changed
	const EState *whole = state->source.whole;
	if (state->plan.late) {
		foretell_all(state);
		queue_rows(state);
		drop_snapshot(state);
		change_later(whole, late_change(state));
	} else {
		start_other_scans(whole, state->plan.colocation_id);
		if (state->plan.shared)
			note_changed_rows(whole, state->plan.relid);
		change_rows(state, true);
	}
	fire_after_statement(state->triggers); // (of a late change, too: they fire when all are done)
	MemoryContextSwitchTo(old);
	state->finished = true;
}

TupleTableSlot *access_next(ScanState *node) {
	auto *state = reinterpret_cast<ShardChangeState *>(node);
	if (!state->finished)
		run_all(state);
	return next_returned(node, state->results, state->store_slot, state->plan.sets_tag);
}

TupleTableSlot *exec(CustomScanState *node) {
	return gate([&] { return ExecScan(&node->ss, access_next, no_recheck); });
}

void end(CustomScanState *node) {
	auto *state = state_of(node);
	gate([&] {
		end_source(&state->source);
		end_proposals(state->proposals);
		end_triggers(state->triggers);
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
		if (state->plan.late)
			ExplainPropertyText("Changes", "at the end of the statement", es);
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

// The rows that an upsert proposes, where BEFORE INSERT triggers may change them before they conflict.
//
// A statement of its own gives them. They go through the triggers once, when the source of Shard Change reads
// them first through a function, and are kept: the source may be run again.
#include "shardext/executor/change_state.hpp"

#include "shardext/executor/statement_scans.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "executor/executor.h"
#include "lib/ilist.h"
#include "utils/memutils.h"
}

namespace shardext {

struct ProposedRows {
	dlist_node link; // must be first
	int64 token;
	ShardChangeState *state;
	WriteSource source;
	Tuplestorestate *rows; // that the triggers have made
	TupleTableSlot *kept;
};

namespace {

dlist_head statements = DLIST_STATIC_INIT(statements);

void forget(void *proposals) {
	dlist_delete(&static_cast<ProposedRows *>(proposals)->link);
}

// The innermost one: a plan may be run within itself.
ProposedRows *find_proposals(int64 token) {
	for (dlist_node *link = statements.head.next; link != &statements.head; link = link->next)
		if (auto *proposals = reinterpret_cast<ProposedRows *>(link); proposals->token == token)
			return proposals;
	ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("shardext.proposed_rows() is called by upserts only"));
	pg_unreachable();
}

void fire(ProposedRows *proposals) {
	ShardChangeState *state = proposals->state;
	MemoryContext old = MemoryContextSwitchTo(state->css.ss.ps.state->es_query_cxt);
	Tuplestorestate *rows = tuplestore_begin_heap(true, false, work_mem);
	WriteTriggers *triggers = state->triggers;
	TupleTableSlot *row = triggers->new_row;
	for (;;) {
		CHECK_FOR_INTERRUPTS();
		TupleTableSlot *slot = next_of_source(&proposals->source);
		if (TupIsNull(slot))
			break;
		slot_getallattrs(slot);
		start_row(triggers);
		memset(row->tts_isnull, true, sizeof(bool) * row->tts_tupleDescriptor->natts);
		int place = 0;
		const ListCell *cell;
		foreach (cell, state->plan.proposed_columns) {
			const int column = lfirst_int(cell) - 1;
			row->tts_values[column] = slot->tts_values[place];
			row->tts_isnull[column] = slot->tts_isnull[place];
			place++;
		}
		ExecStoreVirtualTuple(row);
		if (!fire_before_row(triggers, CMD_INSERT))
			continue;
		complete_row(triggers, triggers->estate, row);
		tuplestore_puttupleslot(rows, row);
	}
	finish_source(&proposals->source);
	proposals->rows = rows;
	MemoryContextSwitchTo(old);
}

} // namespace

ProposedRows *begin_proposals(ShardChangeState *state, int eflags) {
	if (state->plan.proposed.statement == nullptr)
		return nullptr;
	EState *estate = state->css.ss.ps.state;
	auto *proposals = static_cast<ProposedRows *>(palloc0(sizeof(ProposedRows)));
	proposals->token = state->plan.proposed_token;
	proposals->state = state;
	begin_source(&proposals->source, &state->css, state->plan.proposed, estate->es_snapshot, eflags);
	proposals->kept =
		MakeSingleTupleTableSlot(state->triggers->new_row->tts_tupleDescriptor, &TTSOpsMinimalTuple);
	dlist_push_head(&statements, &proposals->link);
	auto *callback = static_cast<MemoryContextCallback *>(
		MemoryContextAlloc(estate->es_query_cxt, sizeof(MemoryContextCallback)));
	callback->func = forget;
	callback->arg = proposals;
	MemoryContextRegisterResetCallback(estate->es_query_cxt, callback);
	return proposals;
}

void end_proposals(ProposedRows *proposals) {
	if (proposals == nullptr)
		return;
	end_source(&proposals->source);
	ExecDropSingleTupleTableSlot(proposals->kept);
	if (proposals->rows != nullptr)
		tuplestore_end(proposals->rows);
}

} // namespace shardext

using namespace shardext;

SHARDEXT_SQL_FUNCTION(shardext_proposed_rows) {
	auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	if (result == nullptr || !IsA(result, ReturnSetInfo) || (result->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("set-valued function called in context that cannot accept a set"));
	ProposedRows *proposals = find_proposals(PG_GETARG_INT64(1));
	if (proposals->rows == nullptr)
		fire(proposals);
	MemoryContext old = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
	Tuplestorestate *rows =
		tuplestore_begin_heap((result->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
	tuplestore_rescan(proposals->rows);
	while (tuplestore_gettupleslot(proposals->rows, true, false, proposals->kept))
		tuplestore_puttupleslot(rows, proposals->kept);
	result->returnMode = SFRM_Materialize;
	result->setResult = rows;
	result->setDesc = CreateTupleDescCopy(proposals->kept->tts_tupleDescriptor);
	MemoryContextSwitchTo(old);
	return PointerGetDatum(nullptr);
}

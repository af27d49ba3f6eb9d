// What the plan nodes have in common.
#include "shardext/executor/node_parts.hpp"

#include "shardext/pg/walk.hpp"

extern "C" {
#include "executor/executor.h"
}

namespace shardext {

TupleDesc result_descriptor(const List *types, const List *typmods) {
	TupleDesc desc = CreateTemplateTupleDesc(list_length(types));
	for (int i = 0; i < desc->natts; i++)
		TupleDescInitEntry(desc, i + 1, nullptr, list_nth_oid(types, i), list_nth_int(typmods, i), 0);
	return desc;
}

void init_expressions(CustomScanState *node, int lifted_count, List **lifted, List **pins) {
	int position = 0;
	foreach_ptr (Expr, expr, reinterpret_cast<CustomScan *>(node->ss.ps.plan)->custom_exprs) {
		ExprState *state = ExecInitExpr(expr, &node->ss.ps);
		List **list = position++ < lifted_count ? lifted : pins;
		*list = lappend(*list, state);
	}
}

StatementParams evaluate_lifted(const List *lifted, const List *types, ExprContext *context, int more) {
	StatementParams params;
	const int count = list_length(lifted);
	params.count = count + more;
	params.types = static_cast<Oid *>(palloc0(sizeof(Oid) * (params.count + 1)));
	params.values = static_cast<Datum *>(palloc0(sizeof(Datum) * (params.count + 1)));
	params.nulls = static_cast<bool *>(palloc0(sizeof(bool) * (params.count + 1)));
	for (int i = 0; i < count; i++) {
		params.types[i] = list_nth_oid(types, i);
		params.values[i] =
			ExecEvalExpr(static_cast<ExprState *>(list_nth(lifted, i)), context, &params.nulls[i]);
	}
	return params;
}

GroupSet groups_of_pins(const ColocationGroup *colocation, const List *pin_kinds, const List *pins,
						ExprContext *context) {
	GroupSet groups = all_groups(colocation);
	int position = 0;
	const ListCell *cell;
	foreach (cell, pin_kinds) {
		const auto kind = static_cast<KeyPin::Kind>(lfirst_int(cell));
		auto *value = static_cast<ExprState *>(list_nth(pins, position++));
		if (kind == KeyPin::GroupIds)
			continue;
		bool isnull = true;
		const Datum datum = kind == KeyPin::IsNull ? 0 : ExecEvalExpr(value, context, &isnull);
		restrict_groups(&groups, colocation, kind, datum, exprType(reinterpret_cast<Node *>(value->expr)),
						isnull);
	}
	return groups;
}

TupleTableSlot *pass_row(TupleTableSlot *from, TupleTableSlot *to) {
	slot_getallattrs(from);
	ExecClearTuple(to);
	for (int i = 0; i < to->tts_tupleDescriptor->natts; i++) {
		to->tts_values[i] = from->tts_values[i];
		to->tts_isnull[i] = from->tts_isnull[i];
	}
	return ExecStoreVirtualTuple(to);
}

TupleTableSlot *next_returned(ScanState *node, Tuplestorestate *kept, TupleTableSlot *stored, bool counts) {
	TupleTableSlot *slot = ExecClearTuple(node->ss_ScanTupleSlot);
	if (kept == nullptr || !tuplestore_gettupleslot(kept, true, false, stored))
		return slot;
	if (counts)
		node->ps.state->es_processed++; // a caller who wants no more than two rows counts those
	return pass_row(stored, slot);
}

bool no_recheck(ScanState *, TupleTableSlot *) {
	return true;
}

void run_to_the_end(CustomScanState *node) {
	EState *estate = node->ss.ps.state;
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	estate->es_auxmodifytables = lcons(node, estate->es_auxmodifytables);
	MemoryContextSwitchTo(old);
}

void refuse_rescan(CustomScanState *) {
	ereport(ERROR, errmsg("a write cannot be repeated"));
}

} // namespace shardext

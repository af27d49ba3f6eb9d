// What the plan nodes have in common.
#pragma once
#include "shardext/executor/tasks.hpp"
#include "shardext/remote/row_stream.hpp"

extern "C" {
#include "nodes/execnodes.h"
}

namespace shardext {

// A descriptor of unnamed columns.
TupleDesc result_descriptor(const List *types, const List *typmods);

// Prepares a node's custom_exprs: the lifted expressions come first, the values of pins follow.
void init_expressions(CustomScanState *node, int lifted_count, List **lifted, List **pins);

// The values of the lifted expressions as a statement's $1, $2, …, with room for `more` parameters after
// them.
StatementParams evaluate_lifted(const List *lifted, const List *types, ExprContext *context, int more = 0);

// The shard groups that the pins allow.
GroupSet groups_of_pins(const ColocationGroup *colocation, const List *pin_kinds, const List *pins,
						ExprContext *context);

// Hands the first columns of a row on, as many as `to` has; values are not copied.
TupleTableSlot *pass_row(TupleTableSlot *from, TupleTableSlot *to);

// The next of the rows that RETURNING has kept (nullptr: there are none), which the command tag counts when
// `counts`; `stored` is their slot.
TupleTableSlot *next_returned(ScanState *node, Tuplestorestate *kept, TupleTableSlot *stored, bool counts);

// For ExecScan: rows of shards need no second look.
bool no_recheck(ScanState *, TupleTableSlot *);

// For nodes that write.
void refuse_rescan(CustomScanState *);
// The node's statement is not over before the node has run to its end, whether anybody reads its rows or not.
void run_to_the_end(CustomScanState *node);

} // namespace shardext

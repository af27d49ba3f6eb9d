// Where a write node's rows come from.
#pragma once
#include "shardext/planner/write_plan.hpp"

extern "C" {
#include "commands/explain.h"
#include "executor/execdesc.h"
#include "nodes/execnodes.h"
}

namespace shardext {

// A statement of its own within the user's, or a WITH query of the same plan that nobody else reads.
struct WriteSource {
	SourcePlan plan;
	CustomScanState *node; // the write
	const EState *whole;   // of the user's statement
	QueryDesc *statement;  // nullptr: `part` alone
	PlanState *part;
	int flags; // of ExecutorStart
};

void begin_source(WriteSource *source, CustomScanState *node, const SourcePlan &plan, Snapshot snapshot,
				  int eflags);
TupleDesc source_descriptor(const WriteSource *source);
// The next row without columns that are not to be seen; an empty slot at the end.
TupleTableSlot *next_of_source(WriteSource *source);
// Runs what the source itself changes to its end. May be called more than once.
void finish_source(WriteSource *source);
void end_source(WriteSource *source);
// True when it can be run again with another snapshot.
bool may_run_again(const WriteSource *source);
// The scans of it are announced with this state (see statement_scans).
const EState *source_state(const WriteSource *source);
void explain_source(const WriteSource *source, const ExplainState *es);

} // namespace shardext

// Firing the user's triggers of a distributed table, with PostgreSQL's own functions.
//
// The table that PostgreSQL sees has no rows, so AFTER ROW triggers cannot get theirs from it. They get them
// the way those of foreign tables do, from a tuplestore of the query: PostgreSQL is shown the table as a
// foreign one. Where events may outlive the statement (deferrable constraint triggers), their rows are kept
// in the coordinator's table after all, deleted in the command that inserts them.
#pragma once
#include "shardext/planner/write_plan.hpp"

extern "C" {
#include "commands/trigger.h"
#include "nodes/execnodes.h"
#include "utils/tuplestore.h"
}

namespace shardext {

struct WriteTriggers {
	TriggerPlan plan;
	EState *whole; // of the user's statement
	// Of its own, with memory for one row: BEFORE triggers may still run when earlier rows go to the queue.
	EState *estate, *queue_estate;
	Relation relation;
	ResultRelInfo *target; // for all but AFTER ROW triggers
	ResultRelInfo *queued; // for AFTER ROW triggers
	ResultRelInfo *generated;
	TransitionCaptureState *captured;
	// A row of the table as it was, and as it is to be. The caller fills them.
	TupleTableSlot *old_row, *new_row;
	TupleTableSlot *inserted; // new_row for AFTER triggers of an INSERT
	List *conditions;		  // ExprState, of plan.checks
	bool keeps_rows;		  // in the table
	// Where statements on local shards may be open, which would fire what is queued meanwhile: rows wait
	// until all have ended, with a letter for each one's command.
	bool waits;
	StringInfoData commands;
	Tuplestorestate *waiting;
};

// Returns nullptr for a plan without triggers. `memory` is the context of the node that writes.
WriteTriggers *begin_triggers(const TriggerPlan &plan, Oid relid, const EState *whole, MemoryContext memory);
void end_triggers(WriteTriggers *triggers);

// All of them accept nullptr. Statement triggers, in the order of PostgreSQL.
void fire_before_statement(WriteTriggers *triggers);
void fire_after_statement(WriteTriggers *triggers);

// Before a row is filled in: forgets the memory of the last one.
void start_row(WriteTriggers *triggers);
void start_queued_row(WriteTriggers *triggers);

// BEFORE ROW triggers for old_row and new_row, which they may change; false when the row is to be skipped.
// Raises an error when the new row does not satisfy the checks.
bool fire_before_row(WriteTriggers *triggers, CmdType command);

// Works out the generated columns of a row.
void complete_row(WriteTriggers *triggers, EState *estate, TupleTableSlot *row);

// AFTER ROW triggers and transition tables get old_row and the new row when the statement ends. Generated
// columns of the new row are worked out where they are missing.
void queue_after_row(WriteTriggers *triggers, CmdType command, TupleTableSlot *new_row,
					 bool is_complete = false);

} // namespace shardext

// Reads before writes within one statement.
//
// All parts of a statement see the rows as they were before it. On the nodes, what one part has written is
// visible to every query that is sent afterwards, so scans that may read a table that is about to be written
// are started first.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/execnodes.h"
}

namespace shardext {

// The executor state of the whole statement that one is a part of. Sources of writes are statements of their
// own to the executor, but parts of the user's.
const EState *whole_statement(const EState *estate);

// Starts a source (calls body) as a part of the statement.
void start_as_part(const EState *whole, void (*body)(void *), void *argument);

// Announces a scan; `start` makes it ask the nodes, and keep what comes for a second reading, or returns
// false when it cannot yet, because values from elsewhere in the plan are needed.
void announce_scan(CustomScanState *node, int32 colocation_id, bool (*start)(CustomScanState *));

struct ScansLeft {
	bool own = false, others = false; // scans of `source`, and of other parts, that could not be started
};

// Starts the announced scans of a statement that may read tables of a colocation group.
ScansLeft start_scans(const EState *whole, int32 colocation_id, const EState *source);

// The same for a write whose own source has been read to its end; raises an error when a scan is left.
void start_other_scans(const EState *whole, int32 colocation_id);

// How many writes this session has sent to shards, those of functions within a statement included.
void count_write();
uint64 writes_so_far();

} // namespace shardext

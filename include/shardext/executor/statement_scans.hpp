// Reads before writes within one statement.
//
// All parts of a statement see the rows as they were before it. On the nodes, what one part has written is
// visible to every query that is sent afterwards, so scans that may read a table that is about to be written
// are started first.
#pragma once
#include "shardext/transaction/consistent_reads.hpp"
#include "shardext/transaction/remote_transaction.hpp"

extern "C" {
#include "executor/execdesc.h"
#include "nodes/execnodes.h"
}

namespace shardext {

// The executor state of the whole statement that one is a part of. Sources of writes are statements of their
// own to the executor, but parts of the user's.
const EState *whole_statement(const EState *estate);

// Starts a source (calls body) as a part of the statement.
void start_as_part(const EState *whole, void (*body)(void *), void *argument);

// What others ask of a scan.
struct ScanMethodsOfStatement {
	// The nodes that it may read, as far as is known before values from elsewhere in the plan are (int list).
	List *(*possible_nodes)(CustomScanState *);
	// False when it needs such values, or must not begin before its first row is wanted.
	bool (*can_start)(CustomScanState *);
	// Those that it will read when it is started now.
	List *(*chosen_nodes)(CustomScanState *);
	// Asks the nodes (those whose snapshot is to be taken, where there is a reading); with `keeps_rows` a
	// second reading does not ask again.
	void (*start)(CustomScanState *, bool keeps_rows, SnapshotReading *);
	bool (*started)(CustomScanState *);
	// Where the scan's hold of the statement's snapshots is; no later start needs them once it is released.
	SnapshotHold **(*hold)(CustomScanState *);
};

// Announces a scan that is being initialized.
void announce_scan(CustomScanState *node, int32 colocation_id, const ScanMethodsOfStatement *methods);

// When all parts of a statement have been initialized: its scans agree on snapshots, and those of a cursor
// begin (it sees what was there when it was opened, not when it is first fetched from).
void prepare_scans(QueryDesc *query, bool is_cursor);
bool has_scans(const EState *estate);

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

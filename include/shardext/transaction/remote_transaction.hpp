// The coordinator's transaction carried over to the nodes it has touched.
//
// Nodes join a transaction when a statement is sent to them; sub-transactions become savepoints there. At
// COMMIT, writes on one node alone end with that node's own COMMIT; writes on several nodes (or on one and on
// the coordinator) are prepared on all of them, the decision becomes a row of shardext.commit_log in the
// coordinator's own transaction, and the nodes are told. What a crash leaves behind is the recovery worker's.
#pragma once
#include "shardext/remote/connection.hpp"

namespace shardext {

// Registers the transaction callbacks; called once per process.
void initialize_transactions();

// Several scans of one coordinator statement share a snapshot per node: between hold and release, reads
// outside a writing transaction use one repeatable read transaction per node. A hold ends with its memory
// context at the latest (after an error nobody releases it).
struct SnapshotHold;
SnapshotHold *hold_statement_snapshot(MemoryContext context);
void release_statement_snapshot(SnapshotHold *hold);
bool statement_snapshot_held();

// SET CONSTRAINTS ALL on the nodes of this transaction, now and when they join it later.
void set_constraints_on_nodes(bool deferred);

// The node's transaction is over.
void reset_connection_state(Connection *connection);

} // namespace shardext

// The commit ledger of this server (core/commit_ledger.hpp) in shared memory: its lock, its numbers for
// nodes, and waiting for it to change.
#pragma once
#include "shardext/core/commit_ledger.hpp"
#include "shardext/remote/connection.hpp"

extern "C" {
#include "storage/lwlock.h"
}

namespace shardext {

// Reserves shared memory; called from _PG_init.
void initialize_ledger();

// nullptr where the library is not preloaded. What a backend needs of it in callbacks of a transaction's end
// raises no errors.
core::CommitLedger *commit_ledger();

// Between these no PostgreSQL error may be raised and nothing be waited for.
void lock_ledger(LWLockMode mode);
void unlock_ledger();

// The number of a node of this database, given to it at first use. Must be called without the lock. Raises an
// error when there are too many nodes.
core::NodeNumber ledger_number(int32 node_id);

// Nothing of earlier starts is left on the node: the recovery worker has ended it, or the node is new.
void node_is_resolved(int32 node_id);
// The database is gone: its nodes' numbers are given back. (Those of removed nodes wait for that, or for the
// next start.)
void forget_nodes_of(Oid database);

// Wakes those who wait. Never raises.
void ledger_has_changed();

// Waits for a change, for at most so many milliseconds. Spurious wake-ups happen. `watched`: the connection
// to the node that is waited for, if any; raises an error when it breaks. Interruptible.
void begin_ledger_wait();
void wait_for_ledger(long milliseconds, Connection *watched);
void end_ledger_wait();

// Whether a transaction of this server still runs.
bool coordinator_still_runs(core::Xid xid);
core::Xid full_xid(TransactionId xid);
core::NodeSnapshot node_snapshot_of(Snapshot snapshot);

// Now, on the clock of the gate.
core::Time ledger_time();

// What this session has seen: the ledger's sequence at the latest answer from a node.
core::Sequence seen_sequence();
void note_answer();

// A sequence from before the snapshot of the current transaction.
core::Sequence sequence_before_transaction();
void note_renewed_snapshot(core::Sequence before);
void note_end_of_transaction();

} // namespace shardext

// The snapshot of a statement that is being started.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "executor/execdesc.h"
}

namespace shardext {

// True when the statement has taken its snapshot for itself: nobody else reads with it. Right after
// ExecutorStart.
bool has_own_snapshot(const QueryDesc *query);

// Gives the statement another snapshot, which is registered and becomes the statement's. Nothing has been
// read yet.
void replace_snapshot(QueryDesc *query, Snapshot snapshot);

// REPEATABLE READ: gives the transaction another snapshot in the place of its first one. Nothing has been
// read with that yet; statements that are being started have copies of it (see replace_snapshot).
void renew_transaction_snapshot();

// Lets the statement see what this transaction has written since its snapshot was taken, as long as nobody
// else reads with it. Nothing has been read yet.
void show_own_writes(QueryDesc *query);

} // namespace shardext

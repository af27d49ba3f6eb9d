// Whether the transaction's snapshot may still be replaced.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace shardext {

// True until the first statement of the transaction that may have read with its snapshot.
bool transaction_snapshot_is_unused();

// A statement has been started.
void note_statement_with_snapshot();

// A utility statement is about to run.
void note_utility_with_snapshot(const Node *statement);

void initialize_snapshot_use();

} // namespace shardext

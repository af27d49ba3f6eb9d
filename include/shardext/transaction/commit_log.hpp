// shardext.commit_log: the durable decisions of two-phase commits.
#pragma once
#include "shardext/pg/postgres.hpp"

namespace shardext {

// Inserts the decision COMMIT into the coordinator's own transaction.
void insert_commit_log(int64 incarnation, int64 sequence, const int32 *nodes, int count);

// Every node has acknowledged: the row may go. Never raises; the worker removes it.
void commit_log_acknowledged(int64 sequence);

// True when the decision COMMIT stands in the log.
bool commit_log_contains(int64 incarnation, int64 sequence);

} // namespace shardext

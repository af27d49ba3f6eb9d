// Two-phase commit: PREPARE TRANSACTION on the nodes, the decision in shardext.commit_log, COMMIT PREPARED.
//
// The row of the log is a part of the coordinator's own transaction. When the user prepares that one (PREPARE
// TRANSACTION), the row waits with it, and so do the nodes' parts, for COMMIT PREPARED or ROLLBACK PREPARED
// from whatever session.
#pragma once
#include "shardext/remote/connection.hpp"

namespace shardext {

constexpr int kMaxWriters = 1024;

// Prepares the nodes' transactions and writes the decision's row. Raises errors.
void prepare_on_nodes(Connection **writers, int count);
// Enters what has been prepared in the commit ledger: the coordinator is about to commit.
void enter_prepared_commit();

// In callbacks of the transaction's end: these raise nothing and wait for a bounded time.
void commit_prepared();
void roll_back_prepared();
void leave_prepared(); // to the one who ends the coordinator's prepared transaction

// COMMIT PREPARED and ROLLBACK PREPARED of a transaction of this coordinator that has parts on nodes: `body`
// runs PostgreSQL's own.
void end_prepared_by_user(const char *gid, bool commits, void (*body)(void *), void *argument);

// The name of a prepared transaction: shardext_<cluster>_<incarnation>_<sequence>_<n>.
char *make_gid(int64 cluster, int64 incarnation, int64 sequence, int number);
// Takes such a name apart; false when it is not one.
bool parse_gid(const char *gid, int64 *cluster, int64 *incarnation, int64 *sequence);

} // namespace shardext

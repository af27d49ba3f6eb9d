// shardext.commit_log: the durable decisions of two-phase commits.
#pragma once
#include "shardext/transaction/commit_entry.hpp"

namespace shardext {

struct LoggedCommit {
	int64 incarnation, sequence;
	bool coordinator_wrote; // the user's statements have written here as well
	int count;
	PreparedPart *parts;
};

// Inserts the decision COMMIT into the coordinator's own transaction.
void insert_commit_log(int64 incarnation, int64 sequence, const PreparedPart *parts, int count,
					   bool coordinator_wrote);

// Whether the decision COMMIT stands in the log; kInDoubt: in a transaction of this server that is prepared,
// or has not ended.
enum class Decision { kNone, kInDoubt, kCommit };
Decision logged_decision(int64 incarnation, int64 sequence);

// The transaction of this database that the user has prepared under this name; InvalidTransactionId: none.
TransactionId prepared_here(const char *gid);
// What such a transaction has prepared on nodes; false: nothing. In the current memory context.
bool find_prepared_commit(TransactionId xid, LoggedCommit *commit);

} // namespace shardext

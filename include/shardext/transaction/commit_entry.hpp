// The entry of this backend's two-phase commit in the commit ledger.
#pragma once
#include "shardext/core/commit_ledger.hpp"
#include "shardext/pg/postgres.hpp"

namespace shardext {

struct PreparedPart {
	int32 node_id;
	core::Xid xid; // the node's; core::kNoXid: it has not written
};

// Enters the commit when all nodes have prepared, before the coordinator commits. Waits, interruptibly, while
// a reader holds new commits back or the ledger is full. `name` is the commit's number in its gid.
void enter_commit(const PreparedPart *parts, int count, TransactionId coordinators, int64 name);

// For callbacks of the transaction's end: these raise nothing, and do nothing where no commit was entered.
void commit_is_decided();
void node_has_committed(int32 node_id);
void commit_is_handed_over(); // ends the entry's life in this backend
void commit_is_rolled_back(); // before the first ROLLBACK PREPARED

// For the recovery worker: commits that were handed over and that the node has not acknowledged are collected
// before its prepared transactions are listed, and acknowledged when they are not on the list or have been
// committed.
struct HandedOver {
	core::CommitHandle commit;
	int64 name;
	bool is_left; // the node still holds it
};
List *handed_over_commits(int32 node_id); // of HandedOver *
void acknowledge_commit(const HandedOver *commit, int32 node_id);

} // namespace shardext

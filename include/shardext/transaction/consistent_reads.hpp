// Reads of several nodes that see all of a transaction or nothing of it (core/commit_ledger.hpp).
//
// Who reads asks each node for its snapshot along with the statement, and compares them before the first row
// is used. Three ways, by what the node's transaction is:
//   - none: question and statement travel together and are one transaction there, with one snapshot;
//   - one that keeps its snapshot (REPEATABLE READ, or the node's part in a statement with several scans):
//   the
//     question is asked once, when it begins;
//   - READ COMMITTED, after a write: the statement becomes a cursor between two questions. What both
//   snapshots agree
//     on, the cursor's agrees on as well; rows are fetched only then.
#pragma once
#include "shardext/core/snapshot_rounds.hpp"
#include "shardext/remote/connection.hpp"

namespace shardext {

extern bool consistent_reads; // shardext.consistent_reads

// True when reads of several nodes are compared.
bool reads_are_compared();

// Before anything with a new snapshot is sent to a node: waits there for commits that this session knows of.
void wait_for_commits_on(Connection *connection);

// Snapshots that are being taken together:
//
//	while (reading->next_round())
//		for each node that it wants: send the statement, so that it tells its snapshot
//
// Snapshots that node transactions keep already are compared with the new ones.
class SnapshotReading {
public:
	// Makes one in the current memory context. The nodes of `keeping` are brought into transactions that keep
	// their snapshots; those of `asked` tell them with the caller's statements. With `coordinator`, this
	// server's snapshot is taken as well.
	static SnapshotReading *make(const List *asked, const List *keeping = NIL, bool coordinator = false);
	~SnapshotReading();
	SnapshotReading(const SnapshotReading &) = delete;
	SnapshotReading &operator=(const SnapshotReading &) = delete;

	// True: send statements to the nodes that are wanted. False: the snapshots belong together, rows may be
	// used.
	bool next_round();
	bool wants(int32 node_id) const;
	// The coordinator's, registered; the caller's from then on.
	Snapshot coordinator() const { return coordinator_; }

	struct Part {
		core::NodeNumber number;
		int32 node_id;
		enum { kAsked, kKeeping, kKept } kind;
	};
	SnapshotReading(const Part *parts, size_t count); // sorted by number

private:
	void begin_on_nodes();
	void receive();
	void take_over(size_t i);
	void accept();
	core::ReadStep step();

	std::vector<Part> parts_;
	core::SnapshotRounds rounds_;
	Snapshot coordinator_ = nullptr;
	bool sent_ = false;
	bool accepted_ = false;
};

// A reading for statements to be sent to these nodes, or nullptr where nothing has to be compared.
SnapshotReading *start_reading(const List *node_ids);

// Brings nodes into transactions that keep their snapshots: for the statement, or in REPEATABLE READ for the
// transaction. Nodes that are in a transaction already are left out. With `coordinator`, its snapshot is
// taken anew as well.
void keep_snapshots(const List *node_ids, bool coordinator = false);

// The coordinator's snapshot of the held statement is over.
void forget_coordinator_snapshot();

// REPEATABLE READ: before the first statement that touches a node. With `coordinator`, this server's snapshot
// is replaced by one that goes with those of the nodes; nothing has been read with it.
void keep_snapshots_of_transaction(int32 node_id, bool coordinator = false);

// In remote_transaction.cpp: begins a transaction that keeps its snapshot, and asks for it; ends one in which
// nothing has been done yet.
void begin_kept_snapshot(Connection *connection);
void drop_kept_snapshot(Connection *connection);

} // namespace shardext

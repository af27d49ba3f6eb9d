// The commit ledger: what lets a reader of several nodes see all of a transaction or nothing of it.
//
// It lists the multi-node commits that are under way, or have ended lately, with the xid that each node gave
// them. A reader takes a snapshot on each of its nodes and asks the ledger afterwards: a commit that one
// snapshot sees and another does not means that the snapshots do not belong together.
//
// The rules:
//  1. A commit is admitted before any part of it can be seen: before the coordinator's own commit, which
//     comes before the first COMMIT PREPARED.
//  2. A reader reads sequence() before the first of its snapshots is taken, and checks after the last one
//     has arrived, in the ledger itself under the lock, never in an earlier copy.
//  3. A commit ends when all its nodes have acknowledged, whoever asked them: its backend, or the recovery
//     worker after a hand-over. An ended commit leaves when its place is needed, the oldest end first, and
//     the ledger remembers the newest end that has left.
//  4. A reader whose sequence is older than that takes all its snapshots again.
//  5. A rollback leaves the ledger before the first ROLLBACK PREPARED is sent: ended by rollback and ended by
//     commit look the same in a snapshot.
//
// Why no accepted set of snapshots sees a transaction T on node a but not on node b: seen on a, T was
// admitted before a's snapshot was taken (1), so before the check (2). Not seen on b, T had not ended when
// b's snapshot was taken, so it ends after the reader's sequence, if at all. Then either T is still here and
// the check finds it, or T has left and the ledger remembers an end newer than the reader's sequence (3): the
// reader does not accept (4). T was not rolled back, or a would not see it (5).
//
// Nobody publishes anything: a reader that dies leaves nothing behind, and an old sequence is always safe, it
// only makes the check look at more commits. So a snapshot that was not taken by the reader itself (the
// coordinator's own) needs no more than a sequence that was read at some time before.
//
// What a reader could have missed on a single node is the other half: see must_wait().
//
// A start of the coordinator makes a new ledger. No node is read before the recovery worker has ended what
// the last start left on it: until then the node counts as one that has something pending.
//
// The memory is fixed when the ledger is created and may be mapped anywhere: links are indexes. Locking is
// the caller's: a shared lock for const functions, an exclusive one for the others; what needs none says so.
#pragma once
#include "shardext/core/commit_gate.hpp"
#include "shardext/core/node_snapshot.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <span>
#include <utility>

namespace shardext::core {

using NodeNumber = uint32_t; // small and dense
inline constexpr NodeNumber kCoordinator = 0;

// Counts admissions and ends. 0 comes before everything.
using Sequence = uint64_t;

struct LedgerSize {
	uint32_t commits;	   // under way at the same time, and those that have ended and may be asked for
	uint32_t participants; // of all of them together; at least one for each node
	uint32_t nodes;		   // with the coordinator
};

struct CommitParticipant {
	NodeNumber node;
	Xid xid; // kNoXid: the transaction has not written there
};

// An admitted commit. Stays valid, as one that has gone, when its place is used again.
struct CommitHandle {
	uint32_t place = 0;
	Sequence number = 0; // of its admission
};

// What somebody waits for.
struct PendingCommit {
	CommitHandle commit; // number 0: for the recovery worker's first visit to the node
	NodeNumber node;
	Xid xid;	   // the transaction there
	uint64_t name; // what the commit is called in its gid
};

// A snapshot that a reader holds of a node. Where a statement's own cannot be had, it lies between two
// others: what only the later one sees may or may not be seen, which counts as behind.
struct TakenSnapshot {
	NodeNumber node;
	NodeSnapshot snapshot;
	std::optional<NodeSnapshot> later = std::nullopt;
	bool behind = false; // does not see something that another one sees
	// Several statements lie between the two snapshots, and something has ended meanwhile.
	bool torn = false;

	bool sees(Xid xid) const { return snapshot.sees(xid); }
	bool is_sure(Xid xid) const { return !later || later->sees(xid) == snapshot.sees(xid); }
};

// Whether a transaction of the coordinator still runs (TransactionIdIsInProgress).
using RunningTest = std::function<bool(Xid)>;

class CommitLedger {
public:
	static size_t memory_size(const LedgerSize &size);
	// Makes a ledger in `memory`, aligned to 16 bytes.
	static CommitLedger *create(void *memory, const LedgerSize &size);

	CommitLedger(const CommitLedger &) = delete;
	CommitLedger &operator=(const CommitLedger &) = delete;

	// --- the backend that commits ---

	enum class Admission { kAdmitted, kGateClosed, kFull };

	// Admits a commit, when all nodes have prepared and before the coordinator commits. The coordinator is a
	// participant when the user's transaction has written there (the decision's row does not count: nobody
	// reads it). When it is not admitted, wait (cancellable: nothing is decided yet) and try again: for the
	// gate until gate().deadline() at the latest; a full ledger holds nothing but commits under way.
	Admission admit(std::span<const CommitParticipant> participants, uint64_t name, Time now,
					CommitHandle &commit);

	// The coordinator has committed; its own part can be seen.
	void decided(CommitHandle commit);

	// A node has committed its part. True when nothing is left to do and the commit has ended.
	bool acknowledged(CommitHandle commit, NodeNumber node);

	// The coordinator has rolled back. Comes before the first ROLLBACK PREPARED.
	void rolled_back(CommitHandle commit);

	// The backend stops waiting; COMMIT is reported. What is left is the recovery worker's.
	void hand_over(CommitHandle commit);

	// --- readers ---

	// Needs no lock.
	Sequence sequence() const { return sequence_.load(std::memory_order_acquire); }

	// How many commits a node has not acknowledged. Needs no lock; 0 means that must_wait() has nothing.
	uint32_t pending(NodeNumber node) const { return nodes()[node].pending.load(std::memory_order_acquire); }

	// Any read of a node waits before it takes a snapshot while this finds something that the node lacks:
	//  - a commit that was handed over: its COMMIT has been reported, and may have been this session's;
	//  - one that this session may have seen elsewhere. `seen` is the sequence() at the latest answer from
	//  any
	//    node, at first the one at its backend's start; what was admitted later it cannot have seen there.
	//    What it has read on the coordinator nobody has noted, so all that can be seen there counts.
	// A commit whose transaction still runs on the coordinator (it may wait for a standby as long as it
	// likes) nobody has seen. `nodes` is sorted.
	std::optional<PendingCommit> must_wait(std::span<const NodeNumber> nodes, Sequence seen,
										   const RunningTest &is_running) const;

	struct Verdict {
		bool lost;	   // something has left that the snapshots may not see: take all of them again
		bool mismatch; // the snapshots marked as behind do not see what others see
		bool torn;	   // those marked so are of no use either
	};

	// Checks a reader's snapshots, sorted by node, each taken after `since` was read.
	Verdict check(Sequence since, std::span<TakenSnapshot> taken) const;

	CommitGate &gate() { return gate_; }
	const CommitGate &gate() const { return gate_; }

	// Behind a closed gate: whether a commit that had passed it may still be seen on a part of the nodes
	// only. Those handed over do not count: a reader waits for them with the gate open. `nodes` is sorted.
	bool under_way(std::span<const NodeNumber> nodes) const;

	// --- the recovery worker ---

	// The first handed-over commit admitted after `after` that a node has not acknowledged. The worker
	// collects these first, lists the node's prepared transactions then, and acknowledges those that are not
	// on the list or that it has committed itself.
	std::optional<PendingCommit> next_handed_over(NodeNumber node, Sequence after) const;

	// Nothing of earlier starts is left on the node (or the node is new): it may be read.
	void resolved(NodeNumber node);

	// The node has been removed, with what it held; its number may be given to another one.
	void forget_node(NodeNumber node);

	// --- for views and tests ---

	bool is_pending(CommitHandle commit, NodeNumber node) const;
	struct Usage {
		uint32_t under_way, ended, participants;
	};
	Usage usage() const { return {under_way_.count, ended_.count, size_.participants - free_participants_}; }

private:
	static constexpr uint32_t kNone = UINT32_MAX;

	enum class State : uint8_t { kFree, kUndecided, kDecided, kHandedOver, kEnded };

	struct Participant {
		Xid xid;
		NodeNumber node : 31;
		uint32_t acknowledged : 1;
		uint32_t next;
	};

	struct Commit {
		Sequence number;
		Sequence ended;
		uint64_t name;
		Xid coordinators;	   // the coordinator's own part
		uint32_t participants; // the first
		uint32_t pending;	   // participants that have not acknowledged
		uint32_t next, previous;
		State state;
	};

	struct NodeState {
		std::atomic<uint32_t> pending; // an unresolved node counts as one
		bool resolved;
	};

	struct CommitList {
		uint32_t first = kNone, last = kNone, count = 0;
	};

	explicit CommitLedger(const LedgerSize &size) : size_(size) {}

	Commit *commits() { return const_cast<Commit *>(std::as_const(*this).commits()); }
	Participant *participants() { return const_cast<Participant *>(std::as_const(*this).participants()); }
	NodeState *nodes() { return const_cast<NodeState *>(std::as_const(*this).nodes()); }
	const Commit *commits() const;
	const Participant *participants() const;
	const NodeState *nodes() const;

	Commit *find(CommitHandle commit) { return const_cast<Commit *>(std::as_const(*this).find(commit)); }
	const Commit *find(CommitHandle commit) const;
	static bool may_be_seen(const Commit &commit, Sequence seen);
	const Participant *pending_participant(const Commit &commit, NodeNumber node) const;
	void append(CommitList &list, uint32_t place);
	void remove(CommitList &list, uint32_t place);
	bool make_room(uint32_t participants);
	void release(uint32_t place);
	bool settle(uint32_t place, NodeNumber node);
	Sequence advance() { return sequence_.fetch_add(1, std::memory_order_acq_rel) + 1; }

	LedgerSize size_;
	std::atomic<Sequence> sequence_{0};
	Sequence newest_lost_ = 0; // the newest end that has left
	CommitGate gate_;
	CommitList under_way_; // by admission
	CommitList ended_;	   // by end
	CommitList free_;
	uint32_t first_free_participant_ = kNone;
	uint32_t free_participants_ = 0;
};

} // namespace shardext::core

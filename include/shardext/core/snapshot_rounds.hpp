// The way a reader of several nodes gets snapshots that belong together.
//
// The caller takes the snapshots and does the waiting; this says what comes next:
//
//	for (;;)
//		lock; step = rounds.next(now); unlock
//		kWait:   sleep until the ledger changes, or deadline()
//		kTake:   for each node that is wanted(): ask for a snapshot; taken() as they arrive
//		kAccept: the rows may be used; the session has seen rounds.seen()
//		kTooOld: 40001
//
// How many rounds: the first set of snapshots; when it does not match, new ones on the nodes that are behind,
// once they have what they were behind with; when that does not match either (under load, new commits have
// come in between), all of them behind the closed gate. There no commit begins, and those under way are
// waited for, so that the third round matches, unless its deadline has passed. The next one gets twice the
// time.
//
// Where the ledger is read or changed the caller holds its lock: next() and cancel().
#pragma once
#include "shardext/core/commit_ledger.hpp"

namespace shardext::core {

enum class ReadStep { kWait, kTake, kAccept, kTooOld };

// What keeps a reader right or quick; tests switch these off one by one to show what each is for.
struct ReadRules {
	bool waits_before_reading = true;
	bool checks = true;
	bool checks_what_has_ended = true;
	bool retakes_what_may_be_lost = true;
	bool uses_gate = true;
	bool drains_behind_gate = true;
	bool retakes_all_behind_gate = true;
};

class SnapshotRounds {
public:
	// `nodes` is sorted. `seen` as in CommitLedger::must_wait(). `patience`: how long the gate is held the
	// first time.
	SnapshotRounds(CommitLedger &ledger, std::span<const NodeNumber> nodes, Sequence seen, Time patience,
				   const ReadRules &rules = {});

	// A snapshot that cannot be taken again: rows have been read with it, or REPEATABLE READ has fixed it.
	// `since` was read before it was taken. Comes before the first next().
	void fix(NodeNumber node, NodeSnapshot snapshot, Sequence since);

	ReadStep next(Time now, const RunningTest &is_running);

	size_t size() const { return taken_.size(); }
	NodeNumber node(size_t i) const { return taken_[i].node; }
	bool wanted(size_t i) const { return wanted_[i]; }
	// `several`: more than one statement reads between the snapshot and the later one.
	void taken(size_t i, NodeSnapshot snapshot, std::optional<NodeSnapshot> later = std::nullopt,
			   bool several = false);

	// The read is given up. To be called on every way out that is not kAccept; does nothing the second time.
	void cancel();

	// While it waits: for what (for the error message of a wait that is cancelled), and until when at most
	// (0: for as long as it takes).
	const std::optional<PendingCommit> &waits_for() const { return waits_for_; }
	Time deadline() const { return deadline_; }

	Sequence seen() const { return seen_; }
	// Whether next() may close or open the gate: who changes it needs the exclusive lock.
	bool may_change_gate() const { return failures_ > 0; }

	// What was read before the first of the snapshots was taken.
	Sequence since() const { return since_; }
	int rounds() const { return rounds_; }

private:
	enum class Phase { kStart, kBehind, kBeforeGate, kBehindGate, kTaken };

	ReadStep wait(std::optional<PendingCommit> commit, Time deadline = 0);
	ReadStep take(bool all);
	ReadStep judge(Time now, const RunningTest &is_running);
	ReadStep retake(const RunningTest &is_running);
	ReadStep close_gate(Time now, const RunningTest &is_running);
	ReadStep drain(Time now, const RunningTest &is_running);

	CommitLedger &ledger_;
	ReadRules rules_;
	std::vector<NodeNumber> nodes_;
	std::vector<TakenSnapshot> taken_;
	std::vector<bool> wanted_;
	std::vector<NodeNumber> behind_; // what the next round is about
	std::vector<bool> fixed_;
	Sequence fixed_since_ = UINT64_MAX; // the oldest of theirs
	Sequence since_ = 0;
	Sequence seen_;
	Time patience_;
	Time deadline_ = 0;
	CommitGate::Ticket ticket_ = 0;
	std::optional<PendingCommit> waits_for_;
	Phase phase_ = Phase::kStart;
	bool all_ = true; // the next round takes all of them
	int rounds_ = 0;
	int failures_ = 0;
};

} // namespace shardext::core

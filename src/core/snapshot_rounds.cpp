// Rounds of snapshots until they match.
#include "shardext/core/snapshot_rounds.hpp"

#include <algorithm>

namespace shardext::core {

namespace {

constexpr int kMostDoublings = 10; // of the time that the gate is held

} // namespace

SnapshotRounds::SnapshotRounds(CommitLedger &ledger, std::span<const NodeNumber> nodes, Sequence seen,
							   Time patience, const ReadRules &rules)
	: ledger_(ledger), rules_(rules), nodes_(nodes.begin(), nodes.end()), wanted_(nodes.size(), false),
	  behind_(nodes_), fixed_(nodes.size(), false), seen_(seen), patience_(patience) {
	for (const NodeNumber node : nodes_)
		taken_.push_back({node, {}});
}

void SnapshotRounds::fix(NodeNumber node, NodeSnapshot snapshot, Sequence since) {
	const auto i = std::lower_bound(nodes_.begin(), nodes_.end(), node) - nodes_.begin();
	fixed_[i] = true;
	fixed_since_ = std::min(fixed_since_, since);
	taken_[i].snapshot = std::move(snapshot);
}

void SnapshotRounds::taken(size_t i, NodeSnapshot snapshot, std::optional<NodeSnapshot> later, bool several) {
	taken_[i].torn = several && later && !later->sees_no_more_than(snapshot);
	taken_[i].snapshot = std::move(snapshot);
	taken_[i].later = std::move(later);
	wanted_[i] = false;
}

void SnapshotRounds::cancel() {
	if (ticket_ != 0)
		ledger_.gate().open(ticket_);
	ticket_ = 0;
}

ReadStep SnapshotRounds::next(Time now, const RunningTest &is_running) {
	switch (phase_) {
	case Phase::kStart:
	case Phase::kBehind:
		return retake(is_running);
	case Phase::kBeforeGate:
		return close_gate(now, is_running);
	case Phase::kBehindGate:
		return drain(now, is_running);
	case Phase::kTaken:
		break;
	}
	return judge(now, is_running);
}

ReadStep SnapshotRounds::wait(std::optional<PendingCommit> commit, Time deadline) {
	waits_for_ = commit;
	deadline_ = deadline;
	return ReadStep::kWait;
}

// Asks for new snapshots: on all nodes, or on those that are behind. What is kept was taken after the
// sequence that is kept.
ReadStep SnapshotRounds::take(bool all) {
	if (all)
		since_ = std::min(ledger_.sequence(), fixed_since_);
	for (size_t i = 0; i < size(); i++)
		wanted_[i] = !fixed_[i] && (all || taken_[i].behind);
	waits_for_.reset();
	phase_ = Phase::kTaken;
	rounds_++;
	return ReadStep::kTake;
}

// The snapshots have arrived: nobody has to be held back any longer, whether they match or not.
ReadStep SnapshotRounds::judge(Time now, const RunningTest &is_running) {
	cancel();
	seen_ = ledger_.sequence();
	CommitLedger::Verdict verdict = ledger_.check(rules_.checks_what_has_ended ? since_ : seen_, taken_);
	if (!rules_.retakes_what_may_be_lost)
		verdict.lost = false;
	if (!rules_.checks || (!verdict.lost && !verdict.mismatch && !verdict.torn))
		return ReadStep::kAccept;
	for (size_t i = 0; i < size(); i++)
		if (fixed_[i] && (taken_[i].behind || verdict.lost))
			return ReadStep::kTooOld; // what is lost stays lost: its sequence is that old
	behind_.clear();
	for (const TakenSnapshot &t : taken_)
		if (verdict.lost || t.behind)
			behind_.push_back(t.node);
	all_ = verdict.lost;
	// The gate holds no commit back that tears a single node's snapshots.
	const bool failed = verdict.lost || verdict.mismatch;
	failures_ += failed;
	phase_ = failed && failures_ > 1 && rules_.uses_gate ? Phase::kBeforeGate : Phase::kBehind;
	return next(now, is_running);
}

// Waits for what the nodes lack, and takes snapshots there. Before the first round: for what the session has
// committed or seen.
ReadStep SnapshotRounds::retake(const RunningTest &is_running) {
	if (phase_ != Phase::kStart || rules_.waits_before_reading)
		if (const auto commit = ledger_.must_wait(behind_, seen_, is_running))
			return wait(commit);
	return take(all_);
}

// A hand-over lasts as long as its node is away; nobody else should be held back meanwhile.
ReadStep SnapshotRounds::close_gate(Time now, const RunningTest &is_running) {
	if (const auto commit = ledger_.must_wait(nodes_, 0, is_running))
		return wait(commit);
	deadline_ = now + (patience_ << std::min(failures_ - 2, kMostDoublings));
	ticket_ = ledger_.gate().close(now, deadline_);
	phase_ = Phase::kBehindGate;
	return drain(now, is_running);
}

ReadStep SnapshotRounds::drain(Time now, const RunningTest &is_running) {
	if (const auto commit = ledger_.must_wait(nodes_, 0, is_running)) {
		cancel();
		phase_ = Phase::kBeforeGate;
		return wait(commit);
	}
	if (rules_.drains_behind_gate && now < deadline_ && ledger_.under_way(nodes_))
		return wait(std::nullopt, deadline_);
	return take(rules_.retakes_all_behind_gate || all_);
}

} // namespace shardext::core

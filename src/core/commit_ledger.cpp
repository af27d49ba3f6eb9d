// The commit ledger: entries, their lists and the reader's check.
#include "shardext/core/commit_ledger.hpp"

#include <algorithm>
#include <cassert>
#include <new>

namespace shardext::core {

namespace {

template <class T> bool contains(std::span<const T> sorted, T value) {
	return std::binary_search(sorted.begin(), sorted.end(), value);
}

TakenSnapshot *snapshot_of(std::span<TakenSnapshot> taken, NodeNumber node) {
	const auto at = std::lower_bound(taken.begin(), taken.end(), node,
									 [](const TakenSnapshot &t, NodeNumber n) { return t.node < n; });
	return at != taken.end() && at->node == node ? &*at : nullptr;
}

} // namespace

// --- memory: the ledger itself, then commits, participants and nodes ---

size_t CommitLedger::memory_size(const LedgerSize &size) {
	static_assert(sizeof(CommitLedger) % alignof(Commit) == 0 && sizeof(Commit) % alignof(Participant) == 0 &&
				  sizeof(Participant) % alignof(NodeState) == 0);
	static_assert(std::atomic<Sequence>::is_always_lock_free); // shared by processes
	return sizeof(CommitLedger) + sizeof(Commit) * size.commits + sizeof(Participant) * size.participants +
		   sizeof(NodeState) * size.nodes;
}

const CommitLedger::Commit *CommitLedger::commits() const {
	return reinterpret_cast<const Commit *>(this + 1);
}

const CommitLedger::Participant *CommitLedger::participants() const {
	return reinterpret_cast<const Participant *>(commits() + size_.commits);
}

const CommitLedger::NodeState *CommitLedger::nodes() const {
	return reinterpret_cast<const NodeState *>(participants() + size_.participants);
}

CommitLedger *CommitLedger::create(void *memory, const LedgerSize &size) {
	auto *ledger = new (memory) CommitLedger(size);
	for (uint32_t i = 0; i < size.commits; i++) {
		new (ledger->commits() + i) Commit{};
		ledger->append(ledger->free_, i);
	}
	for (uint32_t i = 0; i < size.participants; i++)
		new (ledger->participants() + i) Participant{kNoXid, 0, 0, i + 1 < size.participants ? i + 1 : kNone};
	ledger->first_free_participant_ = size.participants > 0 ? 0 : kNone;
	ledger->free_participants_ = size.participants;
	for (uint32_t i = 0; i < size.nodes; i++)
		new (ledger->nodes() + i) NodeState{i == kCoordinator ? 0u : 1u, i == kCoordinator};
	return ledger;
}

void CommitLedger::append(CommitList &list, uint32_t place) {
	Commit &commit = commits()[place];
	commit.next = kNone;
	commit.previous = list.last;
	if (list.last == kNone)
		list.first = place;
	else
		commits()[list.last].next = place;
	list.last = place;
	list.count++;
}

void CommitLedger::remove(CommitList &list, uint32_t place) {
	const Commit &commit = commits()[place];
	if (commit.previous == kNone)
		list.first = commit.next;
	else
		commits()[commit.previous].next = commit.next;
	if (commit.next == kNone)
		list.last = commit.previous;
	else
		commits()[commit.next].previous = commit.previous;
	list.count--;
}

// Gives back the participants of a commit that stands in no list, and its place.
void CommitLedger::release(uint32_t place) {
	Commit &commit = commits()[place];
	while (commit.participants != kNone) {
		const uint32_t i = commit.participants;
		commit.participants = participants()[i].next;
		participants()[i].next = first_free_participant_;
		first_free_participant_ = i;
		free_participants_++;
	}
	commit.state = State::kFree;
	commit.number = 0;
	append(free_, place);
}

// Lets the oldest ended commits leave until there is room for one more. Returns false when those under way
// fill the ledger.
bool CommitLedger::make_room(uint32_t participants) {
	while (free_.count == 0 || free_participants_ < participants) {
		const uint32_t oldest = ended_.first;
		if (oldest == kNone)
			return false;
		newest_lost_ = commits()[oldest].ended;
		remove(ended_, oldest);
		release(oldest);
	}
	return true;
}

// --- commits ---

CommitLedger::Admission CommitLedger::admit(std::span<const CommitParticipant> parts, uint64_t name, Time now,
											CommitHandle &handle) {
	if (gate_.closed(now))
		return Admission::kGateClosed;
	const auto writers = static_cast<uint32_t>(
		std::count_if(parts.begin(), parts.end(), [](const auto &p) { return p.xid != kNoXid; }));
	if (!make_room(writers))
		return Admission::kFull;
	const uint32_t place = free_.first;
	remove(free_, place);
	Commit &commit = commits()[place];
	commit = {advance(), 0, name, kNoXid, kNone, writers, kNone, kNone, State::kUndecided};
	for (const auto &part : parts) {
		if (part.xid == kNoXid)
			continue;
		const uint32_t i = first_free_participant_;
		Participant &p = participants()[i];
		first_free_participant_ = p.next;
		free_participants_--;
		p = {part.xid, part.node, 0, commit.participants};
		commit.participants = i;
		if (part.node == kCoordinator)
			commit.coordinators = part.xid;
		nodes()[part.node].pending.fetch_add(1, std::memory_order_acq_rel);
	}
	append(under_way_, place);
	handle = {place, commit.number};
	return Admission::kAdmitted;
}

const CommitLedger::Commit *CommitLedger::find(CommitHandle handle) const {
	if (handle.number == 0 || handle.place >= size_.commits)
		return nullptr;
	const Commit &commit = commits()[handle.place];
	return commit.number == handle.number ? &commit : nullptr;
}

// A node's part in a commit while it has not acknowledged it, or null.
const CommitLedger::Participant *CommitLedger::pending_participant(const Commit &commit,
																   NodeNumber node) const {
	for (uint32_t i = commit.participants; i != kNone; i = participants()[i].next)
		if (participants()[i].node == node && !participants()[i].acknowledged)
			return participants() + i;
	return nullptr;
}

// Notes that a node has ended its part, and ends the commit with the last of them.
bool CommitLedger::settle(uint32_t place, NodeNumber node) {
	Commit &commit = commits()[place];
	for (uint32_t i = commit.participants; i != kNone; i = participants()[i].next) {
		Participant &p = participants()[i];
		if (p.node != node || p.acknowledged)
			continue;
		p.acknowledged = 1;
		nodes()[node].pending.fetch_sub(1, std::memory_order_acq_rel);
		commit.pending--;
	}
	if (commit.pending > 0 || commit.state == State::kUndecided)
		return false;
	remove(under_way_, place);
	commit.state = State::kEnded;
	commit.ended = advance();
	append(ended_, place);
	return true;
}

void CommitLedger::decided(CommitHandle handle) {
	Commit *commit = find(handle);
	assert(commit != nullptr && commit->state == State::kUndecided);
	commit->state = State::kDecided;
	settle(handle.place, kCoordinator);
}

bool CommitLedger::acknowledged(CommitHandle handle, NodeNumber node) {
	const Commit *commit = find(handle);
	if (commit == nullptr || commit->state == State::kEnded)
		return true;
	assert(commit->state != State::kUndecided);
	return settle(handle.place, node);
}

void CommitLedger::rolled_back(CommitHandle handle) {
	const Commit *commit = find(handle);
	assert(commit != nullptr && commit->state == State::kUndecided);
	for (uint32_t i = commit->participants; i != kNone; i = participants()[i].next)
		if (!participants()[i].acknowledged)
			nodes()[participants()[i].node].pending.fetch_sub(1, std::memory_order_acq_rel);
	remove(under_way_, handle.place);
	release(handle.place);
}

void CommitLedger::hand_over(CommitHandle handle) {
	Commit *commit = find(handle);
	if (commit == nullptr || commit->state == State::kEnded)
		return;
	assert(commit->state == State::kDecided);
	commit->state = State::kHandedOver;
}

// --- readers ---

// Whether a session may have seen a part of a commit, or knows of it; except for one that is undecided and
// still runs on the coordinator.
bool CommitLedger::may_be_seen(const Commit &commit, Sequence seen) {
	switch (commit.state) {
	case State::kUndecided: // its backend may not have got round to saying that the coordinator has committed
		return commit.coordinators != kNoXid;
	case State::kDecided:
		return commit.coordinators != kNoXid || commit.number <= seen;
	default:
		return true;
	}
}

std::optional<PendingCommit> CommitLedger::must_wait(std::span<const NodeNumber> wanted, Sequence seen,
													 const RunningTest &is_running) const {
	for (const NodeNumber node : wanted)
		if (!nodes()[node].resolved)
			return PendingCommit{{}, node, kNoXid, 0};
	for (uint32_t place = under_way_.first; place != kNone; place = commits()[place].next) {
		const Commit &commit = commits()[place];
		if (!may_be_seen(commit, seen))
			continue;
		for (uint32_t i = commit.participants; i != kNone; i = participants()[i].next) {
			const Participant &p = participants()[i];
			if (p.acknowledged || !contains(wanted, static_cast<NodeNumber>(p.node)))
				continue;
			if (commit.state == State::kUndecided && is_running(commit.coordinators))
				break;
			return PendingCommit{{place, commit.number}, p.node, p.xid, commit.name};
		}
	}
	return std::nullopt;
}

CommitLedger::Verdict CommitLedger::check(Sequence since, std::span<TakenSnapshot> taken) const {
	Verdict verdict{newest_lost_ > since, false, false};
	for (TakenSnapshot &t : taken) {
		t.behind = t.torn;
		verdict.torn = verdict.torn || t.torn;
	}
	const auto compare = [&](const Commit &commit) {
		bool seen = false, unseen = false, unsure = false;
		int nodes = 0;
		for (uint32_t i = commit.participants; i != kNone; i = participants()[i].next) {
			const TakenSnapshot *t = snapshot_of(taken, participants()[i].node);
			if (t == nullptr)
				continue;
			(t->sees(participants()[i].xid) ? seen : unseen) = true;
			unsure = unsure || !t->is_sure(participants()[i].xid);
			nodes++;
		}
		if (nodes < 2 || ((!seen || !unseen) && !unsure))
			return;
		verdict.mismatch = true;
		for (uint32_t i = commit.participants; i != kNone; i = participants()[i].next) {
			TakenSnapshot *t = snapshot_of(taken, participants()[i].node);
			if (t != nullptr && !t->sees(participants()[i].xid))
				t->behind = true;
		}
	};
	for (uint32_t place = under_way_.first; place != kNone; place = commits()[place].next)
		compare(commits()[place]);
	// What had ended before the reader began is seen by all its snapshots.
	for (uint32_t place = ended_.last; place != kNone && commits()[place].ended > since;
		 place = commits()[place].previous)
		compare(commits()[place]);
	return verdict;
}

bool CommitLedger::under_way(std::span<const NodeNumber> wanted) const {
	for (uint32_t place = under_way_.first; place != kNone; place = commits()[place].next) {
		const Commit &commit = commits()[place];
		int common = 0;
		bool pending = false;
		for (uint32_t i = commit.participants; i != kNone; i = participants()[i].next) {
			if (!contains(wanted, static_cast<NodeNumber>(participants()[i].node)))
				continue;
			common++;
			pending = pending || !participants()[i].acknowledged;
		}
		if (commit.state != State::kHandedOver && common > 1 && pending)
			return true;
	}
	return false;
}

// --- recovery ---

std::optional<PendingCommit> CommitLedger::next_handed_over(NodeNumber node, Sequence after) const {
	for (uint32_t place = under_way_.first; place != kNone; place = commits()[place].next) {
		const Commit &commit = commits()[place];
		if (commit.state != State::kHandedOver || commit.number <= after)
			continue;
		if (const Participant *p = pending_participant(commit, node))
			return PendingCommit{{place, commit.number}, node, p->xid, commit.name};
	}
	return std::nullopt;
}

void CommitLedger::resolved(NodeNumber node) {
	NodeState &state = nodes()[node];
	if (state.resolved)
		return;
	state.resolved = true;
	state.pending.fetch_sub(1, std::memory_order_acq_rel);
}

void CommitLedger::forget_node(NodeNumber node) {
	assert(node != kCoordinator);
	for (uint32_t place = under_way_.first, next; place != kNone; place = next) {
		next = commits()[place].next;
		settle(place, node);
	}
	if (nodes()[node].resolved) {
		nodes()[node].resolved = false;
		nodes()[node].pending.fetch_add(1, std::memory_order_acq_rel);
	}
}

bool CommitLedger::is_pending(CommitHandle handle, NodeNumber node) const {
	const Commit *commit = find(handle);
	return commit != nullptr && pending_participant(*commit, node) != nullptr;
}

} // namespace shardext::core

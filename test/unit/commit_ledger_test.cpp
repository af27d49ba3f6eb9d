// The commit ledger: its parts one by one.
#include "shardext/core/snapshot_rounds.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <memory>
#include <ostream>
#include <string>

using namespace shardext::core;

namespace {

using Admission = CommitLedger::Admission;

const RunningTest kNobodyRuns = [](Xid) { return false; };
const RunningTest kEverybodyRuns = [](Xid) { return true; };

// A ledger with memory of its own, whose nodes may be read.
struct Ledger {
	static constexpr LedgerSize kSize = {4, 10, 5};
	static size_t blocks() { return CommitLedger::memory_size(kSize) / sizeof(std::max_align_t) + 1; }

	std::vector<std::max_align_t> memory{blocks()};
	CommitLedger *ledger = CommitLedger::create(memory.data(), kSize);

	Ledger() {
		for (NodeNumber node = 0; node < kSize.nodes; node++)
			ledger->resolved(node);
	}
	CommitLedger *operator->() { return ledger; }

	CommitHandle admit(std::vector<CommitParticipant> participants, uint64_t name = 1) {
		CommitHandle commit;
		BOOST_REQUIRE(ledger->admit(participants, name, 0, commit) == Admission::kAdmitted);
		return commit;
	}
	CommitHandle decide(std::vector<CommitParticipant> participants, uint64_t name = 1) {
		const CommitHandle commit = admit(std::move(participants), name);
		ledger->decided(commit);
		return commit;
	}
	// A commit on nodes 1 and 2 from its beginning to its end.
	void commit_something() {
		const CommitHandle commit = decide({{1, 5}, {2, 5}});
		ledger->acknowledged(commit, 1);
		BOOST_TEST(ledger->acknowledged(commit, 2));
	}
	bool must_wait(std::vector<NodeNumber> nodes, Sequence seen,
				   const RunningTest &is_running = kNobodyRuns) {
		return ledger->must_wait(nodes, seen, is_running).has_value();
	}
};

// A snapshot that sees everything below xmax.
NodeSnapshot before(Xid xmax) {
	return {xmax, xmax, {}};
}

struct Text {
	const char *text;
	bool good;
};
std::ostream &operator<<(std::ostream &out, const Text &text) {
	return out << text.text;
}
const Text kTexts[] = {
	{"10:20:10,14,15", true},
	{"10:10:", true},
	{"10:11:10", true},
	{"18446744073709551614:18446744073709551615:", true},
	{"", false},
	{"10", false},
	{"10:20", false},
	{"20:10:", false},
	{"10:20:9", false},
	{"10:20:20", false},
	{"10:20:15,14", false},
	{"10:20:14,", false},
	{"10:20:,14", false},
	{"10:20:14 ", false},
	{" 10:20:14", false},
	{"-1:20:", false},
	{"0:20:", false},
	{"10:20:14,x", false},
	{"10:18446744073709551616:", false},
};

} // namespace

BOOST_AUTO_TEST_SUITE(node_snapshots)

BOOST_DATA_TEST_CASE(texts_are_read_or_refused, kTexts, text) {
	NodeSnapshot snapshot = before(7);
	BOOST_TEST(snapshot.parse(text.text) == text.good);
	BOOST_TEST((snapshot.xmax() == 7) != text.good); // refused: as it was
}

BOOST_AUTO_TEST_CASE(see_what_had_ended) {
	NodeSnapshot snapshot;
	BOOST_TEST(snapshot.parse("4294967290:4294967300:4294967290,4294967297"));
	for (const Xid xid : {1ull, 4294967289ull, 4294967291ull, 4294967296ull, 4294967299ull})
		BOOST_TEST(snapshot.sees(xid));
	for (const Xid xid : {4294967290ull, 4294967297ull, 4294967300ull, 4294967301ull})
		BOOST_TEST(!snapshot.sees(xid));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(commit_gate)

BOOST_AUTO_TEST_CASE(opens_with_the_last_holder) {
	CommitGate gate;
	BOOST_TEST(!gate.closed(0));
	const auto first = gate.close(10, 100);
	const auto second = gate.close(20, 90);
	gate.open(first);
	BOOST_TEST(gate.closed(30));
	gate.open(second);
	BOOST_TEST(!gate.closed(30));
}

BOOST_AUTO_TEST_CASE(opens_at_the_deadline) {
	CommitGate gate;
	const auto late = gate.close(10, 100);
	BOOST_TEST(gate.closed(99));
	BOOST_TEST(!gate.closed(100));
	gate.close(200, 300);
	gate.open(late); // of a round that is over
	BOOST_TEST(gate.closed(250));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(commit_ledger)

BOOST_AUTO_TEST_CASE(finds_who_is_behind) {
	Ledger ledger;
	const Sequence since = ledger->sequence();
	const CommitHandle commit = ledger.decide({{1, 10}, {2, 20}, {3, 30}, {4, kNoXid}});
	std::vector<TakenSnapshot> taken = {{1, before(11)}, {2, before(20)}, {4, before(1)}};
	const auto expect_mismatch = [&] {
		const auto verdict = ledger->check(since, taken);
		BOOST_TEST(verdict.mismatch);
		BOOST_TEST(!verdict.lost);
		BOOST_TEST(!taken[0].behind);
		BOOST_TEST(taken[1].behind);
		BOOST_TEST(!taken[2].behind); // the transaction has written nothing there
	};
	expect_mismatch();
	for (const NodeNumber node : {1, 2, 3})
		ledger->acknowledged(commit, node);
	expect_mismatch(); // it has ended, but this reader began before
	taken[1].snapshot = before(21);
	BOOST_TEST(!ledger->check(since, taken).mismatch);
	taken[0].snapshot = before(10);
	taken[1].snapshot = before(20);
	BOOST_TEST(!ledger->check(since, taken).mismatch); // nobody sees it
}

BOOST_AUTO_TEST_CASE(does_not_care_for_nodes_that_are_not_read) {
	Ledger ledger;
	ledger.decide({{1, 10}, {2, 20}});
	std::vector<TakenSnapshot> taken = {{2, before(21)}, {3, before(1)}};
	BOOST_TEST(!ledger->check(0, taken).mismatch);
}

BOOST_AUTO_TEST_CASE(forgets_rollbacks) {
	Ledger ledger;
	const CommitHandle commit = ledger.admit({{1, 10}, {2, 20}});
	ledger->rolled_back(commit);
	std::vector<TakenSnapshot> taken = {{1, before(11)}, {2, before(20)}};
	BOOST_TEST(!ledger->check(0, taken).mismatch);
	BOOST_TEST(ledger->pending(1) == 0u);
	BOOST_TEST(ledger->usage().participants == 0u);
	BOOST_TEST(!ledger->is_pending(commit, 1));
}

BOOST_AUTO_TEST_CASE(knows_that_something_has_left) {
	Ledger ledger;
	const Sequence before_all = ledger->sequence();
	ledger.commit_something();
	const Sequence after_first = ledger->sequence();
	std::vector<TakenSnapshot> taken = {{1, before(100)}, {2, before(100)}};
	for (int i = 0; i < 3; i++)
		ledger.commit_something();
	BOOST_TEST(!ledger->check(before_all, taken).lost); // four have ended, there are four places
	ledger.commit_something();
	BOOST_TEST(ledger->check(before_all, taken).lost);
	BOOST_TEST(!ledger->check(after_first, taken).lost); // it saw the one that has left
	ledger.decide({{1, 7}, {2, 7}, {3, 7}, {4, 7}});	 // participants run out as places do
	BOOST_TEST(ledger->check(after_first, taken).lost);
}

BOOST_AUTO_TEST_CASE(is_full_of_commits_under_way_only) {
	Ledger ledger;
	std::vector<CommitHandle> commits;
	const std::vector<CommitParticipant> three = {{1, 5}, {2, 5}, {3, 5}};
	for (int round = 0; round < 100; round++) { // places and participants come back
		while (commits.size() < 3)
			commits.push_back(ledger.decide(three));
		CommitHandle refused;
		BOOST_TEST((ledger->admit(three, 1, 0, refused) == Admission::kFull));
		for (const CommitHandle &commit : commits)
			for (const auto &participant : three)
				ledger->acknowledged(commit, participant.node);
		commits.clear();
	}
	BOOST_TEST(ledger->usage().under_way == 0u);
	for (NodeNumber node = 0; node < Ledger::kSize.nodes; node++)
		BOOST_TEST(ledger->pending(node) == 0u);
}

BOOST_AUTO_TEST_CASE(old_handles_mean_nothing) {
	Ledger ledger;
	const CommitHandle old = ledger.decide({{1, 5}});
	BOOST_TEST(ledger->acknowledged(old, 1));
	std::vector<CommitHandle> commits;
	for (int i = 0; i < 4; i++)
		commits.push_back(ledger.decide({{1, 6}}));
	BOOST_TEST(ledger->pending(1) == 4u);
	BOOST_TEST(ledger->acknowledged(old, 1)); // a late answer
	ledger->hand_over(old);
	BOOST_TEST(ledger->pending(1) == 4u);
	for (const CommitHandle &commit : commits) {
		BOOST_TEST(ledger->is_pending(commit, 1));
		BOOST_TEST(!ledger.must_wait({1}, 0));
	}
}

BOOST_AUTO_TEST_CASE(readers_wait_for_what_they_may_have_seen) {
	Ledger ledger;
	const Sequence earlier = ledger->sequence();
	const CommitHandle commit = ledger.admit({{1, 10}, {2, 20}}, 42);
	const Sequence seen = ledger->sequence();
	BOOST_TEST(!ledger.must_wait({1, 2}, seen)); // no COMMIT PREPARED has been sent
	ledger->decided(commit);
	BOOST_TEST(!ledger.must_wait({1, 2}, earlier));
	BOOST_TEST(!ledger.must_wait({0, 3}, seen));
	BOOST_TEST(ledger.must_wait({1}, seen));
	ledger->acknowledged(commit, 1);
	BOOST_TEST(!ledger.must_wait({1}, seen));
	ledger->hand_over(commit);
	BOOST_TEST(!ledger.must_wait({1}, seen));
	const NodeNumber nodes[] = {1, 2};
	const auto pending = ledger->must_wait(nodes, 0, kEverybodyRuns);
	BOOST_REQUIRE(pending.has_value());
	BOOST_TEST(pending->node == 2u);
	BOOST_TEST(pending->xid == 20u);
	BOOST_TEST(pending->name == 42u);
	BOOST_TEST(ledger->acknowledged(commit, 2));
	BOOST_TEST(!ledger.must_wait({1, 2}, ledger->sequence()));
}

BOOST_AUTO_TEST_CASE(readers_may_have_seen_the_coordinators_part) {
	Ledger ledger;
	const CommitHandle commit = ledger.admit({{kCoordinator, 5}, {1, 10}});
	BOOST_TEST(!ledger.must_wait({1}, ledger->sequence(), kEverybodyRuns));
	BOOST_TEST(ledger.must_wait({1}, 0, kNobodyRuns)); // committed, and its backend has not said so yet
	ledger->decided(commit);
	BOOST_TEST(ledger->pending(kCoordinator) == 0u);
	BOOST_TEST(ledger.must_wait({1}, 0, kEverybodyRuns));
	BOOST_TEST(!ledger.must_wait({0}, ledger->sequence()));
	BOOST_TEST(ledger->acknowledged(commit, 1));
	BOOST_TEST(!ledger.must_wait({1}, ledger->sequence()));
}

BOOST_AUTO_TEST_CASE(the_worker_finds_what_was_handed_over) {
	Ledger ledger;
	const CommitHandle first = ledger.decide({{1, 10}, {2, 10}}, 1);
	const CommitHandle second = ledger.decide({{1, 11}, {3, 11}}, 2);
	ledger.decide({{1, 12}, {2, 12}}, 3);
	ledger->hand_over(first);
	ledger->hand_over(second);
	const auto found = ledger->next_handed_over(1, 0);
	BOOST_REQUIRE(found.has_value());
	BOOST_TEST(found->name == 1u);
	BOOST_TEST(found->xid == 10u);
	BOOST_TEST(ledger->next_handed_over(1, found->commit.number)->name == 2u);
	BOOST_TEST(!ledger->next_handed_over(1, second.number).has_value());
	BOOST_TEST(ledger->next_handed_over(3, 0)->name == 2u);
	ledger->acknowledged(first, 1);
	BOOST_TEST(ledger->next_handed_over(1, 0)->name == 2u);
}

BOOST_AUTO_TEST_CASE(nodes_are_not_read_before_they_are_resolved) {
	Ledger ledger;
	const CommitHandle commit = ledger.decide({{1, 10}, {2, 10}});
	ledger->acknowledged(commit, 1);
	ledger->forget_node(2);
	BOOST_TEST(ledger->usage().under_way == 0u); // nobody else was missing
	BOOST_TEST(ledger->pending(2) == 1u);
	BOOST_TEST(ledger.must_wait({2}, 0));
	BOOST_TEST(!ledger.must_wait({1}, ledger->sequence()));
	ledger->resolved(2);
	ledger->resolved(2);
	BOOST_TEST(ledger->pending(2) == 0u);
}

BOOST_AUTO_TEST_CASE(admits_nothing_behind_the_gate) {
	Ledger ledger;
	const auto ticket = ledger->gate().close(0, 100);
	CommitHandle commit;
	const std::vector<CommitParticipant> participants = {{1, 5}, {2, 5}};
	BOOST_TEST((ledger->admit(participants, 1, 50, commit) == Admission::kGateClosed));
	ledger->gate().open(ticket);
	BOOST_TEST((ledger->admit(participants, 1, 50, commit) == Admission::kAdmitted));
}

BOOST_AUTO_TEST_CASE(may_lie_anywhere) {
	Ledger ledger;
	const CommitHandle commit = ledger.decide({{1, 10}, {2, 20}});
	ledger.commit_something();
	std::vector<std::max_align_t> elsewhere(Ledger::blocks());
	std::memcpy(elsewhere.data(), ledger.memory.data(), CommitLedger::memory_size(Ledger::kSize));
	std::memset(ledger.memory.data(), 0x5a, CommitLedger::memory_size(Ledger::kSize));
	auto *moved = reinterpret_cast<CommitLedger *>(elsewhere.data());
	std::vector<TakenSnapshot> taken = {{1, before(11)}, {2, before(20)}};
	BOOST_TEST(moved->check(0, taken).mismatch);
	moved->acknowledged(commit, 1);
	BOOST_TEST(moved->acknowledged(commit, 2));
	BOOST_TEST(moved->usage().ended == 2u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(snapshot_rounds)

// Nodes 1 and 2, read while a commit is under way that node 1 has and node 2 has not.
struct Reader : Ledger {
	const std::vector<NodeNumber> nodes = {1, 2};
	CommitHandle commit = decide({{1, 10}, {2, 20}}, 42);
	SnapshotRounds rounds{*ledger, nodes, 0, 1000};

	ReadStep next(Time now = 0) { return rounds.next(now, kNobodyRuns); }
	void take(Xid first, Xid second) {
		if (rounds.wanted(0))
			rounds.taken(0, before(first));
		if (rounds.wanted(1))
			rounds.taken(1, before(second));
	}
	void end(CommitHandle handle) {
		ledger->acknowledged(handle, 1);
		ledger->acknowledged(handle, 2);
	}
};

BOOST_FIXTURE_TEST_CASE(one_round_where_snapshots_match, Reader) {
	BOOST_TEST((next() == ReadStep::kTake));
	take(10, 20);
	BOOST_TEST((next() == ReadStep::kAccept));
	BOOST_TEST(rounds.rounds() == 1);
}

BOOST_FIXTURE_TEST_CASE(the_second_round_is_for_those_behind, Reader) {
	BOOST_TEST((next() == ReadStep::kTake));
	take(11, 20);
	BOOST_TEST((next() == ReadStep::kWait));
	BOOST_TEST(rounds.waits_for()->name == 42u);
	BOOST_TEST(rounds.waits_for()->node == 2u);
	BOOST_TEST(rounds.deadline() == 0u);
	end(commit);
	BOOST_TEST((next() == ReadStep::kTake));
	BOOST_TEST(!rounds.wanted(0));
	BOOST_TEST(rounds.wanted(1));
	take(0, 21);
	BOOST_TEST((next() == ReadStep::kAccept));
}

BOOST_AUTO_TEST_CASE(knows_what_has_ended_since) {
	const NodeSnapshot earlier(10, 20, {10, 15});
	BOOST_TEST(earlier.sees_no_more_than(earlier));
	BOOST_TEST(NodeSnapshot(10, 22, {10, 15, 20, 21}).sees_no_more_than(earlier)); // two have begun
	BOOST_TEST(!NodeSnapshot(15, 20, {15}).sees_no_more_than(earlier));
	BOOST_TEST(!NodeSnapshot(10, 22, {10, 15, 21}).sees_no_more_than(earlier)); // 20 has come and gone
	BOOST_TEST(!NodeSnapshot(25, 25, {}).sees_no_more_than(earlier));
}

BOOST_FIXTURE_TEST_CASE(torn_snapshots_are_taken_again_without_the_gate, Reader) {
	end(commit);
	BOOST_TEST((next() == ReadStep::kTake));
	for (int i = 0; i < 3; i++) {
		rounds.taken(0, before(30));
		rounds.taken(1, before(40), before(41), true);
		BOOST_TEST((next() == ReadStep::kTake));
		BOOST_TEST(rounds.wanted(1));
		BOOST_TEST(!ledger->gate().closed(0));
	}
	rounds.taken(1, before(41), before(41), true);
	BOOST_TEST((next() == ReadStep::kAccept));
}

BOOST_FIXTURE_TEST_CASE(one_statement_between_two_snapshots_is_whole, Reader) {
	end(commit);
	BOOST_TEST((next() == ReadStep::kTake));
	rounds.taken(0, before(30));
	rounds.taken(1, before(40), before(41));
	BOOST_TEST((next() == ReadStep::kAccept));
}

BOOST_FIXTURE_TEST_CASE(the_third_round_is_behind_the_gate, Reader) {
	BOOST_TEST((next() == ReadStep::kTake));
	take(11, 20);
	end(commit);
	BOOST_TEST((next() == ReadStep::kTake));
	const CommitHandle another = decide({{1, 11}, {2, 21}});
	take(0, 22); // sees it, and node 1's old snapshot does not
	BOOST_TEST((next(5) == ReadStep::kWait));
	BOOST_TEST(!rounds.waits_for().has_value());
	BOOST_TEST(rounds.deadline() == 1005u);
	BOOST_TEST(ledger->gate().closed(5));
	end(another);
	BOOST_TEST((next(6) == ReadStep::kTake));
	BOOST_TEST(rounds.wanted(0));
	BOOST_TEST(rounds.wanted(1));
	BOOST_TEST(ledger->gate().closed(6));
	take(12, 22);
	BOOST_TEST((next(7) == ReadStep::kAccept));
	BOOST_TEST(!ledger->gate().closed(7));
}

BOOST_FIXTURE_TEST_CASE(nobody_is_held_back_for_a_hand_over, Reader) {
	BOOST_TEST((next() == ReadStep::kTake));
	take(11, 20);
	end(commit);
	BOOST_TEST((next() == ReadStep::kTake));
	const CommitHandle another = decide({{1, 11}, {2, 21}});
	take(0, 22);
	BOOST_TEST((next(5) == ReadStep::kWait));
	BOOST_TEST(ledger->gate().closed(5));
	ledger->hand_over(another);
	BOOST_TEST((next(6) == ReadStep::kWait));
	BOOST_TEST(!ledger->gate().closed(6));
	BOOST_TEST(rounds.deadline() == 0u);
	end(another);
	BOOST_TEST((next(7) == ReadStep::kTake));
	BOOST_TEST(ledger->gate().closed(7));
	rounds.cancel();
	BOOST_TEST(!ledger->gate().closed(7));
	rounds.cancel();
}

BOOST_FIXTURE_TEST_CASE(a_drain_that_takes_too_long_is_given_up, Reader) {
	BOOST_TEST((next() == ReadStep::kTake));
	take(11, 20);
	end(commit);
	BOOST_TEST((next() == ReadStep::kTake));
	decide({{1, 11}, {2, 21}});
	take(0, 22);
	BOOST_TEST((next(5) == ReadStep::kWait));
	BOOST_TEST((next(1005) == ReadStep::kTake));
	take(11, 22);
	BOOST_TEST((next(1006) == ReadStep::kWait));
	BOOST_TEST(rounds.deadline() == 1006u + 2000u); // twice as long
}

BOOST_FIXTURE_TEST_CASE(all_snapshots_are_taken_again_when_something_has_left, Reader) {
	BOOST_TEST((next() == ReadStep::kTake));
	end(commit);
	for (int i = 0; i < 4; i++)
		commit_something();
	take(100, 100);
	BOOST_TEST((next() == ReadStep::kTake));
	BOOST_TEST(rounds.wanted(0));
	BOOST_TEST(rounds.wanted(1));
	take(100, 100);
	BOOST_TEST((next() == ReadStep::kAccept));
}

BOOST_FIXTURE_TEST_CASE(fixed_snapshots_may_be_too_old, Reader) {
	rounds.fix(1, before(10), 0);
	BOOST_TEST((next() == ReadStep::kTake));
	BOOST_TEST(!rounds.wanted(0));
	take(0, 21);
	BOOST_TEST((next() == ReadStep::kTooOld));
}

BOOST_FIXTURE_TEST_CASE(fixed_snapshots_may_be_in_front, Reader) {
	rounds.fix(1, before(11), 0);
	BOOST_TEST((next() == ReadStep::kTake));
	take(0, 20);
	BOOST_TEST((next() == ReadStep::kWait));
	end(commit);
	BOOST_TEST((next() == ReadStep::kTake));
	take(0, 21);
	BOOST_TEST((next() == ReadStep::kAccept));
}

BOOST_FIXTURE_TEST_CASE(fixed_snapshots_may_be_older_than_the_memory, Reader) {
	rounds.fix(1, before(10), 0);
	end(commit);
	for (int i = 0; i < 4; i++)
		commit_something();
	BOOST_TEST((next() == ReadStep::kTake));
	take(0, 100);
	BOOST_TEST((next() == ReadStep::kTooOld));
}

BOOST_FIXTURE_TEST_CASE(what_lies_between_two_snapshots_is_taken_again, Reader) {
	BOOST_TEST((next() == ReadStep::kTake));
	rounds.taken(0, before(10), before(11)); // may see the commit
	rounds.taken(1, before(20));
	BOOST_TEST((next() == ReadStep::kWait));
	end(commit);
	BOOST_TEST((next() == ReadStep::kTake));
	BOOST_TEST(rounds.wanted(0));
	BOOST_TEST(rounds.wanted(1));
	rounds.taken(0, before(11), before(12));
	rounds.taken(1, before(21));
	BOOST_TEST((next() == ReadStep::kAccept));
}

BOOST_FIXTURE_TEST_CASE(doubts_about_one_node_alone_do_not_count, Reader) {
	decide({{1, 11}, {3, 30}});
	BOOST_TEST((next() == ReadStep::kTake));
	rounds.taken(0, before(11), before(12));
	rounds.taken(1, before(21));
	BOOST_TEST((next() == ReadStep::kAccept));
}

BOOST_FIXTURE_TEST_CASE(several_snapshots_may_be_fixed, Reader) {
	rounds.fix(1, before(11), 0);
	rounds.fix(2, before(20), 0);
	BOOST_TEST((next() == ReadStep::kTake));
	BOOST_TEST(!rounds.wanted(0));
	BOOST_TEST(!rounds.wanted(1));
	BOOST_TEST((next() == ReadStep::kTooOld));
}

BOOST_AUTO_TEST_SUITE_END()

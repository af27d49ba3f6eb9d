// The model: what the coordinator's processes do. Sessions commit and read, the worker recovers.
#include "ledger_cluster.hpp"

namespace ledger_simulation {

std::vector<NodeNumber> Cluster::some_nodes(size_t at_least, bool with_coordinator) {
	std::vector<NodeNumber> nodes;
	do {
		nodes.clear();
		for (NodeNumber node = with_coordinator ? 0 : 1; node < servers_.size(); node++)
			if (chance(65))
				nodes.push_back(node);
	} while (nodes.size() < at_least);
	return nodes;
}

Process Cluster::session(int number) {
	Session &self = sessions_[number];
	self.seen = self.idle_since = ledger_->sequence();
	while (self.left > 0) {
		self.left--;
		if (chance(60))
			co_await pause(1, 150);
		if (self.writes && (!self.reads || chance(50)))
			co_await commit(number);
		else if (chance(40))
			for (uint64_t i = random(1, 4); i > 0; i--)
				co_await read_one(number);
		else
			co_await read_several(number);
		self.idle_since = ledger_->sequence();
	}
	busy_sessions_--;
}

// A transaction with writes on several nodes: statements, PREPARE, the decision, phase two.
Process Cluster::commit(int number) {
	const auto nodes = some_nodes(2, true);
	const std::vector<NodeNumber> remote(nodes.begin() + (nodes.front() == kCoordinator), nodes.end());
	co_await until([&] { return !ledger_->must_wait(remote, sessions_[number].seen, is_running()); });
	const int t = static_cast<int>(transactions_.size());
	transactions_.push_back({number, {}});
	in_flight_.insert(t);
	for (const NodeNumber node : nodes)
		transactions_[t].parts.push_back({node});
	bool prepared = false;
	co_await prepare(t, prepared);
	if (prepared)
		co_await decide(t);
	else
		co_await roll_back(t);
	in_flight_.erase(t);
}

// Waits until all nodes have answered, or cannot any more.
Process Cluster::answers(const std::vector<Call> &calls, bool &lost) {
	co_await until(
		[&] { return std::all_of(calls.begin(), calls.end(), [](auto &c) { return c->over(); }); });
	lost = lost || std::any_of(calls.begin(), calls.end(), [](auto &c) { return c->lost; });
}

// Writes on the nodes and prepares them. On some it turns out to have written nothing.
Process Cluster::prepare(int t, bool &prepared) {
	Transaction &self = transactions_[t];
	bool failed = chance(2);
	std::vector<Call> calls;
	for (Part &part : self.parts)
		if (part.node != kCoordinator && !chance(10))
			calls.push_back(
				send(part.node, [&part](Server &server, Answer &) { part.xid = server.begin(); }));
	co_await answers(calls, failed);
	sessions_[self.session].seen = ledger_->sequence();
	self.decision = servers_[kCoordinator].begin();
	calls.clear();
	for (size_t i = 0; i < self.parts.size(); i++)
		if (self.parts[i].node == kCoordinator)
			self.parts[i].xid = self.decision;
		else
			calls.push_back(send(self.parts[i].node, [&self, t, i, failed](Server &server, Answer &) {
				if (failed)
					server.end(self.parts[i].xid); // ROLLBACK
				else if (server.running.contains(self.parts[i].xid))
					server.prepared[t] = i;
			}));
	co_await answers(calls, failed);
	for (const Part &part : self.parts) // without its connection, a transaction ends if it is not prepared
		if (failed && part.node != kCoordinator && !servers_[part.node].prepared.contains(t))
			servers_[part.node].end(part.xid);
	prepared = !failed && std::any_of(self.parts.begin(), self.parts.end(),
									  [](const Part &part) { return part.xid != kNoXid; });
	if (!prepared)
		servers_[kCoordinator].end(self.decision);
}

// All nodes have prepared: the coordinator commits, and tells them.
Process Cluster::decide(int t) {
	Transaction &self = transactions_[t];
	CommitHandle handle;
	const bool admits_first = has(Without::kAdmissionBeforeCommit) && has(Without::kAdmissionBeforePhaseTwo);
	if (admits_first) {
		co_await admit(t, handle);
		if (chance(5)) { // the coordinator's own commit fails
			servers_[kCoordinator].end(self.decision);
			co_await pause(1, 30);
			if (has(Without::kRollbackLeaves))
				ledger_->rolled_back(handle);
			co_await roll_back(t);
			co_return;
		}
		co_await pause(1, 60);
	}
	servers_[kCoordinator].end(self.decision);
	self.in_log = true;
	for (Part &part : self.parts)
		if (part.node == kCoordinator)
			part.visible = step();
	co_await pause(1, chance(30) ? 300 : 10);
	std::vector<Call> calls;
	if (!has(Without::kAdmissionBeforePhaseTwo)) {
		calls = send_phase_two(t);
		co_await pause(1, 60);
	}
	if (!admits_first)
		co_await admit(t, handle);
	ledger_->decided(handle);
	if (calls.empty())
		calls = send_phase_two(t);
	co_await phase_two(t, handle, std::move(calls));
	self.reported = step();
	sessions_[self.session].seen = ledger_->sequence();
	report_.commits++;
}

Process Cluster::admit(int t, CommitHandle &handle) {
	std::vector<CommitParticipant> participants;
	for (const Part &part : transactions_[t].parts)
		if (part.node != kCoordinator || has(Without::kCoordinatorsPart))
			participants.push_back({part.node, part.xid});
	for (;;) {
		switch (ledger_->admit(participants, t, now(), handle)) {
		case CommitLedger::Admission::kAdmitted:
			co_return;
		case CommitLedger::Admission::kGateClosed:
			co_await until([&] { return !ledger_->gate().closed(now()); }, ledger_->gate().deadline());
			break;
		case CommitLedger::Admission::kFull:
			co_await until([&] { return ledger_->usage().under_way < size_.commits; });
		}
	}
}

// Sends and does not wait; what gets lost on the way is the worker's.
Process Cluster::roll_back(int t) {
	for (const Part &part : transactions_[t].parts)
		if (part.node != kCoordinator)
			send(part.node, [this, t, node = part.node](Server &, Answer &) { roll_back_part(node, t); });
	co_await pause(1, 20);
	recovery_requested_ = true;
}

std::vector<Call> Cluster::send_phase_two(int t) {
	std::vector<Call> calls;
	for (const Part &part : transactions_[t].parts)
		if (part.node == kCoordinator || part.xid == kNoXid) {
			calls.push_back(std::make_shared<Answer>());
			calls.back()->arrived = true; // nothing to do
		} else
			calls.push_back(
				send(part.node, [this, t, node = part.node](Server &, Answer &) { commit_part(node, t); }));
	return calls;
}

// Waits a bounded time for the nodes, then leaves the rest to the worker.
Process Cluster::phase_two(int t, CommitHandle handle, std::vector<Call> calls) {
	const Moment deadline = now() + 500;
	for (;;) {
		bool open = false;
		for (size_t i = 0; i < calls.size(); i++)
			if (calls[i] && calls[i]->arrived) {
				ledger_->acknowledged(handle, transactions_[t].parts[i].node);
				calls[i] = nullptr;
			} else
				open = open || (calls[i] && !calls[i]->lost);
		if (!open || now() >= deadline)
			break;
		co_await until(
			[&] { return std::any_of(calls.begin(), calls.end(), [](auto &c) { return c && c->over(); }); },
			deadline);
		if (std::none_of(calls.begin(), calls.end(), [](auto &c) { return c && c->arrived; }))
			break; // one is lost, or it took too long; those that are late are no better than lost
	}
	if (std::all_of(calls.begin(), calls.end(), [](auto &c) { return c == nullptr; }))
		co_return;
	report_.hand_overs++;
	if (!has(Without::kHandedOverCommits))
		for (const Part &part : transactions_[t].parts)
			ledger_->acknowledged(handle, part.node);
	else if (has(Without::kNewsOfHandOver))
		ledger_->hand_over(handle);
	recovery_requested_ = true;
}

// A read of one node, or of the coordinator's own tables: of those nothing of ours is asked or told.
Process Cluster::read_one(int number) {
	const Step begin = step();
	const NodeNumber node[] = {static_cast<NodeNumber>(random(0, servers_.size() - 1))};
	if (*node == kCoordinator) {
		judge(sessions_[number], {{kCoordinator, begin}}, begin);
		co_return;
	}
	if (has(Without::kWaitOfRouterReads))
		co_await until([&] {
			const Sequence seen = has(Without::kWaitForWhatWasSeen) ? sessions_[number].seen : 0;
			return ledger_->pending(*node) == 0 || !ledger_->must_wait(node, seen, is_running());
		});
	const Call call = send(*node, [this](Server &, Answer &answer) { answer.step = step(); });
	co_await until([&] { return call->over(); });
	sessions_[number].seen = ledger_->sequence();
	if (call->arrived)
		judge(sessions_[number], {{*node, call->step}}, begin);
}

Process Cluster::read_several(int number) {
	const Step begin = step();
	auto nodes = some_nodes(2, chance(50));
	if (!sessions_[number].writes)
		for (nodes.clear(); nodes.size() + 1 < servers_.size();)
			nodes.push_back(static_cast<NodeNumber>(nodes.size()) +
							1); // those that only read, read everything
	ReadRules rules;
	rules.checks = has(Without::kCheck);
	rules.waits_before_reading = has(Without::kWaitOfReaders);
	rules.checks_what_has_ended = has(Without::kEndedCommits);
	rules.retakes_what_may_be_lost = has(Without::kOverflow);
	rules.uses_gate = has(Without::kGate);
	rules.drains_behind_gate = has(Without::kDrain);
	rules.retakes_all_behind_gate = has(Without::kAllBehindGate);
	Sequence seen = has(Without::kWaitForWhatWasSeen) ? sessions_[number].seen : 0;
	const uint64_t patience = has(Without::kGateDeadline) ? scenario_.patience : uint64_t{1} << 40;
	SnapshotRounds rounds(*ledger_, nodes, seen, patience, rules);
	std::vector<View> views;
	for (const NodeNumber node : nodes)
		views.push_back({node, 0});
	if (nodes.front() == kCoordinator && chance(30)) { // the statement's snapshot is older than our work
		views[0].step = step();
		NodeSnapshot snapshot = servers_[kCoordinator].snapshot();
		co_await pause(1, chance(30) ? 800 : 50);
		rounds.fix(kCoordinator, std::move(snapshot),
				   has(Without::kSequenceBeforeSnapshot) ? sessions_[number].idle_since
														 : ledger_->sequence());
	}
	for (bool failed = false; !failed;) {
		const bool gate_was_closed = ledger_->gate().closed(now());
		switch (rounds.next(now(), is_running())) {
		case ReadStep::kWait:
			co_await until(
				[&, last = ledger_->sequence(), waits_for = rounds.waits_for()] {
					return waits_for && waits_for->commit.number != 0
							   ? !ledger_->is_pending(waits_for->commit, waits_for->node)
							   : last != ledger_->sequence() || (!waits_for && !ledger_->under_way(nodes)) ||
									 (waits_for && ledger_->pending(waits_for->node) == 0);
				},
				rounds.deadline());
			break;
		case ReadStep::kTake:
			if (ledger_->gate().closed(now()) && !gate_was_closed)
				report_.gates++;
			co_await take(rounds, views, failed);
			if (ledger_->gate().closed(now()) && chance(vanishing_))
				co_return; // never to be seen again
			break;
		case ReadStep::kAccept:
			sessions_[number].seen = rounds.seen();
			report_.reads++;
			report_.rounds = std::max(report_.rounds, rounds.rounds());
			report_.repeated_reads += rounds.rounds() > 1;
			if (rounds.rounds() > scenario_.most_rounds)
				violation("rounds: " + std::to_string(rounds.rounds()));
			judge(sessions_[number], views, begin);
			co_return;
		case ReadStep::kTooOld:
			report_.too_old++;
			failed = true;
		}
	}
	rounds.cancel();
}

// Asks the wanted nodes for snapshots; fails when a node cannot be reached. Where the statement's own
// snapshot cannot be had, it lies between two others.
Process Cluster::take(SnapshotRounds &rounds, std::vector<View> &views, bool &failed) {
	const bool between = chance(30);
	std::vector<Call> calls(rounds.size());
	std::vector<NodeSnapshot> first(rounds.size());
	const std::vector<bool> wanted = [&] {
		std::vector<bool> list;
		for (size_t i = 0; i < rounds.size(); i++)
			list.push_back(rounds.wanted(i));
		return list;
	}();
	for (int message = 0; message < (between ? 3 : 1); message++) {
		for (size_t i = 0; i < rounds.size(); i++)
			if (wanted[i] && rounds.node(i) != kCoordinator)
				calls[i] = send(rounds.node(i), [this](Server &server, Answer &answer) {
					answer.snapshot = server.snapshot();
					answer.step = step();
				});
		co_await until(
			[&] { return std::all_of(calls.begin(), calls.end(), [](auto &c) { return !c || c->over(); }); });
		for (size_t i = 0; i < rounds.size(); i++) {
			if (!calls[i])
				continue;
			failed = failed || calls[i]->lost;
			if (message == 0)
				first[i] = calls[i]->snapshot;
			if (message == (between ? 1 : 0))
				views[i].step = calls[i]->step;
		}
	}
	for (size_t i = 0; i < rounds.size(); i++)
		if (wanted[i] && rounds.node(i) == kCoordinator) {
			co_await pause(1, 50);
			views[i].step = step();
			rounds.taken(i, servers_[kCoordinator].snapshot());
		} else if (wanted[i] && between && has(Without::kDoubt)) {
			rounds.taken(i, first[i], calls[i]->snapshot);
		} else if (wanted[i]) {
			rounds.taken(i, first[i]);
		}
}

// --- recovery ---

Process Cluster::worker() {
	for (int idle_visits = 0; idle_visits < 5; idle_visits += busy_sessions_ == 0 && !recovery_requested_) {
		co_await until([this] { return recovery_requested_; }, now() + 2000);
		recovery_requested_ = false;
		co_await pause(1, 300);
		for (NodeNumber node = 1; node < servers_.size(); node++)
			co_await recover(node);
	}
}

Process Cluster::recover(NodeNumber node) {
	std::vector<PendingCommit> collected;
	const auto collect = [&] {
		for (Sequence last = 0; const auto commit = ledger_->next_handed_over(node, last);) {
			collected.push_back(*commit);
			last = commit->commit.number;
		}
	};
	if (has(Without::kWorkerCollectsFirst))
		collect();
	const Call listing = send(node, [](Server &server, Answer &answer) {
		for (const auto &[transaction, part] : server.prepared)
			answer.list.push_back(transaction);
	});
	co_await until([&] { return listing->over(); });
	co_await pause(1, chance(30) ? 3000 : 100);
	if (!has(Without::kWorkerCollectsFirst))
		collect();
	if (listing->lost) {
		recovery_requested_ = true;
		co_return;
	}
	bool settled = true;
	std::set<int> unresolved;
	for (const int t : listing->list) {
		bool done = false;
		if (!in_flight_.contains(t)) {
			const bool committed = transactions_[t].in_log;
			const Call call = send(node, [this, node, t, committed](Server &, Answer &) {
				committed ? commit_part(node, t) : roll_back_part(node, t);
			});
			co_await until([&] { return call->over(); });
			done = call->arrived;
			settled = settled && done;
			if (!done)
				recovery_requested_ = true;
		}
		if (!done)
			unresolved.insert(t);
	}
	for (const PendingCommit &commit : collected)
		if (!unresolved.contains(static_cast<int>(commit.name)))
			ledger_->acknowledged(commit.commit, node);
		else
			recovery_requested_ = true;
	if (settled)
		ledger_->resolved(node);
}

} // namespace ledger_simulation

// The model: servers and wires, the coordinator's starts, the judgement.
#include "ledger_cluster.hpp"

namespace ledger_simulation {

Cluster::Cluster(uint64_t seed, Without rule, const Scenario &scenario)
	: Scheduler(seed), without_(rule), scenario_(scenario) {
	const bool busy = chance(35); // many writers, so that snapshots seldom match
	const bool calm = chance(20); // nothing is lost
	const bool small = chance(40);
	slow_ = busy ? 3 : 10;
	loss_ = calm || busy ? 0 : 4;
	vanishing_ = calm ? 0 : 15;
	const auto node_count = static_cast<uint32_t>(random(2, 4)) + 1;
	for (uint32_t i = 0; i < node_count; i++) {
		Server server;
		server.next = (Xid{1} << 32) - random(1, 40);
		server.latest_ended = server.next - 1;
		servers_.push_back(server);
	}
	const int readers = 2, writers = busy ? 8 : 3;
	for (int i = 0; i < readers + writers; i++)
		sessions_.push_back(
			{busy ? (i < readers ? 5 : 12) : 8, i < readers || !busy, i >= readers, 0, 0, {}});
	const uint32_t places = small ? static_cast<uint32_t>(random(2, writers)) : 256;
	size_ = {places, places * node_count, node_count};
	memory_.resize((CommitLedger::memory_size(size_) + sizeof(std::max_align_t) - 1) /
				   sizeof(std::max_align_t));
}

// --- wires and servers ---

Call Cluster::send(NodeNumber node, std::function<void(Server &, Answer &)> work) {
	auto answer = std::make_shared<Answer>();
	const bool lost_before = chance(loss_), lost_after = chance(loss_);
	after(delay(), [=, this] {
		if (servers_[node].down || lost_before) {
			answer->lost = true;
			return;
		}
		work(servers_[node], *answer);
		after(delay(),
			  [=, this] { (servers_[node].down || lost_after ? answer->lost : answer->arrived) = true; });
	});
	return answer;
}

void Cluster::commit_part(NodeNumber node, int transaction) {
	Server &server = servers_[node];
	const auto at = server.prepared.find(transaction);
	if (at == server.prepared.end())
		return;
	Part &part = transactions_[transaction].parts[at->second];
	part.visible = step();
	server.prepared.erase(at);
	server.end(part.xid);
}

void Cluster::roll_back_part(NodeNumber node, int transaction) {
	Server &server = servers_[node];
	const auto at = server.prepared.find(transaction);
	if (at == server.prepared.end())
		return;
	const Xid xid = transactions_[transaction].parts[at->second].xid;
	server.prepared.erase(at);
	server.end(xid);
}

// Transactions of one node, which have nothing to do with the ledger.
void Cluster::make_noise() {
	for (int i = 0; i < 15; i++)
		after(random(1, 2000), [this, node = random(0, servers_.size() - 1)] {
			const Xid xid = servers_[node].begin();
			after(random(1, chance(10) ? 3000 : 100), [this, node, xid] { servers_[node].end(xid); });
		});
}

// Nodes that are away for a while.
void Cluster::make_outages() {
	for (uint64_t i = random(0, 2); i > 0; i--)
		after(random(1, 3000), [this, node = random(1, servers_.size() - 1)] {
			servers_[node].down = true;
			after(random(100, 3000), [this, node] { servers_[node].down = false; });
		});
}

// --- the coordinator ---

void Cluster::start_coordinator() {
	std::fill(memory_.begin(), memory_.end(), std::max_align_t{});
	ledger_ = CommitLedger::create(memory_.data(), size_);
	for (NodeNumber node = 1; node < servers_.size(); node++)
		if (report_.starts == 0 || !has(Without::kWorkerBeforeReads))
			ledger_->resolved(node);
	report_.starts++;
	recovery_requested_ = true;
	busy_sessions_ = static_cast<int>(sessions_.size());
	for (int i = 0; i < busy_sessions_; i++)
		processes_.push_back(session(i));
	processes_.push_back(worker());
	for (Process &process : processes_)
		process.start();
}

// Takes everything away that the coordinator's processes know. What they have sent is on its way.
void Cluster::crash() {
	if (busy_sessions_ == 0)
		return;
	forget_processes();
	processes_.clear();
	in_flight_.clear();
	for (int t = 0; t < static_cast<int>(transactions_.size()); t++)
		for (const Part &part : transactions_[t].parts)
			if (part.node != kCoordinator && part.visible == 0)
				after(delay(), [this, t, part] { // not prepared by then: it ends with its connection
					if (!servers_[part.node].prepared.contains(t))
						servers_[part.node].end(part.xid);
				});
	Server &coordinator = servers_[kCoordinator];
	coordinator.running.clear();
	coordinator.latest_ended = coordinator.next - 1;
	start_coordinator();
}

// --- judgement ---

// Compares what a read saw with what was there to be seen.
void Cluster::judge(Session &session, const std::vector<View> &views, Step begin) {
	for (int t = 0; t < static_cast<int>(transactions_.size()); t++) {
		const Transaction &transaction = transactions_[t];
		int seen = 0, unseen = 0;
		for (const Part &part : transaction.parts)
			for (const View &view : views)
				if (view.node == part.node && part.xid != kNoXid)
					(part.visible != 0 && part.visible <= view.step ? seen : unseen)++;
		if (seen > 0 && unseen > 0)
			violation("a read sees a part of a transaction");
		if (unseen > 0 && transaction.reported != 0 && transaction.reported < begin)
			violation(&sessions_[transaction.session] == &session
						  ? "a session misses its own commit"
						  : "a read misses a commit that was reported before");
		if (unseen > 0 && session.saw.contains(t))
			violation("two statements of a session see parts of a transaction");
		if (seen > 0)
			session.saw.insert(t);
	}
}

void Cluster::judge_the_end() {
	if (busy_sessions_ > 0)
		violation("a session waits forever");
	else if (ledger_->usage().under_way > 0)
		violation("a commit stays in the ledger");
	for (NodeNumber node = 0; node < servers_.size(); node++)
		if (busy_sessions_ == 0 && (ledger_->pending(node) > 0 || !servers_[node].prepared.empty()))
			violation("something stays pending");
	for (const Transaction &transaction : transactions_)
		for (const Part &part : transaction.parts)
			if (part.xid != kNoXid && transaction.in_log != (part.visible != 0))
				violation("a transaction has ended in different ways");
}

Report Cluster::run() {
	make_noise();
	if (loss_ > 0) {
		make_outages();
		if (chance(60))
			after(random(100, 2500), [this] { crash(); });
	}
	start_coordinator();
	Scheduler::run(kEnd);
	judge_the_end();
	return report_;
}

const char *name_of(Without rule) {
	static const char *const names[] = {"nothing",
										"admission before the coordinator's commit",
										"admission before phase two",
										"the coordinator's part",
										"the check",
										"commits that have ended",
										"overflow",
										"the sequence before a fixed snapshot",
										"the gate",
										"waiting behind the gate",
										"all nodes behind the gate",
										"the gate's deadline",
										"waits of router reads",
										"waits of readers",
										"waits for what was seen",
										"decisions in the making",
										"commits that were handed over",
										"news of a hand-over",
										"rollbacks that leave",
										"the worker's collecting first",
										"the worker before reads",
										"doubt between two snapshots"};
	static_assert(std::size(names) == static_cast<size_t>(Without::kCount));
	return names[static_cast<size_t>(rule)];
}

Report simulate(uint64_t seed, Without rule, const Scenario &scenario) {
	return Cluster(seed, rule, scenario).run();
}

} // namespace ledger_simulation

// The parts of the model: servers, wires, sessions, the recovery worker.
#pragma once
#include "ledger_processes.hpp"
#include "ledger_simulation.hpp"
#include "shardext/core/snapshot_rounds.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <set>

namespace ledger_simulation {

using namespace shardext::core;

using Step = uint64_t;

constexpr Moment kEnd = 300000; // far beyond what any run needs that does not hang

// A server: which transactions run on it, and what they are called.
struct Server {
	Xid next = 0;
	Xid latest_ended = 0;
	std::set<Xid> running;
	std::map<int, size_t> prepared; // transaction -> its part
	bool down = false;

	Xid begin() {
		running.insert(next);
		return next++;
	}
	void end(Xid xid) {
		if (running.erase(xid) > 0)
			latest_ended = std::max(latest_ended, xid);
	}
	NodeSnapshot snapshot() const {
		const Xid xmax = latest_ended + 1;
		std::vector<Xid> in_progress;
		std::copy_if(running.begin(), running.end(), std::back_inserter(in_progress),
					 [&](Xid xid) { return xid < xmax; });
		return {in_progress.empty() ? xmax : in_progress.front(), xmax, in_progress};
	}
};

struct Part {
	NodeNumber node;
	Xid xid = kNoXid;
	Step visible = 0; // when it was committed there
};

struct Transaction {
	int session;
	std::vector<Part> parts;
	Step reported = 0; // when its client was told
	bool in_log = false;
	Xid decision = kNoXid; // the coordinator's own xid
};

// What a client knows, and its backend on the coordinator.
struct Session {
	int left; // statements to come
	bool reads, writes;
	Sequence seen = 0;		 // its backend's
	Sequence idle_since = 0; // read between statements
	std::set<int> saw;		 // transactions of which it has read something
};

// The answer to a message.
struct Answer {
	bool arrived = false, lost = false;
	bool ok = false;
	Xid xid = kNoXid;
	NodeSnapshot snapshot;
	Step step = 0;
	std::vector<int> list;
	bool over() const { return arrived || lost; }
};
using Call = std::shared_ptr<Answer>;

// A node's part in a read: which node, and when its snapshot was taken.
struct View {
	NodeNumber node;
	Step step;
};

class Cluster : Scheduler {
public:
	Cluster(uint64_t seed, Without rule, const Scenario &scenario);
	Report run();

private:
	bool has(Without rule) const { return without_ != rule; }
	void violation(const std::string &what) {
		if (report_.violation.empty())
			report_.violation = what;
	}
	Moment delay() { return chance(slow_) ? random(100, 600) : random(10, 80); }
	RunningTest is_running() {
		return [this](Xid xid) {
			return !has(Without::kDecisionsInTheMaking) || servers_[kCoordinator].running.contains(xid);
		};
	}

	// wires and servers
	Call send(NodeNumber node, std::function<void(Server &, Answer &)> work);
	void commit_part(NodeNumber node, int transaction);
	void roll_back_part(NodeNumber node, int transaction);
	void make_noise();
	void make_outages();

	// the coordinator
	void start_coordinator();
	Process session(int number);
	Process commit(int number);
	Process answers(const std::vector<Call> &calls, bool &lost);
	Process prepare(int transaction, bool &prepared);
	Process decide(int transaction);
	Process admit(int transaction, CommitHandle &commit);
	Process roll_back(int transaction);
	Process phase_two(int transaction, CommitHandle commit, std::vector<Call> calls);
	std::vector<Call> send_phase_two(int transaction);
	Process read_one(int number);
	Process read_several(int number);
	Process take(SnapshotRounds &rounds, std::vector<View> &views, bool &failed);
	Process worker();
	Process recover(NodeNumber node);
	void crash();

	std::vector<NodeNumber> some_nodes(size_t at_least, bool with_coordinator);
	void judge(Session &session, const std::vector<View> &views, Step begin);
	void judge_the_end();

	const Without without_;
	const Scenario scenario_;
	Report report_;
	unsigned slow_, loss_, vanishing_;
	std::vector<Server> servers_;
	std::deque<Transaction> transactions_;
	std::set<int> in_flight_; // whose backend is still at it
	std::vector<Session> sessions_;
	int busy_sessions_ = 0;
	bool recovery_requested_ = false;
	LedgerSize size_;
	std::vector<std::max_align_t> memory_;
	CommitLedger *ledger_ = nullptr;
	std::vector<Process> processes_;
};

} // namespace ledger_simulation

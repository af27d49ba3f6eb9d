// The wait-for graph of all servers: who waits for whom, and which cycle has to be broken where.
//
// A waiter goes on only when all that it waits for have ended, so every cycle is a deadlock.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace shardext::core {

class WaitGraph {
public:
	// Adds a transaction, or finds the one of that name. Returns its number.
	int add(const std::string &name);

	// When the transaction began, and that its wait can be ended by an error. Others are never victims.
	void set_victim(int transaction, int64_t started);

	// Adds a wait; `identity` tells this wait of this transaction from all others before and after it.
	void add_wait(int waiter, int blocker, const std::string &identity, int label);

	struct Wait {
		int waiter, blocker;
		std::string identity;
		int label; // the caller's
	};

	// For each set of transactions that wait for each other in circles: the shortest circle through the
	// youngest that can be a victim, beginning with its wait. Sets without such a transaction are left out.
	std::vector<std::vector<Wait>> deadlocks() const;

	// True when all these waits are in the graph, too.
	bool contains(const std::vector<Wait> &cycle) const;

private:
	struct Transaction {
		std::string name;
		int64_t started = 0;
		bool can_be_victim = false;
	};
	std::vector<Wait> shortest_cycle(int start, const std::vector<int> &component) const;

	std::vector<Transaction> transactions_;
	std::vector<Wait> waits_;
};

} // namespace shardext::core

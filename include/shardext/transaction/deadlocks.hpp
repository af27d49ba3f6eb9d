// Deadlocks over several servers.
//
// A look: every node that somebody has been waiting for is asked who waits for whom, this server as well;
// sessions of nodes and prepared transactions are taken for the backends of this server that they work for,
// and a circle in the graph of all that is a deadlock. It counts when a second look, begun after the first
// one has ended, finds the same waits of the same transactions: then all of them have existed at the same
// time.
#pragma once
#include "shardext/core/wait_graph.hpp"
#include "shardext/remote/node_poll.hpp"

namespace shardext {

// True when a backend of this database has waited for a node for deadlock_timeout. Looks at shared memory
// only.
bool somebody_waits_for_long();

class DeadlockSearch {
public:
	// Texts live in this memory context, beyond the transaction of a look.
	explicit DeadlockSearch(MemoryContext context) : context_(context) {}

	// Each in a transaction of its own. The first returns true when there is a circle; the second ends the
	// wait of the youngest in each circle that is still there, with SQLSTATE 40P01, and returns how many.
	bool first_look(NodePoll *poll);
	int second_look(NodePoll *poll);

private:
	MemoryContext context_;
	List *waits_ = NIL; // of the first look
	std::vector<std::vector<core::WaitGraph::Wait>> circles_;
};

} // namespace shardext

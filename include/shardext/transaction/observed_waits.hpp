// Who waits for whom, as all servers say at one time: the raw material of the deadlock search.
#pragma once
#include "shardext/remote/node_poll.hpp"
#include "shardext/remote/sessions.hpp"

namespace shardext {

// A transaction that waits or is waited for: a backend of this server with its sessions on nodes, or else a
// session or a prepared transaction of a node that does not work for one.
struct Participant {
	int32 backend; // process id here; 0: none
	int32 node_id;
	char node_name[NAMEDATALEN];
	int32 pid;		 // on the node
	const char *gid; // or this
};

// One wait for a lock on one server.
struct ObservedWait {
	Participant waiter, blocker;
	const char *identity; // tells this wait of this transaction from all others
	const char *what;	  // "ShareLock on transaction 745 on node …"
	int64 since;		  // what a verdict calls this wait; 0: it cannot be ended
	int64 started;		  // the waiter's transaction, on this server
};

// Asks this server and the nodes that somebody has been waiting for. Returns a List of ObservedWait *, in the
// current memory context. Nodes that do not answer soon are left out.
List *observe_waits(NodePoll *poll);

} // namespace shardext

// What other processes of this server may know of a backend's work on nodes, in shared memory: which sessions
// of the nodes are its own, and for which node it has been waiting for long.
//
// A backend writes when it opens or closes a connection, and when a wait has lasted for deadlock_timeout: a
// statement that gets its answer sooner writes nothing.
#pragma once
#include "shardext/pg/postgres.hpp"

namespace shardext {

constexpr int kPublishedSessions = 128; // of one backend; sessions on further nodes are not known to others
constexpr int32 kAnyNode = -1;			// waits for whichever node answers first

struct NodeSession {
	int32 node_id;
	int32 pid; // of the node's backend
};

// A copy of what one backend has published.
struct BackendWork {
	int slot; // among all backends (backend_slot())
	int32 pid;
	int64 waits_since; // when its wait for nodes was published, which tells it from all others; 0: none
	int32 waits_for;   // node id or kAnyNode
	int session_count;
	NodeSession *sessions;
};

// Reserves shared memory; called from _PG_init while shared_preload_libraries are loaded.
void request_session_state();

// A connection of this backend is there / is gone.
void publish_session(int32 node_id, int32 pid);
void withdraw_session(int32 node_id, int32 pid);

// This backend's wait for a node has begun to be a long one / is over.
void publish_wait(int32 node_id, int64 since);
void withdraw_wait();
int64 published_wait(); // 0: none

// What the backends of a database have published: a List of BackendWork *.
List *published_work(Oid database);

// The backend that a session of a node belongs to, or nullptr.
BackendWork *owner_of_session(List *work, int32 node_id, int32 pid);

// A message to one backend: the wait it is in (`wait` says which) has to end with an error. The backend takes
// it from its signal handler, see node_wait.hpp.
struct Verdict {
	int32 pid;
	int64 wait;
	char detail[2048];
};
void pass_verdict(int slot, int32 pid, int64 wait, const char *detail);
// The verdict for this backend, once; nullptr when there is none. Safe in a signal handler.
const Verdict *take_verdict();

} // namespace shardext

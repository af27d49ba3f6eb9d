// One question to several nodes at once, over connections of its own, apart from the session's transaction.
//
// All nodes are asked in parallel and waited for together until a deadline. A node that has not answered by
// then delays nobody: its answer, if it still comes, is thrown away, and it is asked again in the next round
// after that.
#pragma once
#include <string>
#include <vector>

#include "shardext/remote/connection.hpp"

namespace shardext {

class NodePoll {
public:
	NodePoll() = default;
	NodePoll(const NodePoll &) = delete;
	NodePoll &operator=(const NodePoll &) = delete;
	~NodePoll() noexcept;

	// Begins a round: forgets the answers of the last one.
	void begin();
	// Asks a node, unless it still owes an answer or could not be reached a moment ago.
	void ask(const NodeInfo *node, const char *sql);
	// Waits for all that have been asked in this round. Interruptible.
	void wait(TimestampTz deadline);

	// The answer of a node in this round, nullptr when there is none. Belongs to this object.
	const PGresult *answer(int32 node_id) const;
	// Why there is none, in words (palloc).
	char *problem(int32 node_id) const;

private:
	enum class State { Closed, Connecting, Asked, Idle };
	struct Peer {
		int32 node_id;
		std::string conninfo, sql;
		State state = State::Closed;
		PGconn *conn = nullptr;
		PGresult *result = nullptr;
		bool in_round = false;	// asked, and the deadline has not passed
		bool discard = false;	// the answer under way belongs to an earlier round
		bool write_next = true; // what the connection attempt waits for
		TimestampTz asked_at = 0, retry_at = 0;
		std::string problem;
	};
	Peer *find(int32 node_id);
	const Peer *find(int32 node_id) const;
	static void close(Peer *peer);
	static void fail(Peer *peer);
	static void send(Peer *peer);
	static void go_on(Peer *peer);
	static bool ready(const Peer *peer);
	static bool pending(const Peer &peer) {
		return peer.in_round && (peer.state == State::Connecting || peer.state == State::Asked);
	}

	std::vector<Peer> peers_;
};

} // namespace shardext

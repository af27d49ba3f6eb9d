// Questions to several nodes at once.
#include "shardext/remote/node_poll.hpp"

#include <poll.h>

extern "C" {
#include "pgstat.h"
#include "utils/timestamp.h"
}

namespace shardext {

namespace {

constexpr int64 kRetryAfter = 2 * USECS_PER_SEC;	  // a node that could not be reached
constexpr int64 kConnectPatience = 2 * USECS_PER_SEC; // rounds wait for a connection that is being made
constexpr int64 kGiveUpAfter = 30 * USECS_PER_SEC;	  // a node that does not answer

} // namespace

NodePoll::~NodePoll() noexcept {
	for (Peer &peer : peers_)
		close(&peer);
}

void NodePoll::close(Peer *peer) {
	PQclear(peer->result);
	peer->result = nullptr;
	PQfinish(peer->conn);
	peer->conn = nullptr;
	peer->state = State::Closed;
	peer->discard = false;
}

// The connection is of no use any more.
void NodePoll::fail(Peer *peer) {
	if (peer->conn != nullptr)
		peer->problem = PQerrorMessage(peer->conn);
	while (!peer->problem.empty() && peer->problem.back() == '\n')
		peer->problem.pop_back();
	close(peer);
	peer->retry_at = GetCurrentTimestamp() + kRetryAfter;
}

NodePoll::Peer *NodePoll::find(int32 node_id) {
	for (Peer &peer : peers_)
		if (peer.node_id == node_id)
			return &peer;
	return nullptr;
}

const NodePoll::Peer *NodePoll::find(int32 node_id) const {
	return const_cast<NodePoll *>(this)->find(node_id);
}

void NodePoll::send(Peer *peer) {
	peer->asked_at = GetCurrentTimestamp();
	peer->state = State::Asked;
	if (!PQsendQuery(peer->conn, peer->sql.c_str()))
		fail(peer);
}

// True when the socket has what the peer waits for. libpq must not be called before.
bool NodePoll::ready(const Peer *peer) {
	const bool write = peer->state == State::Connecting && peer->write_next;
	pollfd one = {PQsocket(peer->conn), static_cast<short>(write ? POLLOUT : POLLIN), 0};
	return ::poll(&one, 1, 0) > 0;
}

// Takes what has arrived.
void NodePoll::go_on(Peer *peer) {
	if (peer->state == State::Connecting) {
		const PostgresPollingStatusType status = PQconnectPoll(peer->conn);
		peer->write_next = status == PGRES_POLLING_WRITING;
		if (status == PGRES_POLLING_FAILED)
			fail(peer);
		else if (status == PGRES_POLLING_OK)
			send(peer);
		return;
	}
	if (!PQconsumeInput(peer->conn)) {
		fail(peer);
		return;
	}
	while (!PQisBusy(peer->conn)) {
		PGresult *result = PQgetResult(peer->conn);
		if (result == nullptr) {
			peer->state = State::Idle;
			if (PQstatus(peer->conn) != CONNECTION_OK)
				fail(peer);
			return;
		}
		PQclear(peer->result);
		peer->result = result;
	}
}

void NodePoll::begin() {
	for (Peer &peer : peers_) {
		PQclear(peer.result);
		peer.result = nullptr;
		peer.discard = peer.state == State::Asked;
		peer.in_round = false;
	}
}

void NodePoll::ask(const NodeInfo *node, const char *sql) {
	const TimestampTz now = GetCurrentTimestamp();
	Peer *peer = find(node->id);
	if (peer == nullptr) {
		peers_.emplace_back();
		peer = &peers_.back();
		peer->node_id = node->id;
	}
	if (peer->conninfo != node->conninfo) {
		close(peer);
		peer->conninfo = node->conninfo;
		peer->retry_at = 0;
	}
	peer->sql = sql;
	// What is left of an earlier round.
	while ((peer->state == State::Connecting || peer->discard) && ready(peer)) {
		const bool connecting = peer->state == State::Connecting;
		go_on(peer);
		if (peer->state == State::Idle) {
			PQclear(peer->result);
			peer->result = nullptr;
			peer->discard = false;
		}
		if (connecting && peer->state == State::Asked)
			break; // this round's question has just been sent
	}
	if ((peer->state == State::Connecting || peer->discard) && now - peer->asked_at > kGiveUpAfter)
		close(peer);
	// An idle connection has something to say only when it has ended (restart, timeout).
	if (peer->state == State::Idle && ready(peer) &&
		(!PQconsumeInput(peer->conn) || PQstatus(peer->conn) != CONNECTION_OK))
		close(peer);
	if (peer->state == State::Closed && now >= peer->retry_at) {
		peer->asked_at = now;
		peer->write_next = true;
		peer->conn = start_private_connection(node->conninfo);
		peer->state = State::Connecting;
		if (peer->conn == nullptr || PQstatus(peer->conn) == CONNECTION_BAD)
			fail(peer);
		peer->in_round = true;
	} else if (peer->state == State::Idle) {
		send(peer);
		peer->in_round = true;
	} else if ((peer->state == State::Asked && !peer->discard) ||
			   (peer->state == State::Connecting && now - peer->asked_at < kConnectPatience)) {
		peer->in_round = true;
	}
	// Else the node owes an answer already: this round does without it.
}

void NodePoll::wait(TimestampTz deadline) {
	for (;;) {
		int count = 0;
		for (const Peer &peer : peers_)
			count += pending(peer);
		const long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
		if (count == 0 || left <= 0)
			break;
		WaitEventSet *set = CreateWaitEventSet(CurrentMemoryContext, count + 2);
		AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, nullptr);
		AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, nullptr, nullptr);
		for (Peer &peer : peers_)
			if (pending(peer))
				AddWaitEventToSet(set,
								  peer.state == State::Connecting && peer.write_next ? WL_SOCKET_WRITEABLE
																					 : WL_SOCKET_READABLE,
								  PQsocket(peer.conn), nullptr, nullptr);
		WaitEvent event;
		const int happened = WaitEventSetWait(set, left, &event, 1, PG_WAIT_EXTENSION);
		FreeWaitEventSet(set);
		if (happened > 0 && (event.events & WL_LATCH_SET)) {
			ResetLatch(MyLatch);
			CHECK_FOR_INTERRUPTS();
		}
		for (Peer &peer : peers_)
			if (pending(peer) && ready(&peer))
				go_on(&peer);
	}
	for (Peer &peer : peers_)
		if (pending(peer)) {
			peer.in_round = false;
			peer.discard = peer.state == State::Asked;
			peer.problem = "It did not answer in time.";
		}
}

const PGresult *NodePoll::answer(int32 node_id) const {
	const Peer *peer = find(node_id);
	if (peer == nullptr || !peer->in_round || peer->state != State::Idle || peer->result == nullptr ||
		PQresultStatus(peer->result) != PGRES_TUPLES_OK)
		return nullptr;
	return peer->result;
}

char *NodePoll::problem(int32 node_id) const {
	const Peer *peer = find(node_id);
	if (peer == nullptr)
		return pstrdup("It was not asked.");
	if (peer->in_round && peer->state == State::Idle && peer->result != nullptr)
		return pchomp(PQresultErrorMessage(peer->result));
	return pstrdup(peer->problem.empty() ? "It does not answer." : peer->problem.c_str());
}

} // namespace shardext

// Two-phase commit.
#include "shardext/transaction/two_phase.hpp"

#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/fault_points.hpp"
#include "shardext/remote/session_settings.hpp"
#include "shardext/transaction/commit_entry.hpp"
#include "shardext/transaction/commit_log.hpp"
#include "shardext/transaction/remote_transaction.hpp"
#include "shardext/transaction/shared_state.hpp"

extern "C" {
#include "access/xact.h"
#include "utils/timestamp.h"
}

namespace shardext {

namespace {

constexpr int kPhaseTwoTimeoutMs = 1000;

// The two-phase commit under way, if any; fixed size, because COMMIT and ABORT callbacks may not allocate.
struct TwoPhaseCommit {
	int64 incarnation = 0;
	int64 sequence = 0;
	int writer_count = 0;
	int32 nodes[kMaxWriters];
	char gids[kMaxWriters][112];
	bool prepared[kMaxWriters]; // PREPARE TRANSACTION has been sent
	PreparedPart parts[kMaxWriters];
	TransactionId coordinators; // that the user's own statements have written here with
} two_phase;

TimestampTz soon(int milliseconds) {
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds);
}

// The node's transaction id, as the last question was answered; none where the transaction has not written.
core::Xid xid_of(const Connection *c) {
	return c->answer_count > 0 ? strtoull(c->answers[0], nullptr, 10) : core::kNoXid;
}

} // namespace

void prepare_on_nodes(Connection **writers, int writer_count) {
	ensure_incarnation_recorded();
	two_phase.incarnation = current_incarnation();
	two_phase.sequence = next_commit_sequence();
	two_phase.writer_count = writer_count;
	set_commit_in_flight(two_phase.sequence);
	const int64 cluster = cluster_id();
	for (int i = 0; i < writer_count; i++) {
		two_phase.nodes[i] = writers[i]->node_id;
		two_phase.prepared[i] = false;
		char *gid = make_gid(cluster, current_incarnation(), two_phase.sequence, i);
		strlcpy(two_phase.gids[i], gid, sizeof two_phase.gids[i]);
	}
	for (int i = 0; i < writer_count; i++) {
		fault_point("before-prepare");
		send_lock_timeout(writers[i]);
		char sql[160];
		snprintf(sql, sizeof sql, "PREPARE TRANSACTION '%s'", two_phase.gids[i]);
		two_phase.prepared[i] = true;
		ask(writers[i], "SELECT pg_catalog.pg_current_xact_id_if_assigned()");
		send_control(writers[i], sql, "PREPARE TRANSACTION");
		reset_connection_state(writers[i]); // prepared or rolled back, it is over on the node
		send_sync(writers[i]);
	}
	for (int i = 0; i < writer_count; i++) {
		pump(writers[i], nullptr, true);
		if (writers[i]->wrong_tag)
			ereport(ERROR, errcode(ERRCODE_TRANSACTION_ROLLBACK),
					errmsg("node \"%s\" rolled the transaction back at PREPARE TRANSACTION",
						   writers[i]->node_name));
		reset_connection_state(writers[i]);
		two_phase.parts[i] = {writers[i]->node_id, xid_of(writers[i])};
		fault_point("after-prepare");
	}
	two_phase.coordinators = GetTopTransactionIdIfAny();
	insert_commit_log(two_phase.incarnation, two_phase.sequence, two_phase.parts, writer_count,
					  TransactionIdIsValid(two_phase.coordinators));
	fault_point("after-commit-log");
}

void enter_prepared_commit() {
	enter_commit(two_phase.parts, two_phase.writer_count, two_phase.coordinators, two_phase.sequence);
	fault_point("after-ledger-entry");
}

namespace {

// Sends a phase-two statement for each prepared node and waits a bounded time. Raises nothing.
bool finish_two_phase(const char *verb, const char *tag) {
	bool all_done = true;
	for (int i = 0; i < two_phase.writer_count; i++) {
		if (!two_phase.prepared[i])
			continue;
		if (i > 0)
			fault_point("between-phase-two", MayRaise::No);
		Connection *c = existing_connection(two_phase.nodes[i]);
		if (c != nullptr)
			before_message(c->conn, verb, MayRaise::No);
		char sql[160];
		snprintf(sql, sizeof sql, "%s PREPARED '%s'", verb, two_phase.gids[i]);
		if (c == nullptr || PQstatus(c->conn) != CONNECTION_OK || c->head != c->tail || c->depth > 0 ||
			!PQsendQueryParams(c->conn, sql, 0, nullptr, nullptr, nullptr, nullptr, 0) ||
			!PQpipelineSync(c->conn)) {
			all_done = false;
			two_phase.prepared[i] = false;
			continue;
		}
		c->wrong_tag = false;
		c->queue[0] = {Expected::Control, nullptr, false, nullptr, tag};
		c->queue[1] = {Expected::Sync, nullptr, false, nullptr, nullptr};
		c->head = 0;
		c->tail = 2;
		PQflush(c->conn);
		after_message(c->conn, verb, MayRaise::No);
	}
	const TimestampTz deadline = soon(kPhaseTwoTimeoutMs);
	for (int i = 0; i < two_phase.writer_count; i++) {
		if (!two_phase.prepared[i])
			continue;
		Connection *c = existing_connection(two_phase.nodes[i]);
		if (!drain_quietly(c, deadline) || c->wrong_tag) {
			all_done = false;
			if (c->head != c->tail)
				close_connection(c);
			else
				c->wrong_tag = false;
		} else {
			node_has_committed(two_phase.nodes[i]); // does nothing after a rollback
		}
	}
	return all_done;
}

void forget_two_phase(bool resolved) {
	const int64 sequence = two_phase.sequence;
	two_phase.sequence = 0;
	two_phase.writer_count = 0;
	if (sequence != 0 && shared_state_available()) {
		set_commit_in_flight(0);
		if (!resolved)
			request_recovery();
	}
}

} // namespace

void commit_prepared() {
	if (two_phase.sequence == 0)
		return;
	commit_is_decided();
	fault_point("before-commit-prepared", MayRaise::No);
	const bool resolved = finish_two_phase("COMMIT", "COMMIT PREPARED");
	commit_is_handed_over();
	forget_two_phase(resolved);
}

void roll_back_prepared() {
	if (two_phase.sequence == 0)
		return;
	for_each_connection([](Connection *c, void *) { drain_quietly(c, soon(kPhaseTwoTimeoutMs)); }, nullptr);
	finish_two_phase("ROLLBACK", "ROLLBACK PREPARED");
	forget_two_phase(false); // a PREPARE without an answer may still have happened
}

void leave_prepared() {
	forget_two_phase(true);
}

namespace {

// Opens connections for phase two; where that is not possible the recovery worker will do it.
void try_to_connect(int32 node_id) {
	MemoryContext memory = CurrentMemoryContext;
	PG_TRY();
	{
		if (const NodeInfo *node = find_node(node_id))
			connect_to_node(node);
	}
	PG_CATCH();
	{
		if (ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_CONNECTION_EXCEPTION)
			PG_RE_THROW();
		MemoryContextSwitchTo(memory);
		FlushErrorState();
	}
	PG_END_TRY();
}

// Takes over what another session has prepared.
void take_over(const LoggedCommit &commit, TransactionId xid) {
	two_phase.incarnation = commit.incarnation;
	two_phase.sequence = commit.sequence;
	two_phase.writer_count = commit.count;
	two_phase.coordinators = commit.coordinator_wrote ? xid : InvalidTransactionId;
	for (int i = 0; i < commit.count; i++) {
		two_phase.parts[i] = commit.parts[i];
		two_phase.nodes[i] = commit.parts[i].node_id;
		two_phase.prepared[i] = true;
		strlcpy(two_phase.gids[i], make_gid(cluster_id(), commit.incarnation, commit.sequence, i),
				sizeof two_phase.gids[i]);
	}
}

} // namespace

void end_prepared_by_user(const char *gid, bool commits, void (*body)(void *), void *argument) {
	const TransactionId xid = prepared_here(gid);
	LoggedCommit commit;
	if (!TransactionIdIsValid(xid) || !find_prepared_commit(xid, &commit)) {
		body(argument);
		return;
	}
	for (int i = 0; i < commit.count; i++)
		try_to_connect(commit.parts[i].node_id);
	take_over(commit, xid);
	if (commits && commit.incarnation == current_incarnation())
		set_commit_in_flight(commit.sequence);
	PG_TRY();
	{
		if (commits)
			enter_prepared_commit();
		body(argument);
	}
	PG_CATCH();
	{
		// It stays prepared, here and on the nodes.
		commit_is_rolled_back();
		forget_two_phase(true);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (commits)
		commit_prepared();
	else
		roll_back_prepared();
}

char *make_gid(int64 cluster, int64 incarnation, int64 sequence, int number) {
	return psprintf("shardext_" INT64_FORMAT "_" INT64_FORMAT "_" INT64_FORMAT "_%d", cluster, incarnation,
					sequence, number);
}

bool parse_gid(const char *gid, int64 *cluster, int64 *incarnation, int64 *sequence) {
	long long a, b, c;
	int number, used = 0;
	if (sscanf(gid, "shardext_%lld_%lld_%lld_%d%n", &a, &b, &c, &number, &used) != 4 || gid[used] != '\0')
		return false;
	*cluster = a;
	*incarnation = b;
	*sequence = c;
	return true;
}

} // namespace shardext

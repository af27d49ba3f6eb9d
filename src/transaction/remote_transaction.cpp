// Remote transactions: begin, savepoints, one-phase and two-phase commit, rollback.
#include "shardext/transaction/remote_transaction.hpp"

#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/fault_points.hpp"
#include "shardext/remote/node_wait.hpp"
#include "shardext/remote/session_settings.hpp"
#include "shardext/transaction/commit_entry.hpp"
#include "shardext/transaction/commit_log.hpp"
#include "shardext/transaction/consistent_reads.hpp"
#include "shardext/transaction/ledger.hpp"
#include "shardext/transaction/lost_commit.hpp"
#include "shardext/transaction/shared_state.hpp"
#include "shardext/transaction/two_phase.hpp"

extern "C" {
#include "storage/latch.h"
#include "utils/timestamp.h"
}

namespace shardext {

struct SnapshotHold {
	MemoryContextCallback callback;
	int transaction; // whose hold it is
	bool released;
};

namespace {

constexpr int kOnePhaseTimeoutMs = 5000; // for the answer to COMMIT after a cancel

int snapshot_holders = 0;
int snapshot_transaction = 0; // counts transactions: a hold of an older one is none any more
int constraints_level = 0;
const char *constraints_command = nullptr; // SET CONSTRAINTS ALL of this transaction

Connection *writers[kMaxWriters];
int writer_count = 0;

} // namespace

void reset_connection_state(Connection *c) {
	c->depth = 0;
	c->wrote = c->statement_scope = c->failed = c->wrong_tag = c->staged = false;
	free(c->kept_snapshot);
	c->kept_snapshot = nullptr;
	free(c->transaction_name);
	c->transaction_name = nullptr;
}

// Ends a transaction that has changed nothing. Staging tables must not cost a flush of the node's log:
// rolling back drops them as well.
void send_end_of_reader(Connection *c) {
	send_control(c, c->staged ? "ROLLBACK" : "COMMIT", nullptr, true);
	send_sync(c);
	if (c->staged) // settings made inside the transaction go with it
		forget_settings(c);
	reset_connection_state(c);
}

namespace {

TimestampTz soon(int milliseconds) {
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds);
}

// Ends a read-only statement's transaction; the answer is read with the next statement's.
void end_statement_scope(Connection *c, void *) {
	if (!c->statement_scope || c->wrote)
		return;
	const bool unwanted = c->head != c->tail && nothing_wanted(c);
	if (PQstatus(c->conn) != CONNECTION_OK || (unwanted && !abandon_statement(c))) {
		close_connection(c);
		return;
	}
	// Rows that are still to come are not touched by that.
	send_end_of_reader(c);
}

// --- commit ---

void settle_before_commit(Connection *c, void *) {
	if (c->lost_in_transaction)
		ereport(ERROR, errcode(ERRCODE_CONNECTION_FAILURE),
				errmsg("lost connection to node \"%s\" during the transaction", c->node_name));
	if (c->depth == 0)
		return;
	finish_everything(c);
	if (c->failed)
		ereport(ERROR, errcode(ERRCODE_IN_FAILED_SQL_TRANSACTION),
				errmsg("the transaction has failed on node \"%s\"", c->node_name));
	if (c->wrote && writer_count < kMaxWriters)
		writers[writer_count++] = c;
}

void commit_reader(Connection *c, void *) {
	if (c->depth == 0 || c->wrote)
		return;
	send_end_of_reader(c);
}

// After an error during a node's COMMIT that is not the node's own (a cancel, a timeout): finds out what has
// become of it. The node is asked to cancel; what it answers decides, as it does on one server.
bool has_committed_after_all(Connection *c) {
	if (c->lost_in_transaction)
		return false;
	if (c->head != c->tail && !c->committed && !c->failed && PQstatus(c->conn) == CONNECTION_OK) {
		cancel_on_node(c);
		drain_quietly(c, soon(kOnePhaseTimeoutMs));
	}
	return c->committed;
}

// After a COMMIT that went through, but not without trouble.
void end_committed(Connection *c) {
	if (c->head != c->tail || c->ended || PQstatus(c->conn) != CONNECTION_OK)
		close_connection(c);
	else
		reset_connection_state(c);
}

// Reports that a node has not said whether it has committed.
[[noreturn]] void raise_unknown_outcome(const Connection *c, bool lost) {
	ereport(ERROR, errcode(ERRCODE_TRANSACTION_RESOLUTION_UNKNOWN),
			lost ? errmsg("lost connection to node \"%s\" during COMMIT", c->node_name)
				 : errmsg("node \"%s\" does not answer to COMMIT", c->node_name),
			errdetail("Whether the transaction was committed on the node is not known."));
	pg_unreachable();
}

// After the connection was lost during COMMIT: returns when the node has committed all the same.
void ask_for_outcome(Connection *c) {
	const CommitOutcome outcome = c->transaction_name != nullptr
									  ? outcome_of_commit(c->node_id, c->transaction_name)
									  : CommitOutcome::Unknown;
	if (outcome == CommitOutcome::Committed) {
		end_committed(c);
		return;
	}
	c->lost_in_transaction = true;
	if (outcome == CommitOutcome::RolledBack)
		ereport(ERROR, errcode(ERRCODE_CONNECTION_FAILURE),
				errmsg("lost connection to node \"%s\" during COMMIT", c->node_name),
				errdetail("The transaction was rolled back."));
	raise_unknown_outcome(c, true);
}

void commit_one_phase(Connection *c) {
	fault_point("before-commit-one-phase");
	send_lock_timeout(c); // deferred constraints may wait
	send_control(c, "COMMIT", "COMMIT");
	c->committed = false;
	MemoryContext memory = CurrentMemoryContext;
	PG_TRY();
	{
		send_sync(c);
		pump(c, nullptr, true);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(memory);
		if (has_committed_after_all(c)) {
			FlushErrorState();
			end_committed(c);
			return;
		}
		// Whether the node has committed cannot be told without an answer. (A session that is ended may have
		// committed before.)
		const bool lost = c->ended || PQstatus(c->conn) != CONNECTION_OK;
		if (lost) {
			FlushErrorState();
			ask_for_outcome(c);
			return;
		}
		if (c->head != c->tail && !c->failed) {
			FlushErrorState();
			c->lost_in_transaction = true;
			raise_unknown_outcome(c, false);
		}
		reset_connection_state(c);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (c->wrong_tag) {
		reset_connection_state(c);
		ereport(ERROR, errcode(ERRCODE_TRANSACTION_ROLLBACK),
				errmsg("node \"%s\" rolled the transaction back at COMMIT", c->node_name));
	}
	reset_connection_state(c);
}

void before_commit() {
	writer_count = 0;
	for_each_connection(settle_before_commit, nullptr);
	for_each_connection(commit_reader, nullptr);
	if (writer_count == 0)
		return;
	const bool coordinator_wrote = TransactionIdIsValid(GetTopTransactionIdIfAny());
	if (!extension_exists()) {
		// DROP EXTENSION: there is no commit log any more. The nodes drop what they hold, then the
		// coordinator commits.
		for (int i = 0; i < writer_count; i++)
			commit_one_phase(writers[i]);
	} else if (writer_count == 1 && !coordinator_wrote)
		commit_one_phase(writers[0]);
	else {
		prepare_on_nodes(writers, writer_count);
		enter_prepared_commit();
	}
}

// --- rollback ---

void abort_connection(Connection *c, void *) {
	if (c->depth == 0 && c->head == c->tail && !c->unsynced && !c->lost_in_transaction)
		return;
	// What is already on its way after an error arrives at once; a statement that still runs is cancelled
	// together with its connection.
	end_open_batch(c);
	bool clean = !c->lost_in_transaction && PQstatus(c->conn) == CONNECTION_OK;
	if (clean && c->head != c->tail) {
		drain_quietly(c, soon(c->failed || c->depth == 0 ? 200 : 20));
		clean = c->head == c->tail && PQstatus(c->conn) == CONNECTION_OK;
	}
	if (c->depth > 0) // settings made inside the transaction go with it
		forget_settings(c);
	if (clean && c->depth > 0) {
		before_message(c->conn, "ROLLBACK", MayRaise::No);
		clean = PQsendQueryParams(c->conn, "ROLLBACK", 0, nullptr, nullptr, nullptr, nullptr, 0) &&
				PQpipelineSync(c->conn);
		c->queue[0] = {Expected::Control, nullptr, true, nullptr, nullptr};
		c->queue[1] = {Expected::Sync, nullptr, false, nullptr, nullptr};
		c->head = 0;
		c->tail = 2;
		PQflush(c->conn);
		after_message(c->conn, "ROLLBACK", MayRaise::No);
	}
	if (!clean) {
		close_connection(c);
		return;
	}
	reset_connection_state(c);
}

void end_snapshot_holds() {
	snapshot_holders = 0;
	snapshot_transaction++;
	forget_coordinator_snapshot();
}

void drop_hold(void *argument) {
	auto *hold = static_cast<SnapshotHold *>(argument);
	if (!hold->released && hold->transaction == snapshot_transaction && --snapshot_holders == 0)
		forget_coordinator_snapshot();
	hold->released = true;
}

void after_abort() {
	commit_is_rolled_back();
	// Nodes that were prepared have left their transaction; the others still have it open.
	for_each_connection(abort_connection, nullptr);
	roll_back_prepared();
	end_snapshot_holds();
}

void on_transaction_event(XactEvent event, void *) {
	gate([&] {
		if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE) {
			constraints_command = nullptr;
			forget_verdict();
			note_end_of_transaction();
		}
		switch (event) {
		case XACT_EVENT_PRE_COMMIT:
			before_commit();
			end_snapshot_holds();
			break;
		case XACT_EVENT_COMMIT:
			commit_prepared();
			break;
		case XACT_EVENT_ABORT:
			after_abort();
			break;
		case XACT_EVENT_PRE_PREPARE:
			writer_count = 0;
			for_each_connection(settle_before_commit, nullptr);
			for_each_connection(commit_reader, nullptr);
			if (writer_count > 0)
				prepare_on_nodes(writers, writer_count);
			end_snapshot_holds();
			break;
		case XACT_EVENT_PREPARE:
			leave_prepared();
			break;
		default:
			break;
		}
	});
}

// --- sub-transactions ---

void finish_savepoint(Connection *c, void *) {
	if (c->depth >= GetCurrentTransactionNestLevel())
		finish_everything(c);
}

void release_savepoint(Connection *c, void *) {
	const int level = GetCurrentTransactionNestLevel();
	if (c->depth < level)
		return;
	// What one node has released cannot be rolled back any more: nothing may raise before the last one,
	// but for a connection that is lost, and the transaction with it.
	char sql[48];
	snprintf(sql, sizeof sql, "RELEASE SAVEPOINT s%d", level);
	send_control(c, sql, nullptr, false, MayRaise::No);
	send_sync(c, MayRaise::No);
	c->depth = level - 1;
}

void rollback_to_savepoint(Connection *c, void *) {
	const int level = GetCurrentTransactionNestLevel();
	end_open_batch(c);
	if (c->head != c->tail) {
		drain_quietly(c, soon(c->failed ? 1000 : 20));
		if (c->head != c->tail && c->depth > 0) {
			cancel_on_node(c); // the savepoint is still there to go back to
			drain_quietly(c, soon(5000));
		}
		if (c->head != c->tail || PQstatus(c->conn) != CONNECTION_OK) {
			if (c->depth == 0 || !c->wrote)
				close_connection(c);
			else
				c->lost_in_transaction = true;
			return;
		}
	}
	if (c->depth < level) {
		if (c->failed && !c->wrote && c->depth == 1)
			abort_connection(c, nullptr);
		return;
	}
	char sql[80];
	before_message(c->conn, "ROLLBACK-TO", MayRaise::No);
	snprintf(sql, sizeof sql, "ROLLBACK TO SAVEPOINT s%d", level);
	bool sent = PQsendQueryParams(c->conn, sql, 0, nullptr, nullptr, nullptr, nullptr, 0);
	snprintf(sql, sizeof sql, "RELEASE SAVEPOINT s%d", level);
	sent = sent && PQsendQueryParams(c->conn, sql, 0, nullptr, nullptr, nullptr, nullptr, 0) &&
		   PQpipelineSync(c->conn);
	if (!sent) {
		c->lost_in_transaction = true;
		return;
	}
	c->queue[0] = {Expected::Control, nullptr, false, nullptr, "ROLLBACK"};
	c->queue[1] = {Expected::Control, nullptr, false, nullptr, "RELEASE"};
	c->queue[2] = {Expected::Sync, nullptr, false, nullptr, nullptr};
	c->head = 0;
	c->tail = 3;
	PQflush(c->conn);
	after_message(c->conn, "ROLLBACK-TO", MayRaise::No);
	if (!drain_quietly(c, soon(5000)) || c->wrong_tag)
		c->lost_in_transaction = true;
	c->depth = level - 1;
	c->failed = false;
	forget_settings(c);
}

void on_subtransaction_event(SubXactEvent event, SubTransactionId, SubTransactionId, void *) {
	gate([&] {
		if (event == SUBXACT_EVENT_START_SUB)
			// Rolling back to this savepoint must not cost a cursor of the outer transaction its rows.
			for_each_connection([](Connection *c, void *) { finish_everything(c); }, nullptr);
		else if (event == SUBXACT_EVENT_PRE_COMMIT_SUB) {
			for_each_connection(finish_savepoint, nullptr);
			for_each_connection(release_savepoint, nullptr);
		} else if (event == SUBXACT_EVENT_ABORT_SUB) {
			forget_verdict();
			if (constraints_level >= GetCurrentTransactionNestLevel())
				constraints_command = nullptr;
			for_each_connection(rollback_to_savepoint, nullptr);
		}
	});
}

} // namespace

void initialize_transactions() {
	RegisterXactCallback(on_transaction_event, nullptr);
	RegisterSubXactCallback(on_subtransaction_event, nullptr);
}

void enter_transaction(Connection *c, Scope scope) {
	if (c->lost_in_transaction)
		raise_connection_lost(c);
	const bool keeps_snapshot = IsolationUsesXactSnapshot();
	if (scope == Scope::Autocommit && statement_snapshot_held())
		scope = Scope::Statement;
	// (After an error, a hold may have ended without its scope.)
	if (c->statement_scope && (scope == Scope::Write || !statement_snapshot_held()))
		end_statement_scope(c, nullptr);
	if (c->depth == 0) {
		if (keeps_snapshot) {
			keep_snapshots_of_transaction(c->node_id);
		} else if (scope == Scope::Statement) {
			List *node_ids = list_make1_int(c->node_id);
			keep_snapshots(node_ids);
			list_free(node_ids);
		} else {
			wait_for_commits_on(c);
			if (scope == Scope::Autocommit) {
				send_lock_timeout(c);
				return;
			}
			fault_point("before-begin");
			send_control(c, "BEGIN ISOLATION LEVEL READ COMMITTED");
			c->depth = 1;
			c->begun++;
			if (constraints_command != nullptr)
				send_control(c, constraints_command);
		}
	}
	if (c->statement_scope) {
		send_lock_timeout(c);
		return;
	}
	// Savepoints as deep as the coordinator is nested.
	for (const int level = GetCurrentTransactionNestLevel(); c->depth < level; c->depth++) {
		char sql[48];
		snprintf(sql, sizeof sql, "SAVEPOINT s%d", c->depth + 1);
		send_control(c, sql);
	}
	send_lock_timeout(c);
	if (scope == Scope::Write && !c->wrote) {
		ask_name(c);
		c->wrote = true;
	}
}

void begin_kept_snapshot(Connection *c) {
	fault_point("before-begin");
	send_control(c, "BEGIN ISOLATION LEVEL REPEATABLE READ");
	c->depth = 1;
	c->begun++;
	c->statement_scope = !IsolationUsesXactSnapshot();
	if (constraints_command != nullptr && !c->statement_scope)
		send_control(c, constraints_command);
	if (reads_are_compared())
		ask(c, kSnapshotQuestion);
}

void drop_kept_snapshot(Connection *c) {
	send_end_of_reader(c);
}

void set_constraints_on_nodes(bool deferred) {
	constraints_level = GetCurrentTransactionNestLevel();
	constraints_command = deferred ? "SET CONSTRAINTS ALL DEFERRED" : "SET CONSTRAINTS ALL IMMEDIATE";
	for_each_connection(
		[](Connection *c, void *) {
			if (c->depth == 0 || c->statement_scope)
				return;
			send_control(c, constraints_command);
			send_sync(c);
			pump(c, nullptr, true);
		},
		nullptr);
}

SnapshotHold *hold_statement_snapshot(MemoryContext context) {
	auto *hold = static_cast<SnapshotHold *>(MemoryContextAllocZero(context, sizeof(SnapshotHold)));
	hold->transaction = snapshot_transaction;
	hold->callback.func = drop_hold;
	hold->callback.arg = hold;
	MemoryContextRegisterResetCallback(context, &hold->callback);
	snapshot_holders++;
	return hold;
}

void release_statement_snapshot(SnapshotHold *hold) {
	const bool was_held = statement_snapshot_held();
	drop_hold(hold);
	if (was_held && !statement_snapshot_held())
		for_each_connection(end_statement_scope, nullptr);
}

bool statement_snapshot_held() {
	return snapshot_holders > 0;
}

} // namespace shardext

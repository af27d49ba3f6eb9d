// What has become of a transaction whose COMMIT a node has not answered.
//
// pg_xact_status() alone may lie after a crash of the node: a transaction of which nothing has reached the
// disk leaves its number to another one, and that one's end would be taken for its own. So it counts only if
// the node has not been restarted since the transaction began, or if the number is older than the end of the
// recovery; if it is not, the transaction is lost. The last checkpoint tells, as long as it is that of the
// recovery. (Such a one points at itself; one of a running server points at something before it.)
#include "shardext/transaction/lost_commit.hpp"

#include "shardext/pg/walk.hpp"

#include <optional>

extern "C" {
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"
}

namespace shardext {

namespace {

constexpr int kPatienceMs = 30000;
constexpr long kPauseMs = 200;

const char *status_question(const char *xid, const char *began) {
	return psprintf("SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'in progress' "
					"ELSE pg_catalog.pg_xact_status('%s'::pg_catalog.xid8) END, "
					"(SELECT pg_catalog.date_part('epoch', pg_catalog.max(backend_start)) <= %s "
					"FROM pg_catalog.pg_stat_activity WHERE backend_type = 'checkpointer'), "
					"redo_lsn = checkpoint_lsn AND pg_catalog.current_setting('wal_level') <> 'minimal', "
					"%s < pg_catalog.split_part(next_xid, ':', 1)::pg_catalog.numeric * 4294967296 + "
					"pg_catalog.split_part(next_xid, ':', 2)::pg_catalog.numeric "
					"FROM pg_catalog.pg_control_checkpoint()",
					xid, began, xid);
}

bool is_true(const PGresult *result, int column) {
	return *PQgetvalue(result, 0, column) == 't';
}

// How the node's answer is to be taken; nothing when it cannot tell yet.
std::optional<CommitOutcome> judge(const PGresult *result) {
	if (result == nullptr)
		return {};
	if (PQresultStatus(result) != PGRES_TUPLES_OK) {
		const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
		if (state == nullptr || strncmp(state, "57P", 3) == 0)
			return {};
		// 22023: the node has not even kept the number.
		return strcmp(state, "22023") == 0 ? CommitOutcome::RolledBack : CommitOutcome::Unknown;
	}
	const char *status = PQgetvalue(result, 0, 0);
	const bool same_start = is_true(result, 1), recovered = is_true(result, 2), is_older = is_true(result, 3);
	if (!same_start && recovered && !is_older)
		return CommitOutcome::RolledBack; // whoever has the number now
	if (strcmp(status, "aborted") == 0)
		return CommitOutcome::RolledBack;
	if (strcmp(status, "in progress") == 0)
		return {};
	return strcmp(status, "committed") == 0 && (same_start || recovered) ? CommitOutcome::Committed
																		 : CommitOutcome::Unknown;
}

struct Search {
	const NodeInfo *node;
	const char *question;
	PGconn *conn; // for the time of one attempt
	CommitOutcome outcome;
};

// Asks once. True when the node could tell.
bool ask_node(Search *s) {
	char *message = nullptr;
	s->conn = open_private_connection(s->node->conninfo, &message);
	if (s->conn == nullptr)
		return false;
	PGresult *result = private_query(s->conn, s->question);
	const std::optional<CommitOutcome> outcome = judge(result);
	PQclear(result);
	close_private_connection(s->conn);
	s->conn = nullptr;
	s->outcome = outcome.value_or(CommitOutcome::Unknown);
	return outcome.has_value();
}

void search(Search *s) {
	const TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), kPatienceMs);
	while (!ask_node(s) && GetCurrentTimestamp() < end) {
		WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, kPauseMs, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

} // namespace

CommitOutcome outcome_of_commit(int32 node_id, const char *name) {
	const char *space = strchr(name, ' ');
	const NodeInfo *node = find_node(node_id);
	if (space == nullptr || node == nullptr)
		return CommitOutcome::Unknown;
	const char *xid = pnstrdup(name, space - name);
	Search s{node, status_question(xid, space + 1), nullptr, CommitOutcome::Unknown};
	MemoryContext memory = CurrentMemoryContext;
	PG_TRY();
	{ search(&s); }
	PG_CATCH();
	{
		MemoryContextSwitchTo(memory);
		FlushErrorState();
		if (s.conn != nullptr)
			close_private_connection(s.conn);
	}
	PG_END_TRY();
	return s.outcome;
}

} // namespace shardext

// Recovery of prepared transactions.
//
// For each node, what it holds prepared is listed first and the commit log is looked at then: a transaction
// that is on the list, no longer under way and not in the log has not been committed and never will be.
#include "shardext/monitor/worker.hpp"

#include "shardext/catalog/metadata.hpp"
#include "shardext/catalog/metadata_sql.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/connection.hpp"
#include "shardext/transaction/commit_entry.hpp"
#include "shardext/transaction/commit_log.hpp"
#include "shardext/transaction/ledger.hpp"
#include "shardext/transaction/remote_transaction.hpp"
#include "shardext/transaction/shared_state.hpp"
#include "shardext/transaction/two_phase.hpp"

extern "C" {
#include "access/xlog.h"
}

namespace shardext {

namespace {

// 0: not recorded; 1: recorded with unbroken history; -1: recorded on another timeline.
int incarnation_state(int64 incarnation) {
	const char *timeline = query_metadata(psprintf(
		"SELECT timeline FROM shardext.incarnations WHERE incarnation = " INT64_FORMAT, incarnation));
	if (timeline == nullptr)
		return 0;
	return atoi(timeline) == static_cast<int>(GetWALInsertionTimeLine()) ? 1 : -1;
}

// Decides one prepared transaction. Returns true when it is resolved or not ours.
bool resolve(PGconn *conn, const NodeInfo *node, const char *gid) {
	int64 cluster, incarnation, sequence;
	if (!parse_gid(gid, &cluster, &incarnation, &sequence) || cluster != cluster_id())
		return true;
	if (incarnation == current_incarnation() && commit_in_flight(sequence))
		return false; // its backend is still at it
	const Decision decision = logged_decision(incarnation, sequence);
	if (decision == Decision::kInDoubt)
		return true; // the user has prepared the coordinator's part, and ends it when he likes
	const bool committed = decision == Decision::kCommit;
	if (!committed && incarnation_state(incarnation) != 1) {
		ereport(WARNING,
				errmsg("prepared transaction \"%s\" on node \"%s\" cannot be decided", gid, node->name),
				errdetail("The coordinator has no unbroken record of the time it was made."),
				errhint("Decide it by hand with COMMIT PREPARED or ROLLBACK PREPARED on the node."));
		return true;
	}
	PGresult *result = private_query(
		conn, psprintf("%s PREPARED %s", committed ? "COMMIT" : "ROLLBACK", quote_literal_cstr(gid)));
	const bool done = result != nullptr && PQresultStatus(result) == PGRES_COMMAND_OK;
	const char *state = result != nullptr ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
	const bool gone = state != nullptr && strcmp(state, "42704") == 0; // its backend was quicker
	PQclear(result);
	if (done)
		ereport(LOG, errmsg("%s prepared transaction \"%s\" on node \"%s\"",
							committed ? "committed" : "rolled back", gid, node->name));
	return done || gone;
}

// True when the gid may name this commit. (What the user has prepared is of an earlier start, if there was
// one since: numbers of all starts count.)
bool names(const char *gid, const HandedOver *commit) {
	int64 cluster, incarnation, sequence;
	return parse_gid(gid, &cluster, &incarnation, &sequence) && cluster == cluster_id() &&
		   sequence == commit->name;
}

bool is_of_this_start(const char *gid) {
	int64 cluster, incarnation, sequence;
	return parse_gid(gid, &cluster, &incarnation, &sequence) && incarnation == current_incarnation();
}

// Resolves everything a node holds. Returns false when the node must be asked again.
bool recover_node(const NodeInfo *node) {
	char *message = nullptr;
	List *handed_over = handed_over_commits(node->id); // before the list
	PGconn *conn = open_private_connection(node->conninfo, &message);
	if (conn == nullptr)
		return false;
	PGresult *list = private_query(
		conn, psprintf("SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE gid LIKE 'shardext\\_" INT64_FORMAT
					   "\\_%%' AND database = current_database()",
					   cluster_id()));
	bool settled = list != nullptr && PQresultStatus(list) == PGRES_TUPLES_OK;
	bool nothing_old = settled;
	if (!settled)
		handed_over = NIL;
	for (int i = 0; list != nullptr && i < PQntuples(list); i++) {
		const char *gid = PQgetvalue(list, i, 0);
		if (resolve(conn, node, gid))
			continue;
		settled = false;
		nothing_old = nothing_old && is_of_this_start(gid);
		foreach_ptr (HandedOver, commit, handed_over)
			commit->is_left = commit->is_left || names(gid, commit);
	}
	PQclear(list);
	close_private_connection(conn);
	foreach_ptr (HandedOver, commit, handed_over)
		if (!commit->is_left)
			acknowledge_commit(commit, node->id);
	if (nothing_old)
		node_is_resolved(node->id);
	return settled;
}

} // namespace

bool recover_prepared_transactions() {
	// Rows that are in the log now, and whose backends are done, may go once every node has been asked after
	// this.
	const char *in_log = query_metadata("SELECT count(*) FROM shardext.commit_log");
	const char *finished = query_metadata(
		"SELECT string_agg(format('(%s,%s)', incarnation, sequence), ',') FROM shardext.commit_log");
	bool settled = true;
	foreach_ptr (NodeInfo, node, all_nodes())
		if (!node->is_local())
			settled = recover_node(node) && settled;
	if (settled && strcmp(in_log, "0") != 0 && finished != nullptr)
		run_metadata_sql(
			psprintf("DELETE FROM shardext.commit_log WHERE (incarnation, sequence) IN (%s)", finished));
	return settled;
}

void record_incarnation() {
	run_metadata_sql(
		psprintf("INSERT INTO shardext.incarnations (incarnation, timeline) VALUES (" INT64_FORMAT
				 ", %d) ON CONFLICT DO NOTHING",
				 current_incarnation(), static_cast<int>(GetWALInsertionTimeLine())));
	// Old starts of which nothing can be left are forgotten.
	run_metadata_sql("DELETE FROM shardext.incarnations WHERE started_at < now() - interval '1 year'");
}

} // namespace shardext

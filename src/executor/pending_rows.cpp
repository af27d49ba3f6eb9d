// Rows that a statement has let pass and not sent to their shards yet.
#include "shardext/executor/pending_rows.hpp"

#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/xact.h"
}

namespace shardext {

namespace {

bool reads(const PlannedStmt *statement, Oid relid) {
	foreach_node (RangeTblEntry, rte, statement->rtable)
		if (rte->rtekind == RTE_RELATION && rte->relid == relid)
			return true;
	return false;
}

bool send(PendingRows *rows) {
	rows->wanted = true;
	if (rows->rows == 0 || rows->send == nullptr)
		return false;
	// What is sent now would go with the sub-transaction.
	if (GetCurrentTransactionNestLevel() != rows->nest_level)
		ereport(
			ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("a BEFORE ROW trigger cannot read its table \"%s\" in a subtransaction when it has not "
				   "read it for the first row",
				   get_rel_name(rows->relid)));
	rows->send(rows->argument);
	return true;
}

} // namespace

bool call_with_pending_rows(PendingRows *rows, bool (*body)(void *), void *argument) {
	rows->outer = pending_rows;
	rows->nest_level = GetCurrentTransactionNestLevel();
	pending_rows = rows;
	bool result = false;
	PG_TRY();
	{ result = body(argument); }
	PG_FINALLY();
	{ pending_rows = rows->outer; }
	PG_END_TRY();
	return result;
}

bool send_rows_for(const QueryDesc *query) {
	bool sent = false;
	for (PendingRows *rows = pending_rows; rows != nullptr; rows = rows->outer)
		if (reads(query->plannedstmt, rows->relid))
			sent = send(rows) || sent;
	return sent;
}

void send_all_pending_rows() {
	for (PendingRows *rows = pending_rows; rows != nullptr; rows = rows->outer)
		(void)send(rows);
}

} // namespace shardext

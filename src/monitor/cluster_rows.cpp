// The same question to all nodes and to this server.
#include "shardext/monitor/cluster_rows.hpp"

#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/node_poll.hpp"

extern "C" {
#include "catalog/pg_authid.h"
#include "executor/spi.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
}

namespace shardext {

namespace {

ServerRows *make_rows(const NodeInfo *node, int count, int columns) {
	auto *rows = static_cast<ServerRows *>(palloc0(sizeof(ServerRows)));
	rows->node = node;
	rows->count = count;
	rows->columns = columns;
	rows->cells = static_cast<char **>(palloc0(sizeof(char *) * (count * columns + 1)));
	return rows;
}

ServerRows *copy_answer(const NodeInfo *node, const PGresult *answer) {
	ServerRows *rows = make_rows(node, PQntuples(answer), PQnfields(answer));
	for (int i = 0; i < rows->count; i++)
		for (int j = 0; j < rows->columns; j++)
			if (!PQgetisnull(answer, i, j))
				rows->cells[i * rows->columns + j] = pstrdup(PQgetvalue(answer, i, j));
	return rows;
}

ServerRows *ask_here(const NodeInfo *node, const char *sql) {
	MemoryContext context = CurrentMemoryContext;
	const int level = NewGUCNestLevel();
	set_config_option("search_path", "pg_catalog", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
					  false);
	set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	SPI_connect();
	if (SPI_execute(sql, true, 0) != SPI_OK_SELECT)
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not read this server's state"));
	MemoryContext old = MemoryContextSwitchTo(context);
	ServerRows *rows = make_rows(node, static_cast<int>(SPI_processed), SPI_tuptable->tupdesc->natts);
	for (int i = 0; i < rows->count; i++)
		for (int j = 0; j < rows->columns; j++)
			if (char *value = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, j + 1))
				rows->cells[i * rows->columns + j] = pstrdup(value);
	MemoryContextSwitchTo(old);
	SPI_finish();
	AtEOXact_GUC(true, level);
	return rows;
}

TimestampTz answer_deadline() {
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(), connect_timeout_ms);
}

} // namespace

List *ask_all_servers(const char *sql) {
	auto *poll = own<NodePoll>(CurrentMemoryContext);
	List *nodes = metadata_is_restored() ? NIL : all_nodes();
	poll->begin();
	foreach_ptr (NodeInfo, node, nodes)
		if (!node->is_local())
			poll->ask(node, sql);
	List *result = list_make1(ask_here(find_node(kLocalNode), sql));
	poll->wait(answer_deadline());
	foreach_ptr (NodeInfo, node, nodes) {
		if (node->is_local())
			continue;
		if (const PGresult *answer = poll->answer(node->id))
			result = lappend(result, copy_answer(node, answer));
		else
			ereport(WARNING, errcode(ERRCODE_CONNECTION_FAILURE),
					errmsg("node \"%s\" cannot be asked", node->name),
					errdetail_internal("%s", poll->problem(node->id)));
	}
	return result;
}

char *ask_node(const NodeInfo *node, const char *sql) {
	auto *poll = own<NodePoll>(CurrentMemoryContext);
	poll->begin();
	poll->ask(node, sql);
	poll->wait(answer_deadline());
	const PGresult *answer = poll->answer(node->id);
	if (answer == nullptr)
		ereport(ERROR, errcode(ERRCODE_CONNECTION_FAILURE), errmsg("node \"%s\" cannot be asked", node->name),
				errdetail_internal("%s", poll->problem(node->id)));
	return PQntuples(answer) > 0 && !PQgetisnull(answer, 0, 0) ? pstrdup(PQgetvalue(answer, 0, 0)) : nullptr;
}

char *global_id(const NodeInfo *node, const char *what) {
	return psprintf("%s:%s", node->name, what);
}

bool may_see_activity(Oid role) {
	return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
		   (OidIsValid(role) && has_privs_of_role(GetUserId(), role));
}

} // namespace shardext

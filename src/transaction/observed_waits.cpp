// Who waits for whom, as all servers say at one time.
#include "shardext/transaction/observed_waits.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/transaction/wait_queries.hpp"

extern "C" {
#include "executor/spi.h"
#include "storage/proc.h"
#include "utils/timestamp.h"
}

namespace shardext {

namespace {

enum Column {
	kPid,
	kLeader,
	kTransaction,
	kSince,
	kMode,
	kObject,
	kSchema,
	kRelation,
	kBlocker,
	kBlockerTransaction,
	kGid,
	kIsClient,
	kColumns
};

// Times are microseconds as PostgreSQL counts them, so that they can be compared with shared memory.
char *waits_query() {
	return psprintf(
		"WITH %s SELECT w.pid, coalesce(a.leader_pid, w.pid), w.virtualtransaction, "
		"(extract(epoch FROM w.waitstart) * 1000000)::pg_catalog.int8 - 946684800000000, w.mode, "
		"CASE w.locktype WHEN 'relation' THEN CASE WHEN c.oid IS NULL THEN 'relation ' || w.relation END "
		"WHEN 'extend' THEN 'extension of a relation' WHEN 'page' THEN 'page ' || w.page "
		"WHEN 'tuple' THEN pg_catalog.format('tuple (%%s,%%s)', w.page, w.tuple) "
		"WHEN 'transactionid' THEN 'transaction ' || w.transactionid::pg_catalog.text "
		"WHEN 'virtualxid' THEN 'virtual transaction ' || w.virtualxid "
		"WHEN 'advisory' THEN pg_catalog.format('advisory lock [%%s,%%s,%%s,%%s]', w.database, w.classid, "
		"w.objid, w.objsubid) ELSE w.locktype END, n.nspname, c.relname, w.blocker, "
		"(SELECT v.virtualtransaction FROM l v WHERE v.pid = w.blocker LIMIT 1), w.gid, "
		"a.backend_type = 'client backend' FROM waits w LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = "
		"w.pid "
		"LEFT JOIN LATERAL (SELECT r.relation FROM l r WHERE w.locktype = 'transactionid' AND r.pid = w.pid "
		"AND r.locktype = 'tuple' AND r.granted LIMIT 1) t ON true "
		"LEFT JOIN pg_catalog.pg_class c ON c.oid = coalesce(w.relation, t.relation) "
		"LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE w.waitstart IS NOT NULL",
		kWaitQueries);
}

int64 number(const char *text) {
	return text != nullptr ? strtoll(text, nullptr, 10) : 0;
}

// "ShareLock on transaction 745 of relation "account", shard group 3, on node "w1""
char *describe(const NodeInfo *node, char *const *row) {
	StringInfoData text;
	initStringInfo(&text);
	appendStringInfo(&text, "%s on ", row[kMode]);
	if (row[kObject] != nullptr)
		appendStringInfoString(&text, row[kObject]);
	if (row[kRelation] != nullptr && row[kSchema] != nullptr) {
		int64 group = 0;
		const char *schema = user_schema_of(row[kSchema], &group);
		const bool in_public = strcmp(schema, "public") == 0;
		appendStringInfo(&text, "%srelation \"%s%s%s\"", row[kObject] != nullptr ? " of " : "",
						 in_public ? "" : schema, in_public ? "" : ".", row[kRelation]);
		if (group != 0)
			appendStringInfo(&text, ", shard group " INT64_FORMAT ",", group);
	}
	if (!node->is_local())
		appendStringInfo(&text, " on node \"%s\"", node->name);
	return text.data;
}

Participant session_of(List *work, const NodeInfo *node, int32 pid, const char *gid) {
	Participant who{};
	who.node_id = node->id;
	strlcpy(who.node_name, node->name, NAMEDATALEN);
	who.pid = pid;
	who.gid = gid;
	if (node->is_local())
		who.backend = pid;
	else if (const BackendWork *owner =
				 gid != nullptr ? owner_of_prepared(work, gid) : owner_of_session(work, node->id, pid))
		who.backend = owner->pid;
	return who;
}

// One row of a server's answer; nullptr where nobody's wait depends on it.
ObservedWait *observe(List *work, const NodeInfo *node, char *const *row) {
	const auto pid = static_cast<int32>(number(row[kPid])), leader = static_cast<int32>(number(row[kLeader]));
	const auto blocker = static_cast<int32>(number(row[kBlocker]));
	if (blocker == 0 && row[kGid] == nullptr)
		return nullptr; // it has ended meanwhile
	auto *wait = static_cast<ObservedWait *>(palloc0(sizeof(ObservedWait)));
	const BackendWork *owner = node->is_local() ? nullptr : owner_of_session(work, node->id, leader);
	// A backend whose session is blocked need not be waiting for it yet, or ever.
	if (owner != nullptr &&
		(owner->waits_since == 0 || (owner->waits_for != kAnyNode && owner->waits_for != node->id)))
		return nullptr;
	wait->waiter = session_of(work, node, leader, nullptr);
	wait->blocker = session_of(work, node, blocker, row[kGid]);
	wait->identity = psprintf("%d %s %s " INT64_FORMAT " %s", node->id, row[kTransaction], row[kSince],
							  owner != nullptr ? owner->waits_since : 0,
							  row[kGid] != nullptr					? row[kGid]
							  : row[kBlockerTransaction] != nullptr ? row[kBlockerTransaction]
																	: row[kBlocker]);
	wait->what = describe(node, row);
	if (owner != nullptr)
		wait->since = owner->waits_since;
	else if (node->is_local() && pid == leader && row[kIsClient] != nullptr && row[kIsClient][0] == 't')
		wait->since = number(row[kSince]);
	return wait;
}

bool asked_for(List *work, int32 node_id) {
	foreach_ptr (BackendWork, backend, work) {
		if (backend->waits_since == 0)
			continue;
		if (backend->waits_for == node_id)
			return true;
		for (int i = 0; backend->waits_for == kAnyNode && i < backend->session_count; i++)
			if (backend->sessions[i].node_id == node_id)
				return true;
	}
	return false;
}

List *observe_nodes(NodePoll *poll, List *work, List *waits) {
	foreach_ptr (NodeInfo, node, all_nodes()) {
		const PGresult *answer = node->is_local() ? nullptr : poll->answer(node->id);
		for (int i = 0; answer != nullptr && i < PQntuples(answer); i++) {
			char *row[kColumns] = {};
			for (int j = 0; j < kColumns; j++)
				if (!PQgetisnull(answer, i, j))
					row[j] = pstrdup(PQgetvalue(answer, i, j));
			if (ObservedWait *wait = observe(work, node, row))
				waits = lappend(waits, wait);
		}
	}
	return waits;
}

List *observe_here(const char *sql, List *work, List *waits) {
	MemoryContext context = CurrentMemoryContext;
	SPI_connect();
	SPI_execute(sql, true, 0);
	MemoryContext old = MemoryContextSwitchTo(context);
	for (uint64 i = 0; i < SPI_processed; i++) {
		char *row[kColumns] = {};
		for (int j = 0; j < kColumns; j++)
			if (char *value = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, j + 1))
				row[j] = pstrdup(value);
		if (ObservedWait *wait = observe(work, find_node(kLocalNode), row))
			waits = lappend(waits, wait);
	}
	MemoryContextSwitchTo(old);
	SPI_finish();
	return waits;
}

// When the waiters' transactions began on this server.
void note_starts(List *waits) {
	SPI_connect();
	SPI_execute("SELECT pid, (extract(epoch FROM xact_start) * 1000000)::int8 - 946684800000000 "
				"FROM pg_catalog.pg_stat_activity WHERE xact_start IS NOT NULL",
				true, 0);
	for (uint64 i = 0; i < SPI_processed; i++) {
		const int64 pid = number(SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
		foreach_ptr (ObservedWait, wait, waits)
			if (wait->waiter.backend == pid)
				wait->started = number(SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2));
	}
	SPI_finish();
}

} // namespace

List *observe_waits(NodePoll *poll) {
	List *work = published_work(MyDatabaseId);
	const char *sql = waits_query();
	poll->begin();
	foreach_ptr (NodeInfo, node, all_nodes())
		if (!node->is_local() && asked_for(work, node->id))
			poll->ask(node, sql);
	poll->wait(TimestampTzPlusMilliseconds(GetCurrentTimestamp(), DeadlockTimeout / 2));
	List *waits = observe_here(sql, work, observe_nodes(poll, work, NIL));
	if (waits != NIL)
		note_starts(waits);
	return waits;
}

} // namespace shardext

// The view shardext_locks: the locks of all servers, and who waits for whom.
#include "shardext/catalog/metadata.hpp"
#include "shardext/monitor/cluster_rows.hpp"
#include "shardext/monitor/text_rows.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/pg/transmission_modes.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/connection.hpp"
#include "shardext/transaction/wait_queries.hpp"

using namespace shardext;

namespace {

enum Column {
	kLocktype,
	kRelation,
	kPage,
	kTuple,
	kVirtualxid,
	kTransactionid,
	kClassid,
	kObjid,
	kObjsubid,
	kVirtualtransaction,
	kPid,
	kMode,
	kGranted,
	kFastpath,
	kWaitstart,
	kNodeName,
	kGlobalId,
	kCoordinatorPid,
	kShardGroup,
	kRelationName,
	kGid,
	kBlockedBy,
	kColumns
};
// In the question only: relation has its name, and after waitstart come these.
constexpr int kSchema = kWaitstart + 1, kPrepared = kWaitstart + 2, kBlockers = kWaitstart + 3;

// A lock on a transaction that is waited for is one on a row: PostgreSQL holds the row's own lock meanwhile,
// which tells the table.
char *locks_query() {
	return psprintf(
		"WITH %s SELECT l.locktype, c.relname, l.page, l.tuple, l.virtualxid, l.transactionid, l.classid, "
		"l.objid, "
		"l.objsubid, l.virtualtransaction, l.pid, l.mode, l.granted, l.fastpath, l.waitstart, n.nspname, "
		"x.gid, "
		"(SELECT pg_catalog.string_agg(DISTINCT CASE w.blocker WHEN 0 THEN w.gid ELSE "
		"w.blocker::pg_catalog.text END, "
		"E'\\n') FROM waits w WHERE NOT l.granted AND w.pid = l.pid) "
		"FROM l LEFT JOIN prepared x ON l.pid IS NULL AND l.virtualtransaction = x.virtualtransaction "
		"LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid "
		"LEFT JOIN LATERAL (SELECT r.relation FROM l r WHERE NOT l.granted AND l.locktype = 'transactionid' "
		"AND "
		"r.pid = l.pid AND r.locktype = 'tuple' AND r.granted LIMIT 1) t ON true "
		"LEFT JOIN pg_catalog.pg_class c ON c.oid = coalesce(l.relation, t.relation) "
		"LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
		"WHERE coalesce(a.datname, x.database) = pg_catalog.current_database() AND "
		"a.application_name IS DISTINCT FROM 'shardext monitor' ORDER BY l.waitstart, l.pid, l.locktype, "
		"n.nspname, c.relname, l.mode",
		kWaitQueries);
}

// The relation that users know by this name of a shard (or of a catalog), as the text of its OID.
char *user_relation(const char *schema, const char *name, int64 group) {
	if (group == 0 && strcmp(schema, "pg_catalog") != 0)
		return nullptr;
	const Oid schema_oid = get_namespace_oid(schema, true);
	const Oid relid = OidIsValid(schema_oid) ? get_relname_relid(name, schema_oid) : InvalidOid;
	return OidIsValid(relid) ? psprintf("%u", relid) : nullptr;
}

void add_relation(char **values, const char *schema, const char *name, bool here) {
	int64 group = 0;
	const char *user_schema = user_schema_of(schema, &group);
	values[kRelationName] = quote_qualified_identifier(schema, name);
	values[kRelation] = user_relation(user_schema, name, group);
	if (here && values[kRelation] == nullptr)
		values[kRelation] = user_relation(schema, name, 1);
	if (group != 0)
		values[kShardGroup] = psprintf(INT64_FORMAT, group);
}

List *blockers_of(const ServerRows *server, int row) {
	List *ids = NIL;
	char *state = nullptr, *blockers = server->cell(row, kBlockers);
	for (char *one = blockers != nullptr ? strtok_r(blockers, "\n", &state) : nullptr; one != nullptr;
		 one = strtok_r(nullptr, "\n", &state))
		ids = lappend(ids, global_id(server->node, one));
	return ids;
}

void add_server(TextRows *rows, List *work, const ServerRows *server) {
	const bool here = server->node->is_local();
	for (int i = 0; i < server->count; i++) {
		char *values[kColumns] = {};
		memcpy(values, &server->cells[i * server->columns], sizeof(char *) * kNodeName);
		if (values[kRelation] != nullptr)
			add_relation(values, server->cell(i, kSchema), values[kRelation], here);
		values[kNodeName] = pstrdup(server->node->name);
		values[kGid] = server->cell(i, kPrepared);
		const char *holder = values[kPid] != nullptr ? values[kPid] : values[kGid];
		if (holder != nullptr)
			values[kGlobalId] = global_id(server->node, holder);
		const BackendWork *owner = nullptr;
		if (!here && values[kPid] != nullptr)
			owner = owner_of_session(work, server->node->id, atoi(values[kPid]));
		else if (!here && values[kGid] != nullptr)
			owner = owner_of_prepared(work, values[kGid]);
		values[kCoordinatorPid] = here				 ? values[kPid]
								  : owner != nullptr ? psprintf("%d", owner->pid)
													 : nullptr;
		values[kBlockedBy] = array_text(blockers_of(server, i));
		rows->add(values);
	}
}

} // namespace

SHARDEXT_SQL_FUNCTION(shardext_all_locks) {
	TextRows rows(fcinfo);
	const int level = begin_transmission_modes();
	List *servers = ask_all_servers(locks_query());
	List *work = published_work(MyDatabaseId);
	foreach_ptr (ServerRows, server, servers)
		add_server(&rows, work, server);
	end_transmission_modes(level);
	return 0;
}

// Statements for the shards of tables, node by node.
#include "shardext/cluster/placements.hpp"

#include "shardext/catalog/metadata_sql.hpp"
#include "shardext/cluster/shards.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/pg/transmission_modes.hpp"
#include "shardext/remote/local_stream.hpp"
#include "shardext/remote/session_settings.hpp"
#include "shardext/transaction/remote_transaction.hpp"

extern "C" {
#include "miscadmin.h"
#include "utils/guc.h"
}

namespace shardext {

namespace {

int changing_shards = 0; // > 0 while shardext itself changes local shards as their owner

// Runs a statement on local shards as the owner of the table: what it calls of his must not run with other
// rights.
void run_as_owner(Oid relid, const char *sql) {
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	Oid user;
	int context;
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(owner, context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	const int level = NewGUCNestLevel();
	set_parsing_modes();
	const char *settings[][2] = {{"search_path", "pg_catalog, pg_temp"}, {"client_min_messages", "warning"}};
	for (const auto &[name, value] : settings)
		set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	changing_shards++;
	PG_TRY();
	{
		if (!run_utility_statements(sql))
			elog(ERROR, "not a utility statement: %s", sql);
	}
	PG_FINALLY();
	{ changing_shards--; }
	PG_END_TRY();
	AtEOXact_GUC(true, level);
	SetUserIdAndSecContext(user, context);
}

void run_here(const PerNode *entry) {
	for (int i = 0; i < list_length(entry->statements); i++) {
		const auto *sql = static_cast<const char *>(list_nth(entry->statements, i));
		if (const Oid owner_of = list_nth_oid(entry->owners, i); OidIsValid(owner_of))
			run_as_owner(owner_of, sql);
		else
			run_metadata_sql(sql);
	}
}

} // namespace

PerNode *entry_of(List **per_node, const NodeInfo *node) {
	foreach_ptr (PerNode, existing, *per_node)
		if (existing->node->id == node->id)
			return existing;
	auto *entry = static_cast<PerNode *>(palloc0(sizeof(PerNode)));
	entry->node = node;
	*per_node = lappend(*per_node, entry);
	return entry;
}

void add_statement(PerNode *entry, const char *sql, Oid owner_of) {
	entry->statements = lappend(entry->statements, const_cast<char *>(sql));
	entry->owners = lappend_oid(entry->owners, owner_of);
}

void add_pieces(PerNode *entry, const List *definitions, int64 group_id, Oid owner_of) {
	foreach_ptr (SqlPieces, pieces, definitions)
		add_statement(entry, shard_sql(pieces, group_id, entry->node->is_local()), owner_of);
}

void run_everywhere(List *per_node, bool settings) {
	List *remote = NIL;
	foreach_ptr (PerNode, entry, per_node) {
		if (entry->node->is_local() || entry->statements == NIL)
			continue;
		Connection *c = connect_to_node(entry->node);
		enter_transaction(c, Scope::Write);
		if (settings)
			send_session_settings(c);
		foreach_ptr (char, sql, entry->statements)
			send_control(c, sql);
		send_sync(c);
		remote = lappend(remote, c);
	}
	foreach_ptr (PerNode, entry, per_node)
		if (entry->node->is_local())
			with_changed_errors(name_user_table, [&] { run_here(entry); });
	foreach_ptr (Connection, c, remote)
		pump(c, nullptr, true);
}

void run_alone(List *per_node) {
	for (int i = 0;; i++) {
		List *busy = NIL;
		foreach_ptr (PerNode, entry, per_node) {
			if (entry->node->is_local() || i >= list_length(entry->statements))
				continue;
			Connection *c = connect_to_node(entry->node);
			if (c->depth > 0)
				ereport(ERROR, errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
						errmsg("node \"%s\" is in a transaction", c->node_name));
			send_control(c, static_cast<char *>(list_nth(entry->statements, i)));
			send_sync(c);
			busy = lappend(busy, c);
		}
		if (busy == NIL)
			return;
		foreach_ptr (Connection, c, busy)
			pump(c, nullptr, true);
	}
}

void run_on_node(const NodeInfo *node, List *statements) {
	PerNode entry{node, NIL, NIL};
	foreach_ptr (char, sql, statements)
		add_statement(&entry, sql);
	run_everywhere(list_make1(&entry));
}

bool may_change_shards() {
	return superuser() || changing_shards > 0;
}

} // namespace shardext

// Statements that look after tables and indexes, on the shards.
#include "shardext/commands/maintenance.hpp"

#include "shardext/cluster/placements.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
}

namespace shardext {

namespace {

const VacuumStmt *running_vacuum = nullptr;

const DistributedTable *named_table(const RangeVar *name) {
	const Oid relid = name != nullptr ? RangeVarGetRelid(name, NoLock, true) : InvalidOid;
	return OidIsValid(relid) ? find_distributed_table(relid) : nullptr;
}

// The tables (OIDs) that VACUUM names and the user may vacuum.
List *vacuumed_tables(const VacuumStmt *statement) {
	List *relids = NIL;
	foreach_node (VacuumRelation, named, statement->rels) {
		const Oid relid =
			OidIsValid(named->oid) ? named->oid : RangeVarGetRelid(named->relation, NoLock, true);
		if (OidIsValid(relid) && find_distributed_table(relid) != nullptr &&
			(pg_class_ownercheck(relid, GetUserId()) || pg_database_ownercheck(MyDatabaseId, GetUserId())))
			relids = list_append_unique_oid(relids, relid);
	}
	return relids;
}

// Returns the options but ANALYZE and VERBOSE, which are about the coordinator, as they are written.
const char *vacuum_options(const VacuumStmt *statement) {
	StringInfoData options;
	initStringInfo(&options);
	foreach_node (DefElem, option, statement->options) {
		if (strcmp(option->defname, "analyze") == 0 || strcmp(option->defname, "verbose") == 0)
			continue;
		const char *value = option->arg == nullptr		? ""
							: IsA(option->arg, Integer) ? defGetString(option)
														: quote_identifier(defGetString(option));
		appendStringInfo(&options, "%s%s %s", options.len > 0 ? ", " : "", quote_identifier(option->defname),
						 value);
	}
	return options.len > 0 ? psprintf("(%s) ", options.data) : "";
}

const char *shard_name(Oid relid, int64 group_id, bool local) {
	SqlBuilder sql;
	sql.relation(relid);
	return shard_sql(sql.finish(), group_id, local);
}

const char *shard_index_name(Oid relid, const char *index, int64 group_id, bool local) {
	SqlBuilder sql;
	sql.schema_of(relid);
	sql.text(".");
	sql.identifier(index);
	return shard_sql(sql.finish(), group_id, local);
}

bool is_concurrent(const List *params) {
	foreach_node (DefElem, option, params)
		if (strcmp(option->defname, "concurrently") == 0)
			return defGetBoolean(option);
	return false;
}

} // namespace

VacuumStmt *vacuum_with_local_shards(VacuumStmt *statement) {
	if (!statement->is_vacuumcmd)
		return statement;
	List *shards = NIL;
	const ListCell *cell;
	foreach (cell, vacuumed_tables(statement)) {
		const DistributedTable *table = find_distributed_table(lfirst_oid(cell));
		if (!table->is_sharded())
			continue;
		const char *schema_name = get_namespace_name(get_rel_namespace(table->relid));
		for_each_placement(table, find_node(kLocalNode), [&](const NodeInfo *, int64 group_id) {
			const Oid schema = get_namespace_oid(shard_schema_name(group_id, schema_name), false);
			const Oid shard = get_relname_relid(get_rel_name(table->relid), schema);
			if (OidIsValid(shard))
				shards = lappend(shards, makeVacuumRelation(nullptr, shard, NIL));
		});
	}
	if (shards == NIL)
		return statement;
	auto *changed = static_cast<VacuumStmt *>(copyObjectImpl(statement));
	changed->rels = list_concat(changed->rels, shards);
	return changed;
}

void run_vacuum(const VacuumStmt *statement, void (*run)(void *), void *argument) {
	const VacuumStmt *outer = running_vacuum;
	running_vacuum = statement;
	PG_TRY();
	{ run(argument); }
	PG_FINALLY();
	{ running_vacuum = outer; }
	PG_END_TRY();
}

bool is_being_vacuumed(Oid shard) {
	// Only shardext names a table by its OID.
	if (running_vacuum != nullptr)
		foreach_node (VacuumRelation, named, running_vacuum->rels)
			if (named->oid == shard)
				return true;
	return false;
}

void vacuum_shards(const VacuumStmt *statement) {
	if (!statement->is_vacuumcmd)
		return;
	List *per_node = NIL;
	const char *options = vacuum_options(statement);
	const ListCell *cell;
	foreach (cell, vacuumed_tables(statement)) {
		const Oid relid = lfirst_oid(cell);
		for_each_placement(find_distributed_table(relid), nullptr, [&](const NodeInfo *node, int64 group_id) {
			add_statement(entry_of(&per_node, node),
						  psprintf("VACUUM %s%s", options, shard_name(relid, group_id, node->is_local())));
		});
	}
	run_alone(per_node);
}

void cluster_shards(const ClusterStmt *statement) {
	const DistributedTable *table = named_table(statement->relation);
	if (table == nullptr)
		return;
	List *per_node = NIL;
	for_each_placement(table, nullptr, [&](const NodeInfo *node, int64 group_id) {
		add_statement(entry_of(&per_node, node),
					  psprintf("CLUSTER %s", shard_name(table->relid, group_id, node->is_local())),
					  table->relid);
	});
	run_everywhere(per_node);
}

void reindex_shards(const ReindexStmt *statement) {
	if (statement->relation == nullptr)
		return;
	const bool is_index = statement->kind == REINDEX_OBJECT_INDEX;
	const Oid named = RangeVarGetRelid(statement->relation, NoLock, true);
	if (!OidIsValid(named) || (is_index && get_rel_relkind(named) != RELKIND_INDEX))
		return;
	const Oid relid = is_index ? IndexGetRelation(named, true) : named;
	const DistributedTable *table = OidIsValid(relid) ? find_distributed_table(relid) : nullptr;
	if (table == nullptr)
		return;
	// Those on this server are made anew in the coordinator's transaction.
	const bool concurrent = is_concurrent(statement->params);
	List *remote = NIL, *local = NIL;
	for_each_placement(table, nullptr, [&](const NodeInfo *node, int64 group_id) {
		const char *name = is_index ? shard_index_name(relid, get_rel_name(named), group_id, node->is_local())
									: shard_name(relid, group_id, node->is_local());
		const char *kind = is_index ? "INDEX" : "TABLE";
		if (concurrent && !node->is_local())
			add_statement(entry_of(&remote, node), psprintf("REINDEX %s CONCURRENTLY %s", kind, name));
		else
			add_statement(entry_of(&local, node), psprintf("REINDEX %s %s", kind, name));
	});
	run_alone(remote);
	run_everywhere(local);
}

} // namespace shardext

// Creating, dropping and emptying shards.
#include "shardext/cluster/shards.hpp"

#include "shardext/cluster/create_table.hpp"
#include "shardext/cluster/dependencies.hpp"
#include "shardext/cluster/placements.hpp"
#include "shardext/cluster/table_definition.hpp"
#include "shardext/pg/compat.hpp"
#include "shardext/pg/transmission_modes.hpp"
#include "shardext/pg/scan.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/row_stream.hpp"
#include "shardext/sql/shard_sql.hpp"
#include "shardext/transaction/remote_transaction.hpp"

extern "C" {
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_authid_d.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/guc.h"
}

namespace shardext {

namespace {

// The local shard of a table in one group, or InvalidOid.
Oid local_shard(const char *schema_name, const char *table_name, int64 group_id) {
	const Oid schema = get_namespace_oid(shard_schema_name(group_id, schema_name), true);
	return OidIsValid(schema) ? get_relname_relid(table_name, schema) : InvalidOid;
}

// Local shards belong to the extension, so that pg_dump leaves them out: their rows are dumped with the
// table.
void make_extension_member(Oid class_id, Oid object_id) {
	ObjectAddress object{class_id, object_id, 0};
	ObjectAddress extension{ExtensionRelationId, get_extension_oid("shardext", false), 0};
	if (getExtensionOfObject(class_id, object_id) == InvalidOid)
		recordDependencyOn(&object, &extension, DEPENDENCY_EXTENSION);
}

// pg_dump leaves out rights that an object of an extension had from the beginning.
void record_initial_rights(Oid schema) {
	removeExtObjInitPriv(schema, NamespaceRelationId);
	CommandCounterIncrement();
	recordExtObjInitPriv(schema, NamespaceRelationId);
	CommandCounterIncrement();
}

// Owners of shards may look into the schemas that hold them, and nobody else. `condition` chooses
// pg_namespace n.
void settle_schema_rights_of(const char *condition) {
	const char *statements = query_metadata(psprintf(
		"WITH s AS (SELECT oid, nspname, nspacl, nspowner FROM pg_namespace n WHERE %s), "
		"wanted AS (SELECT DISTINCT nspname, relowner AS role FROM pg_class, s WHERE relnamespace = s.oid "
		"AND "
		"relkind = 'r' AND relowner <> nspowner), "
		"granted AS (SELECT DISTINCT nspname, a.grantee AS role FROM s, aclexplode(nspacl) a "
		"WHERE a.grantee <> nspowner) "
		"SELECT string_agg(format(CASE WHEN granted.role IS NULL THEN 'GRANT USAGE ON SCHEMA %%I TO %%s' "
		"ELSE 'REVOKE ALL ON SCHEMA %%I FROM %%s' END, nspname, "
		"CASE role WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(role)) END), '; ') "
		"FROM wanted FULL JOIN granted USING (nspname, role) WHERE wanted.role IS NULL OR granted.role IS "
		"NULL",
		condition));
	if (statements == nullptr)
		return;
	run_metadata_sql(statements);
	// The rights belong to the extension, not to what pg_dump writes.
	char *changed =
		query_metadata(psprintf("SELECT string_agg(oid::text, ' ') FROM pg_namespace n WHERE %s", condition));
	for (char *word = changed != nullptr ? strtok(changed, " ") : nullptr; word != nullptr;
		 word = strtok(nullptr, " "))
		record_initial_rights(static_cast<Oid>(strtoul(word, nullptr, 10)));
}

void adopt_local_shard(Oid relid, int64 group_id) {
	const char *schema_name = get_namespace_name(get_rel_namespace(relid));
	const char *shard_schema = shard_schema_name(group_id, schema_name);
	make_extension_member(NamespaceRelationId, get_namespace_oid(shard_schema, false));
	const Oid shard = local_shard(schema_name, get_rel_name(relid), group_id);
	make_extension_member(RelationRelationId, shard);
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	// The owner of the table owns its shards: index expressions and foreign keys run with his rights. Nobody
	// else may touch them, whatever default privileges have granted.
	const char *name = quote_qualified_identifier(shard_schema, get_rel_name(relid));
	run_metadata_sql(
		psprintf("ALTER TABLE %s OWNER TO %s", name, quote_identifier(GetUserNameFromId(owner, false))));
	const char *grantees = query_metadata(psprintf("SELECT string_agg(CASE grantee WHEN 0 THEN 'PUBLIC' ELSE "
												   "quote_ident(pg_get_userbyid(grantee)) END, ', ') "
												   "FROM (SELECT DISTINCT (aclexplode(relacl)).grantee FROM "
												   "pg_class WHERE oid = %u) a WHERE grantee <> %u",
												   shard, owner));
	if (grantees != nullptr)
		run_metadata_sql(psprintf("REVOKE ALL ON TABLE %s FROM %s CASCADE", name, grantees));
	settle_schema_rights(shard_schema);
}

// --- dropping ---

struct ForgottenTable {
	char *schema_name, *table_name;
	TableKind kind;
	int32 colocation_id;
	int group_count;
	ShardGroup *groups;
	bool last_in_group;	 // no other table of the colocation group is left
	int nest_level;		 // of the (sub)transaction that has forgotten it
	bool last_in_schema; // …or none in this user schema
};
List *forgotten = NIL;
List *remembered = NIL; // PerNode: what DROP EXTENSION has to drop on the nodes
LocalTransactionId remembered_in = InvalidLocalTransactionId;
LocalTransactionId dropping_extension_in = InvalidLocalTransactionId;
LocalTransactionId forgotten_in = InvalidLocalTransactionId;

void drop_placement(List **per_node, const ForgottenTable *table, const NodeInfo *node, int64 group_id) {
	const char *schema = shard_schema_name(group_id, table->schema_name);
	if (node->is_local()) {
		drop_local_object(RelationRelationId, local_shard(table->schema_name, table->table_name, group_id));
		return;
	}
	PerNode *entry = entry_of(per_node, node);
	add_statement(entry, psprintf("DROP TABLE IF EXISTS %s CASCADE",
								  quote_qualified_identifier(schema, table->table_name)));
	if (table->last_in_schema)
		add_statement(entry, psprintf("DROP SCHEMA IF EXISTS %s CASCADE", quote_identifier(schema)));
}

} // namespace

void settle_schema_rights(const char *shard_schema) {
	settle_schema_rights_of(psprintf("nspname = %s", quote_literal_cstr(shard_schema)));
}

// A schema of this name that somebody else has made must not become a shard group's.
void check_schema_is_ours(int64 group_id, const char *schema_name) {
	const char *schema = shard_schema_name(group_id, schema_name);
	const Oid existing = get_namespace_oid(schema, true);
	if (OidIsValid(existing) &&
		getExtensionOfObject(NamespaceRelationId, existing) != get_extension_oid("shardext", false))
		ereport(ERROR, errcode(ERRCODE_DUPLICATE_SCHEMA), errmsg("schema \"%s\" already exists", schema),
				errdetail("Shards need this name, and the schema was not made for them."),
				errhint("Rename or drop the schema, or try again: the next attempt takes other names."));
}

void add_schema_statements(PerNode *entry, int64 group_id, const char *schema_name) {
	const char *schema = quote_identifier(shard_schema_name(group_id, schema_name));
	add_statement(entry, psprintf("CREATE SCHEMA IF NOT EXISTS %s", schema));
	add_statement(entry, psprintf("COMMENT ON SCHEMA %s IS %s", schema,
								  quote_literal_cstr(psprintf("shardext cluster " INT64_FORMAT
															  ", shard group " INT64_FORMAT ", schema %s",
															  cluster_id(), group_id, schema_name))));
}

void drop_local_object(Oid class_id, Oid object_id) {
	if (!OidIsValid(object_id))
		return;
	deleteDependencyRecordsForSpecific(class_id, object_id, DEPENDENCY_EXTENSION, ExtensionRelationId,
									   get_extension_oid("shardext", true));
	CommandCounterIncrement();
	ObjectAddress address{class_id, object_id, 0};
	performDeletion(&address, DROP_CASCADE, PERFORM_DELETION_INTERNAL | PERFORM_DELETION_QUIETLY);
}

void create_shards(Oid relid, const NodeInfo *only_node) {
	const DistributedTable *table = find_distributed_table(relid);
	const char *schema_name = get_namespace_name(get_rel_namespace(relid));
	List *dependencies = table_dependency_statements(relid);
	List *definitions = shard_table_statements(relid);
	List *per_node = NIL;
	for_each_placement(table, only_node, [&](const NodeInfo *node, int64 group_id) {
		PerNode *entry = entry_of(&per_node, node);
		if (entry->statements == NIL && !node->is_local())
			foreach_ptr (char, sql, dependencies)
				add_statement(entry, sql);
		add_schema_statements(entry, group_id, schema_name);
		if (node->is_local())
			check_schema_is_ours(group_id, schema_name);
		add_pieces(entry, definitions, group_id);
	});
	run_everywhere(per_node);
	for_each_placement(table, only_node, [&](const NodeInfo *node, int64 group_id) {
		if (node->is_local())
			adopt_local_shard(relid, group_id);
	});
}

void create_shard_indexes(Oid relid, const NodeInfo *only_node) {
	const DistributedTable *table = find_distributed_table(relid);
	List *indexes = shard_index_statements(relid);
	List *foreign_keys = shard_foreign_key_statements(relid);
	List *per_node = NIL;
	for_each_placement(table, only_node, [&](const NodeInfo *node, int64 group_id) {
		add_pieces(entry_of(&per_node, node), indexes, group_id);
	});
	// All shards have their keys before the first foreign key of one is made.
	for_each_placement(table, only_node, [&](const NodeInfo *node, int64 group_id) {
		add_pieces(entry_of(&per_node, node), foreign_keys, group_id, relid);
	});
	run_everywhere(per_node);
}

bool is_local_shard(Oid relid) {
	const char *schema = get_namespace_name(get_rel_namespace(relid));
	return schema != nullptr && strncmp(schema, "shardext_", strlen("shardext_")) == 0 &&
		   extension_exists() &&
		   getExtensionOfObject(RelationRelationId, relid) == get_extension_oid("shardext", true);
}

void drop_local_shards(List *relids) {
	const ListCell *cell;
	foreach (cell, relids) {
		const DistributedTable *table = find_distributed_table(lfirst_oid(cell));
		if (table == nullptr || !table->is_sharded())
			continue;
		for_each_placement(table, find_node(kLocalNode), [&](const NodeInfo *, int64 group_id) {
			drop_local_object(RelationRelationId,
							  local_shard(get_namespace_name(get_rel_namespace(table->relid)),
										  get_rel_name(table->relid), group_id));
		});
	}
	CommandCounterIncrement();
}

void settle_all_schema_rights() {
	settle_schema_rights_of(psprintf("nspname LIKE 'shardext\\_%%' AND EXISTS (SELECT FROM pg_depend WHERE "
									 "classid = 'pg_namespace'::regclass AND "
									 "objid = n.oid AND deptype = 'e' AND refobjid = %u)",
									 get_extension_oid("shardext", false)));
}

void drop_local_shards_of(List *roles) {
	const ListCell *cell;
	foreach (cell, roles) {
		char *owned = query_metadata(psprintf("SELECT string_agg(t.relid::oid::text, ' ') FROM "
											  "shardext.tables t JOIN pg_class c ON c.oid = t.relid "
											  "WHERE c.relowner = %u",
											  lfirst_oid(cell)));
		List *relids = NIL;
		for (char *word = owned != nullptr ? strtok(owned, " ") : nullptr; word != nullptr;
			 word = strtok(nullptr, " "))
			relids = lappend_oid(relids, static_cast<Oid>(strtoul(word, nullptr, 10)));
		drop_local_shards(relids);
	}
}

void empty_table(Oid relid) {
	Relation relation = table_open(relid, AccessExclusiveLock);
	new_storage_for(relation);
	table_close(relation, NoLock);
	CommandCounterIncrement();
}

void check_undistribute(Oid relid) {
	const char *other = query_metadata(psprintf(
		"SELECT c.conrelid::regclass FROM pg_constraint c JOIN shardext.tables t ON t.relid = c.conrelid "
		"WHERE c.contype = 'f' AND c.confrelid = %u AND c.conrelid <> %u LIMIT 1",
		relid, relid));
	if (other != nullptr)
		ereport(ERROR, errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				errmsg("cannot undistribute table \"%s\"", get_rel_name(relid)),
				errdetail("Distributed table \"%s\" has a foreign key to it.", other),
				errhint("Undistribute \"%s\" first, or drop the foreign key.", other));
}

void adopt_local_shards(Oid relid) {
	const DistributedTable *table = find_distributed_table(relid);
	if (table == nullptr || !table->is_sharded())
		return;
	for_each_placement(table, nullptr, [&](const NodeInfo *node, int64 group_id) {
		if (node->is_local())
			adopt_local_shard(relid, group_id);
	});
}

namespace {

// The row of shardext.tables goes at once: regclass values of dropped tables cannot be looked up by name.
void delete_table_row(Oid relid) {
	Relation tables = table_open(shardext_table("tables"), RowExclusiveLock);
	ScanKeyData key;
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	SysScanDesc scan = systable_beginscan(tables, InvalidOid, false, nullptr, 1, &key);
	HeapTuple tuple;
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		CatalogTupleDelete(tables, &tuple->t_self);
	systable_endscan(scan);
	table_close(tables, NoLock);
	invalidate_table(relid);
}

} // namespace

void forget_table(Oid relid) {
	if (dropping_extension_in == MyProc_lxid())
		return; // the metadata goes as a whole
	if (metadata_is_restored()) {
		delete_table_row(relid); // its shards belong to another cluster
		return;
	}
	const DistributedTable *table = find_distributed_table(relid);
	if (table == nullptr)
		return;
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	auto *entry = static_cast<ForgottenTable *>(palloc0(sizeof(ForgottenTable)));
	entry->schema_name = get_namespace_name(get_rel_namespace(relid));
	entry->table_name = get_rel_name(relid);
	entry->kind = table->kind;
	entry->nest_level = GetCurrentTransactionNestLevel();
	entry->colocation_id = table->colocation->id;
	entry->group_count = table->colocation->group_count;
	entry->groups = static_cast<ShardGroup *>(palloc(sizeof(ShardGroup) * (entry->group_count + 1)));
	memcpy(entry->groups, table->colocation->groups, sizeof(ShardGroup) * entry->group_count);
	if (forgotten_in != MyProc_lxid()) {
		forgotten = NIL;
		forgotten_in = MyProc_lxid();
	}
	forgotten = lappend(forgotten, entry);
	MemoryContextSwitchTo(old);

	delete_table_row(relid);
}

void drop_forgotten_shards() {
	if (forgotten == NIL || forgotten_in != MyProc_lxid())
		return;
	if (remembered != NIL && remembered_in == MyProc_lxid())
		return; // the extension itself is being dropped
	List *tables = forgotten;
	forgotten = NIL;
	CommandCounterIncrement();
	List *per_node = NIL;
	foreach_ptr (ForgottenTable, table, tables) {
		table->last_in_group =
			query_metadata(psprintf("SELECT 1 FROM shardext.tables WHERE colocation_id = %d LIMIT 1",
									table->colocation_id)) == nullptr;
		table->last_in_schema =
			query_metadata(psprintf(
				"SELECT 1 FROM shardext.tables t JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n "
				"ON n.oid = c.relnamespace WHERE t.colocation_id = %d AND n.nspname = %s LIMIT 1",
				table->colocation_id, quote_literal_cstr(table->schema_name))) == nullptr;
		if (table->kind == TableKind::Hash) {
			for (int i = 0; i < table->group_count; i++)
				if (const NodeInfo *node = find_node(table->groups[i].node_id))
					drop_placement(&per_node, table, node, table->groups[i].id);
		} else {
			foreach_ptr (NodeInfo, node, all_nodes())
				if (!node->is_local())
					drop_placement(&per_node, table, node, table->groups[0].id);
		}
	}
	run_everywhere(per_node);
	// Schemas go when all tables are gone: one that still held a shard, which belongs to the extension, would
	// take the extension with it.
	foreach_ptr (ForgottenTable, table, tables) {
		for (int i = 0; table->kind == TableKind::Hash && i < table->group_count; i++) {
			if (table->groups[i].node_id != kLocalNode)
				continue;
			const char *schema = shard_schema_name(table->groups[i].id, table->schema_name);
			if (table->last_in_schema)
				drop_local_object(NamespaceRelationId, get_namespace_oid(schema, true));
			else
				settle_schema_rights(schema);
		}
	}
	foreach_ptr (ForgottenTable, table, tables)
		if (table->last_in_group) {
			run_metadata_sql(psprintf("DELETE FROM shardext.placements USING shardext.shard_groups g WHERE "
									  "g.shard_group_id = placements.shard_group_id AND g.colocation_id = %d",
									  table->colocation_id));
			run_metadata_sql(
				psprintf("DELETE FROM shardext.shard_groups WHERE colocation_id = %d", table->colocation_id));
			run_metadata_sql(psprintf("DELETE FROM shardext.colocation_groups WHERE colocation_id = %d",
									  table->colocation_id));
		}
}

void shards_after_subtransaction(bool committed) {
	const int level = GetCurrentTransactionNestLevel();
	if (!committed) {
		remembered = NIL;
		dropping_extension_in = InvalidLocalTransactionId;
		if (forgotten_in != MyProc_lxid())
			return;
		List *kept = NIL;
		MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
		foreach_ptr (ForgottenTable, table, forgotten)
			if (table->nest_level < level)
				kept = lappend(kept, table);
		MemoryContextSwitchTo(old);
		forgotten = kept;
		return;
	}
	if (forgotten_in == MyProc_lxid())
		foreach_ptr (ForgottenTable, table, forgotten)
			table->nest_level = std::min(table->nest_level, level - 1);
}

void remember_cluster() {
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	remembered = NIL;
	remembered_in = dropping_extension_in = MyProc_lxid();
	if (metadata_is_restored()) {
		MemoryContextSwitchTo(old);
		return;
	}
	foreach_ptr (NodeInfo, node, all_nodes()) {
		if (node->is_local())
			continue;
		enter_transaction(connect_to_node(node),
						  Scope::Write); // later nobody knows any more whose nodes these are
		auto *copy = static_cast<NodeInfo *>(palloc(sizeof(NodeInfo)));
		*copy = *node;
		copy->conninfo = pstrdup(node->conninfo);
		// One statement finds all schemas that carry this cluster's mark.
		add_statement(
			entry_of(&remembered, copy),
			psprintf(
				"DO $do$ DECLARE s name; BEGIN FOR s IN SELECT nspname FROM pg_catalog.pg_namespace WHERE "
				"pg_catalog.obj_description(oid, 'pg_namespace') LIKE 'shardext cluster " INT64_FORMAT
				"%%' LOOP "
				"EXECUTE pg_catalog.format('DROP SCHEMA %%I CASCADE', s); END LOOP; END $do$",
				cluster_id()));
	}
	MemoryContextSwitchTo(old);
}

void drop_remembered_cluster() {
	if (extension_exists())
		dropping_extension_in = InvalidLocalTransactionId;
	if (remembered == NIL || remembered_in != MyProc_lxid() || extension_exists())
		return;
	List *per_node = remembered;
	remembered = NIL;
	forgotten = NIL; // local shards went with the extension, the others go now
	run_everywhere(per_node);
}

} // namespace shardext

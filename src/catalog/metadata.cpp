// The per-backend cache of the cluster's metadata.
#include "shardext/catalog/metadata.hpp"
#include "shardext/catalog/stored_types.hpp"

#include "shardext/pg/scan.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/hash.h"
#include "access/skey.h"
#include "catalog/indexing.h"
#include "commands/extension.h"
#include "utils/catcache.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/typcache.h"
}

namespace shardext {

namespace {

struct TableEntry {
	Oid relid; // hash key
	bool valid;
	int32 colocation_id;
	DistributedTable *table; // nullptr: known not to be distributed
};

struct GroupEntry {
	int32 id; // hash key
	bool valid;
	MemoryContext context;
	ColocationGroup *group;
};

MemoryContext cache_context = nullptr;
HTAB *table_cache = nullptr;
HTAB *group_cache = nullptr;

MemoryContext nodes_context = nullptr;
List *nodes = NIL;
bool nodes_valid = false;
int64 cached_cluster_id = 0;
enum { Unknown, No, Yes } restored = Unknown;

Oid schema_oid = InvalidOid;
Oid tables_oid = InvalidOid;
Oid nodes_oid = InvalidOid;
bool extension_known_absent = false;
uint64 definitions = 1;

// Columns of the metadata tables, in the order of the install script.
enum { kTablesRelid = 1, kTablesKind, kTablesColocation, kTablesColumn, kTablesCluster };
enum { kGroupsColocation = 1, kGroupsKind, kGroupsCount, kGroupsKeyType, kGroupsKeyCollation };
enum { kShardGroupsId = 1, kShardGroupsColocation, kShardGroupsMin, kShardGroupsMax };
enum { kPlacementsGroup = 1, kPlacementsNode };
enum { kNodesId = 1, kNodesName, kNodesConninfo, kNodesCluster };

void forget_everything() {
	definitions++;
	forget_stored_types();
	HASH_SEQ_STATUS status;
	hash_seq_init(&status, table_cache);
	while (auto *entry = static_cast<TableEntry *>(hash_seq_search(&status)))
		entry->valid = false;
	hash_seq_init(&status, group_cache);
	while (auto *entry = static_cast<GroupEntry *>(hash_seq_search(&status)))
		entry->valid = false;
	nodes_valid = false;
	schema_oid = tables_oid = nodes_oid = InvalidOid;
	cached_cluster_id = 0;
	restored = Unknown;
	extension_known_absent = false;
}

void forget_group(int32 colocation_id) {
	auto *entry = static_cast<GroupEntry *>(hash_search(group_cache, &colocation_id, HASH_FIND, nullptr));
	if (entry != nullptr)
		entry->valid = false;
}

// Relcache callback: relid's metadata may have changed (InvalidOid: anything may have).
void on_relcache_invalidation(Datum, Oid relid) {
	if (!OidIsValid(relid) || relid == tables_oid) {
		forget_everything();
		return;
	}
	extension_known_absent = false;
	if (relid == nodes_oid) {
		nodes_valid = false;
		return;
	}
	auto *entry = static_cast<TableEntry *>(hash_search(table_cache, &relid, HASH_FIND, nullptr));
	if (entry != nullptr) {
		forget_stored_types();
		entry->valid = false;
		if (entry->table != nullptr) {
			definitions++;
			forget_group(entry->colocation_id);
		}
	}
}

// An old cache entry may still be in use further up the stack: it goes with the transaction.
void free_at_end_of_transaction(MemoryContext context) {
	if (IsTransactionState())
		MemoryContextSetParent(context, TopTransactionContext);
	else
		MemoryContextDelete(context);
}

Oid index_of(const char *name) {
	return get_relname_relid(name, shardext_schema());
}

// Finds the routing functions of a key type: the extended hash and equality of its default operator class.
void set_key_functions(ColocationGroup *group) {
	TypeCacheEntry *type =
		lookup_type_cache(group->key_type, TYPECACHE_HASH_EXTENDED_PROC | TYPECACHE_EQ_OPR);
	group->hash_function = type->hash_extended_proc;
	group->equality_operator = type->eq_opr;
}

int by_range(const void *a, const void *b) {
	const auto *x = static_cast<const ShardGroup *>(a);
	const auto *y = static_cast<const ShardGroup *>(b);
	return x->range_min < y->range_min ? -1 : x->range_min > y->range_min ? 1 : 0;
}

int32 read_placement(int64 group_id) {
	int32 node = -1;
	scan_table(shardext_table("placements"), index_of("placements_pkey"), kPlacementsGroup, F_INT8EQ,
			   Int64GetDatum(group_id), [&](HeapTuple tuple, TupleDesc desc) {
				   const int32 id = DatumGetInt32(column(tuple, desc, kPlacementsNode));
				   if (node < 0 || id < node)
					   node = id;
			   });
	return node;
}

ColocationGroup *read_colocation_group(int32 id, MemoryContext context) {
	auto *group = static_cast<ColocationGroup *>(MemoryContextAllocZero(context, sizeof(ColocationGroup)));
	bool found = false;
	scan_table(shardext_table("colocation_groups"), index_of("colocation_groups_pkey"), kGroupsColocation,
			   F_INT4EQ, Int32GetDatum(id), [&](HeapTuple tuple, TupleDesc desc) {
				   found = true;
				   group->id = id;
				   group->kind = static_cast<TableKind>(DatumGetChar(column(tuple, desc, kGroupsKind)));
				   group->key_type = DatumGetObjectId(column(tuple, desc, kGroupsKeyType));
				   group->key_collation = DatumGetObjectId(column(tuple, desc, kGroupsKeyCollation));
			   });
	if (!found)
		return nullptr;
	int capacity = 32;
	group->groups = static_cast<ShardGroup *>(MemoryContextAlloc(context, capacity * sizeof(ShardGroup)));
	scan_table(shardext_table("shard_groups"), index_of("shard_groups_colocation_id_idx"),
			   kShardGroupsColocation, F_INT4EQ, Int32GetDatum(id), [&](HeapTuple tuple, TupleDesc desc) {
				   if (group->group_count == capacity) {
					   capacity *= 2;
					   group->groups =
						   static_cast<ShardGroup *>(repalloc(group->groups, capacity * sizeof(ShardGroup)));
				   }
				   ShardGroup *shard_group = &group->groups[group->group_count++];
				   shard_group->id = DatumGetInt64(column(tuple, desc, kShardGroupsId));
				   shard_group->range_min = DatumGetInt64(column(tuple, desc, kShardGroupsMin));
				   shard_group->range_max = DatumGetInt64(column(tuple, desc, kShardGroupsMax));
			   });
	qsort(group->groups, group->group_count, sizeof(ShardGroup), by_range);
	for (int i = 0; i < group->group_count; i++)
		group->groups[i].node_id =
			group->kind == TableKind::Reference ? kLocalNode : read_placement(group->groups[i].id);
	// While a key's type is being dropped, only what lies where is of interest.
	if (OidIsValid(group->key_type) && SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(group->key_type)))
		set_key_functions(group);
	return group;
}

bool has_change_trigger(Oid relid) {
	Relation relation = RelationIdGetRelation(relid);
	if (relation == nullptr)
		return false;
	bool found = false;
	for (int i = 0; relation->trigdesc != nullptr && i < relation->trigdesc->numtriggers; i++) {
		const Trigger *trigger = &relation->trigdesc->triggers[i];
		found = found || (trigger->tgisinternal && get_func_namespace(trigger->tgfoid) == shardext_schema());
	}
	RelationClose(relation);
	return found;
}

DistributedTable *read_table(Oid relid, int32 *colocation) {
	DistributedTable found{};
	NameData key_name{};
	int32 colocation_id = 0;
	scan_table(shardext_table("tables"), index_of("tables_pkey"), kTablesRelid, F_OIDEQ,
			   ObjectIdGetDatum(relid), [&](HeapTuple tuple, TupleDesc desc) {
				   if (DatumGetInt64(column(tuple, desc, kTablesCluster)) != cluster_id())
					   return; // comes from a dump
				   found.relid = relid;
				   found.kind = static_cast<TableKind>(DatumGetChar(column(tuple, desc, kTablesKind)));
				   colocation_id = DatumGetInt32(column(tuple, desc, kTablesColocation));
				   bool isnull;
				   Datum name = column(tuple, desc, kTablesColumn, &isnull);
				   if (!isnull)
					   namestrcpy(&key_name, NameStr(*DatumGetName(name)));
			   });
	if (!OidIsValid(found.relid))
		return nullptr;
	*colocation = colocation_id;
	if (NameStr(key_name)[0] != '\0')
		found.key_attnum = get_attnum(relid, NameStr(key_name));
	found.carries_changes = found.is_sharded() || has_change_trigger(relid);
	auto *table = static_cast<DistributedTable *>(MemoryContextAlloc(cache_context, sizeof found));
	*table = found;
	return table;
}

void read_nodes() {
	MemoryContext context = AllocSetContextCreate(cache_context, "shardext nodes", ALLOCSET_SMALL_SIZES);
	List *list = NIL;
	MemoryContext old = MemoryContextSwitchTo(context);
	scan_table(shardext_table("nodes"), InvalidOid, 0, F_INT4EQ, 0, [&](HeapTuple tuple, TupleDesc desc) {
		auto *node = static_cast<NodeInfo *>(palloc0(sizeof(NodeInfo)));
		node->id = DatumGetInt32(column(tuple, desc, kNodesId));
		strlcpy(node->name, NameStr(*DatumGetName(column(tuple, desc, kNodesName))), NAMEDATALEN);
		node->conninfo = TextDatumGetCString(column(tuple, desc, kNodesConninfo));
		list = lappend(list, node);
	});
	list_sort(list, [](const ListCell *a, const ListCell *b) {
		return static_cast<NodeInfo *>(lfirst(a))->id - static_cast<NodeInfo *>(lfirst(b))->id;
	});
	MemoryContextSwitchTo(old);
	if (nodes_context != nullptr)
		free_at_end_of_transaction(nodes_context);
	nodes_context = context;
	nodes = list;
	nodes_valid = true;
}

} // namespace

uint64 definition_version() {
	return definitions;
}

List *all_distributed_tables() {
	List *relids = NIL;
	scan_table(shardext_table("tables"), InvalidOid, 0, F_OIDEQ, 0, [&](HeapTuple tuple, TupleDesc desc) {
		relids = lappend_oid(relids, DatumGetObjectId(column(tuple, desc, kTablesRelid)));
	});
	return relids;
}

void initialize_metadata_cache() {
	cache_context = AllocSetContextCreate(TopMemoryContext, "shardext metadata", ALLOCSET_DEFAULT_SIZES);
	HASHCTL control{};
	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(TableEntry);
	control.hcxt = cache_context;
	table_cache = hash_create("shardext tables", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	control.keysize = sizeof(int32);
	control.entrysize = sizeof(GroupEntry);
	group_cache = hash_create("shardext groups", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(on_relcache_invalidation, 0);
}

Oid shardext_schema() {
	if (!OidIsValid(schema_oid))
		schema_oid = get_namespace_oid("shardext", true);
	return schema_oid;
}

Oid shardext_table(const char *name) {
	const Oid relid = get_relname_relid(name, shardext_schema());
	if (!OidIsValid(relid))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("metadata table \"shardext.%s\" does not exist", name),
				errhint("Create the extension with CREATE EXTENSION shardext."));
	return relid;
}

bool extension_exists() {
	if (OidIsValid(tables_oid) && OidIsValid(nodes_oid))
		return true;
	if (extension_known_absent || cache_context == nullptr || !IsTransactionState())
		return false;
	const Oid schema = get_namespace_oid("shardext", true);
	if (OidIsValid(schema)) {
		tables_oid = get_relname_relid("tables", schema);
		nodes_oid = get_relname_relid("nodes", schema);
		if (!OidIsValid(get_relname_relid("commit_log", schema)))
			tables_oid = InvalidOid; // the install script is still running
	}
	const bool exists =
		OidIsValid(tables_oid) && OidIsValid(nodes_oid) && OidIsValid(get_extension_oid("shardext", true));
	if (!exists) {
		tables_oid = nodes_oid = InvalidOid;
		extension_known_absent = true;
	}
	return exists;
}

const DistributedTable *find_distributed_table(Oid relid) {
	if (relid < FirstNormalObjectId || !extension_exists())
		return nullptr;
	bool found;
	auto *entry = static_cast<TableEntry *>(hash_search(table_cache, &relid, HASH_ENTER, &found));
	if (!found || !entry->valid) {
		entry->valid = false;
		entry->table = nullptr;
		// Reading may process invalidations, so the entry is marked valid only afterwards.
		int32 colocation_id = 0;
		DistributedTable *table = read_table(relid, &colocation_id);
		entry = static_cast<TableEntry *>(hash_search(table_cache, &relid, HASH_ENTER, &found));
		entry->table = table;
		entry->colocation_id = colocation_id;
		entry->valid = true;
	}
	if (entry->table == nullptr)
		return nullptr;
	// The group may have been read anew since the table was.
	DistributedTable *table = entry->table;
	table->colocation = find_colocation_group(entry->colocation_id);
	return table->colocation != nullptr ? table : nullptr;
}

ColocationGroup *find_colocation_group(int32 colocation_id) {
	auto *entry = static_cast<GroupEntry *>(hash_search(group_cache, &colocation_id, HASH_FIND, nullptr));
	if (entry != nullptr && entry->valid)
		return entry->group;
	MemoryContext context = AllocSetContextCreate(cache_context, "shardext group", ALLOCSET_SMALL_SIZES);
	ColocationGroup *group = read_colocation_group(colocation_id, context);
	bool found;
	entry = static_cast<GroupEntry *>(hash_search(group_cache, &colocation_id, HASH_ENTER, &found));
	if (found && entry->context != nullptr)
		free_at_end_of_transaction(entry->context);
	entry->context = context;
	entry->group = group;
	entry->valid = group != nullptr;
	return group;
}

List *all_nodes() {
	if (!nodes_valid)
		read_nodes();
	return nodes;
}

const NodeInfo *find_node(int32 node_id) {
	foreach_ptr (NodeInfo, node, all_nodes())
		if (node->id == node_id)
			return node;
	return nullptr;
}

const NodeInfo *find_node_by_name(const char *name) {
	foreach_ptr (NodeInfo, node, all_nodes())
		if (strcmp(node->name, name) == 0)
			return node;
	return nullptr;
}

int64 cluster_id() {
	if (cached_cluster_id == 0)
		scan_table(shardext_table("cluster"), InvalidOid, 0, F_INT8EQ, 0,
				   [&](HeapTuple tuple, TupleDesc desc) {
					   cached_cluster_id = DatumGetInt64(column(tuple, desc, 1));
				   });
	return cached_cluster_id;
}

bool metadata_is_restored() {
	if (restored == Unknown) {
		const int64 own = cluster_id();
		bool foreign = false;
		auto look = [&](const char *table, int column_number) {
			scan_table(shardext_table(table), InvalidOid, 0, F_OIDEQ, 0,
					   [&](HeapTuple tuple, TupleDesc desc) {
						   foreign = foreign || DatumGetInt64(column(tuple, desc, column_number)) != own;
					   });
		};
		look("nodes", kNodesCluster);
		if (!foreign)
			look("tables", kTablesCluster);
		restored = foreign ? Yes : No;
	}
	return restored == Yes;
}

void invalidate_table(Oid relid) {
	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		CacheInvalidateRelcacheByRelid(relid);
}

void invalidate_colocation_group(int32 colocation_id) {
	forget_group(colocation_id);
	scan_table(shardext_table("tables"), index_of("tables_colocation_id_idx"), kTablesColocation, F_INT4EQ,
			   Int32GetDatum(colocation_id), [&](HeapTuple tuple, TupleDesc desc) {
				   invalidate_table(DatumGetObjectId(column(tuple, desc, kTablesRelid)));
			   });
}

void invalidate_everything() {
	forget_everything();
	CacheInvalidateRelcacheByRelid(shardext_table("tables"));
}

void invalidate_nodes() {
	nodes_valid = false;
	CacheInvalidateRelcacheByRelid(shardext_table("nodes"));
}

} // namespace shardext

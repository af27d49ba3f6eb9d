// What this backend knows of the cluster: nodes, colocation groups, distributed tables, shard groups.
//
// The truth is in the tables of schema shardext. Every backend keeps a cache of it, which PostgreSQL's own
// relcache invalidation empties: a change of a table's metadata invalidates that table, a change of the node
// list invalidates everything. Pointers that are handed out stay valid until the transaction ends, even when
// the entry has been replaced meanwhile.
#pragma once
#include "shardext/pg/postgres.hpp"

namespace shardext {

enum class TableKind : char { Hash = 'h', Reference = 'r' };

constexpr int32 kLocalNode = 0; // the coordinator itself

// A server that stores shards.
struct NodeInfo {
	int32 id;
	char name[NAMEDATALEN];
	const char *conninfo; // libpq connection string; empty for node local
	bool is_local() const { return id == kLocalNode; }
};

// One slice of the key space of a colocation group; both bounds are inclusive.
struct ShardGroup {
	int64 id;
	int64 range_min, range_max;
	int32 node_id; // where it lives
};

// Tables with the same key type and shard count: row k of each lives in the same shard group.
struct ColocationGroup {
	int32 id;
	TableKind kind;
	Oid key_type;
	Oid key_collation;
	Oid hash_function; // extended hash function of the key type's default hash operator class
	Oid equality_operator;
	int group_count;
	ShardGroup *groups; // sorted by range; a reference table's only group has no range
};

struct DistributedTable {
	Oid relid;
	TableKind kind;
	AttrNumber key_attnum; // 0 for a reference table
	bool carries_changes;  // a reference table has the trigger that carries its changes to the copies
	ColocationGroup *colocation;
	bool is_sharded() const { return kind == TableKind::Hash; }
};

// True where the extension exists in this database. Costs one cached look-up.
bool extension_exists();

// The metadata of a table, or nullptr when it is neither distributed nor a reference table.
const DistributedTable *find_distributed_table(Oid relid);

// True when relid is a distributed table whose rows live in shards (not a reference table).
inline bool is_sharded_table(Oid relid) {
	const DistributedTable *table = find_distributed_table(relid);
	return table != nullptr && table->is_sharded();
}

ColocationGroup *find_colocation_group(int32 colocation_id);

// The relations of all distributed and reference tables.
List *all_distributed_tables();

// A number that grows when the definition of a distributed or reference table may have changed.
uint64 definition_version();

// Nodes. `all_nodes` is sorted by id and begins with node local; the list lives until the transaction ends.
const NodeInfo *find_node(int32 node_id);			 // nullptr when there is none
const NodeInfo *find_node_by_name(const char *name); // nullptr when there is none
List *all_nodes();									 // of NodeInfo *

// The id that marks what belongs to this cluster.
int64 cluster_id();

// True when the metadata comes from a dump and nobody has decided yet what to do with it. Its tables are
// ordinary tables until then.
bool metadata_is_restored();

// The extension's schema, and a table in it.
Oid shardext_schema();
Oid shardext_table(const char *name);

// Makes every backend forget what it knows of a table / of all tables of a colocation group / of the nodes,
// or of all metadata, when the current transaction commits.
void invalidate_table(Oid relid);
void invalidate_colocation_group(int32 colocation_id);
void invalidate_nodes();
void invalidate_everything();

// Called at backend start.
void initialize_metadata_cache();

} // namespace shardext

// Shards as objects: creating, dropping and emptying them on the nodes.
#pragma once
#include "shardext/cluster/placements.hpp"

namespace shardext {

extern int default_shard_count; // shardext.shard_count

// Empties a table's own heap at once; rolled back with the transaction.
void empty_table(Oid relid);

// Gives local shards the owner that their table has now.
void adopt_local_shards(Oid relid);

// True for a shard on node local, and whether whoever runs now may change one: superusers, and shardext
// itself.
bool is_local_shard(Oid relid);
bool may_change_shards();

// A table has been moved to another schema or renamed: adds the statements that move its shards, and, once
// these have run, gives the shards' schemas the rights they need and drops those that are empty.
struct PlaceOfTable {
	Oid relid;
	const char *old_schema, *old_name;
	List *old_statistics; // names (char *) of its statistics objects
};
void add_moves(List **per_node, const PlaceOfTable *place);
void settle_moved_shards(const List *places);

// Before tables are dropped in one statement: their shards on node local go first, since they depend on
// types, reference tables and what else may go as well. When the statement fails, they are back.
void drop_local_shards(List *relids);
void drop_local_shards_of(List *roles);

// After shards have got other owners: who may look into their schemas follows.
void settle_all_schema_rights();

// What a sub-transaction has dropped counts only if it commits.
void shards_after_subtransaction(bool committed);
void reference_changes_at_subtransaction(bool starts);
// Registers the callback for these; called once per process.
void initialize_cluster();

// Around DROP EXTENSION: what is on the nodes is remembered before the metadata goes, and dropped after.
void remember_cluster();
void drop_remembered_cluster();

// The parts of these: the schema that holds shards, with its comment; the error for a schema of that name
// that somebody else has made; who may look into it; dropping what belongs to the extension.
void add_schema_statements(PerNode *entry, int64 group_id, const char *schema_name);
void check_schema_is_ours(int64 group_id, const char *schema_name);
void settle_schema_rights(const char *shard_schema);
void drop_local_object(Oid class_id, Oid object_id);

// Raises an error when other tables depend on this one being distributed (foreign keys).
void check_undistribute(Oid relid);

// Runs statements on one node, in order, as part of the transaction. All are sent before the first answer is
// awaited. On node local they run with the rights of the extension.
void run_on_node(const NodeInfo *node, List *statements);

} // namespace shardext

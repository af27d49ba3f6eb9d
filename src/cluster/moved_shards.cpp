// Shards follow their table into another schema, or to another name.
#include "shardext/cluster/shards.hpp"

#include "shardext/catalog/metadata_sql.hpp"

extern "C" {
#include "catalog/pg_namespace.h"
}

namespace shardext {

namespace {

bool holds_tables(const DistributedTable *table, const char *schema_name) {
	return query_metadata(psprintf(
			   "SELECT 1 FROM shardext.tables t JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n "
			   "ON n.oid = c.relnamespace WHERE t.colocation_id = %d AND n.nspname = %s LIMIT 1",
			   table->colocation->id, quote_literal_cstr(schema_name))) != nullptr;
}

// Returns schema.name, quoted.
const char *in_schema(const char *schema, const char *name) {
	return quote_qualified_identifier(schema, name);
}

// The schema that a table has left goes when nothing is left in it.
void leave_schema(const DistributedTable *table, const char *schema_name) {
	const bool empty = !holds_tables(table, schema_name);
	List *per_node = NIL;
	for_each_placement(table, nullptr, [&](const NodeInfo *node, int64 group_id) {
		const char *schema = shard_schema_name(group_id, schema_name);
		if (!node->is_local()) {
			if (empty)
				add_statement(entry_of(&per_node, node),
							  psprintf("DROP SCHEMA IF EXISTS %s CASCADE", quote_identifier(schema)));
		} else if (empty) {
			drop_local_object(NamespaceRelationId, get_namespace_oid(schema, true));
		} else {
			settle_schema_rights(schema);
		}
	});
	run_everywhere(per_node);
}

} // namespace

void add_moves(List **per_node, const PlaceOfTable *place) {
	const DistributedTable *table = find_distributed_table(place->relid);
	const char *schema_name = get_namespace_name(get_rel_namespace(place->relid));
	const char *name = get_rel_name(place->relid);
	for_each_placement(table, nullptr, [&](const NodeInfo *node, int64 group_id) {
		PerNode *entry = entry_of(per_node, node);
		const char *from = shard_schema_name(group_id, place->old_schema);
		const char *to = shard_schema_name(group_id, schema_name);
		if (strcmp(from, to) != 0) {
			if (node->is_local())
				check_schema_is_ours(group_id, schema_name);
			add_schema_statements(entry, group_id, schema_name);
			add_statement(entry, psprintf("ALTER TABLE %s SET SCHEMA %s", in_schema(from, place->old_name),
										  quote_identifier(to)));
			foreach_ptr (char, statistics, place->old_statistics)
				add_statement(entry, psprintf("ALTER STATISTICS %s SET SCHEMA %s",
											  in_schema(from, statistics), quote_identifier(to)));
		}
		if (strcmp(place->old_name, name) != 0)
			add_statement(entry, psprintf("ALTER TABLE %s RENAME TO %s", in_schema(to, place->old_name),
										  quote_identifier(name)));
	});
}

void settle_moved_shards(const List *places) {
	foreach_ptr (PlaceOfTable, place, places)
		adopt_local_shards(place->relid);
	foreach_ptr (PlaceOfTable, place, places)
		if (strcmp(place->old_schema, get_namespace_name(get_rel_namespace(place->relid))) != 0)
			leave_schema(find_distributed_table(place->relid), place->old_schema);
}

} // namespace shardext

// Compares the definitions of shards with those of their tables.
#include "shardext/cluster/table_definition.hpp"
#include "shardext/monitor/text_rows.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/row_stream.hpp"
#include "shardext/sql/shard_sql.hpp"

extern "C" {
#include "storage/lmgr.h"
}

namespace shardext {

namespace {

// One text for all of a table's definition that its shards share, a line for each part, sorted. %s: the
// table's schema and name, as literals. Names of shards' schemas become those of the users' schemas.
constexpr const char *kDefinition =
	R"(WITH t AS (SELECT c.* FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = %s AND c.relname = %s),
x(line) AS (
 SELECT format('table %%s %%s %%s %%s %%s', relpersistence, (SELECT amname FROM pg_catalog.pg_am WHERE oid = relam),
               (SELECT string_agg(o, ',' ORDER BY o) FROM unnest(reloptions) o),
               (SELECT string_agg(o, ',' ORDER BY o) FROM pg_catalog.pg_class r, unnest(r.reloptions) o WHERE r.oid = reltoastrelid),
               obj_description(oid, 'pg_class')) || relreplident::text FROM t
 UNION ALL
 SELECT format('column %%I %%s %%s %%s %%s %%s %%s %%s %%s %%s', attname, format_type(atttypid, atttypmod), attnotnull, attgenerated,
               CASE WHEN attgenerated <> '' THEN (SELECT pg_get_expr(adbin, adrelid) FROM pg_catalog.pg_attrdef d
                                                  WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END,
               attstorage, attcompression, attcollation::pg_catalog.regcollation, coalesce(attstattarget, -1),
               (SELECT string_agg(o, ',' ORDER BY o) FROM unnest(attoptions) o WHERE o LIKE 'n\_distinct%%'))
        || coalesce(col_description(attrelid, attnum), '')
   FROM pg_catalog.pg_attribute a JOIN t ON attrelid = t.oid WHERE attnum > 0 AND NOT attisdropped
 UNION ALL
 SELECT format('constraint %%I %%s %%s', conname, pg_get_constraintdef(c.oid), obj_description(c.oid, 'pg_constraint'))
   FROM pg_catalog.pg_constraint c JOIN t ON conrelid = t.oid WHERE contype <> 't'
 UNION ALL
 SELECT format('index %%s %%s %%s %%s %%s %%s', pg_get_indexdef(indexrelid), indisvalid, indisclustered, indisreplident,
               (SELECT string_agg(attstattarget::pg_catalog.text, ',' ORDER BY attnum) FROM pg_catalog.pg_attribute WHERE attrelid = indexrelid),
               obj_description(indexrelid, 'pg_class'))
   FROM pg_catalog.pg_index JOIN t ON indrelid = t.oid
 UNION ALL
 SELECT format('statistics %%I %%s %%s %%s', stxname, regexp_replace(pg_get_statisticsobjdef(s.oid), '^CREATE STATISTICS \S+', ''),
               stxstattarget, obj_description(s.oid, 'pg_statistic_ext'))
   FROM pg_catalog.pg_statistic_ext s JOIN t ON stxrelid = t.oid)
SELECT regexp_replace(regexp_replace(line, 'shardext_[0-9]+\.', 'public.', 'g'), 'shardext_[0-9]+_', '', 'g') FROM x ORDER BY 1)";

const char *definition_query(const char *schema, const char *name) {
	return psprintf(kDefinition, quote_literal_cstr(schema), quote_literal_cstr(name));
}

bool contains(const List *lines, const char *line) {
	foreach_ptr (char, other, lines)
		if (strcmp(other, line) == 0)
			return true;
	return false;
}

void add_row(TextRows *rows, Oid relid, const char *shard, const NodeInfo *node, const char *difference) {
	char *values[] = {psprintf("%u", relid), pstrdup(shard), pstrdup(node->name), pstrdup(difference)};
	rows->add(values);
}

// Adds what one of both has and the other has not.
void compare(TextRows *rows, Oid relid, const List *expected, const char *schema, const NodeInfo *node) {
	const char *name = get_rel_name(relid);
	const List *found = query_strings(node, definition_query(schema, name));
	const char *shard = quote_qualified_identifier(schema, name);
	if (found == NIL) {
		add_row(rows, relid, shard, node, "there is no such table");
		return;
	}
	foreach_ptr (char, line, expected)
		if (!contains(found, line))
			add_row(rows, relid, shard, node, psprintf("is missing: %s", line));
	foreach_ptr (char, line, found)
		if (!contains(expected, line))
			add_row(rows, relid, shard, node, psprintf("is different: %s", line));
}

void verify(TextRows *rows, const DistributedTable *table) {
	const char *schema = get_namespace_name(get_rel_namespace(table->relid));
	const List *expected =
		query_strings(find_node(kLocalNode), definition_query(schema, get_rel_name(table->relid)));
	for (int i = 0; i < table->colocation->group_count; i++) {
		const ShardGroup *group = &table->colocation->groups[i];
		foreach_ptr (NodeInfo, node, all_nodes())
			if (table->is_sharded() ? node->id == group->node_id : !node->is_local())
				compare(rows, table->relid, expected, shard_schema_name(group->id, schema), node);
	}
}

} // namespace

} // namespace shardext

using namespace shardext;

SHARDEXT_SQL_FUNCTION(shardext_verify) {
	TextRows rows(fcinfo);
	const List *relids = all_distributed_tables();
	const int level = begin_printing_definitions();
	const ListCell *cell;
	foreach (cell, relids) {
		LockRelationOid(lfirst_oid(cell), AccessShareLock);
		if (const DistributedTable *table = find_distributed_table(lfirst_oid(cell)))
			verify(&rows, table);
	}
	end_printing_definitions(level);
	return static_cast<Datum>(0);
}

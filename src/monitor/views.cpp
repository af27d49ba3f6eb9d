// Functions behind the views, and small look-ups for people.
#include "shardext/catalog/metadata.hpp"
#include "shardext/catalog/metadata_sql.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/row_stream.hpp"
#include "shardext/sharding/routing.hpp"
#include "shardext/sql/shard_sql.hpp"

extern "C" {
#include "access/table.h"
#include "commands/trigger.h"
#include "utils/acl.h"
#include "utils/snapmgr.h"
}

#include "shardext/pg/scan.hpp"

using namespace shardext;

namespace {

char *qualified_shard(int64 group_id, Oid relid) {
	const char *schema = get_namespace_name(get_rel_namespace(relid));
	return quote_qualified_identifier(shard_schema_name(group_id, schema), get_rel_name(relid));
}

// Asks one node for the sizes of all tables in shard schemas: name → bytes. NIL when it does not answer.
List *sizes_on(const NodeInfo *node) {
	const char *sql =
		"SELECT n.nspname::text, c.relname::text, pg_catalog.pg_total_relation_size(c.oid)::text FROM "
		"pg_catalog.pg_class c "
		"JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname LIKE "
		"'shardext\\_%'";
	return query_strings(node, sql, 3);
}

} // namespace

SHARDEXT_SQL_FUNCTION(shardext_fragment_rows) {
	ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("shardext.fragment_rows() is not meant to be called"));
	PG_RETURN_NULL();
}

SHARDEXT_SQL_FUNCTION(shardext_after_restore) {
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("function was not called by a trigger"));
	if (!extension_exists())
		return PointerGetDatum(nullptr);
	if (!is_changing_metadata()) { // shardext's own changes invalidate what they concern
		invalidate_everything();
		scan_table(shardext_table("tables"), InvalidOid, 0, F_OIDEQ, 0, [](HeapTuple tuple, TupleDesc desc) {
			invalidate_table(DatumGetObjectId(column(tuple, desc, 1)));
		});
	}
	return PointerGetDatum(nullptr);
}

SHARDEXT_SQL_FUNCTION(shardext_shard_name) {
	if (get_rel_name(PG_GETARG_OID(1)) == nullptr)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(qualified_shard(PG_GETARG_INT64(0), PG_GETARG_OID(1))));
}

SHARDEXT_SQL_FUNCTION(shardext_node_name) {
	const NodeInfo *node = find_node(PG_GETARG_INT32(0));
	if (node == nullptr)
		PG_RETURN_NULL();
	auto *name = static_cast<Name>(palloc0(NAMEDATALEN));
	namestrcpy(name, node->name);
	PG_RETURN_NAME(name);
}

SHARDEXT_SQL_FUNCTION(shardext_shard_of) {
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	const Oid relid = PG_GETARG_OID(0);
	const DistributedTable *table = find_distributed_table(relid);
	if (table == nullptr || !table->is_sharded())
		ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("\"%s\" is not a distributed table",
					   get_rel_name(relid) != nullptr ? get_rel_name(relid) : "?"));
	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck(relid, table->key_attnum, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(relid));
	int position = 0;
	if (!PG_ARGISNULL(1)) {
		Oid input, io_param, type, collation;
		int32 typmod;
		get_atttypetypmodcoll(relid, table->key_attnum, &type, &typmod, &collation);
		getTypeInputInfo(type, &input, &io_param);
		const Datum key =
			OidInputFunctionCall(input, text_to_cstring(PG_GETARG_TEXT_PP(1)), io_param, typmod);
		position = group_of_key(table->colocation, key, false);
	}
	const ShardGroup &group = table->colocation->groups[position];
	TupleDesc desc;
	if (get_call_result_type(fcinfo, nullptr, &desc) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, errmsg("return type must be a row type"));
	auto *node = static_cast<Name>(palloc0(NAMEDATALEN));
	namestrcpy(node, find_node(group.node_id)->name);
	Datum values[] = {Int64GetDatum(group.id), NameGetDatum(node),
					  CStringGetTextDatum(qualified_shard(group.id, relid))};
	bool nulls[] = {false, false, false};
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

SHARDEXT_SQL_FUNCTION(shardext_shard_sizes) {
	InitMaterializedSRF(fcinfo, 0);
	auto *info = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	List *relids = NIL;
	scan_table(shardext_table("tables"), InvalidOid, 0, F_OIDEQ, 0, [&](HeapTuple tuple, TupleDesc desc) {
		relids = lappend_oid(relids, DatumGetObjectId(column(tuple, desc, 1)));
	});
	const ListCell *cell;
	foreach_ptr (NodeInfo, node, all_nodes()) {
		bool asked = false;
		List *sizes = NIL;
		foreach (cell, relids) {
			const DistributedTable *table = find_distributed_table(lfirst_oid(cell));
			if (table == nullptr || !table->is_sharded())
				continue;
			for (int g = 0; g < table->colocation->group_count; g++) {
				if (table->colocation->groups[g].node_id != node->id)
					continue;
				if (!asked)
					sizes = sizes_on(node);
				asked = true;
				const char *schema = shard_schema_name(table->colocation->groups[g].id,
													   get_namespace_name(get_rel_namespace(table->relid)));
				const char *name = get_rel_name(table->relid);
				for (int i = 0; i + 2 < list_length(sizes); i += 3) {
					if (strcmp(static_cast<char *>(list_nth(sizes, i)), schema) != 0 ||
						strcmp(static_cast<char *>(list_nth(sizes, i + 1)), name) != 0)
						continue;
					Datum values[] = {
						ObjectIdGetDatum(table->relid), Int64GetDatum(table->colocation->groups[g].id),
						Int64GetDatum(strtoll(static_cast<char *>(list_nth(sizes, i + 2)), nullptr, 10))};
					bool nulls[] = {false, false, false};
					tuplestore_putvalues(info->setResult, info->setDesc, values, nulls);
				}
			}
		}
	}
	return 0;
}

// create_distributed_table, create_reference_table, undistribute_table.
#include "shardext/cluster/create_table.hpp"

#include "shardext/cluster/dependencies.hpp"
#include "shardext/cluster/nodes.hpp"
#include "shardext/cluster/shards.hpp"
#include "shardext/cluster/table_definition.hpp"
#include "shardext/core/hash_range.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/pg/compat.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/planner/user_triggers.hpp"
#include "shardext/remote/copy_writer.hpp"
#include "shardext/transaction/shared_state.hpp"

extern "C" {
#include "access/hash.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "commands/progress.h"
#include "utils/backend_progress.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/regproc.h"
#include "utils/typcache.h"
}

namespace shardext {

int default_shard_count = 32;

namespace {

constexpr int kMaxShards = 65536;

// The column that decides where rows go, checked for a usable type.
AttrNumber find_key_column(Oid relid, const char *name, Oid *type, Oid *collation) {
	const AttrNumber attnum = get_attnum(relid, name);
	if (attnum == InvalidAttrNumber)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_COLUMN),
				errmsg("column \"%s\" of relation \"%s\" does not exist", name, get_rel_name(relid)));
	if (attnum < 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				errmsg("cannot distribute table \"%s\" by system column \"%s\"", get_rel_name(relid), name));
	int32 typmod;
	get_atttypetypmodcoll(relid, attnum, type, &typmod, collation);
	TypeCacheEntry *entry = lookup_type_cache(*type, TYPECACHE_HASH_EXTENDED_PROC | TYPECACHE_EQ_OPR);
	if (!OidIsValid(entry->hash_extended_proc))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_FUNCTION),
				errmsg("cannot distribute table \"%s\" by column \"%s\"", get_rel_name(relid), name),
				errdetail("Type %s has no hash function.", format_type_be(*type)),
				errhint("Choose a column whose type has a default hash operator class."));
	return attnum;
}

// The nodes that new shard groups go to: real ones when there are any, else this server.
List *nodes_for_new_groups() {
	List *nodes = NIL;
	foreach_ptr (NodeInfo, node, all_nodes())
		if (!node->is_local())
			nodes = lappend(nodes, node);
	return nodes != NIL ? nodes : list_make1(const_cast<NodeInfo *>(find_node(kLocalNode)));
}

int32 create_colocation_group(Oid key_type, Oid collation, int shard_count, bool is_default) {
	const char *id = query_metadata(psprintf(
		"INSERT INTO shardext.colocation_groups (kind, shard_count, key_type, key_collation, is_default) "
		"VALUES ('h', %d, %u::regtype, %u, %s) RETURNING colocation_id",
		shard_count, key_type, collation, is_default ? "true" : "false"));
	const int32 colocation_id = atoi(id);
	List *nodes = nodes_for_new_groups();
	// Bounds at the edge of bigint need their quotes.
	StringInfoData sql;
	initStringInfo(&sql);
	appendStringInfoString(&sql, "WITH g(id, lo, hi, node) AS MATERIALIZED (SELECT * FROM (VALUES ");
	for (int i = 0; i < shard_count; i++) {
		const core::HashRange range = core::hash_range(i, shard_count);
		const auto *node = static_cast<NodeInfo *>(list_nth(nodes, i % list_length(nodes)));
		appendStringInfo(&sql,
						 "%s(nextval('shardext.shard_group_id_seq'), '" INT64_FORMAT
						 "'::bigint, '" INT64_FORMAT "'::bigint, %d)",
						 i == 0 ? "" : ", ", static_cast<int64>(range.min), static_cast<int64>(range.max),
						 node->id);
	}
	appendStringInfo(&sql,
					 ") v), s AS (INSERT INTO shardext.shard_groups SELECT id, %d, lo, hi FROM g) "
					 "INSERT INTO shardext.placements SELECT id, node FROM g",
					 colocation_id);
	run_metadata_sql(sql.data);
	return colocation_id;
}

// Finds or makes the colocation group that the arguments ask for.
int32 choose_colocation_group(Oid relid, const char *colocate_with, Oid key_type, Oid collation,
							  int shard_count, bool count_given) {
	if (strcmp(colocate_with, "none") == 0)
		return create_colocation_group(key_type, collation, shard_count, false);
	if (strcmp(colocate_with, "default") != 0) {
		const Oid other = RangeVarGetRelid(makeRangeVarFromNameList(stringToQualifiedNameList(colocate_with)),
										   AccessShareLock, false);
		const DistributedTable *table = find_distributed_table(other);
		if (table == nullptr || !table->is_sharded())
			ereport(
				ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("cannot colocate with \"%s\": it is not a distributed table", get_rel_name(other)));
		if (table->colocation->key_type != key_type || table->colocation->key_collation != collation)
			ereport(
				ERROR, errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("cannot colocate tables \"%s\" and \"%s\"", get_rel_name(relid), get_rel_name(other)),
				errdetail("Their distribution columns have types %s and %s, or different collations.",
						  format_type_be(key_type), format_type_be(table->colocation->key_type)));
		if (count_given && shard_count != table->colocation->group_count)
			ereport(
				ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("cannot colocate with \"%s\" and have %d shards", get_rel_name(other), shard_count),
				errdetail("Table \"%s\" has %d shards.", get_rel_name(other),
						  table->colocation->group_count));
		return table->colocation->id;
	}
	const char *found = query_metadata(psprintf("SELECT colocation_id FROM shardext.colocation_groups WHERE "
												"kind = 'h' AND is_default AND shard_count = %d "
												"AND key_type = %u AND key_collation = %u ORDER BY 1 LIMIT 1",
												shard_count, key_type, collation));
	return found != nullptr ? atoi(found) : create_colocation_group(key_type, collation, shard_count, true);
}

void check_can_start(Oid relid) {
	require_preload();
	require_decision();
	check_owner(relid);
	if (find_distributed_table(relid) != nullptr)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("table \"%s\" is already distributed", get_rel_name(relid)));
}

bool table_has_rows(Oid relid) {
	Relation relation = table_open(relid, NoLock);
	PushActiveSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(relation, GetActiveSnapshot(), 0, nullptr);
	TupleTableSlot *slot = table_slot_create(relation, nullptr);
	const bool found = table_scan_getnextslot(scan, ForwardScanDirection, slot);
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	PopActiveSnapshot();
	table_close(relation, NoLock);
	return found;
}

void distribute(Oid relid, const char *column, const char *colocate_with, int shard_count, bool count_given) {
	LockRelationOid(relid, AccessExclusiveLock);
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("relation with OID %u does not exist", relid));
	check_can_start(relid);
	Oid key_type, collation;
	const AttrNumber key = find_key_column(relid, column, &key_type, &collation);
	check_table_can_be_distributed(relid, key);
	const int32 colocation =
		choose_colocation_group(relid, colocate_with, key_type, collation, shard_count, count_given);
	run_metadata_sql(psprintf("INSERT INTO shardext.tables VALUES (%u, 'h', %d, %s, " INT64_FORMAT ")", relid,
							  colocation, quote_literal_cstr(column), cluster_id()));
	metadata_changed(relid);
	depend_on_extension(relid);
	check_foreign_keys(relid, key);
	create_shards(relid);
	if (table_has_rows(relid))
		move_rows_to_shards(relid);
	create_shard_indexes(relid);
	CommandCounterIncrement();
}

void make_reference(Oid relid) {
	LockRelationOid(relid, AccessExclusiveLock);
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("relation with OID %u does not exist", relid));
	check_can_start(relid);
	check_table_can_be_distributed(relid, 0);
	// Each reference table is a group of its own, placed on every node.
	const int32 colocation =
		atoi(query_metadata("INSERT INTO shardext.colocation_groups (kind, shard_count, is_default) "
							"VALUES ('r', 1, false) RETURNING colocation_id"));
	run_metadata_sql(psprintf(
		"WITH g AS (INSERT INTO shardext.shard_groups (colocation_id) VALUES (%d) RETURNING shard_group_id) "
		"SELECT 1 FROM g",
		colocation));
	run_metadata_sql(
		psprintf("INSERT INTO shardext.placements SELECT shard_group_id, node_id FROM shardext.shard_groups, "
				 "shardext.nodes WHERE colocation_id = %d",
				 colocation));
	run_metadata_sql(psprintf("INSERT INTO shardext.tables VALUES (%u, 'r', %d, NULL, " INT64_FORMAT ")",
							  relid, colocation, cluster_id()));
	metadata_changed(relid);
	depend_on_extension(relid);
	check_foreign_keys(relid, 0);
	create_shards(relid);
	foreach_ptr (NodeInfo, node, all_nodes())
		if (!node->is_local())
			copy_reference_rows(relid, node);
	create_shard_indexes(relid);
	create_reference_trigger(relid);
	CommandCounterIncrement();
}

char *column_list(Oid relid) {
	StringInfoData names;
	initStringInfo(&names);
	Relation relation = table_open(relid, AccessShareLock);
	TupleDesc desc = RelationGetDescr(relation);
	for (int i = 0; i < desc->natts; i++) {
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		if (!attribute->attisdropped && attribute->attgenerated == '\0')
			appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
							 quote_identifier(NameStr(attribute->attname)));
	}
	table_close(relation, AccessShareLock);
	return names.data;
}

void undistribute(Oid relid) {
	LockRelationOid(relid, AccessExclusiveLock);
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("relation with OID %u does not exist", relid));
	require_preload();
	check_owner(relid);
	const DistributedTable *table = find_distributed_table(relid);
	if (table == nullptr)
		ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("table \"%s\" is not distributed", get_rel_name(relid)));
	check_undistribute(relid);
	const bool sharded = table->is_sharded();
	const char *name =
		quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
	const char *columns = column_list(relid);
	// A policy must not make rows disappear: with it in force this is an error.
	const int level = NewGUCNestLevel();
	set_config_option("row_security", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	SPI_connect();
	if (sharded)
		SPI_execute(psprintf("CREATE TEMPORARY TABLE shardext_moving ON COMMIT DROP AS SELECT %s FROM %s",
							 columns, name),
					false, 0);
	if (!sharded)
		drop_reference_trigger(relid);
	forget_table(relid);
	ObjectAddress address{RelationRelationId, relid, 0};
	deleteDependencyRecordsForSpecific(RelationRelationId, relid, DEPENDENCY_NORMAL, ExtensionRelationId,
									   get_extension_oid("shardext", false));
	(void)address;
	metadata_changed(relid);
	drop_forgotten_shards();
	if (sharded && user_triggers(relid).any)
		insert_rows_quietly(relid, "SELECT * FROM pg_temp.shardext_moving");
	else if (sharded)
		SPI_execute(
			psprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT * FROM pg_temp.shardext_moving",
					 name, columns),
			false, 0);
	if (sharded)
		SPI_execute("DROP TABLE pg_temp.shardext_moving", false, 0);
	SPI_finish();
	AtEOXact_GUC(true, level);
}

char *text_argument(FunctionCallInfo fcinfo, int n, const char *name) {
	if (PG_ARGISNULL(n))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be NULL", name));
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

Oid table_argument(FunctionCallInfo fcinfo) {
	if (PG_ARGISNULL(0))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("table must not be NULL"));
	return PG_GETARG_OID(0);
}

} // namespace

void check_owner(Oid relid) {
	if (!pg_class_ownercheck(relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relid));
}

void require_decision() {
	if (metadata_is_restored())
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("the distributed tables of this database come from a dump"),
				errhint("Run shardext_adopt_nodes() to take over the nodes with their rows, or "
						"shardext_forget_restored() to keep the rows of the dump."));
}

void depend_on_extension(Oid relid) {
	ObjectAddress table{RelationRelationId, relid, 0};
	ObjectAddress extension{ExtensionRelationId, get_extension_oid("shardext", false), 0};
	recordDependencyOn(&table, &extension, DEPENDENCY_NORMAL);
}

namespace {

List *written_columns(TupleDesc desc) {
	List *attnums = NIL;
	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped && TupleDescAttr(desc, i)->attgenerated == '\0')
			attnums = lappend_int(attnums, i + 1);
	return attnums;
}

// Sends the rows of the coordinator's heap where a writer takes them; returns their number.
// pg_stat_progress_copy shows how far it is.
uint64 send_own_rows(Relation relation, const NodeInfo *only_node) {
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "shardext move", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	List *attnums = written_columns(RelationGetDescr(relation));
	CopyWriter writer(RelationGetRelid(relation), attnums, only_node);
	pgstat_progress_start_command(PROGRESS_COMMAND_COPY, RelationGetRelid(relation));
	const int columns = list_length(attnums);
	auto *values = static_cast<Datum *>(palloc(sizeof(Datum) * (columns + 1)));
	auto *nulls = static_cast<bool *>(palloc(sizeof(bool) * (columns + 1)));
	PushActiveSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(relation, GetActiveSnapshot(), 0, nullptr);
	TupleTableSlot *slot = table_slot_create(relation, nullptr);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot)) {
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		for (int i = 0; i < columns; i++) {
			const int a = list_nth_int(attnums, i) - 1;
			values[i] = slot->tts_values[a];
			nulls[i] = slot->tts_isnull[a];
		}
		writer.add(values, nulls);
		pgstat_progress_update_param(PROGRESS_COPY_TUPLES_PROCESSED, writer.rows());
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	PopActiveSnapshot();
	writer.finish();
	pgstat_progress_end_command();
	const uint64 rows = writer.rows();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return rows;
}

} // namespace

uint64 move_rows_to_shards(Oid relid, const NodeInfo *only_node) {
	Relation relation = table_open(relid, NoLock);
	const uint64 rows = send_own_rows(relation, only_node);
	table_close(relation, NoLock);
	empty_table(relid);
	return rows;
}

void copy_reference_rows(Oid relid, const NodeInfo *node) {
	Relation relation = table_open(relid, AccessShareLock);
	send_own_rows(relation, node);
	table_close(relation, AccessShareLock);
}

} // namespace shardext

using namespace shardext;

SHARDEXT_SQL_FUNCTION(shardext_create_distributed_table) {
	const Oid relid = table_argument(fcinfo);
	const char *column = text_argument(fcinfo, 1, "distribution_column");
	const char *colocate_with = text_argument(fcinfo, 2, "colocate_with");
	const bool count_given = !PG_ARGISNULL(3);
	const int count = count_given ? PG_GETARG_INT32(3) : default_shard_count;
	if (count < 1 || count > kMaxShards)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("shard_count must be between 1 and %d", kMaxShards));
	distribute(relid, column, colocate_with, count, count_given);
	PG_RETURN_VOID();
}

SHARDEXT_SQL_FUNCTION(shardext_create_reference_table) {
	make_reference(table_argument(fcinfo));
	PG_RETURN_VOID();
}

SHARDEXT_SQL_FUNCTION(shardext_undistribute_table) {
	undistribute(table_argument(fcinfo));
	PG_RETURN_VOID();
}

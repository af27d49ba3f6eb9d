// What becomes of the distributed tables of a database that was restored from a dump.
//
// A dump holds the rows of distributed tables once, as rows of ordinary tables, and the metadata. Restored,
// they are ordinary tables until somebody decides: adopt takes over the nodes with the rows they have, forget
// keeps the rows of the dump and leaves the nodes alone.
#include "shardext/cluster/create_table.hpp"
#include "shardext/cluster/nodes.hpp"
#include "shardext/cluster/shards.hpp"
#include "shardext/cluster/table_definition.hpp"

#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/row_stream.hpp"
#include "shardext/sql/shard_sql.hpp"
#include "shardext/transaction/shared_state.hpp"

extern "C" {
#include "access/xact.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
}

namespace shardext {

namespace {

// A column list that says the same on every server, of the relations that `condition` chooses.
char *columns_query(const char *condition) {
	return psprintf(
		"SELECT n.nspname, c.relname, (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname) "
		"|| ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum) FROM "
		"pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) "
		"FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
		"WHERE c.relkind = 'r' AND %s",
		condition);
}

// Referenced tables come before those that reference them.
constexpr const char *kTablesInOrder =
	"WITH RECURSIVE d (relid, depth) AS (SELECT relid::oid, 0 FROM shardext.tables "
	"UNION SELECT c.conrelid, d.depth + 1 FROM d JOIN pg_constraint c ON c.confrelid = d.relid AND c.contype "
	"= 'f' "
	"AND c.conrelid <> c.confrelid JOIN shardext.tables t ON t.relid = c.conrelid WHERE d.depth < 100), "
	"o AS (SELECT relid, max(depth) AS depth FROM d GROUP BY relid), "
	"ordered AS (SELECT t.*, row_number() OVER (ORDER BY t.kind = 'h', o.depth, t.colocation_id, "
	"t.relid::oid) AS "
	"position FROM o JOIN shardext.tables t ON t.relid = o.relid) ";

List *tables_in_order() {
	const char *text = query_metadata(psprintf(
		"%s SELECT string_agg(relid::oid::text, ' ' ORDER BY position) FROM ordered", kTablesInOrder));
	List *relids = NIL;
	char *rest = text != nullptr ? pstrdup(text) : nullptr;
	for (char *word = rest != nullptr ? strtok(rest, " ") : nullptr; word != nullptr;
		 word = strtok(nullptr, " "))
		relids = lappend_oid(relids, static_cast<Oid>(strtoul(word, nullptr, 10)));
	return relids;
}

[[noreturn]] void cannot_adopt(const NodeInfo *node, int code, const char *detail) {
	ereport(ERROR, errcode(code), errmsg("could not adopt node \"%s\"", node->name),
			errdetail_internal("%s", detail));
	pg_unreachable();
}

PGresult *ask(const NodeInfo *node, PGconn *conn, const char *sql, ExecStatusType expected) {
	PGresult *result = private_query(conn, sql);
	if (result == nullptr || PQresultStatus(result) != expected) {
		char *problem = pchomp(PQerrorMessage(conn));
		PQclear(result);
		close_private_connection(conn);
		cannot_adopt(node, ERRCODE_CONNECTION_FAILURE, problem);
	}
	return result;
}

PGconn *connect(const NodeInfo *node) {
	char *message = nullptr;
	PGconn *conn = open_private_connection(node->conninfo, &message);
	if (conn == nullptr)
		cannot_adopt(node, ERRCODE_CONNECTION_FAILURE, message);
	return conn;
}

// Calls body(schema on the node, group id) for every shard that a table should have on a node.
template <class F> void for_each_shard(const DistributedTable *table, const NodeInfo *node, F &&body) {
	const char *schema = get_namespace_name(get_rel_namespace(table->relid));
	for (int i = 0; i < table->colocation->group_count; i++) {
		const ShardGroup &group = table->colocation->groups[i];
		if (!table->is_sharded() || group.node_id == node->id)
			body(shard_schema_name(group.id, schema));
	}
}

// The shards must be on the node, with the columns that the tables have here.
void check_shards(const NodeInfo *node, PGconn *conn, List *relids) {
	PGresult *found =
		ask(node, conn, columns_query("n.nspname LIKE 'shardext\\_%' ORDER BY 1, 2"), PGRES_TUPLES_OK);
	const ListCell *cell;
	foreach (cell, relids) {
		const DistributedTable *table = find_distributed_table(lfirst_oid(cell));
		const char *name = get_rel_name(table->relid);
		const char *columns = query_metadata(psprintf("SELECT columns FROM (%s) AS x (s, t, columns)",
													  columns_query(psprintf("c.oid = %u", table->relid))));
		for_each_shard(table, node, [&](const char *schema) {
			int row = -1;
			for (int i = 0; row < 0 && i < PQntuples(found); i++)
				if (strcmp(PQgetvalue(found, i, 0), schema) == 0 &&
					strcmp(PQgetvalue(found, i, 1), name) == 0)
					row = i;
			const bool same = row >= 0 && strcmp(PQgetvalue(found, row, 2), columns) == 0;
			if (same)
				return;
			PQclear(found);
			close_private_connection(conn);
			cannot_adopt(node, row < 0 ? ERRCODE_UNDEFINED_TABLE : ERRCODE_DATATYPE_MISMATCH,
						 psprintf(row < 0 ? "It has no shard %s.%s."
										  : "Its shard %s.%s has other columns than the table here.",
								  quote_identifier(schema), quote_identifier(name)));
		});
	}
	PQclear(found);
}

// What the node knows and the dump may not: how far group ids go, and transactions of the former coordinator.
void learn_from_node(const NodeInfo *node, PGconn *conn) {
	PGresult *facts =
		ask(node, conn,
			"SELECT (SELECT pg_catalog.max(pg_catalog.substring(nspname, "
			"'^shardext_([0-9]{1,18})(?:_|$)')::bigint) "
			"FROM pg_catalog.pg_namespace), (SELECT pg_catalog.count(*) FROM pg_catalog.pg_prepared_xacts "
			"WHERE gid LIKE 'shardext\\_%' AND database = pg_catalog.current_database())",
			PGRES_TUPLES_OK);
	char *last_group = PQgetisnull(facts, 0, 0) ? pstrdup("1") : pstrdup(PQgetvalue(facts, 0, 0));
	const int prepared = atoi(PQgetvalue(facts, 0, 1));
	PQclear(facts);
	query_metadata(psprintf("SELECT setval('shardext.shard_group_id_seq', greatest(last_value, %s)) FROM "
							"shardext.shard_group_id_seq",
							last_group));
	if (prepared > 0)
		ereport(
			WARNING,
			errmsg("node \"%s\" holds %d prepared transactions of its former coordinator", node->name,
				   prepared),
			errhint(
				"Decide each with COMMIT PREPARED or ROLLBACK PREPARED on the node; see pg_prepared_xacts."));
}

bool has_placement_on(const DistributedTable *table, bool local) {
	for (int i = 0; i < table->colocation->group_count; i++)
		if ((table->colocation->groups[i].node_id == kLocalNode) == local)
			return true;
	return false;
}

// Replaces the coordinator's rows of a reference table by those of a node's copy. Triggers and foreign keys
// have seen them before.
void fetch_reference_rows(const DistributedTable *table, const NodeInfo *node) {
	const Oid relid = table->relid;
	empty_table(relid);
	const char *columns = query_metadata(psprintf(
		"SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = %u "
		"AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
		relid));
	if (columns == nullptr)
		return;
	Relation relation = RelationIdGetRelation(relid);
	TupleDesc all = RelationGetDescr(relation);
	TupleDesc desc = CreateTemplateTupleDesc(all->natts);
	int count = 0;
	for (int i = 0; i < all->natts; i++) {
		Form_pg_attribute attribute = TupleDescAttr(all, i);
		if (attribute->attisdropped || attribute->attgenerated != '\0')
			continue;
		TupleDescInitEntry(desc, ++count, NameStr(attribute->attname), attribute->atttypid,
						   attribute->atttypmod, 0);
	}
	desc->natts = count;
	RelationClose(relation);

	StatementRequest request{};
	request.node = node;
	request.sql = psprintf("SELECT %s FROM %s.%s", columns,
						   quote_identifier(shard_schema_name(table->colocation->groups[0].id,
															  get_namespace_name(get_rel_namespace(relid)))),
						   quote_identifier(get_rel_name(relid)));
	request.result = desc;
	request.scope = Scope::Write;
	RowStream *stream = open_stream(request);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	QuietInsert *insert = begin_quiet_insert(relid);
	while (stream->next(slot)) {
		CHECK_FOR_INTERRUPTS();
		insert_quietly(insert, slot->tts_values, slot->tts_isnull);
	}
	end_quiet_insert(insert);
	stream->close();
	ExecDropSingleTupleTableSlot(slot);
}

const NodeInfo *first_remote_node() {
	foreach_ptr (NodeInfo, node, all_nodes())
		if (!node->is_local())
			return node;
	return nullptr;
}

// Makes restored tables distributed again: their rows on other nodes are there, those of this server's shards
// are in the dump.
void take_over_tables(List *relids) {
	const NodeInfo *local = find_node(kLocalNode), *other = first_remote_node();
	List *with_local_shards = NIL;
	const ListCell *cell;
	foreach (cell, relids) {
		const DistributedTable *table = find_distributed_table(lfirst_oid(cell));
		depend_on_extension(table->relid);
		if (!table->is_sharded()) {
			if (other != nullptr)
				fetch_reference_rows(table, other);
		} else if (has_placement_on(table, true)) {
			create_shards(table->relid, local);
			move_rows_to_shards(table->relid, local);
			with_local_shards = lappend_oid(with_local_shards, table->relid);
		} else {
			empty_table(table->relid);
		}
		CommandCounterIncrement();
	}
	foreach (cell, with_local_shards)
		create_shard_indexes(lfirst_oid(cell), local);
}

void lock_tables(List *relids) {
	const ListCell *cell;
	foreach (cell, relids)
		LockRelationOid(lfirst_oid(cell), AccessExclusiveLock);
}

void end_of_restored_state() {
	for (const char *table : {"tables", "nodes"})
		run_metadata_sql(psprintf("UPDATE shardext.%s SET cluster_id = " INT64_FORMAT, table, cluster_id()));
	invalidate_everything();
	CommandCounterIncrement(); // an error later on makes this session forget again
}

// Restored tables were ordinary ones for a while: what must not be on distributed tables may have been added.
void check_tables(List *relids) {
	const ListCell *cell;
	foreach (cell, relids) {
		const DistributedTable *table = find_distributed_table(lfirst_oid(cell));
		const char *name = get_rel_name(lfirst_oid(cell));
		if (table == nullptr)
			ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("metadata of table \"%s\" is incomplete", name));
		if (table->is_sharded() && (table->key_attnum <= 0 || get_atttype(table->relid, table->key_attnum) !=
																  table->colocation->key_type))
			ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("table \"%s\" has lost its distribution column", name),
					errdetail("The column has been dropped, renamed, or got another type since the dump was "
							  "restored."));
		check_table_can_be_distributed(table->relid, table->key_attnum);
	}
}

} // namespace

} // namespace shardext

using namespace shardext;

SHARDEXT_SQL_FUNCTION(shardext_adopt_nodes) {
	require_superuser("adopt nodes");
	require_preload();
	if (IsTransactionBlock()) // the nodes' marks cannot be rolled back
		ereport(ERROR, errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				errmsg("%s cannot run inside a transaction block", "shardext_adopt_nodes()"));
	LockRelationOid(shardext_table("nodes"), ShareRowExclusiveLock);
	const bool restored = metadata_is_restored();
	List *relids = tables_in_order();
	if (restored) {
		lock_tables(relids);
		end_of_restored_state();
		check_tables(relids);
	}
	int adopted = 0;
	foreach_ptr (NodeInfo, node, all_nodes()) {
		if (node->is_local())
			continue;
		PGconn *conn = connect(node);
		check_shards(node, conn, relids);
		learn_from_node(node, conn);
		close_private_connection(conn);
	}
	foreach_ptr (NodeInfo, node, all_nodes()) {
		if (node->is_local())
			continue;
		PGconn *conn = connect(node);
		PQclear(ask(node, conn, psprintf("COMMENT ON SCHEMA shardext_node IS '%s'", node_mark(node->id)),
					PGRES_COMMAND_OK));
		close_private_connection(conn);
		adopted++;
	}
	// Dumps and pg_upgrade leave out the triggers that carry changes of reference tables to their copies.
	const ListCell *cell;
	foreach (cell, relids) {
		const DistributedTable *table = find_distributed_table(lfirst_oid(cell));
		if (!table->is_sharded() && !table->carries_changes)
			create_reference_trigger(table->relid);
	}
	if (restored)
		take_over_tables(relids);
	PG_RETURN_INT32(adopted);
}

SHARDEXT_SQL_FUNCTION(shardext_forget_restored) {
	require_superuser("forget restored tables");
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	auto *info = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	LockRelationOid(shardext_table("nodes"), ShareRowExclusiveLock);
	if (!metadata_is_restored())
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("the distributed tables of this database do not come from a dump"));
	const char *statements = query_metadata(psprintf(
		"%s SELECT json_agg(CASE t.kind WHEN 'r' THEN format('SELECT create_reference_table(%%L)', t.relid) "
		"ELSE format('SELECT create_distributed_table(%%L, %%L, colocate_with => %%L%%s)', t.relid, "
		"t.distribution_column, CASE WHEN f.relid <> t.relid THEN f.relid::text WHEN g.is_default THEN "
		"'default' "
		"ELSE 'none' END, CASE WHEN f.relid = t.relid THEN ', shard_count => ' || g.shard_count ELSE '' END) "
		"END "
		"ORDER BY t.position) FROM ordered t JOIN shardext.colocation_groups g USING (colocation_id), "
		"LATERAL (SELECT relid FROM ordered x WHERE x.colocation_id = t.colocation_id ORDER BY position "
		"LIMIT 1) f",
		kTablesInOrder));
	run_metadata_sql("DELETE FROM shardext.tables");
	run_metadata_sql("DELETE FROM shardext.placements");
	run_metadata_sql("DELETE FROM shardext.shard_groups");
	run_metadata_sql("DELETE FROM shardext.colocation_groups");
	run_metadata_sql("DELETE FROM shardext.nodes WHERE node_id <> 0");
	end_of_restored_state();
	if (statements == nullptr)
		return 0;
	Datum array = DirectFunctionCall1(json_in, CStringGetDatum(statements));
	const int count = DatumGetInt32(DirectFunctionCall1(json_array_length, array));
	for (int i = 0; i < count; i++) {
		Datum values[] = {DirectFunctionCall2(json_array_element_text, array, Int32GetDatum(i))};
		bool nulls[] = {false};
		tuplestore_putvalues(info->setResult, info->setDesc, values, nulls);
	}
	return 0;
}

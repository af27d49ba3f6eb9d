// Nodes: adding, checking, changing and removing servers.
#include "shardext/cluster/create_table.hpp"

#include "shardext/cluster/nodes.hpp"
#include "shardext/cluster/shards.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/transaction/ledger.hpp"
#include "shardext/remote/connection.hpp"
#include "shardext/transaction/shared_state.hpp"

extern "C" {
#include "access/xlog.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/pg_locale.h"
}

namespace shardext {

namespace {

struct Finding {
	bool serious; // the node cannot be used
	char *text;
	int sqlstate;
};

struct Findings {
	List *list = NIL;
	void add(bool serious, int sqlstate, char *text) {
		auto *finding = static_cast<Finding *>(palloc(sizeof(Finding)));
		*finding = {serious, text, sqlstate};
		list = lappend(list, finding);
	}
};

// A conninfo with user and dbname made explicit: what the session has, where it says nothing.
char *complete_conninfo(const char *conninfo) {
	char *message = nullptr;
	PQconninfoOption *options = PQconninfoParse(conninfo, &message);
	if (options == nullptr) {
		PQfreemem(message); // it may repeat a part of a password
		ereport(ERROR, errcode(ERRCODE_SYNTAX_ERROR), errmsg("invalid connection string"));
	}
	bool has_user = false, has_database = false;
	for (PQconninfoOption *o = options; o->keyword != nullptr; o++) {
		if (o->val == nullptr)
			continue;
		has_user = has_user || strcmp(o->keyword, "user") == 0;
		has_database = has_database || strcmp(o->keyword, "dbname") == 0;
	}
	StringInfoData result;
	initStringInfo(&result);
	auto append = [&](const char *keyword, const char *value) {
		appendStringInfo(&result, "%s%s='", result.len > 0 ? " " : "", keyword);
		for (const char *p = value; *p != '\0'; p++) {
			if (*p == '\'' || *p == '\\')
				appendStringInfoChar(&result, '\\');
			appendStringInfoChar(&result, *p);
		}
		appendStringInfoChar(&result, '\'');
	};
	for (PQconninfoOption *o = options; o->keyword != nullptr; o++)
		if (o->val != nullptr && strcmp(o->keyword, "options") != 0)
			append(o->keyword, o->val);
	PQconninfoFree(options);
	if (!has_database)
		append("dbname", get_database_name(MyDatabaseId));
	if (!has_user)
		append("user", GetUserNameFromId(GetSessionUserId(), false));
	return result.data;
}

char *field(PGresult *result, const char *name) {
	const int column = PQfnumber(result, name);
	return column >= 0 && !PQgetisnull(result, 0, column) ? pstrdup(PQgetvalue(result, 0, column))
														  : pstrdup("");
}

constexpr const char *kNodeFacts =
	"SELECT current_setting('server_version_num')::int AS version, pg_encoding_to_char(encoding) AS "
	"encoding, "
	"datcollate, datctype, pg_is_in_recovery() AS standby, current_setting('max_prepared_transactions')::int "
	"AS prepared, "
	"current_setting('max_connections')::int AS connections, has_database_privilege(current_database(), "
	"'CREATE') AS can_create, "
	"(SELECT system_identifier FROM pg_control_system()) AS system_identifier, current_database() AS "
	"database, "
	"current_setting('integer_datetimes') AS datetimes, "
	"(SELECT description FROM pg_shdescription WHERE false UNION ALL "
	" SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'shardext_node') AS "
	"owner_cluster, "
	"(SELECT collversion FROM pg_collation WHERE false) AS none, "
	"EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'shardext') AS has_extension, "
	"pg_collation_actual_version((SELECT oid FROM pg_collation WHERE collname = 'default' AND collnamespace "
	"= 'pg_catalog'::regnamespace)) AS collation_version "
	"FROM pg_database WHERE datname = current_database()";

char *local_fact(const char *expression) {
	return query_metadata(
		psprintf("SELECT (%s)::text FROM pg_database WHERE datname = current_database()", expression));
}

// Compares what a node says of itself with what this server needs.
void judge_node(PGresult *facts, Findings *findings, int32 expected_id) {
	const int version = atoi(field(facts, "version"));
	if (version < 150000)
		findings->add(true, ERRCODE_FEATURE_NOT_SUPPORTED,
					  psprintf("its version is %d.%d; shardext needs PostgreSQL 15 or later", version / 10000,
							   version % 10000));
	if (strcmp(field(facts, "encoding"), GetDatabaseEncodingName()) != 0)
		findings->add(true, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					  psprintf("its database has encoding %s, this one %s", field(facts, "encoding"),
							   GetDatabaseEncodingName()));
	const char *collate = local_fact("datcollate"), *ctype = local_fact("datctype");
	if (strcmp(field(facts, "datcollate"), collate) != 0 || strcmp(field(facts, "datctype"), ctype) != 0)
		findings->add(true, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					  psprintf("its database has collation %s and character type %s, this one %s and %s",
							   field(facts, "datcollate"), field(facts, "datctype"), collate, ctype));
	const char *collation_version = query_metadata("SELECT coalesce(pg_collation_actual_version((SELECT oid "
												   "FROM pg_collation WHERE collname = 'default' AND "
												   "collnamespace = 'pg_catalog'::regnamespace)), '')");
	if (collation_version != nullptr && strcmp(field(facts, "collation_version"), collation_version) != 0)
		findings->add(true, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					  psprintf("its collation version is %s, this server's %s; text would sort differently",
							   field(facts, "collation_version"), collation_version));
	if (strcmp(field(facts, "standby"), "t") == 0)
		findings->add(true, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, pstrdup("it is a standby"));
	if (atoi(field(facts, "prepared")) == 0)
		findings->add(true, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					  pstrdup("max_prepared_transactions is 0; writes on several nodes need it to be at "
							  "least max_connections of the "
							  "coordinator"));
	if (strcmp(field(facts, "can_create"), "t") != 0)
		findings->add(
			true, ERRCODE_INSUFFICIENT_PRIVILEGE,
			psprintf("the user has no CREATE privilege on database \"%s\"", field(facts, "database")));
	if (atoi(field(facts, "connections")) < MaxConnections)
		findings->add(false, ERRCODE_WARNING,
					  psprintf("its max_connections (%s) is less than the coordinator's (%d)",
							   field(facts, "connections"), MaxConnections));
	const char *own_identifier = query_metadata("SELECT system_identifier::text FROM pg_control_system()");
	if (strcmp(field(facts, "system_identifier"), own_identifier) == 0 &&
		strcmp(field(facts, "database"), get_database_name(MyDatabaseId)) == 0)
		findings->add(true, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					  pstrdup("it is the coordinator itself, which is the built-in node \"local\""));
	else if (strcmp(field(facts, "has_extension"), "t") == 0)
		findings->add(true, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					  pstrdup("its database is a shardext coordinator"));
	const char *owner = field(facts, "owner_cluster");
	const char *own = psprintf("shardext cluster " INT64_FORMAT ", node ", cluster_id());
	if (owner[0] != '\0' && strncmp(owner, own, strlen(own)) != 0) {
		findings->add(true, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					  psprintf("it already belongs to another cluster (%s)", owner));
	} else if (expected_id > 0 && strcmp(owner, node_mark(expected_id)) != 0) {
		findings->add(true, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					  psprintf("it is another server or database than the one that holds the node's shards"));
	} else if (expected_id < 0 && owner[0] != '\0') {
		const NodeInfo *same = find_node(atoi(owner + strlen(own)));
		if (same != nullptr)
			findings->add(true, ERRCODE_DUPLICATE_OBJECT, psprintf("it is node \"%s\" already", same->name));
	}
}

// Connects and judges; *reached says whether the node answered. expected_id: the node it must be, -1 for a
// new one, 0 where that does not matter.
Findings examine(const char *conninfo, bool *reached, int32 expected_id) {
	Findings findings;
	char *message = nullptr;
	*reached = false;
	PGconn *conn = open_private_connection(conninfo, &message);
	if (conn == nullptr) {
		findings.add(true, ERRCODE_CONNECTION_FAILURE, psprintf("it cannot be reached: %s", message));
		return findings;
	}
	PGresult *facts = private_query(conn, kNodeFacts);
	if (facts == nullptr || PQresultStatus(facts) != PGRES_TUPLES_OK || PQntuples(facts) != 1) {
		findings.add(true, ERRCODE_CONNECTION_FAILURE,
					 psprintf("it did not answer: %s", pchomp(PQerrorMessage(conn))));
	} else {
		*reached = true;
		judge_node(facts, &findings, expected_id);
	}
	PQclear(facts);
	close_private_connection(conn);
	return findings;
}

[[noreturn]] void refuse_node(const char *name, const Findings &findings) {
	StringInfoData detail;
	initStringInfo(&detail);
	int code = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
	foreach_ptr (Finding, finding, findings.list) {
		if (!finding->serious)
			continue;
		if (detail.len == 0)
			code = finding->sqlstate;
		appendStringInfo(&detail, "%s%c%s.", detail.len > 0 ? "\n" : "", pg_toupper(finding->text[0]),
						 finding->text + 1);
	}
	ereport(ERROR, errcode(code), errmsg("node \"%s\" cannot be used", name),
			errdetail_internal("%s", detail.data));
	pg_unreachable();
}

bool has_serious(const Findings &findings) {
	foreach_ptr (Finding, finding, findings.list)
		if (finding->serious)
			return true;
	return false;
}

const NodeInfo *node_named(const char *name) {
	const NodeInfo *node = find_node_by_name(name);
	if (node == nullptr)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("node \"%s\" does not exist", name));
	return node;
}

void mark_node(const NodeInfo *node) {
	run_on_node(node, list_make2(pstrdup("CREATE SCHEMA IF NOT EXISTS shardext_node"),
								 psprintf("COMMENT ON SCHEMA shardext_node IS '%s'", node_mark(node->id))));
}

// Gives a new node its copies of the reference tables.
void copy_reference_tables(const NodeInfo *node) {
	List *relids = NIL;
	SPI_connect();
	SPI_execute("SELECT relid::oid FROM shardext.tables WHERE kind = 'r' ORDER BY colocation_id", true, 0);
	for (uint64 i = 0; i < SPI_processed; i++) {
		bool isnull;
		const Oid relid =
			DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
		MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
		relids = lappend_oid(relids, relid);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	const ListCell *cell;
	foreach (cell, relids) {
		LockRelationOid(lfirst_oid(cell), ShareRowExclusiveLock);
		create_shards(lfirst_oid(cell), node);
		copy_reference_rows(lfirst_oid(cell), node);
	}
	foreach (cell, relids)
		create_shard_indexes(lfirst_oid(cell), node);
}

char *name_argument(FunctionCallInfo fcinfo, int n, const char *what) {
	if (PG_ARGISNULL(n))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be NULL", what));
	char *value = text_to_cstring(PG_GETARG_TEXT_PP(n));
	if (value[0] == '\0' && n == 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_NAME), errmsg("%s must not be empty", what));
	return value;
}

} // namespace

} // namespace shardext

using namespace shardext;

namespace shardext {

char *node_mark(int32 node_id) {
	return psprintf("shardext cluster " INT64_FORMAT ", node %d", cluster_id(), node_id);
}

void require_superuser(const char *what) {
	if (!superuser())
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied to %s", what),
				errhint("Only superusers may change nodes."));
}

} // namespace shardext

SHARDEXT_SQL_FUNCTION(shardext_add_node) {
	require_superuser("add a node");
	require_decision();
	require_preload();
	const char *name = name_argument(fcinfo, 0, "node name");
	if (strlen(name) >= NAMEDATALEN)
		ereport(ERROR, errcode(ERRCODE_NAME_TOO_LONG), errmsg("node name \"%s\" is too long", name));
	const char *conninfo = complete_conninfo(name_argument(fcinfo, 1, "conninfo"));
	LockRelationOid(shardext_table("nodes"), ShareRowExclusiveLock);
	if (find_node_by_name(name) != nullptr)
		ereport(ERROR, errcode(ERRCODE_DUPLICATE_OBJECT), errmsg("node \"%s\" already exists", name));
	bool reached;
	const Findings findings = examine(conninfo, &reached, -1);
	if (has_serious(findings))
		refuse_node(name, findings);
	foreach_ptr (Finding, finding, findings.list)
		ereport(WARNING, errmsg("node \"%s\": %s", name, finding->text));
	const int32 id = atoi(query_metadata(
		psprintf("INSERT INTO shardext.nodes (node_name, conninfo, cluster_id) VALUES (%s, %s, " INT64_FORMAT
				 ") RETURNING node_id",
				 quote_literal_cstr(name), quote_literal_cstr(conninfo), cluster_id())));
	run_metadata_sql(
		psprintf("INSERT INTO shardext.placements SELECT g.shard_group_id, %d FROM shardext.shard_groups g "
				 "JOIN shardext.colocation_groups c USING (colocation_id) WHERE c.kind = 'r'",
				 id));
	invalidate_nodes();
	CommandCounterIncrement();
	const NodeInfo *node = node_named(name);
	node_is_resolved(id);
	mark_node(node);
	copy_reference_tables(node);
	PG_RETURN_INT32(id);
}

SHARDEXT_SQL_FUNCTION(shardext_remove_node) {
	require_superuser("remove a node");
	require_decision();
	const char *name = name_argument(fcinfo, 0, "node name");
	LockRelationOid(shardext_table("nodes"), ShareRowExclusiveLock);
	const NodeInfo *node = node_named(name);
	if (node->is_local())
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("node \"local\" cannot be removed"));
	const char *groups = query_metadata(psprintf(
		"SELECT count(*) FROM shardext.placements p JOIN shardext.shard_groups USING (shard_group_id) "
		"JOIN shardext.colocation_groups c USING (colocation_id) WHERE p.node_id = %d AND c.kind <> 'r'",
		node->id));
	if (strcmp(groups, "0") != 0)
		ereport(ERROR, errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				errmsg("node \"%s\" still holds %s shard groups", name, groups),
				errhint("Undistribute or drop the tables whose shards it holds first."));
	// The copies of reference tables go, if the node can be asked.
	const char *gone = query_metadata(psprintf(
		"SELECT string_agg(format('DROP SCHEMA IF EXISTS %%I CASCADE', 'shardext_' || shard_group_id || "
		"CASE n.nspname WHEN 'public' THEN '' ELSE '_' || n.nspname END), ';') FROM shardext.placements p "
		"JOIN shardext.shard_groups g USING "
		"(shard_group_id) JOIN shardext.tables t USING (colocation_id) JOIN pg_class r ON r.oid = t.relid "
		"JOIN pg_namespace n ON n.oid = "
		"r.relnamespace WHERE p.node_id = %d",
		node->id));
	List *statements = NIL;
	if (gone != nullptr) {
		char *rest = pstrdup(gone);
		for (char *one = strtok(rest, ";"); one != nullptr; one = strtok(nullptr, ";"))
			statements = lappend(statements, one);
	}
	statements = lappend(statements, pstrdup("DROP SCHEMA IF EXISTS shardext_node"));
	bool reached;
	examine(node->conninfo, &reached, 0);
	if (reached)
		run_on_node(node, statements);
	else
		ereport(WARNING,
				errmsg("node \"%s\" cannot be reached; what shardext made there is left behind", name));
	const int32 id = node->id;
	run_metadata_sql(psprintf("DELETE FROM shardext.placements WHERE node_id = %d", id));
	run_metadata_sql(psprintf("DELETE FROM shardext.nodes WHERE node_id = %d", id));
	invalidate_nodes();
	PG_RETURN_VOID();
}

SHARDEXT_SQL_FUNCTION(shardext_update_node) {
	require_superuser("change a node");
	const char *name = name_argument(fcinfo, 0, "node name");
	const char *conninfo = complete_conninfo(name_argument(fcinfo, 1, "conninfo"));
	LockRelationOid(shardext_table("nodes"), ShareRowExclusiveLock);
	const NodeInfo *node = node_named(name);
	if (node->is_local())
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("node \"local\" cannot be changed"));
	// After a restore a node may be found elsewhere; it is judged when it is adopted.
	if (!metadata_is_restored()) {
		bool reached;
		const Findings findings = examine(conninfo, &reached, node->id);
		if (has_serious(findings))
			refuse_node(name, findings);
	}
	run_metadata_sql(psprintf("UPDATE shardext.nodes SET conninfo = %s WHERE node_id = %d",
							  quote_literal_cstr(conninfo), node->id));
	invalidate_nodes();
	PG_RETURN_VOID();
}

// (ok boolean, problem text): what is wrong with a node, one row a finding; one row (true, NULL) when nothing
// is.
SHARDEXT_SQL_FUNCTION(shardext_check_node) {
	require_superuser("check a node");
	const char *name = name_argument(fcinfo, 0, "node name");
	const NodeInfo *node = node_named(name);
	InitMaterializedSRF(fcinfo, 0);
	auto *info = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	Findings findings;
	bool reached = true;
	if (!node->is_local())
		findings = examine(node->conninfo, &reached, node->id);
	if (findings.list == NIL) {
		Datum values[] = {BoolGetDatum(true), 0};
		bool nulls[] = {false, true};
		tuplestore_putvalues(info->setResult, info->setDesc, values, nulls);
	}
	foreach_ptr (Finding, finding, findings.list) {
		Datum values[] = {BoolGetDatum(!finding->serious), CStringGetTextDatum(finding->text)};
		bool nulls[] = {false, false};
		tuplestore_putvalues(info->setResult, info->setDesc, values, nulls);
	}
	return 0;
}

// For the view shardext_nodes: (reachable, error) of one node.
SHARDEXT_SQL_FUNCTION(shardext_node_state) {
	const int32 id = PG_GETARG_INT32(0);
	const NodeInfo *node = find_node(id);
	TupleDesc desc;
	if (get_call_result_type(fcinfo, nullptr, &desc) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, errmsg("return type must be a row type"));
	Datum values[2] = {CStringGetTextDatum("ok"), 0};
	bool nulls[2] = {false, true};
	if (node != nullptr && !node->is_local() && metadata_is_restored()) {
		values[0] = CStringGetTextDatum("restored");
		values[1] = CStringGetTextDatum("run shardext_adopt_nodes() or shardext_forget_restored()");
		nulls[1] = false;
	} else if (node != nullptr && !node->is_local()) {
		char *message = nullptr;
		PGconn *conn = open_private_connection(node->conninfo, &message);
		if (conn == nullptr) {
			values[0] = CStringGetTextDatum("unreachable");
			values[1] = CStringGetTextDatum(message);
			nulls[1] = false;
		} else {
			close_private_connection(conn);
		}
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

// The connection string without its password, for people.
SHARDEXT_SQL_FUNCTION(shardext_show_conninfo) {
	char *message = nullptr;
	PQconninfoOption *options = PQconninfoParse(text_to_cstring(PG_GETARG_TEXT_PP(0)), &message);
	if (options == nullptr)
		PG_RETURN_NULL();
	StringInfoData result;
	initStringInfo(&result);
	for (PQconninfoOption *o = options; o->keyword != nullptr; o++)
		if (o->val != nullptr && strchr(o->dispchar, '*') == nullptr &&
			strstr(o->keyword, "password") == nullptr)
			appendStringInfo(&result, "%s%s=%s", result.len > 0 ? " " : "", o->keyword, o->val);
	PQconninfoFree(options);
	PG_RETURN_TEXT_P(cstring_to_text(result.data));
}

// Errors of nodes, raised on the coordinator as if they had happened here.
#include "shardext/remote/connection.hpp"

extern "C" {
#include "utils/acl.h"
#include "utils/rls.h"
}

namespace shardext {

char *user_schema_of(const char *shard_schema, int64 *group_id) {
	constexpr const char *kPrefix = "shardext_";
	if (shard_schema == nullptr || strncmp(shard_schema, kPrefix, strlen(kPrefix)) != 0)
		return shard_schema != nullptr ? pstrdup(shard_schema) : nullptr;
	char *end = nullptr;
	*group_id = strtoll(shard_schema + strlen(kPrefix), &end, 10);
	return pstrdup(*end == '_' ? end + 1 : "public");
}

namespace {

char *copy_field(const PGresult *result, int field) {
	const char *value = PQresultErrorField(result, field);
	return value != nullptr ? pstrdup(value) : nullptr;
}

// PostgreSQL leaves keys and rows out of error messages for who may not read the table.
bool hides_rows(Oid relid) {
	if (!OidIsValid(relid))
		return false;
	return check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED ||
		   pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK;
}

// A node's session has no search_path, so it names types with their schemas where this session would not.
char *unqualify_type(char *message, const char *schema, const char *type) {
	const Oid schema_oid = get_namespace_oid(schema, true);
	const Oid type_oid =
		GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(type), ObjectIdGetDatum(schema_oid));
	if (!OidIsValid(type_oid))
		return message;
	const char *qualified = quote_qualified_identifier(schema, type);
	const char *found = strstr(message, qualified);
	if (found == nullptr)
		return message;
	return psprintf("%.*s%s%s", static_cast<int>(found - message), message, format_type_be(type_oid),
					found + strlen(qualified));
}

} // namespace

void raise_remote_error(Connection *c, PGresult *result, const char *sql) {
	char *state = copy_field(result, PG_DIAG_SQLSTATE);
	char *message = copy_field(result, PG_DIAG_MESSAGE_PRIMARY);
	char *detail = copy_field(result, PG_DIAG_MESSAGE_DETAIL);
	char *hint = copy_field(result, PG_DIAG_MESSAGE_HINT);
	char *context = copy_field(result, PG_DIAG_CONTEXT);
	char *schema = copy_field(result, PG_DIAG_SCHEMA_NAME);
	char *table = copy_field(result, PG_DIAG_TABLE_NAME);
	char *column = copy_field(result, PG_DIAG_COLUMN_NAME);
	char *type = copy_field(result, PG_DIAG_DATATYPE_NAME);
	char *constraint = copy_field(result, PG_DIAG_CONSTRAINT_NAME);
	char *severity = copy_field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	if (message == nullptr)
		message = pchomp(PQresultErrorMessage(result));
	PQclear(result);

	int64 group_id = 0;
	schema = user_schema_of(schema, &group_id);
	int code = state != nullptr ? MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4])
								: ERRCODE_CONNECTION_FAILURE;
	// A session that the node ended: the connection goes with it.
	if (severity != nullptr && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0)) {
		if (c->depth > 0)
			c->lost_in_transaction = true;
		ereport(ERROR, errcode(ERRCODE_CONNECTION_FAILURE),
				errmsg("lost connection to node \"%s\"", c->node_name), errdetail_internal("%s", message));
	}
	(void)sql;
	const Oid schema_oid =
		schema != nullptr && IsTransactionState() ? get_namespace_oid(schema, true) : InvalidOid;
	if (OidIsValid(schema_oid) && table != nullptr && hides_rows(get_relname_relid(table, schema_oid)))
		detail = nullptr; // it would show a row that the user may not see
	if (OidIsValid(schema_oid) && type != nullptr)
		message = unqualify_type(message, schema, type);
	ereport(ERROR, errcode(code), errmsg_internal("%s", message),
			detail != nullptr ? errdetail_internal("%s", detail) : 0,
			hint != nullptr ? errhint("%s", hint) : 0,
			schema != nullptr ? err_generic_string(PG_DIAG_SCHEMA_NAME, schema) : 0,
			table != nullptr ? err_generic_string(PG_DIAG_TABLE_NAME, table) : 0,
			column != nullptr ? err_generic_string(PG_DIAG_COLUMN_NAME, column) : 0,
			type != nullptr ? err_generic_string(PG_DIAG_DATATYPE_NAME, type) : 0,
			constraint != nullptr ? err_generic_string(PG_DIAG_CONSTRAINT_NAME, constraint) : 0,
			(context != nullptr ? (errcontext("%s", context)) : 0),
			errcontext("%s", group_id != 0
								 ? psprintf("node \"%s\", shard group " INT64_FORMAT, c->node_name, group_id)
								 : psprintf("node \"%s\"", c->node_name)));
	pg_unreachable();
}

void raise_connection_lost(Connection *c) {
	char *message = pchomp(PQerrorMessage(c->conn));
	if (c->depth > 0)
		c->lost_in_transaction = true;
	ereport(ERROR, errcode(ERRCODE_CONNECTION_FAILURE),
			errmsg("lost connection to node \"%s\"", c->node_name),
			message[0] != '\0' ? errdetail_internal("%s", message) : 0);
	pg_unreachable();
}

} // namespace shardext

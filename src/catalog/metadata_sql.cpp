// Changing the metadata with the extension's rights.
#include "shardext/catalog/metadata_sql.hpp"

#include "shardext/catalog/metadata.hpp"
#include "shardext/pg/transmission_modes.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "catalog/pg_authid_d.h"
#include "executor/spi.h"
#include "parser/parser.h"
#include "tcop/dest.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
}

namespace shardext {

namespace {

int depth = 0;

// Runs body as the bootstrap superuser; an error restores the user with the (sub)transaction.
template <class F> void as_extension_owner(F &&body) {
	Oid user;
	int context;
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, context | SECURITY_LOCAL_USERID_CHANGE);
	const int level = NewGUCNestLevel();
	set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
					  0, false);
	set_parsing_modes();
	set_config_option("default_tablespace", "", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	set_config_option("client_min_messages", "warning", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
					  false);
	depth++;
	PG_TRY();
	{
		SPI_connect();
		body();
		SPI_finish();
	}
	PG_FINALLY();
	{ depth--; }
	PG_END_TRY();
	AtEOXact_GUC(true, level);
	SetUserIdAndSecContext(user, context);
}

bool is_utility(Node *statement) {
	switch (nodeTag(statement)) {
	case T_SelectStmt:
	case T_InsertStmt:
	case T_UpdateStmt:
	case T_DeleteStmt:
	case T_MergeStmt:
		return false;
	default:
		return true;
	}
}

} // namespace

bool run_utility_statements(const char *sql) {
	List *statements = raw_parser(sql, RAW_PARSE_DEFAULT);
	foreach_node (RawStmt, raw, statements)
		if (!is_utility(raw->stmt))
			return false;
	foreach_node (RawStmt, raw, statements) {
		PlannedStmt *planned = makeNode(PlannedStmt);
		planned->commandType = CMD_UTILITY;
		planned->utilityStmt = raw->stmt;
		planned->stmt_location = raw->stmt_location;
		planned->stmt_len = raw->stmt_len;
		PushActiveSnapshot(GetTransactionSnapshot());
		ProcessUtility(planned, sql, false, PROCESS_UTILITY_SUBCOMMAND, nullptr, nullptr, None_Receiver,
					   nullptr);
		if (ActiveSnapshotSet())
			PopActiveSnapshot();
		CommandCounterIncrement();
	}
	return true;
}

bool is_changing_metadata() {
	return depth > 0;
}

void run_metadata_sql(const char *sql) {
	as_extension_owner([&] {
		if (run_utility_statements(sql))
			return;
		const int code = SPI_execute(sql, false, 0);
		if (code < 0)
			ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR),
					errmsg("metadata change failed: %s", SPI_result_code_string(code)));
	});
}

char *query_metadata(const char *sql) {
	char *result = nullptr;
	MemoryContext caller = CurrentMemoryContext;
	as_extension_owner([&] {
		SPI_execute(sql, false, 1);
		if (SPI_processed > 0) {
			const char *value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
			if (value != nullptr)
				result = MemoryContextStrdup(caller, value);
		}
	});
	return result;
}

void metadata_changed(Oid relid) {
	invalidate_table(relid);
	CommandCounterIncrement();
}

} // namespace shardext

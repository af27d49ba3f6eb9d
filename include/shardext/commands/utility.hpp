// Utility statements that concern distributed tables.
#pragma once
#include "shardext/catalog/metadata.hpp"

extern "C" {
#include "tcop/cmdtag.h"
}

namespace shardext {

// What to do with a utility statement.
enum class UtilityAction {
	PassOn,	 // PostgreSQL runs it
	Handled, // done; completion is filled in
};

// Called before PostgreSQL runs the statement; may change it (COPY … TO).
UtilityAction before_utility(PlannedStmt *statement, const char *text, ParamListInfo params,
							 QueryCompletion *completion);

// Called after PostgreSQL ran it.
void after_utility(PlannedStmt *statement);

// Raises an error for a change that shards cannot follow.
void check_allowed(Node *statement);

// The enum, domain or composite type that a statement changes, or InvalidOid.
Oid changed_type(Node *statement);

// TRUNCATE of tables with shards on this server, which are emptied in one statement with them, or with
// triggers that look at the shards: runs it and returns true.
bool run_truncate(TruncateStmt *statement);
// PostgreSQL has emptied the coordinator's own tables and checked foreign keys; now the shards on nodes.
void truncate_shards(TruncateStmt *statement);

// COPY … FROM on a distributed table; returns the number of rows.
uint64 copy_from(CopyStmt *statement, Oid relid, const char *text);

// Raises the error that shards are not changed but with their table.
[[noreturn]] void refuse_to_change_shard(Oid relid);

} // namespace shardext

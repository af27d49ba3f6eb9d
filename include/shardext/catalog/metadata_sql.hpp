// Changing the metadata by SQL.
#pragma once
#include "shardext/pg/postgres.hpp"

namespace shardext {

// Runs SQL that changes the extension's metadata, with the rights of the extension.
void run_metadata_sql(const char *sql);
// The same for a query; returns the first column of the first row as text, or nullptr.
char *query_metadata(const char *sql);

// Runs utility statements as parts of the one that is being run: event triggers do not hear of them. Returns
// false, and has done nothing, when one of them is a query.
bool run_utility_statements(const char *sql);

// True while one of these runs.
bool is_changing_metadata();

// The metadata has changed for good (in this transaction): statements see it from now on.
void metadata_changed(Oid relid);

} // namespace shardext

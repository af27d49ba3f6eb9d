// ANALYZE of distributed tables.
#pragma once
#include "shardext/catalog/metadata.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace shardext {

// Analyzes the shards on their nodes, brings a sample of their rows here and stores PostgreSQL's statistics
// of it for the table. attnums: the columns, NIL for all.
void analyze_table(Oid relid, List *attnums);

// Tables (OIDs) whose number of rows has changed much since they were analyzed, or that never were.
List *tables_to_analyze();

// After PostgreSQL has run ANALYZE (or VACUUM with ANALYZE): the distributed tables that it names, or all.
void analyze_named_tables(VacuumStmt *statement);

} // namespace shardext

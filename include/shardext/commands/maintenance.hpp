// VACUUM, CLUSTER, REINDEX and what is done CONCURRENTLY: statements that reach shards as they are.
#pragma once
#include "shardext/pg/postgres.hpp"

namespace shardext {

// Returns a VACUUM that includes the shards on this server of the tables that it names, or the same.
VacuumStmt *vacuum_with_local_shards(VacuumStmt *statement);

// Runs it: run(argument) passes it on to PostgreSQL. Meanwhile is_being_vacuumed() is true for these shards,
// to which VACUUM FULL gives new files.
void run_vacuum(const VacuumStmt *statement, void (*run)(void *), void *argument);
bool is_being_vacuumed(Oid shard);

// After PostgreSQL has run the statement on the coordinator's own tables.
void vacuum_shards(const VacuumStmt *statement);
void cluster_shards(const ClusterStmt *statement);
void reindex_shards(const ReindexStmt *statement);

// CREATE INDEX CONCURRENTLY and DROP INDEX CONCURRENTLY on a distributed table: run(argument) passes the
// statement on to PostgreSQL. Returns false, and has done nothing, for everything else. An index that could
// not be made on a shard stays invalid, as PostgreSQL leaves one.
bool run_concurrent_index(Node *statement, bool top_level, void (*run)(void *), void *argument);

} // namespace shardext

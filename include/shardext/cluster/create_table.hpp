// Turning ordinary tables into distributed and reference tables, and back.
#pragma once
#include "shardext/catalog/metadata.hpp"
#include "shardext/catalog/metadata_sql.hpp"

namespace shardext {

// Raises an error unless the current user owns the table.
void check_owner(Oid relid);

// Creates the schemas and tables of relid's shards (or of a reference table's copies on `only_node` or on
// every node) and everything they depend on; indexes and foreign keys come after the rows.
void create_shards(Oid relid, const NodeInfo *only_node = nullptr);
void create_shard_indexes(Oid relid, const NodeInfo *only_node = nullptr);

// Moves the table's own rows to its shards (on only_node: those whose shards are there; the others are lost)
// and leaves it empty. Returns how many were moved.
uint64 move_rows_to_shards(Oid relid, const NodeInfo *only_node = nullptr);

// DROP EXTENSION must not silently lose the rows of distributed tables: the table depends on the extension.
void depend_on_extension(Oid relid);

// Copies a reference table's rows to one node.
void copy_reference_rows(Oid relid, const NodeInfo *node);

// Notes that a table goes (called before its catalog rows do): the shards are dropped with the next call of
// drop_forgotten_shards().
void forget_table(Oid relid);
void drop_forgotten_shards();

// Inserting rows into a table on this server without any triggers, also those of foreign keys. Values are
// those of the table's columns but generated ones.
struct QuietInsert;
QuietInsert *begin_quiet_insert(Oid relid);
void insert_quietly(QuietInsert *insert, const Datum *values, const bool *nulls);
void end_quiet_insert(QuietInsert *insert);
// The rows of a query. Within SPI.
void insert_rows_quietly(Oid relid, const char *select);

// The trigger that carries changes of a reference table to its copies.
void create_reference_trigger(Oid relid);
void drop_reference_trigger(Oid relid);
// It fires whatever ALTER TABLE … DISABLE TRIGGER ALL says.
void keep_reference_trigger_enabled(Oid relid);

} // namespace shardext

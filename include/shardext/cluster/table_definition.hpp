// The definition of an existing table, as the statements that make its shards.
//
// The statements are printed with the catalog's own pg_get_*def functions. Each list holds SqlPieces, one SQL
// statement each, with holes for the schemas of shards; so the table's metadata must exist and be visible.
// Defaults, identity, sequences, triggers, policies and grants stay on the coordinator, which evaluates them.
#pragma once
#include "shardext/sql/shard_sql.hpp"

namespace shardext {

// What must exist before rows are loaded: the table, its columns, storage parameters and CHECK constraints.
List *shard_table_statements(Oid relid);

// What may be made after rows were loaded: keys, exclusion constraints, indexes, statistics objects, NOT
// VALID checks, replica identity, clustering, comments.
List *shard_index_statements(Oid relid);

// The table's foreign keys; every referenced table needs its shards and their keys first.
List *shard_foreign_key_statements(Oid relid);

// Raises an error when the table cannot be distributed by column key_attnum, or, where that is 0, cannot
// become a reference table.
void check_table_can_be_distributed(Oid relid, AttrNumber key_attnum);

// Why a CHECK constraint (of a table or a domain) cannot be enforced on a node, as a DETAIL; nullptr when it
// can. What a node runs, it runs with the rights of the node connection.
const char *why_not_on_nodes(Node *expression);

// The same without the foreign keys, for a table that is distributed already.
void check_distributed_definition(Oid relid, AttrNumber key_attnum);

// Raises an error when a foreign key from or to the table could not be enforced within shards. Once the
// table's metadata is visible, colocation is checked by group, before that by the type of the key.
void check_foreign_keys(Oid relid, AttrNumber key_attnum);

// The columns that a foreign key may set to their defaults. Only these have their default on the shards.
Bitmapset *columns_set_to_default(Oid relid);

// The parts of these, for what a table gets later. They print what they find, so call them between
// begin_printing_definitions() and its end.
const char *column_definition(Relation relation, AttrNumber attnum, bool with_not_null);
List *add_index_statements(List *statements, Oid relid, Oid index);
List *add_statistics_statements(List *statements, Oid relid, Oid statistics);

// Returns ALTER TABLE … ADD CONSTRAINT for a constraint of any kind.
SqlPieces *add_constraint_statement(Oid constraint);

// COMMENT ON a part of a table that has the schema of its shard: "INDEX " and the like; nullptr takes the
// comment away.
SqlPieces *comment_statement(Oid relid, const char *kind, const char *name, const char *comment);
SqlPieces *column_comment_statement(Oid relid, const char *column, const char *comment);
SqlPieces *constraint_comment_statement(Oid relid, const char *constraint, const char *comment);

// Adds the statement for the comment on a constraint of the table, when it has one.
List *add_constraint_comment(List *statements, Oid relid, Oid constraint);

// Between these two, definitions are printed so that they mean the same on every node: names with their
// schemas, constants in the formats of every session on a node.
int begin_printing_definitions();
void end_printing_definitions(int level);

} // namespace shardext

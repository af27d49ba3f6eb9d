// SQL text with holes: the text of a statement in which the schema names of distributed tables are left
// open, to be filled in for one shard group on one node.
//
// Pieces are a List of nodes, so that plans that hold them can be copied; filling them in is string
// concatenation.
#pragma once
#include "shardext/catalog/metadata.hpp"

namespace shardext {

// A List of Strings (text) and of two-element Lists, which are holes: (Float: the group id of a reference
// table or 0 for the task's own group, String: the user schema); a hole without a schema is
// the group's id itself. Made by splice_relations() or SqlBuilder.
using SqlPieces = List;

// The schema that holds the tables of user schema `schema_name` for one shard group.
// 'public' → shardext_<group>, others → shardext_<group>_<schema> (shortened with a hash beyond 63 bytes).
char *shard_schema_name(int64 group_id, const char *schema_name);

// Finds every distributed and reference table named (with its schema) in one SQL statement and returns the
// statement as pieces with a hole for each schema name. The text must be what PostgreSQL deparses with an
// empty search_path: every relation is qualified, except CTEs and pg_catalog.
SqlPieces *splice_relations(const char *sql);

// Builds pieces by hand.
class SqlBuilder {
public:
	void text(const char *s);			  // verbatim
	void identifier(const char *name);	  // quoted where needed
	void literal(const char *value);	  // a quoted string literal
	void relation(Oid relid);			  // shard_schema.table: a hole when relid is distributed
	void group_id();					  // the id of the task's shard group
	void schema_of(Oid relid);			  // the shard schema alone, quoted
	void append(const SqlPieces *pieces); // other pieces
	SqlPieces *finish();

private:
	void flush();
	SqlPieces *pieces_ = NIL;
	StringInfoData buffer_{};
};

// Appends the text for one shard group on one node. Reference tables are named by the coordinator's own
// schema on node local and by their shard schema elsewhere.
void append_shard_sql(StringInfo out, const SqlPieces *pieces, int64 group_id, bool node_is_local);

// The same as a palloc'd string.
char *shard_sql(const SqlPieces *pieces, int64 group_id, bool node_is_local);

} // namespace shardext

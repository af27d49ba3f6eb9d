// Utility statements that change definitions: distributed tables are looked at before and after.
#pragma once
#include "shardext/catalog/metadata.hpp"

namespace shardext {

// True for a statement that may change the definition of a table, whichever.
bool changes_definitions(Node *statement);

// Runs such a statement (run(argument), which passes it on to PostgreSQL) and then makes the shards follow
// what has changed. Statements inside the statement, those of event triggers, say, are looked at on their
// own.
void watch_definitions(Node *statement, const char *text, void (*run)(void *), void *argument);

// An object is about to be dropped: when it belongs to a distributed table, that table is looked at as well.
void note_object_drop(Oid class_id, Oid object_id, int sub_id);

// True for PostgreSQL's own query for rows without partner, while a foreign key of a distributed table is
// being made: the shards check their rows by themselves, and may not have the columns yet.
bool checks_changing_foreign_key(const Query *query);

} // namespace shardext

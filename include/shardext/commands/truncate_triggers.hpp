// TRUNCATE of tables with AFTER TRUNCATE triggers.
//
// PostgreSQL empties its own tables and fires the triggers in one go; the shards are emptied afterwards, or
// as soon as a trigger looks at them.
#pragma once
#include "shardext/pg/postgres.hpp"

namespace shardext {

bool has_truncate_triggers(const List *relids);

// Calls `own`, in which triggers fire, and `shards` once, when a trigger needs it or at the end.
void truncate_with_triggers(const List *relids, void (*own)(void *), void (*shards)(void *), void *argument);

// A statement is about to start.
void empty_shards_for_triggers();

void initialize_truncate_triggers();

} // namespace shardext

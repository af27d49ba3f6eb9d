// ALTER COLUMN … TYPE … USING for shards.
#pragma once
#include "shardext/cluster/definition_changes.hpp"

namespace shardext {

// The USING expression of the command, as shards evaluate it, or nullptr when it has none. Read before
// PostgreSQL runs the command: the expression is about the columns as they are. Raises an error when nodes
// cannot evaluate it. `text` is the statement's, for PostgreSQL's own errors.
Conversion *conversion_of(Oid relid, const AlterTableCmd *command, const char *text);

} // namespace shardext

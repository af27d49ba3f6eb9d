// Which tables are made of a type, directly or through other types.
#pragma once
#include "shardext/pg/postgres.hpp"

namespace shardext {

// A distributed or reference table that uses a type, also as a part of another one, or InvalidOid.
Oid table_that_uses(Oid type);
// The same for any type of a schema.
Oid table_that_uses_schema(Oid schema);

// A column goes, with its type, say: of a distributed table, or of a composite type that one uses. Unless the
// table goes in the same statement, that is an error at its end.
void note_dropped_column(Oid relid);
void note_dropped_constraint(Oid constraint); // a CHECK, say, that goes with a function
void check_dropped_columns();

} // namespace shardext

// Which user types exist on the nodes.
#pragma once
#include "shardext/pg/postgres.hpp"

namespace shardext {

// True when every node that has shards has the type: columns of distributed or reference tables there have
// it, or it is a part of theirs.
bool type_is_stored(Oid type);

// Makes the tables be looked at again.
void forget_stored_types();

} // namespace shardext

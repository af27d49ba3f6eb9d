// Rows that refer to other tables' rows, and move to another shard group: nothing may refer to them.
#pragma once
#include "shardext/executor/change_sql.hpp"

namespace shardext {

// A foreign key whose ON DELETE action would follow a row that only moves, or whose ON UPDATE action should.
struct FollowingKey;

// The foreign keys that refer to a table and have such an action, as a List of FollowingKey.
List *following_keys(Oid relid);

// A row that moves is deleted where it is. Where ON UPDATE is NO ACTION or RESTRICT, this raises 23503 (else
// 0A000) when something refers to one of the rows of a shard group (an array of their ctids is the
// parameter).
void check_not_referenced(const List *keys, Oid relid, const ShardGroup &group, const StatementParams &tids);

} // namespace shardext

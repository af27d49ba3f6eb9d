// Rows that move to another shard group while others refer to them.
//
// Such a row gets its new key where it is, by an UPDATE: so the node does what ON UPDATE says, at once or
// when the transaction ends, and ON DELETE is not asked. Then all rows that have a key of another shard
// group, the row itself and those that ON UPDATE has changed, are carried there. (What the row itself refers
// to must be there as well, so this is not for rows that refer to other distributed tables; see move_guard.)
#pragma once
#include "shardext/executor/change_sql.hpp"

namespace shardext {

// The tables (Oid list, what is referred to before what refers to it) whose rows may have to be carried when
// a row of a table moves; NIL when no foreign key that refers to it has an action.
List *carried_tables(Oid relid);

// True when a table's foreign keys refer to other distributed tables.
bool refers_to_shards(Oid relid);

// The keys that rows of a shard group have got.
struct NewKeys {
	int group;
	Datum *values;
	int count;
	bool null; // a NULL as well
};

// Carries all rows with such keys (List of NewKeys) from there to the shard groups that the keys belong to.
void carry_rows(const ColocationGroup *colocation, const List *tables, const List *new_keys);

} // namespace shardext

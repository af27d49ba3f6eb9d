// From key values to shard groups.
#pragma once
#include "shardext/catalog/metadata.hpp"

namespace shardext {

// The position of the shard group that holds a key, in colocation->groups. A NULL key belongs to the first.
int group_of_key(const ColocationGroup *colocation, Datum key, bool isnull);

// The same for a value of another type of the key's hash operator family (int4 for an int8 key).
int group_of_value(const ColocationGroup *colocation, Datum value, Oid type, bool isnull);

// The routing hash: hash_array_extended(ARRAY[key], 0).
int64 routing_hash(const ColocationGroup *colocation, Datum key);

// Looks a hash up in the sorted ranges.
int group_of_hash(const ColocationGroup *colocation, int64 hash);

} // namespace shardext

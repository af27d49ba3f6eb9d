// Key values to shard groups.
#include "shardext/sharding/routing.hpp"

#include "shardext/core/hash_range.hpp"

extern "C" {
#include "access/hash.h"
#include "utils/typcache.h"
}

namespace shardext {

int group_of_hash(const ColocationGroup *colocation, int64 hash) {
	return core::find_range(hash, colocation->group_count,
							[&](int i) { return colocation->groups[i].range_max; });
}

namespace {

int64 hash_with(Oid function, Oid collation, Datum value) {
	return core::routing_hash(
		DatumGetUInt64(OidFunctionCall2Coll(function, collation, value, Int64GetDatum(0))));
}

} // namespace

int64 routing_hash(const ColocationGroup *colocation, Datum key) {
	return hash_with(colocation->hash_function, colocation->key_collation, key);
}

int group_of_key(const ColocationGroup *colocation, Datum key, bool isnull) {
	return isnull ? 0 : group_of_hash(colocation, routing_hash(colocation, key));
}

int group_of_value(const ColocationGroup *colocation, Datum value, Oid type, bool isnull) {
	if (isnull || type == colocation->key_type)
		return group_of_key(colocation, value, isnull);
	// All types of one hash operator family hash equal values alike.
	TypeCacheEntry *key = lookup_type_cache(colocation->key_type, TYPECACHE_HASH_OPFAMILY);
	const Oid base = getBaseType(type);
	Oid function = get_opfamily_proc(key->hash_opf, base, base, HASHEXTENDED_PROC);
	if (!OidIsValid(function))
		function = colocation->hash_function; // binary-coercible, as varchar and text are
	return group_of_hash(colocation, hash_with(function, colocation->key_collation, value));
}

} // namespace shardext

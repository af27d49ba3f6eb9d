// Which user types exist on the nodes.
#include "shardext/catalog/stored_types.hpp"

#include "shardext/catalog/metadata.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/transam.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/typcache.h"
}

namespace shardext {

namespace {

struct StoredType {
	Oid type; // the key
	Bitmapset *nodes;
};

MemoryContext types_context = nullptr;
HTAB *stored_types = nullptr;
Bitmapset *used_nodes = nullptr; // those with shards
bool valid = false;

// Adds a type and what it is made of.
void add_type(Oid type, Bitmapset *nodes) {
	if (type < FirstGenbkiObjectId)
		return;
	bool found;
	auto *entry = static_cast<StoredType *>(hash_search(stored_types, &type, HASH_ENTER, &found));
	if (!found)
		entry->nodes = nullptr;
	else if (bms_is_subset(nodes, entry->nodes))
		return;
	MemoryContext old = MemoryContextSwitchTo(types_context);
	entry->nodes = bms_add_members(entry->nodes, nodes);
	MemoryContextSwitchTo(old);
	add_type(get_element_type(type), nodes);
	add_type(get_array_type(type), nodes); // comes into being with the type
	add_type(getBaseType(type), nodes);
	add_type(get_range_subtype(type), nodes);
	add_type(get_multirange_range(type), nodes);
	add_type(get_range_multirange(type), nodes);
	const Oid composite = get_typ_typrelid(type);
	if (OidIsValid(composite) && get_rel_relkind(composite) == RELKIND_COMPOSITE_TYPE) {
		TupleDesc desc = lookup_rowtype_tupdesc_copy(type, -1);
		for (int i = 0; i < desc->natts; i++)
			if (!TupleDescAttr(desc, i)->attisdropped)
				add_type(TupleDescAttr(desc, i)->atttypid, nodes);
	}
}

// The coordinator has every type.
Bitmapset *nodes_of(const DistributedTable *table) {
	Bitmapset *result = nullptr;
	if (table->is_sharded()) {
		for (int g = 0; g < table->colocation->group_count; g++)
			result = bms_add_member(result, table->colocation->groups[g].node_id);
	} else {
		foreach_ptr (NodeInfo, node, all_nodes())
			result = bms_add_member(result, node->id);
	}
	return bms_del_member(result, kLocalNode);
}

void read_types() {
	if (types_context == nullptr)
		types_context = AllocSetContextCreate(TopMemoryContext, "shardext types", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(types_context);
	HASHCTL control{};
	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(StoredType);
	control.hcxt = types_context;
	stored_types = hash_create("shardext types", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	used_nodes = nullptr;
	List *relids = all_distributed_tables();
	valid = true; // an invalidation from now on counts
	const ListCell *cell;
	foreach (cell, relids) {
		const DistributedTable *table = find_distributed_table(lfirst_oid(cell)); // gets invalidations then
		Relation relation = table != nullptr ? RelationIdGetRelation(lfirst_oid(cell)) : nullptr;
		if (relation == nullptr)
			continue;
		Bitmapset *nodes = nodes_of(table);
		if (table->is_sharded()) {
			MemoryContext old = MemoryContextSwitchTo(types_context);
			used_nodes = bms_add_members(used_nodes, nodes);
			MemoryContextSwitchTo(old);
		}
		for (int i = 0; i < RelationGetNumberOfAttributes(relation); i++)
			if (!TupleDescAttr(RelationGetDescr(relation), i)->attisdropped)
				add_type(TupleDescAttr(RelationGetDescr(relation), i)->atttypid, nodes);
		RelationClose(relation);
	}
}

} // namespace

bool type_is_stored(Oid type) {
	if (!valid)
		read_types();
	auto *entry = static_cast<StoredType *>(hash_search(stored_types, &type, HASH_FIND, nullptr));
	return entry != nullptr && bms_is_subset(used_nodes, entry->nodes);
}

void forget_stored_types() {
	valid = false;
}

} // namespace shardext

// ctid over all shards: what means one row of a distributed table.
//
// A page has fewer than 512 rows, which leaves seven bits of the offset, and the highest nine of the block
// number, for the position of the shard group in its colocation group.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "storage/itemptr.h"
}

namespace shardext {

inline void make_row_id(ItemPointer result, const ItemPointerData *tid, int group) {
	ItemPointerSet(result, ItemPointerGetBlockNumberNoCheck(tid) | (static_cast<uint32>(group >> 7) << 23),
				   ItemPointerGetOffsetNumberNoCheck(tid) | static_cast<uint16>((group & 127) << 9));
}

// The shard's own ctid; returns the position of the shard group.
inline int split_row_id(const ItemPointerData *row_id, ItemPointer tid) {
	const BlockNumber block = ItemPointerGetBlockNumberNoCheck(row_id);
	const OffsetNumber offset = ItemPointerGetOffsetNumberNoCheck(row_id);
	ItemPointerSet(tid, block & ((1U << 23) - 1), offset & 511);
	return static_cast<int>((block >> 23) << 7 | offset >> 9);
}

} // namespace shardext

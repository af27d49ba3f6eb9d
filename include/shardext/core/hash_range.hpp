// The key space: 64-bit routing hashes, cut into equal ranges.
#pragma once
#include <cstdint>

namespace shardext::core {

struct HashRange {
	int64_t min, max; // inclusive
};

// The i-th of `count` ranges of almost the same size that together cover all 64-bit values.
HashRange hash_range(int i, int count);

// The position of the range that holds `hash` in an array of ranges sorted by their lower bounds; `bound(i)`
// gives the upper bound of range i. Binary search; the ranges cover everything.
template <class UpperBound> int find_range(int64_t hash, int count, UpperBound &&bound) {
	int low = 0, high = count - 1;
	while (low < high) {
		const int middle = low + (high - low) / 2;
		if (hash <= bound(middle))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

// Combines an element's hash the way PostgreSQL's hash_array_extended does for an array of one element.
constexpr int64_t routing_hash(uint64_t element_hash) {
	return static_cast<int64_t>(31 + element_hash);
}

} // namespace shardext::core

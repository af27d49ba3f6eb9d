// Equal slices of the 64-bit key space.
#include "shardext/core/hash_range.hpp"

namespace shardext::core {

HashRange hash_range(int i, int count) {
	using Wide = unsigned __int128;
	const Wide space = static_cast<Wide>(1) << 64;
	const auto edge = [&](int n) { // first value of range n, counted from the lowest hash
		return static_cast<uint64_t>(space * n / count);
	};
	constexpr uint64_t kSignBit = static_cast<uint64_t>(1) << 63;
	const uint64_t low = edge(i) ^ kSignBit;
	const uint64_t high = (i + 1 == count ? ~static_cast<uint64_t>(0) : edge(i + 1) - 1) ^ kSignBit;
	return {static_cast<int64_t>(low), static_cast<int64_t>(high)};
}

} // namespace shardext::core

// What of unique ids is not needed for each of them.
#include "shardext/core/unique_id.hpp"

#include <algorithm>

namespace shardext::core {

int64_t first_id_of(int64_t ms) {
	ms = std::clamp(ms, int64_t{0}, kIdLastMs);
	// Consecutive numbers times 2^64 divided by the golden ratio: the upper bits spread evenly.
	const uint64_t spread = static_cast<uint64_t>(ms) * 0x9E3779B97F4A7C15u;
	return make_id(ms, static_cast<int>(spread >> (64 - kIdShardBits)), 0);
}

bool IdCounter::has_next(int64_t now) const {
	const int64_t reserved = reserved_.load(std::memory_order_acquire);
	return std::max(newest_.load(std::memory_order_relaxed), first_id_of(now) - 1) < reserved;
}

void IdCounter::raise(int64_t id) {
	id = std::min(id, kLastId);
	int64_t newest = newest_.load(std::memory_order_relaxed);
	while (newest < id && !newest_.compare_exchange_weak(newest, id, std::memory_order_relaxed)) {
	}
}

int64_t IdCounter::wanted_reservation(int64_t now) const {
	const int64_t newest_ms = id_milliseconds(newest_.load(std::memory_order_relaxed));
	const int64_t until = std::max(now + kIdReservedMs, newest_ms + kIdBorrowedMs);
	return until > kIdLastMs ? kLastId : first_id_of(until);
}

void IdCounter::reserve(int64_t id, int64_t now) {
	const int64_t from = std::max(newest_.load(std::memory_order_relaxed), first_id_of(now));
	reserved_.store(id, std::memory_order_release);
	renewal_.store(id == kLastId ? INT64_MAX : from + (id - from) / 2, std::memory_order_relaxed);
}

} // namespace shardext::core

// Unique ids: how an id is made up, and the counter that gives them out.
//
// An id is a bigint: from the top, milliseconds since 2025 (41 bits, of which the first is the sign and stays
// 0 until 2059), a logical shard (13 bits) and a sequence number (10 bits). The counter is the newest id
// itself: the next one is that plus one, or the first id of the present millisecond if that is larger. So ids
// only ever grow, whatever the clock does: a full sequence runs over into the next logical shard, the last
// logical shard into the next millisecond, and while the clock is behind the newest id, ids go on from there.
//
// Only ids up to a reservation are given out. Whoever reserves has made it durable before; after a crash the
// counter begins behind it.
#pragma once
#include <atomic>
#include <cstdint>

namespace shardext::core {

constexpr int kIdSequenceBits = 10;
constexpr int kIdShardBits = 13;
constexpr int kIdTimeShift = kIdSequenceBits + kIdShardBits;
constexpr int64_t kIdLastMs = (int64_t{1} << (63 - kIdTimeShift)) - 1;
constexpr int64_t kLastId = INT64_MAX - 1;
constexpr int64_t kIdReservedMs = 10000; // how far ahead of the clock ids are reserved
constexpr int64_t kIdBorrowedMs = 100;	 // and ahead of the newest id, when the clock is behind it

constexpr int64_t make_id(int64_t ms, int shard, int sequence) {
	return ms << kIdTimeShift | int64_t{shard} << kIdSequenceBits | sequence;
}

// The parts of an id that is not negative.
constexpr int64_t id_milliseconds(int64_t id) {
	return id >> kIdTimeShift;
}
constexpr int id_shard(int64_t id) {
	return static_cast<int>(id >> kIdSequenceBits) & ((1 << kIdShardBits) - 1);
}
constexpr int id_sequence(int64_t id) {
	return static_cast<int>(id) & ((1 << kIdSequenceBits) - 1);
}

// The first id of a millisecond. Its logical shard is another one each millisecond, so that ids spread
// evenly.
int64_t first_id_of(int64_t ms);

// Gives out ids; a new one has nothing reserved. Lives in shared memory: every member function may run in
// several processes at once, but raise() and reserve() in one at a time.
class IdCounter {
public:
	// The next id at a time (milliseconds since 2025; the past is fine), or -1 when that is not reserved yet.
	int64_t next(int64_t now) {
		const int64_t first = first_id_of(now);
		int64_t newest = newest_.load(std::memory_order_relaxed), id;
		do {
			id = newest < first ? first : newest + 1;
			if (id > reserved_.load(std::memory_order_acquire))
				return -1;
		} while (!newest_.compare_exchange_weak(newest, id, std::memory_order_relaxed));
		return id;
	}

	// True for one caller of each reservation, once half of it has been used: it should reserve more before
	// others have to wait for it.
	bool claim_renewal(int64_t id) {
		int64_t renewal = renewal_.load(std::memory_order_relaxed);
		return id >= renewal &&
			   renewal_.compare_exchange_strong(renewal, INT64_MAX, std::memory_order_relaxed);
	}

	// True when next() would give an id at this time.
	bool has_next(int64_t now) const;

	// Ids up to this one have been given out by others, before a crash for example.
	void raise(int64_t id);

	// Up to which id to reserve at a time; at most kLastId.
	int64_t wanted_reservation(int64_t now) const;

	// At this time, ids up to this one have been reserved durably.
	void reserve(int64_t id, int64_t now);

	int64_t reserved() const { return reserved_.load(std::memory_order_relaxed); }

private:
	std::atomic<int64_t> newest_;
	std::atomic<int64_t> reserved_;
	std::atomic<int64_t> renewal_; // from this id on, more is to be reserved
};

static_assert(std::atomic<int64_t>::is_always_lock_free);

} // namespace shardext::core

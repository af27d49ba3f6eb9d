// Hash ranges: together they are the whole key space, and every hash is found in its own.
#include "shardext/core/hash_range.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <random>
#include <vector>

using namespace shardext::core;

namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

// Small counts, powers of two and their neighbours, primes, and the largest count that is allowed.
const std::vector<int> kCounts = {1,   2,	3,	 4,	   5,	 6,	   7,	 8,		9,	   10,	 12,
								  15,  16,	17,	 31,   32,	 33,   63,	 64,	100,   127,	 128,
								  129, 255, 256, 1000, 1023, 1024, 4096, 32749, 65535, 65536};

std::vector<HashRange> ranges_of(int count) {
	std::vector<HashRange> ranges;
	for (int i = 0; i < count; i++)
		ranges.push_back(hash_range(i, count));
	return ranges;
}

int find_linear(const std::vector<HashRange> &ranges, int64_t hash) {
	for (size_t i = 0; i < ranges.size(); i++)
		if (ranges[i].min <= hash && hash <= ranges[i].max)
			return static_cast<int>(i);
	return -1;
}

int find_binary(const std::vector<HashRange> &ranges, int64_t hash) {
	return find_range(hash, static_cast<int>(ranges.size()), [&](int i) { return ranges[i].max; });
}

// The number of values in a range, less one: all 2^64 would not fit.
uint64_t span(const HashRange &range) {
	return static_cast<uint64_t>(range.max) - static_cast<uint64_t>(range.min);
}

} // namespace

BOOST_AUTO_TEST_SUITE(hash_ranges)

BOOST_AUTO_TEST_CASE(cover_everything_without_gap_or_overlap) {
	for (const int count : kCounts) {
		BOOST_TEST_CONTEXT("count " << count) {
			const auto ranges = ranges_of(count);
			BOOST_TEST(ranges.front().min == kMin);
			BOOST_TEST(ranges.back().max == kMax);
			bool ordered = true, seamless = true;
			for (int i = 0; i < count; i++) {
				ordered = ordered && ranges[i].min <= ranges[i].max;
				seamless = seamless &&
						   (i == 0 || (ranges[i - 1].max < kMax && ranges[i].min == ranges[i - 1].max + 1));
			}
			BOOST_TEST(ordered);
			BOOST_TEST(seamless);
		}
	}
}

BOOST_AUTO_TEST_CASE(have_almost_the_same_size) {
	for (const int count : kCounts) {
		BOOST_TEST_CONTEXT("count " << count) {
			uint64_t smallest = std::numeric_limits<uint64_t>::max(), largest = 0;
			for (const HashRange &range : ranges_of(count)) {
				smallest = std::min(smallest, span(range));
				largest = std::max(largest, span(range));
			}
			BOOST_TEST(largest - smallest <= 1u);
		}
	}
}

BOOST_AUTO_TEST_CASE(of_a_doubled_count_halve_the_old_ones) {
	for (const int count : {1, 2, 4, 16, 32, 1024}) {
		const auto ranges = ranges_of(count), halves = ranges_of(2 * count);
		for (int i = 0; i < count; i++) {
			BOOST_TEST(halves[2 * i].min == ranges[i].min);
			BOOST_TEST(halves[2 * i + 1].max == ranges[i].max);
		}
	}
}

BOOST_AUTO_TEST_CASE(known_bounds) {
	BOOST_TEST(hash_range(0, 1).min == kMin);
	BOOST_TEST(hash_range(0, 1).max == kMax);
	BOOST_TEST(hash_range(0, 2).max == -1);
	BOOST_TEST(hash_range(1, 2).min == 0);
	BOOST_TEST(hash_range(1, 4).min == -4611686018427387904);
	BOOST_TEST(hash_range(2, 3).min == 3074457345618258602);
}

BOOST_AUTO_TEST_CASE(search_agrees_with_a_linear_one_at_the_edges) {
	for (const int count : kCounts) {
		if (count > 4096)
			continue; // the linear search would take long
		BOOST_TEST_CONTEXT("count " << count) {
			const auto ranges = ranges_of(count);
			bool agrees = true;
			for (const HashRange &range : ranges)
				for (const int64_t hash : {range.min, range.max, range.min == kMin ? kMin : range.min - 1,
										   range.max == kMax ? kMax : range.max + 1})
					agrees = agrees && find_binary(ranges, hash) == find_linear(ranges, hash);
			BOOST_TEST(agrees);
			for (const int64_t hash : {kMin, kMin + 1, int64_t{-1}, int64_t{0}, int64_t{1}, kMax - 1, kMax})
				BOOST_TEST(find_binary(ranges, hash) == find_linear(ranges, hash));
		}
	}
}

BOOST_AUTO_TEST_CASE(search_finds_random_hashes) {
	std::mt19937_64 random(20240117);
	for (const int count : {1, 3, 32, 1000, 65536}) {
		const auto ranges = ranges_of(count);
		bool found = true;
		for (int n = 0; n < 20000; n++) {
			const auto hash = static_cast<int64_t>(random());
			const HashRange &range = ranges[find_binary(ranges, hash)];
			found = found && range.min <= hash && hash <= range.max;
		}
		BOOST_TEST(found);
	}
}

BOOST_AUTO_TEST_CASE(search_works_on_ranges_of_unequal_size) {
	const std::vector<HashRange> ranges = {{kMin, kMin}, {kMin + 1, -2}, {-1, -1},
										   {0, 41},		 {42, kMax - 1}, {kMax, kMax}};
	for (const HashRange &range : ranges)
		for (const int64_t hash : {range.min, range.max})
			BOOST_TEST(find_binary(ranges, hash) == find_linear(ranges, hash));
}

// SELECT hash_array_extended(ARRAY[key], 0), hashint4extended(key, 0) on a server.
BOOST_AUTO_TEST_CASE(routing_hash_is_that_of_an_array_of_one) {
	BOOST_TEST(routing_hash(8010225493015854792u) == 8010225493015854823);
	BOOST_TEST(routing_hash(std::numeric_limits<uint64_t>::max()) == 30);
	BOOST_TEST(routing_hash(static_cast<uint64_t>(kMax)) == kMin + 30);
}

BOOST_AUTO_TEST_SUITE_END()

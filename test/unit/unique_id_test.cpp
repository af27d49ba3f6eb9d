// Unique ids: their parts, and a counter that never gives one twice and never goes back.
#include "shardext/core/unique_id.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <vector>

using namespace shardext::core;

namespace {

constexpr int64_t kNow = 50000000000; // some day in 2026
constexpr int kShards = 1 << kIdShardBits;

// A counter as after a start: what the mark says has been given out.
void start(IdCounter *counter, int64_t mark, int64_t now) {
	counter->raise(mark);
	counter->reserve(counter->wanted_reservation(now), now);
}

// The next id, reserving as a server does.
int64_t next(IdCounter *counter, int64_t now) {
	int64_t id;
	while ((id = counter->next(now)) < 0)
		counter->reserve(counter->wanted_reservation(now), now);
	return id;
}

} // namespace

BOOST_AUTO_TEST_SUITE(unique_ids)

BOOST_AUTO_TEST_CASE(are_made_of_their_parts) {
	BOOST_TEST(make_id(0, 0, 0) == 0);
	BOOST_TEST(make_id(0, 0, 1023) == 1023);
	BOOST_TEST(make_id(0, 1, 0) == 1024);
	BOOST_TEST(make_id(1, 0, 0) == 8388608);
	BOOST_TEST(make_id(kIdLastMs, kShards - 1, 1023) == INT64_MAX);
	std::mt19937_64 random(20250101);
	bool same = true;
	for (int i = 0; i < 100000; i++) {
		const int64_t ms = static_cast<int64_t>(random() >> 24);
		const int shard = static_cast<int>(random() % kShards), sequence = static_cast<int>(random() % 1024);
		const int64_t id = make_id(ms, shard, sequence);
		same = same && id >= 0 && id_milliseconds(id) == ms && id_shard(id) == shard &&
			   id_sequence(id) == sequence;
	}
	BOOST_TEST(same);
}

BOOST_AUTO_TEST_CASE(of_a_millisecond_begin_at_its_own_shard) {
	std::vector<int> count(kShards, 0);
	for (int64_t ms = kNow; ms < kNow + 10 * kShards; ms++) {
		const int64_t id = first_id_of(ms);
		BOOST_REQUIRE(id_milliseconds(id) == ms);
		BOOST_REQUIRE(id_sequence(id) == 0);
		count[id_shard(id)]++;
	}
	BOOST_TEST(*std::min_element(count.begin(), count.end()) >= 5);
	BOOST_TEST(*std::max_element(count.begin(), count.end()) <= 15);
	BOOST_TEST(id_milliseconds(first_id_of(-5)) == 0);
	BOOST_TEST(id_milliseconds(first_id_of(kIdLastMs + 5)) == kIdLastMs);
}

BOOST_AUTO_TEST_CASE(need_a_reservation) {
	IdCounter counter{};
	BOOST_TEST(!counter.has_next(kNow));
	BOOST_TEST(counter.next(kNow) == -1);
	counter.reserve(counter.wanted_reservation(kNow), kNow);
	BOOST_TEST(counter.has_next(kNow));
	BOOST_TEST(id_milliseconds(counter.next(kNow)) == kNow);
	BOOST_TEST(counter.reserved() == first_id_of(kNow + kIdReservedMs));
	BOOST_TEST(counter.next(kNow + kIdReservedMs + 1) == -1);
	BOOST_TEST(counter.next(kNow + kIdReservedMs) == counter.reserved());
	BOOST_TEST(counter.next(kNow + kIdReservedMs) == -1);
}

BOOST_AUTO_TEST_CASE(follow_the_clock) {
	IdCounter counter{};
	for (int64_t now = kNow; now < kNow + 100000; now += 7)
		BOOST_TEST(id_milliseconds(next(&counter, now)) == now);
}

BOOST_AUTO_TEST_CASE(run_over_into_the_next_shard_and_millisecond) {
	IdCounter counter{};
	int64_t id = next(&counter, kNow);
	const int first_shard = id_shard(id);
	std::map<int, int> of_shard{{first_shard, 1}};
	while (id_milliseconds(id) == kNow) {
		const int64_t previous = id;
		id = next(&counter, kNow);
		BOOST_REQUIRE(id == previous + 1);
		of_shard[id_milliseconds(id) == kNow ? id_shard(id) : -1]++;
	}
	BOOST_TEST(id == make_id(kNow + 1, 0, 0));
	BOOST_TEST(of_shard.size() == static_cast<size_t>(kShards - first_shard + 1));
	BOOST_TEST(of_shard[first_shard] == 1024);
	BOOST_TEST(of_shard[kShards - 1] == 1024);
}

BOOST_AUTO_TEST_CASE(grow_when_the_clock_goes_back) {
	IdCounter counter{};
	const int64_t before = next(&counter, kNow);
	int64_t id = before;
	for (const int64_t now : {kNow - 1, kNow - 3600000, int64_t{0}, int64_t{-1}, -kNow, kNow}) {
		const int64_t previous = id;
		id = next(&counter, now);
		BOOST_TEST(id == previous + 1);
	}
	BOOST_TEST(id_milliseconds(next(&counter, kNow + 1)) == kNow + 1);
}

BOOST_AUTO_TEST_CASE(begin_behind_the_mark_after_a_crash) {
	std::mt19937_64 random(7);
	int64_t now = kNow, newest = -1, mark = 0;
	bool grow = true, reserved = true;
	for (int crash = 0; crash < 200; crash++) {
		IdCounter counter{};
		start(&counter, mark, now);
		mark = counter.reserved();
		for (int i = 0; i < 200; i++) {
			now += static_cast<int64_t>(random() % 2000) - 980; // a clock that goes back as often as forward
			int64_t id;
			while ((id = counter.next(now)) < 0) {
				mark = counter.wanted_reservation(now);
				counter.reserve(mark, now);
			}
			grow = grow && id > newest;
			reserved = reserved && id <= mark;
			newest = id;
		}
	}
	BOOST_TEST(grow);
	BOOST_TEST(reserved);
}

BOOST_AUTO_TEST_CASE(reserve_seldom) {
	IdCounter counter{};
	int reservations = 0;
	for (int64_t now = kNow; now < kNow + 100000; now++) {
		if (!counter.has_next(now)) {
			counter.reserve(counter.wanted_reservation(now), now);
			reservations++;
		}
		for (int i = 0; i < 10; i++)
			if (counter.claim_renewal(counter.next(now))) {
				counter.reserve(counter.wanted_reservation(now), now);
				reservations++;
			}
	}
	BOOST_TEST(reservations == 20);
}

// A crash adds ten seconds to the clock; the next ones find ids ahead of the clock and add little.
BOOST_AUTO_TEST_CASE(do_not_run_away_with_crashes) {
	int64_t mark = 0;
	for (int crash = 0; crash < 100; crash++) {
		IdCounter counter{};
		start(&counter, mark, kNow);
		mark = counter.reserved();
		counter.next(kNow);
	}
	BOOST_TEST(id_milliseconds(mark) <= kNow + kIdReservedMs + 100 * kIdBorrowedMs);
}

BOOST_AUTO_TEST_CASE(of_a_renewal_are_claimed_once) {
	IdCounter counter{};
	start(&counter, 0, kNow);
	BOOST_TEST(!counter.claim_renewal(counter.next(kNow)));
	const int64_t id = counter.next(kNow + kIdReservedMs / 2 + 1);
	BOOST_TEST(counter.claim_renewal(id));
	BOOST_TEST(!counter.claim_renewal(id + 1));
	counter.reserve(counter.wanted_reservation(kNow + kIdReservedMs / 2 + 1), kNow + kIdReservedMs / 2 + 1);
	BOOST_TEST(!counter.claim_renewal(id + 2));
}

BOOST_AUTO_TEST_CASE(end) {
	IdCounter counter{};
	start(&counter, make_id(kIdLastMs, kShards - 1, 1020), kIdLastMs + 1000);
	BOOST_TEST(counter.next(kIdLastMs + 1000) == INT64_MAX - 2);
	BOOST_TEST(counter.next(kIdLastMs + 1000) == INT64_MAX - 1);
	BOOST_TEST(counter.next(kIdLastMs + 1000) == -1);
	counter.raise(INT64_MAX);
	BOOST_TEST(counter.next(0) == -1);
	BOOST_TEST(!counter.has_next(0));
}

BOOST_AUTO_TEST_CASE(of_many_threads_are_different) {
	constexpr int kThreads = 4, kEach = 100000;
	IdCounter counter{};
	start(&counter, 0, kNow);
	std::vector<std::vector<int64_t>> given(kThreads);
	std::vector<std::thread> threads;
	for (int t = 0; t < kThreads; t++)
		threads.emplace_back([&, t] {
			for (int i = 0; i < kEach; i++)
				given[t].push_back(counter.next(kNow + (i / 1000 + t) % 50));
		});
	for (std::thread &thread : threads)
		thread.join();
	std::set<int64_t> all;
	for (const auto &ids : given) {
		BOOST_TEST(std::is_sorted(ids.begin(), ids.end()));
		all.insert(ids.begin(), ids.end());
	}
	BOOST_TEST(all.size() == static_cast<size_t>(kThreads * kEach));
}

BOOST_AUTO_TEST_SUITE_END()

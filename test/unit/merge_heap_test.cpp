// The merge heap: what comes out of sorted streams is sorted and complete.
#include "shardext/core/merge_heap.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <numeric>
#include <random>
#include <vector>

using namespace shardext::core;

namespace {

using Stream = std::vector<int>;

// Merges sorted streams the way an executor node does: the top stream gives a row and moves on.
std::vector<int> merge(const std::vector<Stream> &streams, bool descending = false) {
	std::vector<size_t> at(streams.size(), 0);
	std::vector<int> entries(streams.size()); // exactly the room that is promised; a sanitizer would see more
	const auto head = [&](int stream) { return streams[stream][at[stream]]; };
	MergeHeap heap(entries.data(),
				   [&](int a, int b) { return descending ? head(a) > head(b) : head(a) < head(b); });
	for (size_t i = 0; i < streams.size(); i++)
		if (!streams[i].empty())
			heap.push(static_cast<int>(i));
	std::vector<int> merged;
	while (!heap.empty()) {
		const int stream = heap.top();
		merged.push_back(head(stream));
		if (++at[stream] < streams[stream].size())
			heap.replaced();
		else
			heap.pop();
	}
	return merged;
}

std::vector<int> sorted_together(const std::vector<Stream> &streams) {
	std::vector<int> all;
	for (const Stream &stream : streams)
		all.insert(all.end(), stream.begin(), stream.end());
	std::sort(all.begin(), all.end());
	return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(merge_heap)

BOOST_AUTO_TEST_CASE(no_stream_gives_nothing) {
	BOOST_TEST(merge({}).empty());
	BOOST_TEST(merge({{}, {}, {}}).empty());
}

BOOST_AUTO_TEST_CASE(one_stream_comes_out_as_it_is) {
	const Stream stream = {-5, -5, 0, 7, 7, 7, 100};
	BOOST_TEST(merge({stream}) == stream, boost::test_tools::per_element());
	BOOST_TEST(merge({{}, stream, {}}) == stream, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(equal_values_all_come_out) {
	BOOST_TEST(merge({{1, 1}, {1}, {1, 1, 1}}) == Stream(6, 1), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(streams_one_after_the_other) {
	const std::vector<Stream> streams = {{7, 8, 9}, {1, 2, 3}, {4, 5, 6}};
	BOOST_TEST(merge(streams) == sorted_together(streams), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(random_streams_merge_to_what_sort_gives) {
	std::mt19937 random(4711);
	for (int round = 0; round < 500; round++) {
		std::vector<Stream> streams(random() % 40);
		const int values = 1 + static_cast<int>(random() % 1000); // few values: many ties
		for (Stream &stream : streams) {
			stream.resize(random() % 4 == 0 ? 0 : random() % 50);
			for (int &value : stream)
				value = static_cast<int>(random() % values) - values / 2;
			std::sort(stream.begin(), stream.end());
		}
		BOOST_TEST_REQUIRE(merge(streams) == sorted_together(streams), boost::test_tools::per_element());
	}
}

BOOST_AUTO_TEST_CASE(any_order_will_do) {
	std::mt19937 random(42);
	std::vector<Stream> streams(17);
	for (Stream &stream : streams) {
		stream.resize(30);
		for (int &value : stream)
			value = static_cast<int>(random() % 100);
		std::sort(stream.rbegin(), stream.rend());
	}
	auto expected = sorted_together(streams);
	std::reverse(expected.begin(), expected.end());
	BOOST_TEST(merge(streams, true) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(starts_from_an_array_that_is_a_heap) {
	const std::vector<int> heads = {10, 20, 30, 40};
	std::vector<int> entries = {0, 1, 2, 3};
	MergeHeap heap(
		entries.data(), [&](int a, int b) { return heads[a] < heads[b]; }, 4);
	BOOST_TEST(heap.size() == 4);
	for (int i = 0; i < 4; i++) {
		BOOST_TEST(heap.top() == i);
		heap.pop();
	}
	BOOST_TEST(heap.empty());
}

BOOST_AUTO_TEST_CASE(a_stream_that_ended_may_come_back) {
	std::vector<int> heads = {3, 1, 2};
	std::vector<int> entries(3);
	MergeHeap heap(entries.data(), [&](int a, int b) { return heads[a] < heads[b]; });
	for (int i = 0; i < 3; i++)
		heap.push(i);
	BOOST_TEST(heap.top() == 1);
	heap.pop();
	BOOST_TEST(heap.top() == 2);
	heads[1] = 0;
	heap.push(1);
	BOOST_TEST(heap.top() == 1);
	BOOST_TEST(heap.size() == 3);
}

BOOST_AUTO_TEST_SUITE_END()

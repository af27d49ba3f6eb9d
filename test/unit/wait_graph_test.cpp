// The wait-for graph: circles are found, lines are not, and the youngest gives way.
#include "shardext/core/wait_graph.hpp"

#include <boost/test/unit_test.hpp>

using namespace shardext::core;

namespace {

// Adds waits given as pairs of one-letter names; all transactions but lower-case ones can be victims, and
// later letters are younger.
WaitGraph graph_of(std::initializer_list<const char *> waits) {
	WaitGraph graph;
	int label = 0;
	for (const char *wait : waits) {
		const int waiter = graph.add(std::string(1, wait[0])), blocker = graph.add(std::string(1, wait[1]));
		for (const char c : {wait[0], wait[1]})
			if (c >= 'A' && c <= 'Z')
				graph.set_victim(graph.add(std::string(1, c)), c);
		graph.add_wait(waiter, blocker, wait, label++);
	}
	return graph;
}

std::string cycles(const WaitGraph &graph) {
	std::string text;
	for (const auto &cycle : graph.deadlocks()) {
		text += text.empty() ? "" : "; ";
		for (const auto &wait : cycle)
			text += (&wait == &cycle.front() ? "" : " ") + wait.identity;
	}
	return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(wait_graph)

BOOST_AUTO_TEST_CASE(no_cycle) {
	BOOST_TEST(cycles(graph_of({})) == "");
	BOOST_TEST(cycles(graph_of({"AB"})) == "");
	BOOST_TEST(cycles(graph_of({"AB", "BC", "CD", "AD", "AC"})) == "");
	BOOST_TEST(cycles(graph_of({"AA"})) == "");
}

BOOST_AUTO_TEST_CASE(two_and_three) {
	BOOST_TEST(cycles(graph_of({"AB", "BA"})) == "BA AB");
	BOOST_TEST(cycles(graph_of({"AB", "BC", "CA"})) == "CA AB BC");
	BOOST_TEST(cycles(graph_of({"AB", "BC", "CA", "DA", "ED", "CF"})) == "CA AB BC");
}

BOOST_AUTO_TEST_CASE(shortest_through_the_youngest) {
	BOOST_TEST(cycles(graph_of({"AB", "BC", "CD", "DA", "DB"})) == "DB BC CD");
}

BOOST_AUTO_TEST_CASE(separate_circles) {
	const auto found = graph_of({"AB", "BA", "CD", "DC"}).deadlocks();
	BOOST_TEST(found.size() == 2u);
}

BOOST_AUTO_TEST_CASE(who_cannot_be_a_victim) {
	BOOST_TEST(cycles(graph_of({"Az", "zA"})) == "Az zA");
	BOOST_TEST(cycles(graph_of({"yz", "zy"})) == "");
}

BOOST_AUTO_TEST_CASE(the_second_look) {
	const auto cycle = graph_of({"AB", "BA"}).deadlocks().at(0);
	BOOST_TEST(graph_of({"AB", "BA", "CA"}).contains(cycle));
	BOOST_TEST(!graph_of({"AB", "CA"}).contains(cycle));
}

BOOST_AUTO_TEST_SUITE_END()

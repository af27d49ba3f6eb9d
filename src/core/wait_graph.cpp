// Cycles of the wait-for graph.
#include "shardext/core/wait_graph.hpp"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/strong_components.hpp>

namespace shardext::core {

namespace {

using Label = boost::property<boost::edge_index_t, int>;
using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, boost::no_property, Label>;

// Remembers by which wait each transaction was reached first.
struct Discoverer : boost::default_bfs_visitor {
	explicit Discoverer(std::vector<int> *r) : reached_by(r) {}
	template <class Edge> void tree_edge(Edge edge, const Graph &graph) {
		(*reached_by)[boost::target(edge, graph)] = boost::get(boost::edge_index, graph, edge);
	}
	std::vector<int> *reached_by;
};

} // namespace

int WaitGraph::add(const std::string &name) {
	const auto found = std::find_if(transactions_.begin(), transactions_.end(),
									[&](const Transaction &t) { return t.name == name; });
	if (found != transactions_.end())
		return static_cast<int>(found - transactions_.begin());
	transactions_.push_back({name});
	return static_cast<int>(transactions_.size()) - 1;
}

void WaitGraph::set_victim(int transaction, int64_t started) {
	transactions_[transaction].started = started;
	transactions_[transaction].can_be_victim = true;
}

void WaitGraph::add_wait(int waiter, int blocker, const std::string &identity, int label) {
	if (waiter != blocker)
		waits_.push_back({waiter, blocker, identity, label});
}

std::vector<WaitGraph::Wait> WaitGraph::shortest_cycle(int start, const std::vector<int> &component) const {
	// The start is split in two: its waits leave the one, waits for it end in the other.
	const int end = static_cast<int>(transactions_.size());
	Graph graph(transactions_.size() + 1);
	for (size_t i = 0; i < waits_.size(); i++) {
		const Wait &wait = waits_[i];
		if (component[wait.waiter] == component[start] && component[wait.blocker] == component[start])
			boost::add_edge(wait.waiter, wait.blocker == start ? end : wait.blocker, static_cast<int>(i),
							graph);
	}
	std::vector<int> reached_by(transactions_.size() + 1, -1);
	boost::breadth_first_search(graph, start, boost::visitor(Discoverer(&reached_by)));
	std::vector<Wait> cycle;
	for (int at = end; at != start; at = cycle.back().waiter)
		cycle.push_back(waits_[reached_by[at]]);
	std::reverse(cycle.begin(), cycle.end());
	return cycle;
}

std::vector<std::vector<WaitGraph::Wait>> WaitGraph::deadlocks() const {
	Graph graph(transactions_.size());
	for (size_t i = 0; i < waits_.size(); i++)
		boost::add_edge(waits_[i].waiter, waits_[i].blocker, static_cast<int>(i), graph);
	std::vector<int> component(transactions_.size());
	const int count = transactions_.empty() ? 0 : boost::strong_components(graph, component.data());
	std::vector<int> members(count, 0), victim(count, -1);
	for (size_t t = 0; t < transactions_.size(); t++) {
		const int c = component[t];
		members[c]++;
		if (transactions_[t].can_be_victim &&
			(victim[c] < 0 || transactions_[t].started > transactions_[victim[c]].started))
			victim[c] = static_cast<int>(t);
	}
	std::vector<std::vector<Wait>> found;
	for (int c = 0; c < count; c++)
		if (members[c] > 1 && victim[c] >= 0)
			found.push_back(shortest_cycle(victim[c], component));
	return found;
}

bool WaitGraph::contains(const std::vector<Wait> &cycle) const {
	return std::all_of(cycle.begin(), cycle.end(), [&](const Wait &wanted) {
		return std::any_of(waits_.begin(), waits_.end(),
						   [&](const Wait &wait) { return wait.identity == wanted.identity; });
	});
}

} // namespace shardext::core

// Which tables a query reads, and which of them are the largest.
#include "shardext/planner/tables_read.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/join_graph.hpp"
#include "shardext/planner/statistics.hpp"

namespace shardext {

namespace {

bool note_tables(Node *node, TablesRead *read) {
	if (node == nullptr)
		return false;
	if (IsA(node, RangeTblEntry)) {
		auto *rte = reinterpret_cast<RangeTblEntry *>(node);
		if (rte->rtekind != RTE_RELATION)
			return false;
		const DistributedTable *table = find_distributed_table(rte->relid);
		if (table == nullptr)
			read->coordinator = true;
		else if (table->is_sharded()) {
			read->sharded = true;
			read->of_group |= table->colocation == read->colocation;
		}
		return false;
	}
	if (IsA(node, Query))
		return walk_query(reinterpret_cast<Query *>(node), note_tables, read, QTW_EXAMINE_RTES_BEFORE);
	return walk_expression(node, note_tables, read);
}

struct GroupSizes {
	List *groups = NIL; // ColocationGroup
	double rows[kMaxJoinItems] = {};
};

bool add_sizes(Node *node, GroupSizes *sizes) {
	if (node == nullptr)
		return false;
	if (IsA(node, RangeTblEntry)) {
		auto *rte = reinterpret_cast<RangeTblEntry *>(node);
		const DistributedTable *table =
			rte->rtekind == RTE_RELATION ? find_distributed_table(rte->relid) : nullptr;
		if (table == nullptr || !table->is_sharded())
			return false;
		if (!list_member_ptr(sizes->groups, table->colocation) && list_length(sizes->groups) < kMaxJoinItems)
			sizes->groups = lappend(sizes->groups, table->colocation);
		int position = 0;
		foreach_ptr (ColocationGroup, group, sizes->groups) {
			if (group == table->colocation)
				sizes->rows[position] += estimated_rows(rte->relid);
			position++;
		}
		return false;
	}
	if (IsA(node, Query))
		return walk_query(reinterpret_cast<Query *>(node), add_sizes, sizes, QTW_EXAMINE_RTES_BEFORE);
	return walk_expression(node, add_sizes, sizes);
}

} // namespace

TablesRead tables_of(Node *node, const ColocationGroup *colocation) {
	TablesRead read{colocation};
	note_tables(node, &read);
	return read;
}

const ColocationGroup *largest_group(Query *query) {
	GroupSizes sizes;
	add_sizes(reinterpret_cast<Node *>(query), &sizes);
	const ColocationGroup *largest = nullptr;
	double most = -1;
	int position = 0;
	foreach_ptr (ColocationGroup, group, sizes.groups) {
		if (sizes.rows[position] > most) {
			most = sizes.rows[position];
			largest = group;
		}
		position++;
	}
	return largest;
}

} // namespace shardext

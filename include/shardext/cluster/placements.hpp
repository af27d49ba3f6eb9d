// Where the shards of a table are, and statements for all of them.
#pragma once
#include "shardext/pg/walk.hpp"
#include "shardext/sql/shard_sql.hpp"

namespace shardext {

// Calls body(node, group id) for every placement of the table; a reference table has none on node local,
// whose copy is the table itself.
template <class F>
void for_each_placement(const DistributedTable *table, const NodeInfo *only_node, F &&body) {
	if (table->is_sharded()) {
		for (int i = 0; i < table->colocation->group_count; i++) {
			const NodeInfo *node = find_node(table->colocation->groups[i].node_id);
			if (only_node == nullptr || only_node->id == node->id)
				body(node, table->colocation->groups[i].id);
		}
		return;
	}
	foreach_ptr (NodeInfo, node, all_nodes())
		if (!node->is_local() && (only_node == nullptr || only_node->id == node->id))
			body(node, table->colocation->groups[0].id);
}

// What one node has to run.
struct PerNode {
	const NodeInfo *node;
	List *statements; // char *, in order
	List *owners;	  // on node local, for each statement: the table whose owner runs it; 0: the extension
};

// The entry of a node in a list of PerNode *, which gets one when it has none.
PerNode *entry_of(List **per_node, const NodeInfo *node);

// Adds a statement, or one for each of a list of SqlPieces.
void add_statement(PerNode *entry, const char *sql, Oid owner_of = InvalidOid);
void add_pieces(PerNode *entry, const List *definitions, int64 group_id, Oid owner_of = InvalidOid);

// Runs each node's statements as a part of the transaction; nodes work at the same time. With `settings`,
// what the statements mean may depend on the session's settings.
void run_everywhere(List *per_node, bool settings = false);

// Runs each statement in a transaction of its own, outside of the coordinator's; nodes work at the same time.
// Node local is left out.
void run_alone(List *per_node);

} // namespace shardext

// The same question to all nodes and to this server, for views about the whole cluster.
#pragma once
#include "shardext/catalog/metadata.hpp"

namespace shardext {

// What one server has answered: rows of texts, NULL is nullptr.
struct ServerRows {
	const NodeInfo *node;
	int count, columns;
	char **cells;
	char *cell(int row, int column) const { return cells[row * columns + column]; }
};

// Asks all servers at once, this one with the rights of the user. Returns a List of ServerRows *, this
// server's first. A node that does not answer is left out with a warning. Outside of the session's own
// transaction.
List *ask_all_servers(const char *sql);

// Runs SQL on one node and returns the first column of the first row. An error of the node is raised.
char *ask_node(const NodeInfo *node, const char *sql);

// A process of the cluster by name: node and process id, such as w1:4711. For a prepared transaction its gid.
char *global_id(const NodeInfo *node, const char *what);

// Whether the user may see what a backend of this server does, by PostgreSQL's rules.
bool may_see_activity(Oid role);

} // namespace shardext

// Nodes as members of the cluster.
#pragma once
#include "shardext/catalog/metadata.hpp"

namespace shardext {

// What a node's mark (the comment on its schema shardext_node) says: its cluster and its number there.
char *node_mark(int32 node_id);

// Raises 42501 unless the user may change nodes; `what` completes "permission denied to".
void require_superuser(const char *what);

// Raises an error with a hint while metadata that comes from a dump waits for a decision.
void require_decision();

} // namespace shardext

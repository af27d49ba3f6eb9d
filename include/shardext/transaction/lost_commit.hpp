// What has become of a transaction whose COMMIT a node has not answered.
#pragma once
#include "shardext/remote/connection.hpp"

namespace shardext {

enum class CommitOutcome { Committed, RolledBack, Unknown };

// Asks the node, over a connection of its own, until it can tell or 30 seconds have passed (a cancel ends
// that, too: Unknown). name is the node's for the transaction (see ask_name).
CommitOutcome outcome_of_commit(int32 node_id, const char *name);

} // namespace shardext

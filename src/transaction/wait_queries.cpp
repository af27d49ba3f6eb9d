// Who waits for whom.
#include "shardext/transaction/wait_queries.hpp"

#include "shardext/catalog/metadata.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/transaction/remote_transaction.hpp"
#include "shardext/transaction/shared_state.hpp"
#include "shardext/transaction/two_phase.hpp"

namespace shardext {

BackendWork *owner_of_prepared(List *work, const char *gid) {
	int64 cluster, incarnation, sequence;
	if (!shared_state_available() || !parse_gid(gid, &cluster, &incarnation, &sequence) ||
		cluster != cluster_id() || incarnation != current_incarnation())
		return nullptr;
	const int slot = committing_slot(sequence);
	foreach_ptr (BackendWork, backend, work)
		if (backend->slot == slot)
			return backend;
	return nullptr;
}

} // namespace shardext

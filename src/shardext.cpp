// The module: what happens when PostgreSQL loads shardext.
#include "shardext/catalog/metadata.hpp"
#include "shardext/cluster/shards.hpp"
#include "shardext/executor/nodes.hpp"
#include "shardext/hooks/hooks.hpp"
#include "shardext/monitor/deadlock_worker.hpp"
#include "shardext/monitor/worker.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/remote/sessions.hpp"
#include "shardext/transaction/ledger.hpp"
#include "shardext/transaction/remote_transaction.hpp"
#include "shardext/transaction/snapshot_use.hpp"
#include "shardext/transaction/serializable.hpp"
#include "shardext/transaction/shared_state.hpp"
#include "shardext/transaction/unique_ids.hpp"

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void _PG_init(void) {
	shardext::gate([] {
		shardext::define_settings();
		shardext::initialize_metadata_cache();
		if (!process_shared_preload_libraries_in_progress)
			return; // functions say what is missing; see require_preload()
		shardext::request_shared_state();
		shardext::request_session_state();
		shardext::register_launcher();
		shardext::start_detector_on_long_waits();
		shardext::initialize_cluster();
		shardext::initialize_ledger();
		shardext::initialize_serializable();
		shardext::initialize_transactions();
		shardext::initialize_snapshot_use();
		shardext::initialize_unique_ids();
		shardext::register_shard_scan();
		shardext::register_shard_insert();
		shardext::register_shard_modify();
		shardext::register_shard_change();
		shardext::install_hooks();
	});
}
}

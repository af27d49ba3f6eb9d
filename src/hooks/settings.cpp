// All settings of shardext.
#include "shardext/hooks/hooks.hpp"

#include "shardext/cluster/shards.hpp"
#include "shardext/executor/tasks.hpp"
#include "shardext/monitor/analyze_worker.hpp"
#include "shardext/planner/reduction.hpp"
#include "shardext/remote/connection.hpp"
#include "shardext/transaction/consistent_reads.hpp"
#include "shardext/remote/fault_points.hpp"
#include "shardext/transaction/unique_ids.hpp"

extern "C" {
#include "utils/guc.h"
}

namespace shardext {

void define_settings() {
	DefineCustomIntVariable("shardext.shard_count", "Number of shard groups of new distributed tables.",
							nullptr, &default_shard_count, 32, 1, 65536, PGC_USERSET, 0, nullptr, nullptr,
							nullptr);
	DefineCustomIntVariable("shardext.connect_timeout", "How long to wait for a connection to a node.",
							nullptr, &connect_timeout_ms, 5000, 10, 600000, PGC_USERSET, GUC_UNIT_MS, nullptr,
							nullptr, nullptr);
	DefineCustomBoolVariable("shardext.explain_all_tasks",
							 "EXPLAIN shows the tasks of all nodes instead of the first one.", nullptr,
							 &explain_all_tasks, false, PGC_USERSET, 0, nullptr, nullptr, nullptr);
	DefineCustomIntVariable("shardext.max_shipped_rows",
							"Up to how many rows one side of a join may have to travel to the shards of the "
							"other as parameters, or to restrict what these send.",
							"More rows go through staging tables; 0: all do, and nothing is restricted.",
							&max_shipped_rows, 100000, 0, 1000000, PGC_USERSET, 0, nullptr, nullptr, nullptr);
	DefineCustomBoolVariable(
		"shardext.enable_staging",
		"Plans may send more rows than shardext.max_shipped_rows through staging tables.", nullptr,
		&enable_staging, true, PGC_USERSET, 0, nullptr, nullptr, nullptr);
	DefineCustomIntVariable(
		"shardext.analyze_naptime",
		"Time between looks for distributed tables that have changed enough to be analyzed; "
		"0 turns this off.",
		nullptr, &analyze_naptime, 60, 0, 86400, PGC_SIGHUP, GUC_UNIT_S, nullptr, nullptr, nullptr);
	DefineCustomBoolVariable("shardext.always_ship",
							 "Uses small sides of joins also where nothing is gained, for tests.", nullptr,
							 &always_ship, false, PGC_USERSET, GUC_NOT_IN_SAMPLE, nullptr, nullptr, nullptr);
	DefineCustomBoolVariable("shardext.consistent_reads",
							 "Reads of several nodes see all of a transaction or nothing of it.", nullptr,
							 &consistent_reads, true, PGC_USERSET, 0, nullptr, nullptr, nullptr);
	DefineCustomStringVariable(
		"shardext.fault_points", "Makes something go wrong at named points, for tests.",
		"point=action[,...]; actions are error, crash, cancel, terminate, cut, stop, sleep and none.",
		&fault_setting, "", PGC_SUSET, GUC_NOT_IN_SAMPLE | GUC_NO_SHOW_ALL, nullptr, assign_faults, nullptr);
	DefineCustomStringVariable(
		"shardext.fault_trace", "The points that have been passed since shardext.fault_points was set.",
		nullptr, &fault_trace_setting, "", PGC_INTERNAL,
		GUC_NOT_IN_SAMPLE | GUC_NO_SHOW_ALL | GUC_DISALLOW_IN_FILE, nullptr, nullptr, show_fault_trace);
	DefineCustomIntVariable("shardext.clock_offset",
							"Added to the clock that shardext_next_id() sees, for tests.", nullptr,
							&clock_offset_s, 0, INT_MIN, INT_MAX, PGC_SUSET, GUC_NOT_IN_SAMPLE | GUC_UNIT_S,
							nullptr, nullptr, nullptr);
	MarkGUCPrefixReserved("shardext");
}

} // namespace shardext

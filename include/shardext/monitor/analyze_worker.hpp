// Automatic ANALYZE of distributed tables.
#pragma once
#include "shardext/pg/postgres.hpp"

namespace shardext {

// shardext.analyze_naptime: seconds between looks for tables that want ANALYZE; 0: never.
extern int analyze_naptime;

// Starts a background worker that analyzes what has changed in a database, unless the last one still runs. A
// process of its own, because types' analysis may run code of the tables' owners and wait for their locks;
// the worker that settles prepared transactions must do neither.
void start_analyze_worker(Oid database);

} // namespace shardext

// Unique ids that grow with time, given out of shared memory (shardext_next_id()).
//
// Each database has a counter (core/unique_id.hpp) that may give out ids up to ten seconds ahead of the
// clock. That bound is in the database's sequence shardext.id_mark, durable, before an id below it is given
// out; it is moved when half of it has been used, so there is one flush per five seconds, however many ids
// there are.
#pragma once
#include "shardext/pg/postgres.hpp"

namespace shardext {

extern int clock_offset_s; // added to the clock that ids see, for tests

// Reserves shared memory; called from _PG_init while shared_preload_libraries are loaded.
void initialize_unique_ids();

} // namespace shardext

// FOR UPDATE, FOR SHARE and the like on distributed tables that are scanned one by one.
#pragma once
#include "shardext/planner/fragment.hpp"

namespace shardext {

// Replaces the marked tables by fragments that lock rows where they read them, and takes their marks away.
void lock_marked_tables(Query *query);

} // namespace shardext

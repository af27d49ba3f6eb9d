// Foreign keys whose actions change rows of tables with triggers: the shards follow the keys by themselves,
// and triggers fire on the coordinator only.
#pragma once
#include "shardext/planner/plan_statement.hpp"

namespace shardext {

// Raises an error when a statement would start such an action. The plan depends on the tables it has looked
// at (PlannerRun::looked_at).
void check_key_actions(const Query *query);

} // namespace shardext

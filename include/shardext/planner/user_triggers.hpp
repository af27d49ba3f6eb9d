// Which triggers of the user's a table has. Those of a distributed table live on the coordinator's table
// alone, and fire on the coordinator.
#pragma once
#include "shardext/planner/write_plan.hpp"

extern "C" {
#include "utils/reltrigger.h"
}

namespace shardext {

// Leaves only the user's enabled triggers in a list of triggers, and sets the flags of their kinds anew.
void keep_user_triggers(TriggerDesc *triggers);

struct UserTriggers {
	bool any = false; // but those for TRUNCATE
	TriggerDesc kinds{};

	bool before_row(CmdType command) const;
	// Triggers or transition tables get the rows that were changed.
	bool after_row(CmdType command) const;
	bool row(CmdType command) const { return before_row(command) || after_row(command); }
};

// Triggers that are disabled for good do not count. (Whether the others fire depends on the session.)
UserTriggers user_triggers(Oid relid);

// The commands of which a statement fires triggers; of a MERGE, those of its actions.
List *commands_of(const Query *query);
bool has_row_triggers(const UserTriggers &triggers, const Query *query);

// What the executor has to know of a statement's triggers.
TriggerPlan plan_triggers(const UserTriggers &triggers, const Query *query);

// Conditions on the new rows that BEFORE ROW triggers make cannot be worked out with the statement's rows:
// they are evaluated afterwards.
void move_checks_behind_triggers(Query *query, bool inserts, bool updates, TriggerPlan *plan);

} // namespace shardext

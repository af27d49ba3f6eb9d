// Tasks: which shard groups a statement concerns, and the SQL each node gets.
#pragma once
#include "shardext/planner/scan_plan.hpp"

extern "C" {
#include "commands/explain.h"
}

namespace shardext {

// A set of shard groups of one colocation group, by position.
struct GroupSet {
	bool *member;
	int size;
	int count;
};

GroupSet all_groups(const ColocationGroup *colocation);

// Keeps only the groups that a condition on the key allows. A NULL value (of = or of an array) allows none.
void restrict_groups(GroupSet *groups, const ColocationGroup *colocation, KeyPin::Kind kind, Datum value,
					 Oid type, bool isnull);

// The nodes (int list) that have members of the set.
List *nodes_of_groups(const ColocationGroup *colocation, const GroupSet &groups);

// A statement must run somewhere even when its conditions exclude every group: an aggregate returns a row.
void keep_at_least_one(GroupSet *groups);

struct Task {
	const NodeInfo *node;
	const char *sql;
	int group_count;
	int64 first_group; // id
};

struct TaskSet {
	int count;
	Task *tasks;
	int group_count;
};

// One statement per node: the UNION ALL of its shard groups' texts, after WITH queries for what is sent along
// (a List of SentRows) and followed by the suffix (which may be empty or nullptr).
TaskSet make_tasks(const ColocationGroup *colocation, const GroupSet &groups, const SqlPieces *pieces,
				   const List *sent, const char *suffix);

// One statement per node that changes rows in all its shard groups with one snapshot: data-modifying CTEs.
// Returns the rows of RETURNING when there are any, else one row with the number of changed rows.
TaskSet make_write_tasks(const ColocationGroup *colocation, const GroupSet &groups, const SqlPieces *pieces,
						 bool returning);

// The nodes (int list) that a scan may read, as far as its pins are known before anything is executed.
List *possible_nodes(const ScanPlan &plan, List *pins, ExprContext *context);

// True when one of the expressions depends on a parameter of the surrounding plan.
bool parameters_used(List *lifted, List *pins);

// Adds strategy, number of tasks and remote SQL to EXPLAIN, and what the nodes measure under ANALYZE (by
// running a task again there, so never for one that writes).
struct ExplainedWrite {
	bool writes = false;
	bool returning = false;
};
void explain_tasks(const ScanPlan &plan, const TaskSet *tasks, List *pins, List *lifted, ExprContext *context,
				   ExplainState *es, ExplainedWrite write = {});

extern bool explain_all_tasks; // shardext.explain_all_tasks

} // namespace shardext

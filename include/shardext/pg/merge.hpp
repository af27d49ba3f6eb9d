// MERGE in query trees, which differ between PostgreSQL versions.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace shardext {

// True for WHEN MATCHED, false for WHEN NOT MATCHED [BY TARGET].
bool is_matched_action(const MergeAction *action);

// Makes a SELECT out of (a copy of) a MERGE: the source, LEFT JOINed to the target, or joined where every
// action needs a matching row. The target's range table position stays. Raises an error for WHEN NOT MATCHED
// BY SOURCE.
void merge_to_join(Query *select, const Query *merge);

// Makes a MERGE of a query whose range table has the target (resultRelation) and the source: WHEN MATCHED
// [AND condition] THEN UPDATE, WHEN NOT MATCHED THEN INSERT.
void make_merge(Query *query, int source, Node *join_condition, List *updated, Node *update_condition,
				List *inserted);

} // namespace shardext

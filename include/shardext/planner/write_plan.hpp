// Plans of the nodes that change rows on shards, in the form that lives in custom_private.
#pragma once
#include "shardext/planner/scan_plan.hpp"

namespace shardext {

// INSERT: rows come from a plan of their own, are evaluated here and sent to their shard groups.
struct InsertPlan {
	Oid relid = InvalidOid;
	int32 colocation_id = 0;
	List *attnums = NIL;	 // int list: target columns, in the order of the source's columns
	int key_position = -1;	 // in attnums; -1: the key is not given, so it is NULL
	int check_count = 0;	 // boolean columns after the target columns: row security checks
	List *check_names = NIL; // String: the policy or view each check belongs to (may be empty)
	SqlPieces *head = NIL;	 // INSERT INTO … (columns) VALUES
	SqlPieces *tail = NIL;	 // ON CONFLICT … RETURNING …
	bool returning = false;
	bool one_statement = false; // each shard group's rows go in as one command, however many they are
	bool keeps_order = false;	// every row comes back: RETURNING gives them in the order of the input
	List *column_types = NIL;	// of RETURNING
	List *column_typmods = NIL;
	List *lifted_types = NIL; // of expressions in ON CONFLICT
	PlannedStmt *source = nullptr;
	bool sets_tag = true;

	List *to_private() const;
	static InsertPlan from_private(List *custom_private);
};

CustomScan *make_shard_insert(const InsertPlan &plan, List *lifted);

// UPDATE and DELETE that run whole on the shards. The scan part says where and what; checks are boolean
// columns at the end of RETURNING that must be true.
struct ModifyPlan {
	ScanPlan scan;
	bool returning = false; // rows come back (for the client, for checks or for both)
	int check_count = 0;
	Oid relid = InvalidOid;
	bool sets_tag = true;
	List *check_names = NIL;

	List *to_private() const;
	static ModifyPlan from_private(List *custom_private);
};

CustomScan *make_shard_modify(const ModifyPlan &plan, List *lifted, List *pins);

} // namespace shardext

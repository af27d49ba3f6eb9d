// Plans of the nodes that change rows on shards, in the form that lives in custom_private.
#pragma once
#include "shardext/planner/scan_plan.hpp"

namespace shardext {

// Boolean columns of a row that must be true: row security and CHECK OPTION of views.
struct RowChecks {
	List *kinds = NIL; // int list of WCOKind
	List *names = NIL; // String: the policy (may be empty) or the view
	// For each, where the row can be seen that fails it: int lists of columns of the table and of their
	// places (from 0).
	List *attnums = NIL, *places = NIL;
	int count() const { return list_length(kinds); }
};

void add_check(RowChecks *checks, const WithCheckOption *check, List *attnums, List *places);

// True when one of the checks is that of a view.
bool has_view_check(const List *with_check_options);

// The rows that a write reads: a statement of its own, or (nullptr) the WITH query of the same plan whose
// first column has the name `mark`.
struct SourcePlan {
	PlannedStmt *statement = nullptr;
	const char *mark = "";
};

// Triggers of the user's that a statement may fire; without any, there are no commands.
struct TriggerPlan {
	List *commands = NIL;			 // int list of CmdType
	CmdType operation = CMD_NOTHING; // of the statement
	List *updated = NIL;			 // int list: columns that SET names
	bool before_rows = false, after_rows = false;
	List *checks = NIL; // WithCheckOption: of the rows that BEFORE ROW triggers have made

	bool any() const { return commands != NIL; }
	List *to_list() const;
	static TriggerPlan from_list(List *list);
};

// INSERT: rows come from a plan of their own, are evaluated here and sent to their shard groups.
struct InsertPlan {
	Oid relid = InvalidOid;
	int32 colocation_id = 0;
	List *attnums = NIL;   // int list: target columns, in the order of the source's columns
	int key_position = -1; // in attnums; -1: the key is not given, so it is NULL
	RowChecks checks;	   // their columns follow the target columns
	SqlPieces *head = NIL; // INSERT INTO … (columns) VALUES
	SqlPieces *tail = NIL; // ON CONFLICT … RETURNING …
	bool returning = false;
	bool one_statement = false; // each shard group's rows go in as one command, however many they are
	bool keeps_order = false;	// every row comes back: RETURNING gives them in the order of the input
	List *column_types = NIL;	// of RETURNING
	List *column_typmods = NIL;
	int row_id_column = -1;	  // position of ctid in RETURNING
	List *lifted_types = NIL; // of expressions in ON CONFLICT
	SourcePlan source;
	bool sets_tag = true;
	TriggerPlan triggers;
	// Of ON CONFLICT DO NOTHING, where AFTER triggers get the rows that were inserted: the place (from 0) in
	// RETURNING of each column of the table, -1 for those that are dropped.
	List *inserted = NIL;

	List *to_private() const;
	static InsertPlan from_private(List *custom_private);
};

CustomScan *make_shard_insert(const InsertPlan &plan, List *lifted);

// UPDATE and DELETE that run whole on the shards. The scan part says where and what; checks are boolean
// columns at the end of RETURNING that must be true.
struct ModifyPlan {
	ScanPlan scan;
	bool returning = false; // rows come back (for the client, for checks or for both)
	RowChecks checks;
	int first_check = 0; // of the returned columns
	Oid relid = InvalidOid;
	bool sets_tag = true;
	TriggerPlan triggers;

	List *to_private() const;
	static ModifyPlan from_private(List *custom_private);
};

CustomScan *make_shard_modify(const ModifyPlan &plan, List *lifted, List *pins);

// One way in which a row may be changed.
struct ChangeAction {
	CmdType command = CMD_NOTHING;
	List *attnums = NIL;   // int list: columns with new values
	List *unchanged = NIL; // int list: UPDATE of the key: the other columns that have values
	// Int list: for each of these columns its place in the source, or -1 - its place among the constants.
	List *places = NIL;
};

// Rows are read, locked, and changed on their shards one by one: UPDATE, DELETE and MERGE of any form. The
// source's columns: the row's ctid over all shards, its xmin, the number of the action (from 0; NULL: none),
// values, checks, and what RETURNING reads of other tables.
struct ChangePlan {
	Oid relid = InvalidOid;
	int32 colocation_id = 0;
	int key_attnum = 0;
	bool once = false; // more than one action on a row is an error (MERGE)
	// Of ON CONFLICT DO UPDATE: for each unique key the source's columns (int list), of which two rows of the
	// statement must not agree in all; and ON CONFLICT … DO NOTHING.
	List *conflict_keys = NIL;
	SqlPieces *conflict_clause = NIL;
	bool keeps_key = true;	 // no column of a unique index changes: others may still refer to the row
	const char *reason = ""; // why the statement does not run on the shards as it is
	bool shared = false;	 // another part of the statement may change the same rows
	bool late = false;		 // rows are changed when the statement ends; RETURNING reads the source alone
	List *actions = NIL;	 // of ChangeAction; not in order of evaluation
	List *constants = NIL;	 // Const: values that are the same for all rows
	RowChecks checks;
	int first_check = 0;  // of the source's columns
	List *returned = NIL; // int list: columns of the table that the shards return
	List *outputs = NIL;  // int list: what RETURNING reads: position in `returned`, or -1 - source column
	List *output_types = NIL;
	List *output_typmods = NIL;
	bool returning = false;
	SourcePlan source;
	bool sets_tag = true;
	TriggerPlan triggers;
	List *old_row = NIL; // int list: the source's column for each of the table; -1: dropped
	// The rows that an upsert proposes, which have been through BEFORE INSERT triggers before they conflict:
	// the source reads them by this number.
	SourcePlan proposed;
	int64 proposed_token = 0;
	List *proposed_columns = NIL; // int list

	List *to_private() const;
	static ChangePlan from_private(List *custom_private);
};

constexpr int kChangeRowId = 0, kChangeXmin = 1, kChangeAction = 2, kChangeFirst = 3;

CustomScan *make_shard_change(const ChangePlan &plan);

} // namespace shardext

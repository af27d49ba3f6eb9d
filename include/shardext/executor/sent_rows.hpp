// Rows that are sent along with a scan's statements.
//
// Up to shardext.max_shipped_rows they travel as parameters, one array for each column. More are copied into
// a staging table on each node that takes part; on node local, the statement reads the store itself. Staging
// tables are ordinary unlogged tables that are made and dropped in the transaction which reads them, so they
// go with it whatever happens, and it can still be prepared.
#pragma once
#include "shardext/executor/kept_rows.hpp"
#include "shardext/executor/tasks.hpp"
#include "shardext/remote/row_stream.hpp"

namespace shardext {

struct SentRows {
	const SentItem *item;
	KeptRows *kept; // nullptr: there are none
	double rows;	// counted, or expected
	bool staged;
	int first_param;   // the array of the first column
	const char *table; // name of the staging tables, and of the store on node local
	bool routed;	   // each row goes to its shard group's part of the table
	bool divided;	   // the parts are tables of their own
	List *staged_on;   // StagedOn: nodes that have the table
};

// How many parameters the items of a plan may need.
int params_of_sent(const ScanPlan &plan);

// What a plan sends along: finds the rows (the numbers of their stores are the last parameters) and makes
// arrays of them where they are few, which take the place of the numbers. Returns a List of SentRows.
List *take_sent_rows(const ScanPlan &plan, StatementParams *params);

// True when nodes other than local get staging tables.
bool stages_rows(const List *sent, const ColocationGroup *colocation, const GroupSet &groups);

// Makes and fills the staging tables that are not there yet on the nodes of some shard groups. The
// transaction must last until they have been read: hold a snapshot.
void stage_rows(List *sent, const ColocationGroup *colocation, const GroupSet &groups);

// Drops them where the transaction goes on.
void drop_staged(List *sent);

// A staging table's qualified name on a node. Rows that go to one shard group are in a part that no other one
// has to read. (Where there are many shard groups, some share one. That does no harm: none of the rows can
// match in the other's tables.)
char *staging_table(const char *name);
int part_of_group(int group);
char *staging_part(const SentRows *rows, int part);

// What statements on node local read.
struct QueryEnvironment *environment_of(const List *sent);

// "WITH name (c1, …) AS (…), … " of what all shard groups of a node read, and of what one of them (by its
// position) reads alone. False where there is none.
bool append_sent_rows(StringInfo out, const List *sent, const NodeInfo *node);
bool append_sent_to_group(StringInfo out, const List *sent, const NodeInfo *node, int group);

// What a plan is expected to send along, for EXPLAIN.
List *expected_rows(const ScanPlan &plan);
void explain_sent(const ScanPlan &plan, const ColocationGroup *colocation, ExplainState *es);

} // namespace shardext

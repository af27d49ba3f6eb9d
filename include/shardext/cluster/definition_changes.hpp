// Changes of tables' definitions, as the statements that make the shards follow.
//
// PostgreSQL has run a statement on the coordinator's own tables. The difference between their definitions
// before and after says what the shards need, whatever the statement was.
#pragma once
#include "shardext/cluster/definition_snapshot.hpp"
#include "shardext/sql/shard_sql.hpp"

namespace shardext {

// The USING expression of ALTER COLUMN … TYPE, as shards evaluate it.
struct Conversion {
	AttrNumber column;
	const char *expression; // SQL
	List *dependencies;		// char *: the statements that create on a node what it calls
};

// What rows that are there get in a new column.
struct FirstValue {
	Const *value; // the same for all, or nullptr: NULL
	bool differs; // one value for each row, worked out on the coordinator
};

// A table and what a statement has done to it.
struct DefinitionChange {
	const TableDefinition *before, *after;
	List *conversions;		  // Conversion *
	List *dropped_names;	  // char *: constraints that the statement drops by name
	FirstValue *first_values; // of the new columns
};

// The order in which shards follow; all tables are through with one phase before the next begins.
enum class Phase {
	ForeignKeysGo, // before the keys that they need
	ColumnNames,
	ObjectsGo,	 // constraints, indexes, statistics objects
	ObjectNames, // of those that stay
	Columns,
	Filled,	 // once new columns have got their values
	Objects, // keys, indexes, checks, statistics objects
	ForeignKeys,
	Marks, // clustering, replica identity, comments
	End,
};

struct ShardStatement {
	Oid relid;
	SqlPieces *sql;
	bool as_owner; // on node local: may call what the owner has made, so it runs with his rights
};

// The statements of all phases; those of one table stay in order.
class ShardStatements {
public:
	void add(Phase phase, Oid relid, SqlPieces *sql, bool as_owner) {
		auto *statement = static_cast<ShardStatement *>(palloc(sizeof(ShardStatement)));
		*statement = {relid, sql, as_owner};
		phases_[static_cast<int>(phase)] = lappend(phases_[static_cast<int>(phase)], statement);
	}
	void add_all(Phase phase, Oid relid, const List *pieces, bool as_owner);
	const List *of(Phase phase) const { return phases_[static_cast<int>(phase)]; }
	bool any(Phase first, Phase last) const;

private:
	List *phases_[static_cast<int>(Phase::End)] = {};
};

// Columns that exist already get a value in each row.
struct NewValues {
	Oid relid;
	List *columns; // AttrNumber (int list)
};

// True when a column of the table has another type, length or collation now: PostgreSQL has made the
// constraints and indexes on it again, here and on every shard.
bool is_retyped(const DefinitionChange *change);

// Works out what rows that are there get in the new columns, with the session's settings.
FirstValue *first_values(const TableDefinition *before, const TableDefinition *after);

// Add the statements for what has changed. `changes` are all of them (DefinitionChange *): foreign keys are
// made again when the table that they reference is retyped. New columns whose rows must be filled with
// values that the coordinator makes are put into *values.
void add_column_changes(ShardStatements *statements, const DefinitionChange *change, NewValues *values);
void add_object_changes(ShardStatements *statements, const DefinitionChange *change, const List *changes);
void add_comment_changes(ShardStatements *statements, const DefinitionChange *change, const List *changes);

// Makes the shards follow all changes; raises an error when they cannot, or when the tables could not be
// distributed as they are now.
void follow_definitions(const List *changes);

} // namespace shardext

// The definition of a table as the catalogs have it at one moment, to be compared with a later one.
//
// Columns are told apart by their numbers, everything else by OID, so that a new name is a new name and
// nothing more.
#pragma once
#include "shardext/catalog/metadata.hpp"

namespace shardext {

struct ColumnDefinition {
	AttrNumber number;
	bool dropped;
	const char *name;
	Oid type;
	int32 typmod;
	Oid collation;
	bool not_null;
	char generated, storage, compression;
	int statistics_target;	 // -1: none
	List *options;			 // DefElem *
	const char *set_default; // the default that shards have, for the action SET DEFAULT of a foreign key
	const char *comment;
};

struct ConstraintDefinition {
	Oid oid;
	const char *name;
	char kind; // pg_constraint.contype
	Oid index;
	Oid referenced; // a foreign key's table
	bool valid, deferrable, deferred;
	const char *comment;
};

struct IndexDefinition {
	Oid oid;
	const char *name;
	bool valid, clustered, replica_identity;
	Oid constraint; // that owns it, or InvalidOid
	List *options;
	List *statistics_targets; // of its columns, int
	const char *comment;
};

struct StatisticsDefinition {
	Oid oid;
	const char *name;
	int target; // -1: none
	const char *comment;
};

struct TableDefinition {
	Oid relid;
	const char *schema, *name;
	AttrNumber key; // 0 for a reference table
	char persistence;
	Oid access_method;
	List *options, *toast_options;
	char replica_identity;
	int column_count;
	ColumnDefinition *columns;
	List *constraints; // ConstraintDefinition *, by OID; triggers left out
	List *indexes;	   // IndexDefinition *, by OID
	List *statistics;  // StatisticsDefinition *, by OID
	const char *comment;
};

// Reads the definition of a distributed or reference table, on which the caller has a lock. It is allocated
// in the current memory context.
TableDefinition *read_definition(const DistributedTable *table);

// The table that a column, index, constraint or statistics object belongs to, or InvalidOid.
Oid table_of_object(Oid class_id, Oid object_id, int sub_id);

const ConstraintDefinition *find_constraint(const TableDefinition *definition, Oid oid);
const IndexDefinition *find_index(const TableDefinition *definition, Oid oid);

} // namespace shardext

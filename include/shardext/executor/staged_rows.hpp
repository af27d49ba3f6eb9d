// Rows on their way into a table, gathered in a staging table beside each shard.
//
// For statements whose rows must go in as one command per shard group although they are too many for one
// message. The tables are made and dropped in the statement's own transaction.
#pragma once
#include "shardext/remote/copy_writer.hpp"

namespace shardext {

class StagedRows {
public:
	// Columns: attribute numbers of relid, in the order of the values given to add().
	StagedRows(Oid relid, List *attnums);

	// Adds rows (values and nulls row by row) with their shard groups' positions.
	void add(const Datum *values, const bool *nulls, const int *groups, int count);
	// Sends everything; no rows may be added afterwards.
	void finish();
	bool has_rows(int group) const { return used_[group]; }
	// SELECT of one shard group's rows, in the order in which they came.
	const char *select(int group) const;
	void drop();

private:
	const char *table(int group) const;
	void run(List *statements);

	Oid relid_;
	List *attnums_;
	ColocationGroup *colocation_;
	const char *name_;
	const char *columns_; // quoted, separated by commas
	bool *used_;
	CopyWriter writer_;
};

} // namespace shardext

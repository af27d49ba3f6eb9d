// Rows to the shards of one table by COPY.
//
// Rows are gathered in a buffer per shard group; a full buffer becomes one COPY on the node's connection, and
// the coordinator goes on while the node works. Memory is bounded whatever the number of rows.
#pragma once
#include "shardext/remote/copy_stream.hpp"

namespace shardext {

class CopyWriter {
public:
	// Columns: attribute numbers of relid, in the order of the values given to add(). With only_node, rows
	// whose shards are elsewhere are left out. For a reference table, a writer sends each row to every node
	// but local, or to only_node. With table_name, rows go to tables of that name beside the shards, which
	// have the columns in question.
	CopyWriter(Oid relid, List *attnums, const NodeInfo *only_node = nullptr,
			   const char *table_name = nullptr);

	// Adds a row; finds its shard group from the distribution column's value.
	void add(const Datum *values, const bool *nulls);
	// Sends everything and waits until all nodes have taken it.
	void finish();
	uint64 rows() const { return rows_; }

private:
	struct Buffer {
		StringInfoData data;
		bool used;
	};
	void append_row(Buffer *buffer, const Datum *values, const bool *nulls);
	void flush(int group);
	void send(const NodeInfo *node, int group);
	void send_local(int group);

	Oid relid_;
	List *attnums_;
	const NodeInfo *only_node_;
	const char *table_name_;
	const DistributedTable *table_;
	ColocationGroup *colocation_;
	int key_position_ = -1;
	int columns_;
	CopyFormat *format_;
	Buffer *buffers_;
	MemoryContext context_, row_context_;
	uint64 rows_ = 0;
};

} // namespace shardext

// The rows of one statement on one node, whether the node is another server or this one.
//
// A stream lives in the memory context that was current when it was opened and must be closed before that
// goes, except after an error, when the transaction's end cleans up.
#pragma once
#include "shardext/remote/connection.hpp"

extern "C" {
#include "executor/tuptable.h"
#include "utils/resowner.h"
#include "utils/tuplestore.h"
}

namespace shardext {

// Values that travel with a statement as $1, $2, ….
struct StatementParams {
	int count = 0;
	Oid *types = nullptr;
	Datum *values = nullptr;
	bool *nulls = nullptr;
};

// How the columns of a result come in and are turned into Datums.
struct RowDecoder {
	int natts;
	bool binary;
	FmgrInfo *functions;
	Oid *io_params;
	int32 *typmods;
};

// True when values of the type can travel in binary between servers on which OIDs of user types differ.
bool type_travels_in_binary(Oid type);

RowDecoder *make_row_decoder(TupleDesc desc);

class RowStream {
public:
	// The next row, or false at the end. Datums live until the next call.
	virtual bool next(TupleTableSlot *slot) = 0;
	// True when next() will not have to wait.
	virtual bool poll() { return true; }
	// The connection to wait on until poll() says true, or nullptr.
	virtual Connection *waits_for() { return nullptr; }
	// What the command tag counted; valid at the end.
	virtual uint64 affected_rows() const = 0;
	virtual void close() = 0;

	const char *node_name = "";
	uint64 rows = 0;
};

struct StatementRequest {
	const NodeInfo *node;
	const char *sql;
	StatementParams params;
	TupleDesc result; // nullptr: no rows wanted
	Scope scope;
	bool tells_snapshot; // one of several nodes that are read together, see consistent_reads.hpp
	struct QueryEnvironment *environment; // what the text may read on node local besides tables, or nullptr
	bool needs_settings; // the text's meaning depends on the session's settings (time zone, …)
};

// Starts a statement on a node. Nothing is waited for: open all streams first, then read them.
RowStream *open_stream(const StatementRequest &request);

// Runs a statement on a node to its end and throws its rows away; returns the affected rows.
uint64 run_statement(const NodeInfo *node, const char *sql, Scope scope);

// Runs several statements on several nodes at once.
struct NodeStatement {
	const NodeInfo *node;
	const char *sql;
};
void run_statements(List *node_statements, Scope scope);

// Runs a query on a node and returns the first column of each row as text (NULL: nullptr), as a List of char
// *.
List *query_strings(const NodeInfo *node, const char *sql, int columns = 1);

// A stream over a connection. Only the connection's queue calls deliver/finish.
class RemoteStream final : public RowStream {
public:
	bool next(TupleTableSlot *slot) override;
	bool poll() override;
	Connection *waits_for() override { return connection; }
	uint64 affected_rows() const override { return affected_; }
	void close() override;

	// Called by the pump.
	void deliver(PGresult *row) { current_ = row; }
	void finish(uint64 affected) {
		affected_ = affected;
		finished_ = true;
	}
	void mark_lost() { finished_ = lost_ = true; }
	bool has_row() const { return current_ != nullptr; }
	bool finished() const { return finished_; }
	void store_rest();
	const char *sql() const { return sql_; }

	Connection *connection = nullptr;

private:
	friend RowStream *open_stream(const StatementRequest &request);
	void decode(TupleTableSlot *slot, MemoryContext context);
	// After an error the stream's memory goes before the connection is cleaned up: nothing may point at it.
	static void before_memory_goes(void *stream);

	MemoryContextCallback callback_{};
	const char *sql_ = nullptr;
	RowDecoder *decoder_ = nullptr;
	TupleDesc desc_ = nullptr;
	PGresult *current_ = nullptr;
	bool finished_ = false, lost_ = false;
	uint64 affected_ = 0;
	Tuplestorestate *stored_ = nullptr;
	TupleTableSlot *store_slot_ = nullptr;
	MemoryContext context_ = nullptr, row_context_ = nullptr;
	ResourceOwner owner_ = nullptr;
};

} // namespace shardext

// COPY … FROM STDIN on connections, and the bytes that go through it.
//
// A COPY runs outside of the pipeline: between start_copy() and end_copy() nothing else may use the
// connection. After an error in between, leave_copy() makes it usable for a rollback.
#pragma once
#include "shardext/remote/row_stream.hpp"

namespace shardext {

// Rows as COPY wants them: in binary where all types allow it, else as text.
class CopyFormat {
public:
	explicit CopyFormat(List *types); // Oid list; lives in the current memory context
	bool binary() const { return binary_; }
	const char *options() const { return binary_ ? " (FORMAT binary)" : ""; }

	void begin(StringInfo out) const;
	void row(StringInfo out, const Datum *values, const bool *nulls) const;
	void end(StringInfo out) const;

private:
	bool binary_ = true;
	int columns_;
	FmgrInfo *output_;
	MemoryContext row_context_;
};

// Waits for everything that the connection is working on and starts a COPY.
void start_copy(Connection *connection, const char *sql);
// Sends bytes to several connections at once; returns when all have taken them.
struct CopyChunk {
	Connection *connection;
	StringInfo data;
};
void put_copy_data(const CopyChunk *chunks, int count);
// Ends the COPY and waits for its answer.
void end_copy(Connection *connection);
// Ends what is left of a COPY after an error (a timeout, say), so that a savepoint can be rolled back to.
// Raises nothing; a connection that does not answer in time is found lost by whoever uses it next.
void leave_copy(Connection *connection);

} // namespace shardext

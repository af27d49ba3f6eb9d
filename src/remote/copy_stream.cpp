// COPY … FROM STDIN on connections.
#include "shardext/remote/copy_stream.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/remote/fault_points.hpp"

extern "C" {
#include "pgstat.h"
#include "port/pg_bswap.h"
#include "utils/timestamp.h"
}

namespace shardext {

namespace {

constexpr int kLeaveCopyMs = 5000;
constexpr int kCopyPatienceMs = 100;			  // then the node is asked to cancel
constexpr char kSignature[] = "PGCOPY\n\377\r\n"; // and the terminating zero byte

void append_int16(StringInfo out, int16 value) {
	const uint16 n = pg_hton16(static_cast<uint16>(value));
	appendBinaryStringInfo(out, reinterpret_cast<const char *>(&n), sizeof n);
}

void append_int32(StringInfo out, int32 value) {
	const uint32 n = pg_hton32(static_cast<uint32>(value));
	appendBinaryStringInfo(out, reinterpret_cast<const char *>(&n), sizeof n);
}

// A text field as COPY wants it.
void append_escaped(StringInfo out, const char *value) {
	for (; *value != '\0'; value++) {
		switch (*value) {
		case '\\':
			appendStringInfoString(out, "\\\\");
			break;
		case '\n':
			appendStringInfoString(out, "\\n");
			break;
		case '\r':
			appendStringInfoString(out, "\\r");
			break;
		case '\t':
			appendStringInfoString(out, "\\t");
			break;
		default:
			appendStringInfoCharMacro(out, *value);
		}
	}
}

void wait_on(Connection *c, int events) {
	wait_for_connection(c, events);
	if ((events & WL_SOCKET_READABLE) && !PQconsumeInput(c->conn))
		raise_connection_lost(c);
}

PGresult *next_result(Connection *c) {
	while (PQisBusy(c->conn)) {
		const int left = PQflush(c->conn);
		if (left < 0)
			raise_connection_lost(c);
		wait_on(c, WL_SOCKET_READABLE | (left > 0 ? WL_SOCKET_WRITEABLE : 0));
	}
	PGresult *result = PQgetResult(c->conn);
	if (result != nullptr)
		after_answer(c->conn, PQresStatus(PQresultStatus(result)), MayRaise::No); // nobody owns it yet
	return result;
}

// The COPY has failed: back to pipeline mode, then the node's error.
[[noreturn]] void raise_copy_error(Connection *c, PGresult *result) {
	if (PQstatus(c->conn) != CONNECTION_OK) {
		PQclear(result);
		raise_connection_lost(c);
	}
	c->failed = true;
	while (PGresult *rest = next_result(c))
		PQclear(rest);
	PQenterPipelineMode(c->conn);
	raise_remote_error(c, result, nullptr);
}

} // namespace

CopyFormat::CopyFormat(List *types)
	: columns_(list_length(types)),
	  output_(static_cast<FmgrInfo *>(palloc0(sizeof(FmgrInfo) * (columns_ + 1)))),
	  row_context_(AllocSetContextCreate(CurrentMemoryContext, "shardext copy row", ALLOCSET_DEFAULT_SIZES)) {
	const ListCell *cell;
	foreach (cell, types)
		binary_ = binary_ && type_travels_in_binary(lfirst_oid(cell));
	foreach (cell, types) {
		Oid function;
		bool varlena;
		if (binary_)
			getTypeBinaryOutputInfo(lfirst_oid(cell), &function, &varlena);
		else
			getTypeOutputInfo(lfirst_oid(cell), &function, &varlena);
		fmgr_info(function, &output_[foreach_current_index(cell)]);
	}
}

void CopyFormat::begin(StringInfo out) const {
	if (!binary_)
		return;
	appendBinaryStringInfo(out, kSignature, sizeof kSignature);
	append_int32(out, 0);
	append_int32(out, 0);
}

void CopyFormat::row(StringInfo out, const Datum *values, const bool *nulls) const {
	MemoryContextReset(row_context_);
	MemoryContext old = MemoryContextSwitchTo(row_context_);
	if (binary_)
		append_int16(out, columns_);
	for (int i = 0; i < columns_; i++) {
		if (!binary_ && i > 0)
			appendStringInfoChar(out, '\t');
		if (nulls[i]) {
			if (binary_)
				append_int32(out, -1);
			else
				appendStringInfoString(out, "\\N");
		} else if (binary_) {
			bytea *bytes = SendFunctionCall(&output_[i], values[i]);
			append_int32(out, VARSIZE(bytes) - VARHDRSZ);
			appendBinaryStringInfo(out, VARDATA(bytes), VARSIZE(bytes) - VARHDRSZ);
		} else {
			append_escaped(out, OutputFunctionCall(&output_[i], values[i]));
		}
	}
	if (!binary_)
		appendStringInfoChar(out, '\n');
	MemoryContextSwitchTo(old);
}

void CopyFormat::end(StringInfo out) const {
	if (binary_)
		append_int16(out, -1);
}

void start_copy(Connection *c, const char *sql) {
	if (c->head != c->tail) {
		send_sync(c);
		finish_everything(c);
	}
	before_message(c->conn, "COPY");
	PQexitPipelineMode(c->conn);
	if (!PQsendQuery(c->conn, sql))
		raise_connection_lost(c);
	PGresult *result = next_result(c);
	if (PQresultStatus(result) != PGRES_COPY_IN)
		raise_copy_error(c, result);
	PQclear(result);
}

void put_copy_data(const CopyChunk *chunks, int count) {
	// Handed to all before anything is waited for: the nodes work side by side.
	for (int i = 0; i < count; i++) {
		Connection *c = chunks[i].connection;
		before_message(c->conn, "CopyData");
		for (;;) {
			const int sent = PQputCopyData(c->conn, chunks[i].data->data, chunks[i].data->len);
			if (sent < 0)
				raise_connection_lost(c);
			if (sent > 0)
				break;
			wait_on(c, WL_SOCKET_READABLE | WL_SOCKET_WRITEABLE);
		}
	}
	for (int i = 0; i < count; i++) {
		Connection *c = chunks[i].connection;
		for (;;) {
			const int left = PQflush(c->conn);
			if (left < 0)
				raise_connection_lost(c);
			if (left == 0)
				break;
			wait_on(c, WL_SOCKET_READABLE | WL_SOCKET_WRITEABLE);
		}
	}
	CHECK_FOR_INTERRUPTS();
}

void end_copy(Connection *c) {
	before_message(c->conn, "CopyDone");
	while (PQputCopyEnd(c->conn, nullptr) == 0)
		wait_on(c, WL_SOCKET_READABLE | WL_SOCKET_WRITEABLE);
	after_message(c->conn, "CopyDone");
	while (PGresult *result = next_result(c)) {
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			raise_copy_error(c, result);
		PQclear(result);
	}
	PQenterPipelineMode(c->conn);
}

void leave_copy(Connection *c) {
	c->failed = true;
	if (PQstatus(c->conn) != CONNECTION_OK || PQpipelineStatus(c->conn) != PQ_PIPELINE_OFF)
		return;
	before_message(c->conn, "CopyFail", MayRaise::No);
	const TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), kLeaveCopyMs);
	const TimestampTz patience = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), kCopyPatienceMs);
	bool ended = false, cancelled = false;
	for (;;) {
		if (!ended)
			ended = PQputCopyEnd(c->conn, "interrupted") != 0; // an error here means that it has ended
		const int left = PQflush(c->conn);
		if (left < 0 || !PQconsumeInput(c->conn))
			return;
		while (ended && !PQisBusy(c->conn)) {
			PGresult *result = PQgetResult(c->conn);
			if (result == nullptr) {
				PQenterPipelineMode(c->conn);
				return;
			}
			const bool copying = PQresultStatus(result) == PGRES_COPY_IN;
			PQclear(result);
			if (copying) // not yet ended
				ended = false;
		}
		long wait = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
		if (wait <= 0)
			return;
		if (!cancelled) { // the node may be waiting for a lock
			wait = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), patience);
			if (wait <= 0) {
				cancel_on_node(c);
				cancelled = true;
				continue;
			}
		}
		WaitLatchOrSocket(nullptr,
						  WL_EXIT_ON_PM_DEATH | WL_TIMEOUT | WL_SOCKET_READABLE |
							  (left > 0 || !ended ? WL_SOCKET_WRITEABLE : 0),
						  PQsocket(c->conn), wait, PG_WAIT_EXTENSION);
	}
}

} // namespace shardext

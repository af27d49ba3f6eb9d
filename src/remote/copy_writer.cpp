// COPY streams to shards.
#include "shardext/remote/copy_writer.hpp"

#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/session_settings.hpp"
#include "shardext/sharding/routing.hpp"
#include "shardext/sql/shard_sql.hpp"

extern "C" {
#include "access/table.h"
#include "commands/copy.h"
#include "commands/defrem.h"
#include "parser/parse_relation.h"
#include "pgstat.h"
#include "utils/timestamp.h"
#include "port/pg_bswap.h"
#include "utils/snapmgr.h"
}

namespace shardext {

namespace {

constexpr int kFlushBytes = 256 * 1024;
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

// Reads the answers of a COPY to its end; afterwards the connection is in pipeline mode again.
void finish_copy(Connection *c) {
	while (PGresult *result = next_result(c)) {
		const ExecStatusType status = PQresultStatus(result);
		if (status == PGRES_COMMAND_OK) {
			PQclear(result);
			continue;
		}
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
	PQenterPipelineMode(c->conn);
}

void put_copy_data(Connection *c, const char *data, int length) {
	before_message(c->conn, "CopyData");
	for (;;) {
		const int sent = PQputCopyData(c->conn, data, length);
		if (sent < 0)
			raise_connection_lost(c);
		if (sent > 0)
			break;
		wait_on(c, WL_SOCKET_READABLE | WL_SOCKET_WRITEABLE);
	}
	before_message(c->conn, "CopyDone");
	while (PQputCopyEnd(c->conn, nullptr) == 0)
		wait_on(c, WL_SOCKET_READABLE | WL_SOCKET_WRITEABLE);
	after_message(c->conn, "CopyDone");
}

// After an error (a timeout, say) in the middle of a COPY: ends it, so that a savepoint can be rolled back
// to. Raises nothing; a connection that does not answer in time is found lost by whoever uses it next.
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

} // namespace

CopyWriter::CopyWriter(Oid relid, List *attnums, const NodeInfo *only_node, const char *table_name)
	: relid_(relid), attnums_(list_copy(attnums)), only_node_(only_node),
	  table_name_(table_name != nullptr ? table_name : get_rel_name(relid)) {
	table_ = find_distributed_table(relid);
	colocation_ = table_->colocation;
	columns_ = list_length(attnums);
	context_ = CurrentMemoryContext;
	row_context_ = AllocSetContextCreate(context_, "shardext copy row", ALLOCSET_DEFAULT_SIZES);
	output_ = static_cast<FmgrInfo *>(palloc0(sizeof(FmgrInfo) * (columns_ + 1)));
	for (int i = 0; i < columns_; i++)
		binary_ = binary_ && type_travels_in_binary(get_atttype(relid, list_nth_int(attnums, i)));
	for (int i = 0; i < columns_; i++) {
		const AttrNumber attnum = list_nth_int(attnums, i);
		Oid function;
		bool varlena;
		if (binary_)
			getTypeBinaryOutputInfo(get_atttype(relid, attnum), &function, &varlena);
		else
			getTypeOutputInfo(get_atttype(relid, attnum), &function, &varlena);
		fmgr_info(function, &output_[i]);
		if (attnum == table_->key_attnum)
			key_position_ = i;
	}
	buffers_ = static_cast<Buffer *>(palloc0(sizeof(Buffer) * (colocation_->group_count + 1)));
}

void CopyWriter::append_row(Buffer *buffer, const Datum *values, const bool *nulls) {
	if (!buffer->used) {
		MemoryContext old = MemoryContextSwitchTo(context_);
		if (buffer->data.data == nullptr)
			initStringInfo(&buffer->data);
		else
			resetStringInfo(&buffer->data);
		MemoryContextSwitchTo(old);
		buffer->used = true;
		if (binary_) {
			appendBinaryStringInfo(&buffer->data, kSignature, sizeof kSignature);
			append_int32(&buffer->data, 0);
			append_int32(&buffer->data, 0);
		}
	}
	MemoryContextReset(row_context_);
	MemoryContext old = MemoryContextSwitchTo(row_context_);
	StringInfo out = &buffer->data;
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

void CopyWriter::add(const Datum *values, const bool *nulls) {
	int group = 0;
	if (table_->is_sharded()) {
		const bool isnull = key_position_ < 0 || nulls[key_position_];
		MemoryContextReset(row_context_);
		MemoryContext old = MemoryContextSwitchTo(row_context_);
		group = group_of_key(colocation_, isnull ? 0 : values[key_position_], isnull);
		MemoryContextSwitchTo(old);
		if (only_node_ != nullptr && colocation_->groups[group].node_id != only_node_->id)
			return;
	}
	append_row(&buffers_[group], values, nulls);
	rows_++;
	if (buffers_[group].data.len >= kFlushBytes)
		flush(group);
}

namespace {

char *copy_statement(Oid relid, const char *table_name, List *attnums, int64 group_id, bool binary) {
	StringInfoData sql;
	initStringInfo(&sql);
	SqlBuilder target;
	target.schema_of(relid);
	target.text(".");
	target.identifier(table_name);
	appendStringInfoString(&sql, "COPY ");
	append_shard_sql(&sql, target.finish(), group_id, false);
	const char *separator = " (";
	const ListCell *cell;
	foreach (cell, attnums) {
		appendStringInfo(&sql, "%s%s", separator,
						 quote_identifier(get_attname(relid, lfirst_int(cell), false)));
		separator = ", ";
	}
	if (attnums != NIL)
		appendStringInfoChar(&sql, ')');
	appendStringInfo(&sql, " FROM STDIN%s", binary ? " (FORMAT binary)" : "");
	return sql.data;
}

} // namespace

void CopyWriter::send(const NodeInfo *node, int group) {
	Buffer *buffer = &buffers_[group];
	Connection *c = connect_to_node(node);
	finish_everything(c);
	enter_transaction(c, Scope::Write);
	if (!binary_)
		send_session_settings(c);
	if (c->head != c->tail) {
		send_sync(c);
		finish_everything(c);
	}
	before_message(c->conn, "COPY");
	PQexitPipelineMode(c->conn);
	if (!PQsendQuery(c->conn,
					 copy_statement(relid_, table_name_, attnums_, colocation_->groups[group].id, binary_)))
		raise_connection_lost(c);
	PGresult *result = next_result(c);
	if (PQresultStatus(result) != PGRES_COPY_IN) {
		c->failed = true;
		while (PGresult *rest = next_result(c))
			PQclear(rest);
		PQenterPipelineMode(c->conn);
		raise_remote_error(c, result, nullptr);
	}
	PQclear(result);
	PG_TRY();
	{
		put_copy_data(c, buffer->data.data, buffer->data.len);
		finish_copy(c);
	}
	PG_CATCH();
	{
		leave_copy(c);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

namespace {

// CopyFrom() asks for bytes through a callback without an argument.
const char *local_data = nullptr;
int local_left = 0;

int give_local_data(void *out, int, int maxread) {
	const int n = std::min(maxread, local_left);
	memcpy(out, local_data, n);
	local_data += n;
	local_left -= n;
	return n;
}

} // namespace

void CopyWriter::send_local(int group) {
	Buffer *buffer = &buffers_[group];
	const char *schema =
		shard_schema_name(colocation_->groups[group].id, get_namespace_name(get_rel_namespace(relid_)));
	const Oid shard = get_relname_relid(table_name_, get_namespace_oid(schema, false));
	Relation relation = table_open(shard, RowExclusiveLock);
	List *names = NIL;
	const ListCell *cell;
	foreach (cell, attnums_)
		names = lappend(names, makeString(get_attname(relid_, lfirst_int(cell), false)));
	List *options = NIL;
	if (binary_)
		options = list_make1(
			makeDefElem(pstrdup("format"), reinterpret_cast<Node *>(makeString(pstrdup("binary"))), -1));
	ParseState *pstate = make_parsestate(nullptr);
	ParseNamespaceItem *item =
		addRangeTableEntryForRelation(pstate, relation, RowExclusiveLock, nullptr, false, false);
	(void)item;
	local_data = buffer->data.data;
	local_left = buffer->data.len;
	PushActiveSnapshot(GetTransactionSnapshot());
	CopyFromState state =
		BeginCopyFrom(pstate, relation, nullptr, nullptr, false, give_local_data, names, options);
	with_changed_errors(
		[](ErrorData *error) {
			int64 group_id = 0;
			if (error->schema_name != nullptr)
				error->schema_name = user_schema_of(error->schema_name, &group_id);
		},
		[&] { CopyFrom(state); });
	EndCopyFrom(state);
	PopActiveSnapshot();
	table_close(relation, NoLock);
	CommandCounterIncrement();
}

void CopyWriter::flush(int group) {
	Buffer *buffer = &buffers_[group];
	if (!buffer->used)
		return;
	if (binary_)
		append_int16(&buffer->data, -1);
	buffer->used = false;
	if (!table_->is_sharded()) {
		foreach_ptr (NodeInfo, node, all_nodes())
			if (!node->is_local() && (only_node_ == nullptr || only_node_->id == node->id))
				send(node, group);
		return;
	}
	const NodeInfo *node = find_node(colocation_->groups[group].node_id);
	if (node->is_local())
		send_local(group);
	else
		send(node, group);
}

void CopyWriter::finish() {
	for (int g = 0; g < colocation_->group_count; g++)
		flush(g);
}

} // namespace shardext

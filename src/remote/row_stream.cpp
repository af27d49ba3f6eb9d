// Streams of rows from other servers.
#include "shardext/remote/row_stream.hpp"
#include "shardext/pg/transmission_modes.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/remote/local_stream.hpp"
#include "shardext/remote/session_settings.hpp"

extern "C" {
#include "executor/executor.h"
#include "pgstat.h"
}

namespace shardext {

namespace {

// Values in the form libpq wants: binary for built-in types, text (typed by a cast in the statement) else.
struct WireParams {
	Oid *types;
	char **values;
	int *lengths;
	int *formats;
};

WireParams encode_params(const StatementParams &params) {
	WireParams wire;
	const int n = params.count;
	wire.types = static_cast<Oid *>(palloc0(sizeof(Oid) * (n + 1)));
	wire.values = static_cast<char **>(palloc0(sizeof(char *) * (n + 1)));
	wire.lengths = static_cast<int *>(palloc0(sizeof(int) * (n + 1)));
	wire.formats = static_cast<int *>(palloc0(sizeof(int) * (n + 1)));
	for (int i = 0; i < n; i++) {
		const Oid type = params.types[i];
		const bool built_in = type < FirstGenbkiObjectId;
		wire.types[i] = built_in ? type : InvalidOid;
		if (params.nulls[i])
			continue;
		bool varlena;
		Oid function;
		if (built_in && type_travels_in_binary(type)) {
			getTypeBinaryOutputInfo(type, &function, &varlena);
			bytea *bytes = OidSendFunctionCall(function, params.values[i]);
			wire.values[i] = VARDATA(bytes);
			wire.lengths[i] = VARSIZE(bytes) - VARHDRSZ;
			wire.formats[i] = 1;
		} else {
			getTypeOutputInfo(type, &function, &varlena);
			const int level = begin_transmission_modes();
			wire.values[i] = OidOutputFunctionCall(function, params.values[i]);
			end_transmission_modes(level);
		}
	}
	return wire;
}

// Reads through a cursor between two questions for the snapshot. Rows are fetched when the node knows it.
void send_as_cursor(Connection *c, const char *sql, int count, const WireParams &wire, bool binary_result) {
	static uint32 cursors = 0;
	char name[40];
	snprintf(name, sizeof name, "shardext_%u", ++cursors);
	ask(c, kSnapshotQuestion);
	char *declare = psprintf("DECLARE %s NO SCROLL CURSOR FOR %s", name, sql);
	before_message(c->conn, "DECLARE");
	if (!PQsendQueryParams(c->conn, declare, count, wire.types, wire.values, wire.lengths, wire.formats, 0))
		raise_connection_lost(c);
	expect_control(c);
	pfree(declare);
	ask_at_once(c, kSnapshotQuestion);
	char fetch[80];
	snprintf(fetch, sizeof fetch, "FETCH ALL FROM %s", name);
	before_message(c->conn, "FETCH");
	if (!PQsendQueryParams(c->conn, fetch, 0, nullptr, nullptr, nullptr, nullptr, binary_result))
		raise_connection_lost(c);
}

} // namespace

RowStream *open_stream(const StatementRequest &request) {
	if (request.node->is_local())
		return open_local_stream(request);

	Connection *c = connect_to_node(request.node);
	auto *stream = new (palloc0(sizeof(RemoteStream))) RemoteStream();
	stream->connection = c;
	stream->node_name = c->node_name;
	stream->sql_ = request.sql;
	stream->context_ = CurrentMemoryContext;
	stream->callback_.func = RemoteStream::before_memory_goes;
	stream->callback_.arg = stream;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &stream->callback_);
	stream->owner_ = CurrentResourceOwner;
	stream->row_context_ = AllocSetContextCreate(CurrentMemoryContext, "shardext row", ALLOCSET_SMALL_SIZES);
	if (request.result != nullptr) {
		stream->desc_ = request.result;
		stream->decoder_ = make_row_decoder(request.result);
	}
	enter_transaction(c, request.scope);
	const bool text_rows = stream->decoder_ != nullptr && !stream->decoder_->binary;
	if (request.needs_settings || text_rows)
		send_session_settings(c);

	MemoryContext temporary =
		AllocSetContextCreate(CurrentMemoryContext, "shardext parameters", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(temporary);
	const WireParams wire = encode_params(request.params);
	MemoryContextSwitchTo(old);
	const bool binary = stream->decoder_ == nullptr || stream->decoder_->binary;
	const bool tells = request.tells_snapshot && c->kept_snapshot == nullptr;
	if (tells && c->depth > 0) {
		send_as_cursor(c, request.sql, request.params.count, wire, binary);
	} else {
		if (tells)
			ask_at_once(c, kSnapshotQuestion);
		send_statement(c, request.sql, request.params.count, wire.types, wire.values, wire.lengths,
					   wire.formats, binary);
	}
	MemoryContextDelete(temporary);
	expect_rows(c, stream);
	if (tells && c->depth > 0)
		send_control(c, "CLOSE ALL");
	send_sync(c);
	return stream;
}

void RemoteStream::before_memory_goes(void *stream) {
	auto *self = static_cast<RemoteStream *>(stream);
	PQclear(self->current_);
	for_each_connection(
		[](Connection *c, void *gone) {
			for (int i = c->head; i < c->tail; i++)
				if (c->queue[i].stream == gone)
					c->queue[i].stream = nullptr;
		},
		stream);
}

void RemoteStream::decode(TupleTableSlot *slot, MemoryContext context) {
	MemoryContextReset(context);
	MemoryContext old = MemoryContextSwitchTo(context);
	ExecClearTuple(slot);
	if (PQnfields(current_) != decoder_->natts)
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR),
				errmsg("node \"%s\" returned %d columns where %d were expected", node_name,
					   PQnfields(current_), decoder_->natts));
	for (int i = 0; i < decoder_->natts; i++) {
		const bool isnull = PQgetisnull(current_, 0, i);
		slot->tts_isnull[i] = isnull;
		char *value = PQgetvalue(current_, 0, i);
		if (decoder_->binary) {
			StringInfoData buffer;
			buffer.data = value;
			buffer.len = buffer.maxlen = PQgetlength(current_, 0, i);
			buffer.cursor = 0;
			slot->tts_values[i] = ReceiveFunctionCall(&decoder_->functions[i], isnull ? nullptr : &buffer,
													  decoder_->io_params[i], decoder_->typmods[i]);
		} else {
			slot->tts_values[i] = InputFunctionCall(&decoder_->functions[i], isnull ? nullptr : value,
													decoder_->io_params[i], decoder_->typmods[i]);
		}
	}
	ExecStoreVirtualTuple(slot);
	MemoryContextSwitchTo(old);
	PQclear(current_);
	current_ = nullptr;
}

bool RemoteStream::poll() {
	if (stored_ == nullptr && current_ == nullptr && !finished_)
		pump(connection, this, false);
	return stored_ != nullptr || current_ != nullptr || finished_;
}

bool RemoteStream::next(TupleTableSlot *slot) {
	if (stored_ != nullptr) {
		if (tuplestore_gettupleslot(stored_, true, false, store_slot_)) {
			slot_getallattrs(store_slot_);
			ExecClearTuple(slot);
			for (int i = 0; i < desc_->natts; i++) {
				slot->tts_values[i] = store_slot_->tts_values[i];
				slot->tts_isnull[i] = store_slot_->tts_isnull[i];
			}
			ExecStoreVirtualTuple(slot);
			rows++;
			return true;
		}
	}
	if (current_ == nullptr && !finished_)
		pump(connection, this, true);
	if (current_ != nullptr) {
		if (decoder_ == nullptr) { // rows that nobody wants
			PQclear(current_);
			current_ = nullptr;
			return next(slot);
		}
		decode(slot, row_context_);
		rows++;
		return true;
	}
	if (lost_)
		raise_connection_lost(connection);
	return false;
}

void RemoteStream::store_rest() {
	MemoryContext old = MemoryContextSwitchTo(context_);
	ResourceOwner old_owner = CurrentResourceOwner;
	CurrentResourceOwner = owner_;
	if (decoder_ != nullptr && stored_ == nullptr) {
		stored_ = tuplestore_begin_heap(false, false, work_mem);
		store_slot_ = MakeSingleTupleTableSlot(desc_, &TTSOpsMinimalTuple);
	}
	TupleTableSlot *slot = decoder_ != nullptr ? MakeSingleTupleTableSlot(desc_, &TTSOpsVirtual) : nullptr;
	// The row handed out last is still in use: what is stored is decoded elsewhere.
	MemoryContext storing = AllocSetContextCreate(context_, "shardext stored row", ALLOCSET_SMALL_SIZES);
	while (current_ != nullptr || !finished_) {
		if (current_ == nullptr) {
			pump(connection, this, true);
			continue;
		}
		if (decoder_ != nullptr) {
			decode(slot, storing);
			tuplestore_puttupleslot(stored_, slot);
		} else {
			PQclear(current_);
			current_ = nullptr;
		}
	}
	if (slot != nullptr)
		ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(storing);
	CurrentResourceOwner = old_owner;
	MemoryContextSwitchTo(old);
}

void RemoteStream::close() {
	if (current_ != nullptr) {
		PQclear(current_);
		current_ = nullptr;
	}
	if (stored_ != nullptr) {
		ExecDropSingleTupleTableSlot(store_slot_);
		tuplestore_end(stored_);
		stored_ = nullptr;
	}
	if (finished_)
		return;
	// Rows are still to come that nobody wants. Where the node's transaction is needed further, they are read
	// and thrown away; where it ends with the statement, that ends them.
	Connection *c = connection;
	if (c->depth == 0 || (c->statement_scope && !c->wrote)) {
		finished_ = true;
		for (int i = c->head; i < c->tail; i++)
			if (c->queue[i].stream == this)
				c->queue[i].stream = nullptr;
		if (c->depth == 0 && nothing_wanted(c) && !abandon_statement(c))
			close_connection(c);
		return;
	}
	while (!finished_) {
		if (current_ != nullptr) {
			PQclear(current_);
			current_ = nullptr;
		}
		pump(c, this, true);
	}
}

uint64 run_statement(const NodeInfo *node, const char *sql, Scope scope) {
	NodeStatement one{node, sql};
	StatementRequest request{};
	request.node = one.node;
	request.sql = sql;
	request.scope = scope;
	RowStream *stream = open_stream(request);
	stream->next(nullptr);
	const uint64 affected = stream->affected_rows();
	stream->close();
	return affected;
}

void run_statements(List *node_statements, Scope scope) {
	// One statement per node at a time; nodes work in parallel.
	while (node_statements != NIL) {
		List *streams = NIL, *later = NIL, *busy = NIL;
		foreach_ptr (NodeStatement, statement, node_statements) {
			if (list_member_int(busy, statement->node->id)) {
				later = lappend(later, statement);
				continue;
			}
			busy = lappend_int(busy, statement->node->id);
			StatementRequest request{};
			request.node = statement->node;
			request.sql = statement->sql;
			request.scope = scope;
			streams = lappend(streams, open_stream(request));
		}
		foreach_ptr (RowStream, stream, streams) {
			stream->next(nullptr);
			stream->close();
		}
		node_statements = later;
	}
}

List *query_strings(const NodeInfo *node, const char *sql, int columns) {
	TupleDesc desc = CreateTemplateTupleDesc(columns);
	for (int i = 1; i <= columns; i++)
		TupleDescInitEntry(desc, i, "text", TEXTOID, -1, 0);
	StatementRequest request{};
	request.node = node;
	request.sql = sql;
	request.result = desc;
	request.scope = Scope::Autocommit;
	RowStream *stream = open_stream(request);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	List *result = NIL;
	while (stream->next(slot))
		for (int i = 0; i < columns; i++)
			result =
				lappend(result, slot->tts_isnull[i] ? nullptr : TextDatumGetCString(slot->tts_values[i]));
	stream->close();
	ExecDropSingleTupleTableSlot(slot);
	return result;
}

} // namespace shardext

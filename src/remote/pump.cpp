// Sending on a connection and handling what comes back, in the order in which it was asked for.
#include "shardext/remote/connection.hpp"
#include "shardext/remote/node_wait.hpp"
#include "shardext/remote/session_settings.hpp"
#include "shardext/remote/sessions.hpp"
#include "shardext/remote/row_stream.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "pgstat.h"
#include "utils/timestamp.h"
}

namespace shardext {

void (*answer_action)() = nullptr;

namespace {

void expect(Connection *c, Expected expected) {
	if (c->head == c->tail)
		c->head = c->tail = 0;
	if (c->tail + 1 == c->capacity) {
		if (c->head > 0) {
			memmove(c->queue, c->queue + c->head, (c->tail - c->head) * sizeof(Expected));
			c->tail -= c->head;
			c->head = 0;
		} else {
			c->capacity *= 2;
			c->queue = static_cast<Expected *>(repalloc(c->queue, c->capacity * sizeof(Expected)));
		}
	}
	c->queue[c->tail++] = expected;
	c->unsynced = expected.kind != Expected::Sync;
}

// Hands output to the kernel; returns true when some is left.
bool flush_output(Connection *c) {
	const int left = PQflush(c->conn);
	if (left < 0)
		raise_connection_lost(c);
	return left > 0;
}

void forget_streams(Connection *c) {
	for (int i = c->head; i < c->tail; i++)
		if (c->queue[i].stream != nullptr) {
			c->queue[i].stream->mark_lost();
			c->queue[i].stream = nullptr;
		}
	c->head = c->tail = 0;
	c->answers_expected = 0;
}

uint64 affected_rows(PGresult *result) {
	const char *count = PQcmdTuples(result);
	return *count != '\0' ? strtoull(count, nullptr, 10) : 0;
}

void take_answer(Connection *c, PGresult *result) {
	c->answers_expected--;
	c->answers_taken++;
	if (PQntuples(result) == 0 || PQgetisnull(result, 0, 0))
		return;
	const int last = lengthof(c->answers) - 1;
	if (c->answer_count > last)
		free(c->answers[--c->answer_count]);
	c->answers[c->answer_count++] = strdup(PQgetvalue(result, 0, 0));
}

bool ends_session(const PGresult *result) {
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	return severity != nullptr && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

// Handles one result for the head of the queue. Returns the result when it is an error to be raised.
PGresult *handle_result(Connection *c, PGresult *result) {
	Expected &head = c->queue[c->head];
	switch (PQresultStatus(result)) {
	case PGRES_PIPELINE_SYNC:
		c->head++;
		break;
	case PGRES_SINGLE_TUPLE:
		if (head.stream != nullptr) {
			head.stream->deliver(result);
			return nullptr; // the stream owns it now
		}
		break;
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		if (head.kind == Expected::Answer)
			take_answer(c, result);
		if (head.kind == Expected::Name && PQntuples(result) == 1) {
			free(c->transaction_name);
			c->transaction_name = strdup(PQgetvalue(result, 0, 0));
		}
		if (head.stream != nullptr)
			head.stream->finish(affected_rows(result));
		head.stream = nullptr; // it may be freed before its Sync comes
		if (head.tag != nullptr) {
			if (strcmp(PQcmdStatus(result), head.tag) != 0)
				c->wrong_tag = true;
			else if (strcmp(head.tag, "COMMIT") == 0)
				c->committed = true;
		}
		break;
	case PGRES_PIPELINE_ABORTED:
		if (head.kind == Expected::Answer)
			c->answers_expected--;
		if (head.preparing != nullptr)
			head.preparing->prepared = false;
		if (head.stream != nullptr)
			head.stream->mark_lost();
		head.stream = nullptr;
		break;
	default:
		if (head.kind == Expected::Answer)
			c->answers_expected--;
		if (head.preparing != nullptr)
			head.preparing->prepared = false;
		if (head.stream != nullptr)
			head.stream->mark_lost();
		head.stream = nullptr;
		if (c->depth > 0)
			c->failed = true;
		forget_settings(c);
		if (ends_session(result))
			c->ended = true;
		if (!head.ignore_errors)
			return result;
	}
	PQclear(result);
	return nullptr;
}

const char *kind_name(Expected::Kind kind) {
	switch (kind) {
	case Expected::Control:
		return "control";
	case Expected::Rows:
		return "rows";
	case Expected::Answer:
		return "answer";
	case Expected::Name:
		return "name";
	case Expected::Sync:
		return "sync";
	}
	pg_unreachable();
}

// Takes one result off the connection without blocking. False: nothing is there (or nothing is expected).
bool step(Connection *c, MayRaise may_raise, PGresult **error, const char **sql) {
	if (c->head == c->tail || PQisBusy(c->conn))
		return false;
	PGresult *result = PQgetResult(c->conn);
	if (answer_action != nullptr)
		answer_action();
	if (result == nullptr) {
		// The end of one statement's results. A Sync has no such end.
		if (c->queue[c->head].kind == Expected::Sync)
			return PQstatus(c->conn) == CONNECTION_OK;
		c->head++;
		return true;
	}
	const Expected head = c->queue[c->head];
	*sql = head.stream != nullptr ? head.stream->sql() : nullptr;
	*error = handle_result(c, result);
	after_answer(c->conn, kind_name(head.kind), *error == nullptr ? may_raise : MayRaise::No);
	return true;
}

} // namespace

void send_control(Connection *c, const char *sql, const char *tag, bool ignore_errors, MayRaise may_raise) {
	before_message(c->conn, sql, may_raise);
	if (!PQsendQueryParams(c->conn, sql, 0, nullptr, nullptr, nullptr, nullptr, 0))
		raise_connection_lost(c);
	expect(c, {Expected::Control, nullptr, ignore_errors, nullptr, tag});
}

void send_prepare(Connection *c, const char *name, const char *sql, int count, const Oid *types,
				  KnownStatement *statement) {
	before_message(c->conn, "Parse");
	if (!PQsendPrepare(c->conn, name, sql, count, types))
		raise_connection_lost(c);
	expect(c, {Expected::Control, nullptr, false, statement, nullptr});
}

void ask(Connection *c, const char *sql) {
	if (c->answers_expected == 0) {
		while (c->answer_count > 0)
			free(c->answers[--c->answer_count]);
		c->answers_taken = 0;
	}
	send_statement(c, sql, 0, nullptr, nullptr, nullptr, nullptr, false);
	expect(c, {Expected::Answer, nullptr, false, nullptr, nullptr});
	c->answers_expected++;
}

void ask_name(Connection *c) {
	// It is there before the transaction has written: with the answer, and not too late for a COMMIT.
	send_statement(c,
				   "SELECT pg_catalog.pg_current_xact_id() || ' ' || "
				   "pg_catalog.date_part('epoch', pg_catalog.now())",
				   0, nullptr, nullptr, nullptr, nullptr, false);
	expect(c, {Expected::Name, nullptr, false, nullptr, nullptr});
}

void ask_at_once(Connection *c, const char *sql) {
	ask(c, sql);
	if (!PQsendFlushRequest(c->conn))
		raise_connection_lost(c);
}

void send_sync(Connection *c, MayRaise may_raise) {
	// Nothing raises between a COMMIT and its Sync.
	const bool commits = c->tail > c->head && c->queue[c->tail - 1].tag != nullptr;
	before_message(c->conn, "Sync", commits ? MayRaise::No : may_raise);
	if (!PQpipelineSync(c->conn))
		raise_connection_lost(c);
	expect(c, {Expected::Sync, nullptr, false, nullptr, nullptr});
	flush_output(c);
	after_message(c->conn, "Sync", may_raise);
}

void end_open_batch(Connection *c) {
	// Without it the node answers nothing, or keeps the transaction of what it has run.
	if (!c->unsynced || PQstatus(c->conn) != CONNECTION_OK || PQpipelineStatus(c->conn) == PQ_PIPELINE_OFF)
		return;
	before_message(c->conn, "Sync", MayRaise::No);
	if (!PQpipelineSync(c->conn))
		return;
	c->queue[c->tail++] = {Expected::Sync, nullptr, false, nullptr, nullptr};
	c->unsynced = false;
	PQflush(c->conn);
	after_message(c->conn, "Sync", MayRaise::No);
}

void expect_control(Connection *c) {
	expect(c, {Expected::Control, nullptr, false, nullptr, nullptr});
}

void expect_rows(Connection *c, RemoteStream *stream) {
	expect(c, {Expected::Rows, stream, false, nullptr, nullptr});
}

namespace {

template <class Done> void pump_until(Connection *c, RemoteStream *until, bool wait, Done &&done) {
	for (;;) {
		PGresult *error = nullptr;
		const char *sql = nullptr;
		if (done())
			return;
		// libpq gives single rows only when asked at the start of each statement's results.
		if (c->head < c->tail && c->queue[c->head].kind == Expected::Rows)
			PQsetSingleRowMode(c->conn);
		// A row that nobody has taken yet stands in the way of what comes after it.
		if (c->head < c->tail && c->queue[c->head].stream != nullptr && c->queue[c->head].stream->has_row() &&
			c->queue[c->head].stream != until)
			c->queue[c->head].stream->store_rest();
		if (step(c, MayRaise::Yes, &error, &sql)) {
			if (error != nullptr)
				raise_remote_error(c, error, sql);
			continue;
		}
		if (PQstatus(c->conn) != CONNECTION_OK) {
			forget_streams(c);
			raise_connection_lost(c);
		}
		if (!wait) {
			if (!PQconsumeInput(c->conn)) {
				forget_streams(c);
				raise_connection_lost(c);
			}
			flush_output(c);
			if (PQisBusy(c->conn))
				return;
			continue;
		}
		wait_for_connection(c, WL_SOCKET_READABLE | (flush_output(c) ? WL_SOCKET_WRITEABLE : 0));
		if (!PQconsumeInput(c->conn)) {
			forget_streams(c);
			raise_connection_lost(c);
		}
	}
}

} // namespace

void pump(Connection *c, RemoteStream *until, bool wait) {
	pump_until(c, until, wait,
			   [&] { return until != nullptr ? until->has_row() || until->finished() : c->head == c->tail; });
}

void await_answers(Connection **list, int count) {
	auto **waiting = static_cast<Connection **>(palloc(sizeof(Connection *) * (count + 1)));
	for (int left = 1; left > 0;) {
		left = 0;
		for (int i = 0; i < count; i++) {
			Connection *c = list[i];
			pump_until(c, nullptr, false, [&] { return c->answers_expected == 0; });
			if (c->answers_expected > 0)
				waiting[left++] = c;
		}
		if (left > 0)
			wait_for_any(waiting, left);
	}
	pfree(waiting);
}

void finish_everything(Connection *c) {
	for (bool found = true; found;) {
		found = false;
		for (int i = c->head; i < c->tail && !found; i++)
			if (c->queue[i].stream != nullptr) {
				c->queue[i].stream->store_rest(); // the queue moves on meanwhile
				found = true;
			}
	}
	pump(c, nullptr, true);
}

bool drain_quietly(Connection *c, TimestampTz deadline, char *sqlstate_out) {
	bool ok = true;
	while (c->head < c->tail) {
		Expected &head = c->queue[c->head];
		if (head.stream != nullptr) { // nobody will read these rows any more
			head.stream->mark_lost();
			head.stream = nullptr;
		}
		if (head.kind == Expected::Rows)
			PQsetSingleRowMode(c->conn);
		PGresult *error = nullptr;
		const char *sql = nullptr;
		if (step(c, MayRaise::No, &error, &sql)) {
			if (error != nullptr) {
				ok = false;
				if (sqlstate_out != nullptr) {
					const char *state = PQresultErrorField(error, PG_DIAG_SQLSTATE);
					strlcpy(sqlstate_out, state != nullptr ? state : "", 6);
				}
				PQclear(error);
			}
			continue;
		}
		if (PQstatus(c->conn) != CONNECTION_OK)
			return false;
		const long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
		const int output = PQflush(c->conn);
		if (left <= 0 || output < 0)
			return false;
		// Leaving the process here would abort what is committed already: only give up.
		if (WaitLatchOrSocket(nullptr,
							  WL_POSTMASTER_DEATH | WL_TIMEOUT | WL_SOCKET_READABLE |
								  (output > 0 ? WL_SOCKET_WRITEABLE : 0),
							  PQsocket(c->conn), left, PG_WAIT_EXTENSION) &
			WL_POSTMASTER_DEATH)
			return false;
		if (!PQconsumeInput(c->conn))
			return false;
	}
	return ok;
}

bool nothing_wanted(const Connection *c) {
	for (int i = c->head; i < c->tail; i++)
		if (c->queue[i].stream != nullptr)
			return false;
	return true;
}

bool abandon_statement(Connection *c) {
	constexpr int kAtOnceMs = 5, kCancelMs = 1000;
	drain_quietly(c, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), kAtOnceMs));
	if (c->head != c->tail) {
		cancel_on_node(c);
		drain_quietly(c, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), kCancelMs));
	}
	return c->head == c->tail && !c->ended && PQstatus(c->conn) == CONNECTION_OK;
}

void wait_for_any(Connection **list, int count) {
	WaitEventSet *set = CreateWaitEventSet(CurrentMemoryContext, count + 2);
	AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, nullptr);
	AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, nullptr, nullptr);
	for (int i = 0; i < count; i++)
		AddWaitEventToSet(set, WL_SOCKET_READABLE | (flush_output(list[i]) ? WL_SOCKET_WRITEABLE : 0),
						  PQsocket(list[i]->conn), nullptr, nullptr);
	PG_TRY();
	{ wait_for_nodes(set, count == 1 ? list[0]->node_id : kAnyNode); }
	PG_FINALLY();
	{ FreeWaitEventSet(set); }
	PG_END_TRY();
}

void wait_for_connection(Connection *c, int events) {
	ModifyWaitEvent(c->wait_set, 2, events, nullptr);
	wait_for_nodes(c->wait_set, c->node_id);
}

} // namespace shardext

// Connections: making, caching and closing them.
#include "shardext/remote/connection.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/remote/node_wait.hpp"
#include "shardext/remote/sessions.hpp"

extern "C" {
#include "common/hashfn.h"
#include "libpq/libpq-be-fe-helpers.h"
#include "mb/pg_wchar.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "utils/timestamp.h"
}

namespace shardext {

int connect_timeout_ms = 5000;

namespace {

constexpr int kMaxConnections = 1024;
Connection *connections[kMaxConnections];
int connection_count = 0;
bool exit_callback_registered = false;

// What makes a text mean the same on every node, whatever the node's own defaults are. Statements that travel
// together without BEGIN are a transaction with one snapshot.
constexpr const char *kSessionOptions =
	"-c search_path= -c cursor_tuple_fraction=1 -c datestyle=ISO -c intervalstyle=postgres -c "
	"extra_float_digits=3 "
	"-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 "
	"-c client_connection_check_interval=1000 -c default_transaction_isolation=repeatable\\ read "
	"-c default_transaction_read_only=off -c row_security=off -c standard_conforming_strings=on "
	"-c client_min_messages=warning -c bytea_output=hex -c xmlbinary=base64 -c array_nulls=on";

void close_all_at_exit(int, Datum) {
	for (int i = 0; i < connection_count; i++)
		PQfinish(connections[i]->conn);
	connection_count = 0;
}

// Forwards a node's notices and warnings to the client.
void forward_notice(void *argument, const PGresult *result) {
	auto *connection = static_cast<Connection *>(argument);
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	if (severity == nullptr || message == nullptr)
		return;
	connection->ended = connection->ended || strcmp(severity, "FATAL") == 0;
	const int level = strcmp(severity, "WARNING") == 0	? WARNING
					  : strcmp(severity, "NOTICE") == 0 ? NOTICE
					  : strcmp(severity, "INFO") == 0	? INFO
														: DEBUG1;
	const int code = state != nullptr && strlen(state) == 5
						 ? MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4])
						 : ERRCODE_WARNING;
	ereport(level, errcode(code), errmsg_internal("%s", message),
			detail != nullptr ? errdetail_internal("%s", detail) : 0,
			hint != nullptr ? errhint("%s", hint) : 0, errcontext("node \"%s\"", connection->node_name));
}

// Waits for a connection attempt; false when it failed or took too long.
bool await_connection(PGconn *conn, TimestampTz deadline) {
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;
	while (status != PGRES_POLLING_OK) {
		if (status == PGRES_POLLING_FAILED || PQstatus(conn) == CONNECTION_BAD)
			return false;
		const long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
		if (left <= 0)
			return false;
		const int events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | WL_TIMEOUT |
						   (status == PGRES_POLLING_READING ? WL_SOCKET_READABLE : WL_SOCKET_WRITEABLE);
		const int happened = WaitLatchOrSocket(MyLatch, events, PQsocket(conn), left, PG_WAIT_EXTENSION);
		if (happened & WL_LATCH_SET) {
			ResetLatch(MyLatch);
			CHECK_FOR_INTERRUPTS();
		}
		if (happened & WL_SOCKET_MASK)
			status = PQconnectPoll(conn);
	}
	return PQstatus(conn) == CONNECTION_OK;
}

PGconn *start_connection(const char *conninfo, const char *options, const char *application_name) {
	const char *keywords[] = {
		"dbname", "options", "client_encoding", "application_name", "target_session_attrs", nullptr};
	const char *values[] = {conninfo,		  options,		GetDatabaseEncodingName(),
							application_name, "read-write", nullptr};
	// A connection string in dbname is expanded first; the later keywords override what it says.
	return PQconnectStartParams(keywords, values, 1);
}

// Opens a connection. The caller's frame owns it through *out even when an interrupt is raised meanwhile.
bool open_connection(const char *conninfo, const char *options, PGconn **out) {
	*out = start_connection(conninfo, options, "shardext");
	if (*out == nullptr)
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));
	bool ok = false;
	PG_TRY();
	{
		before_message(*out, "connect");
		ok = await_connection(*out, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), connect_timeout_ms));
		after_answer(*out, "connect");
	}
	PG_CATCH();
	{
		PQfinish(*out);
		*out = nullptr;
		PG_RE_THROW();
	}
	PG_END_TRY();
	return ok;
}

Connection *add_connection(const NodeInfo *node, PGconn *conn, int32 backend_pid) {
	if (connection_count == kMaxConnections)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many nodes"));
	auto *c = static_cast<Connection *>(MemoryContextAllocZero(TopMemoryContext, sizeof(Connection)));
	c->node_id = node->id;
	strlcpy(c->node_name, node->name, NAMEDATALEN);
	c->conn = conn;
	c->backend_pid = backend_pid;
	c->conninfo_hash =
		hash_bytes(reinterpret_cast<const unsigned char *>(node->conninfo), strlen(node->conninfo));
	c->capacity = 64;
	c->queue =
		static_cast<Expected *>(MemoryContextAllocZero(TopMemoryContext, c->capacity * sizeof(Expected)));
	c->statements = static_cast<KnownStatement *>(
		MemoryContextAllocZero(TopMemoryContext, kKnownStatements * sizeof(KnownStatement)));
	PQsetNoticeReceiver(conn, forward_notice, c);
	PQsetnonblocking(conn, 1);
	PQenterPipelineMode(conn);
	c->wait_set = CreateWaitEventSet(TopMemoryContext, 3);
	AddWaitEventToSet(c->wait_set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, nullptr);
	AddWaitEventToSet(c->wait_set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, nullptr, nullptr);
	AddWaitEventToSet(c->wait_set, WL_SOCKET_READABLE, PQsocket(conn), nullptr, nullptr);
	connections[connection_count++] = c;
	publish_session(c->node_id, c->backend_pid);
	accept_verdicts();
	if (!exit_callback_registered) {
		before_shmem_exit(close_all_at_exit, 0);
		exit_callback_registered = true;
	}
	return c;
}

// Asks the node to cancel what a connection runs, over a second connection and with a deadline: libpq's own
// PQcancel waits without bound for a server that does not answer.
void cancel_running_statement(Connection *c, const char *conninfo) {
	char sql[64];
	snprintf(sql, sizeof sql, "SELECT pg_cancel_backend(%d)", c->backend_pid);
	const char *keywords[] = {"dbname", "application_name", nullptr};
	const char *values[] = {conninfo, "shardext cancel", nullptr};
	PGconn *conn = PQconnectStartParams(keywords, values, 1);
	if (conn == nullptr)
		return;
	const TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), 500);
	bool sent = false;
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;
	while (PQstatus(conn) != CONNECTION_BAD) {
		const long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
		if (left <= 0)
			break;
		const bool read = sent || status == PGRES_POLLING_READING;
		// Interrupts stay unserved here: this runs while a transaction is being cleaned up.
		if ((WaitLatchOrSocket(nullptr,
							   WL_POSTMASTER_DEATH | WL_TIMEOUT |
								   (read ? WL_SOCKET_READABLE : WL_SOCKET_WRITEABLE),
							   PQsocket(conn), left, PG_WAIT_EXTENSION) &
			 WL_SOCKET_MASK) == 0)
			break;
		if (sent) {
			if (!PQconsumeInput(conn) || !PQisBusy(conn))
				break;
			continue;
		}
		status = PQconnectPoll(conn);
		if (status == PGRES_POLLING_FAILED)
			break;
		if (status == PGRES_POLLING_OK) {
			before_message(conn, "cancel", MayRaise::No);
			if (!(sent = PQsendQuery(conn, sql)))
				break;
		}
	}
	PQfinish(conn);
}

// A node serves one cluster: a coordinator that was restored from a copy must not touch the original's
// shards. Returns the process id of the node's session.
int32 check_owner_cluster(const NodeInfo *node, PGconn *conn) {
	PGresult *result = private_query(
		conn, "SELECT pg_catalog.pg_backend_pid(), (SELECT pg_catalog.obj_description(oid, 'pg_namespace') "
			  "FROM pg_catalog.pg_namespace WHERE nspname = 'shardext_node')");
	if (result == nullptr || PQresultStatus(result) != PGRES_TUPLES_OK) {
		char *message = pchomp(PQerrorMessage(conn));
		PQclear(result);
		PQfinish(conn);
		ereport(ERROR, errcode(ERRCODE_CONNECTION_FAILURE),
				errmsg("could not connect to node \"%s\"", node->name), errdetail_internal("%s", message));
	}
	const int32 backend_pid = atoi(PQgetvalue(result, 0, 0));
	char *owner = !PQgetisnull(result, 0, 1) ? pstrdup(PQgetvalue(result, 0, 1)) : nullptr;
	PQclear(result);
	const char *own = psprintf("shardext cluster " INT64_FORMAT ", node %d", cluster_id(), node->id);
	if (owner == nullptr || strcmp(owner, own) == 0)
		return backend_pid;
	PQfinish(conn);
	ereport(
		ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		errmsg("node \"%s\" belongs to another cluster", node->name),
		errdetail("Its mark says \"%s\", this coordinator is cluster " INT64_FORMAT ".", owner, cluster_id()),
		errhint("If this coordinator replaces the other one for good, run shardext_adopt_nodes()."));
}

// True when somebody wants what is still expected; the answer to a ROLLBACK, say, may be lost.
bool is_waited_for(const Connection *c) {
	for (int i = c->head; i < c->tail; i++)
		if (c->queue[i].stream != nullptr || c->queue[i].kind == Expected::Answer)
			return true;
	return false;
}

} // namespace

Connection *existing_connection(int32 node_id) {
	for (int i = 0; i < connection_count; i++)
		if (connections[i]->node_id == node_id)
			return connections[i];
	return nullptr;
}

void for_each_connection(ConnectionVisitor visit, void *argument) {
	// Backwards: a visitor may close the connection it is given.
	for (int i = connection_count - 1; i >= 0; i--)
		visit(connections[i], argument);
}

Connection *connect_to_node(const NodeInfo *node) {
	Connection *c = existing_connection(node->id);
	if (c != nullptr) {
		const uint64 hash =
			hash_bytes(reinterpret_cast<const unsigned char *>(node->conninfo), strlen(node->conninfo));
		const bool idle = c->depth == 0 && !is_waited_for(c);
		if (c->lost_in_transaction)
			raise_connection_lost(c);
		// A look at the socket tells when the node has closed an idle connection (restart, timeout).
		if (!idle)
			return c;
		const bool read = PQconsumeInput(c->conn);
		PQisBusy(c->conn);	 // takes in what came
		drain_quietly(c, 0); // the end of an earlier transaction
		if (c->conninfo_hash == hash && read && !c->ended && PQstatus(c->conn) == CONNECTION_OK)
			return c;
		close_connection(c);
	}
	PGconn *conn = nullptr;
	if (!open_connection(node->conninfo, kSessionOptions, &conn)) {
		char *message = pchomp(PQerrorMessage(conn));
		PQfinish(conn);
		ereport(ERROR, errcode(ERRCODE_CONNECTION_FAILURE),
				errmsg("could not connect to node \"%s\"", node->name),
				errdetail_internal("%s", message[0] != '\0' ? message : "The connection attempt timed out."));
	}
	const int32 backend_pid = check_owner_cluster(node, conn);
	return add_connection(node, conn, backend_pid);
}

void cancel_on_node(Connection *c) {
	// A COPY runs outside of the pipeline, and of the queue.
	const bool copying = PQpipelineStatus(c->conn) == PQ_PIPELINE_OFF;
	if ((c->head == c->tail && !copying) || PQstatus(c->conn) != CONNECTION_OK)
		return;
	{
		// PQconninfo gives back what the connection was made with, password included.
		PQconninfoOption *options = PQconninfo(c->conn);
		if (options != nullptr) {
			StringInfoData conninfo;
			initStringInfo(&conninfo);
			for (PQconninfoOption *o = options; o->keyword != nullptr; o++) {
				if (o->val == nullptr || o->val[0] == '\0' || strcmp(o->keyword, "options") == 0 ||
					strcmp(o->keyword, "target_session_attrs") == 0)
					continue;
				appendStringInfo(&conninfo, "%s='", o->keyword);
				for (const char *p = o->val; *p != '\0'; p++) {
					if (*p == '\'' || *p == '\\')
						appendStringInfoChar(&conninfo, '\\');
					appendStringInfoChar(&conninfo, *p);
				}
				appendStringInfoString(&conninfo, "' ");
			}
			PQconninfoFree(options);
			cancel_running_statement(c, conninfo.data);
			explicit_bzero(conninfo.data, conninfo.len);
			pfree(conninfo.data);
		}
	}
}

void close_connection(Connection *c) {
	cancel_on_node(c);
	for (int i = 0; i < connection_count; i++)
		if (connections[i] == c) {
			connections[i] = connections[--connection_count];
			break;
		}
	withdraw_session(c->node_id, c->backend_pid);
	FreeWaitEventSet(c->wait_set);
	PQfinish(c->conn);
	free(c->settings);
	free(c->kept_snapshot);
	free(c->transaction_name);
	while (c->answer_count > 0)
		free(c->answers[--c->answer_count]);
	for (int i = 0; i < kKnownStatements; i++)
		free(c->statements[i].text);
	pfree(c->statements);
	pfree(c->queue);
	pfree(c);
}

void close_connection_to(int32 node_id) {
	if (Connection *c = existing_connection(node_id))
		close_connection(c);
}

PGconn *open_private_connection(const char *conninfo, char **message) {
	PGconn *conn = nullptr;
	if (open_connection(conninfo, kSessionOptions, &conn))
		return conn;
	*message = pchomp(PQerrorMessage(conn));
	if ((*message)[0] == '\0')
		*message = pstrdup("The connection attempt timed out.");
	PQfinish(conn);
	return nullptr;
}

PGconn *start_private_connection(const char *conninfo) {
	// Questions about locks look expensive to the planner: compiling them would take longer than they do.
	const char *options = psprintf("%s -c jit=off", kSessionOptions);
	return start_connection(conninfo, options, "shardext monitor");
}

void close_private_connection(PGconn *conn) {
	PQfinish(conn);
}

PGresult *private_query(PGconn *conn, const char *sql) {
	before_message(conn, sql, MayRaise::No);
	if (!PQsendQuery(conn, sql))
		return nullptr;
	PGresult *last = nullptr;
	for (;;) {
		while (PQisBusy(conn)) {
			const int happened = WaitLatchOrSocket(
				MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | WL_SOCKET_READABLE | WL_TIMEOUT, PQsocket(conn),
				30000, PG_WAIT_EXTENSION);
			if (happened & WL_LATCH_SET) {
				ResetLatch(MyLatch);
				if (QueryCancelPending || ProcDiePending) {
					PQclear(last);
					PQfinish(conn);
					CHECK_FOR_INTERRUPTS();
				}
			}
			if (happened & WL_TIMEOUT || ((happened & WL_SOCKET_READABLE) && !PQconsumeInput(conn))) {
				PQclear(last);
				return nullptr;
			}
		}
		PGresult *result = PQgetResult(conn);
		if (result == nullptr) {
			after_answer(conn, "private", MayRaise::No);
			return last;
		}
		PQclear(last);
		last = result;
	}
}

} // namespace shardext

// One connection of this backend to one node.
//
// A backend keeps one connection per node: it sees its own writes and can be prepared. All statements go
// through libpq's pipeline mode, so that BEGIN, SAVEPOINT and the statement itself travel in one round trip;
// what is expected back stands in a queue, in the order in which it was sent. When a statement needs a
// connection whose stream of rows has not been read to its end, the rest of that stream is stored first.
#pragma once
#include "shardext/catalog/metadata.hpp"
#include "shardext/remote/fault_points.hpp"

extern "C" {
#include "libpq-fe.h"
#include "storage/latch.h"
}

namespace shardext {

class RemoteStream;

// What a statement needs of the node's transaction.
enum class Scope {
	Autocommit, // one read-only statement: no transaction where none is open
	Statement,	// one of several reads of one coordinator statement: they share a snapshot
	Write,		// writes or locks rows: a transaction with the client's isolation level
};

// A statement text that this connection has run before; from the second time on it is prepared on the node.
struct KnownStatement {
	uint64 hash; // of text and parameter types; 0: free
	char *text;	 // malloc
	uint32 number;
	uint64 last_use;
	bool prepared;
	uint64 definitions; // definition_version() when it was prepared
};
constexpr int kKnownStatements = 128;

struct Expected {
	enum Kind { Control, Rows, Answer, Name, Sync } kind;
	RemoteStream *stream;	   // Rows: where they go (nullptr: thrown away)
	bool ignore_errors;		   // Control: a failure is not raised (ROLLBACK and the like)
	KnownStatement *preparing; // Control: what a failure leaves unprepared
	const char *tag;		   // Control: the command tag that says it worked (static), or nullptr
};

struct Connection {
	int32 node_id;
	char node_name[NAMEDATALEN];
	PGconn *conn;
	int32 backend_pid; // of the node's session, as the node says: a pooler in between may tell libpq another
	uint64 conninfo_hash;

	int depth;			  // 0: no transaction; 1: BEGIN; n: n - 1 savepoints
	bool wrote;			  // has written or locked rows in this transaction
	bool statement_scope; // the transaction ends with the coordinator's statement
	bool failed;		  // the open transaction has had an error
	bool lost_in_transaction;
	bool ended;		  // the node has said that it ends this session
	uint32 begun;	  // transactions so far
	bool staged;	  // has made staging tables in this transaction: one that only reads is rolled back
	bool committed;	  // the node has answered to COMMIT
	bool wrong_tag;	  // a control statement answered with another tag (COMMIT in a failed block)
	char *settings;	  // fingerprint of the session settings in force (malloc), or nullptr
	int lock_timeout; // in force there, in milliseconds; -1: not known

	// What the node has answered to questions (malloc): the first column of the first row, if it is not NULL.
	char *answers[2]; // the first and the last
	int answer_count, answers_expected;
	int answers_taken; // of which these are left

	char *transaction_name; // what the node calls a transaction that writes (malloc), once it has said so

	char *kept_snapshot; // the snapshot that the node's transaction keeps (malloc), if it has been told
	uint64 kept_since;	 // the commit ledger's sequence before it was taken

	KnownStatement *statements; // kKnownStatements of them
	uint32 next_statement;
	uint64 use_counter;

	Expected *queue; // ring-free: entries [head, tail); there is always room for one more
	int head, tail, capacity;
	bool unsynced; // the batch that is being queued has no end yet
	WaitEventSet *wait_set;
};

// The connection to a node, made when there is none; raises 08001/08006 with the node's name when it cannot
// be reached. Never blocks without a latch and a timeout (shardext.connect_timeout).
Connection *connect_to_node(const NodeInfo *node);

// The cached connection, or nullptr.
Connection *existing_connection(int32 node_id);

// Calls body(Connection *) for every open connection.
using ConnectionVisitor = void (*)(Connection *, void *);
void for_each_connection(ConnectionVisitor visit, void *argument);

// Brings the node's transaction to what the statement needs: queues BEGIN and SAVEPOINTs.
void enter_transaction(Connection *connection, Scope scope);

// Queues a statement without results (BEGIN, SAVEPOINT, …). may_raise is about fault points.
void send_control(Connection *connection, const char *sql, const char *tag = nullptr,
				  bool ignore_errors = false, MayRaise may_raise = MayRaise::Yes);

// Called for everything that a node answers; must not raise.
extern void (*answer_action)();

// The question for a snapshot.
constexpr const char *kSnapshotQuestion = "SELECT pg_catalog.pg_current_snapshot()";

// Queues a question with one answer. Answers to earlier ones are forgotten when none is outstanding.
void ask(Connection *connection, const char *sql);
// The same, and the node sends the answer before it goes on with what comes next.
void ask_at_once(Connection *connection, const char *sql);

// Queues the question for the name of the open transaction.
void ask_name(Connection *connection);

// Waits until all questions to these nodes have been answered. Raises remote errors.
void await_answers(Connection **connections, int count);

// Notes that a statement without results has been sent.
void expect_control(Connection *connection);

// Notes that the rows of a statement just sent belong to a stream.
void expect_rows(Connection *connection, RemoteStream *stream);

// Queues a statement with parameters; texts that come again are prepared on the node.
void send_statement(Connection *connection, const char *sql, int count, const Oid *types,
					const char *const *values, const int *lengths, const int *formats, bool binary_result);

// Queues the preparation of a statement.
void send_prepare(Connection *connection, const char *name, const char *sql, int count, const Oid *types,
				  KnownStatement *statement);

// Ends a batch and hands everything to the kernel as far as it takes it.
void send_sync(Connection *connection, MayRaise may_raise = MayRaise::Yes);

// Ends a batch that an error has left without its end. Raises nothing.
void end_open_batch(Connection *connection);

// Makes the connection's running stream store the rest of its rows, then waits for everything queued.
void finish_everything(Connection *connection);

// Handles what has arrived. With wait, blocks (interruptibly) until `until` has a row or is at its end, or,
// when `until` is nullptr, until nothing is expected any more. Without wait, returns at once. Raises remote
// errors.
void pump(Connection *connection, RemoteStream *until, bool wait);

// The same for the end of a transaction, where nothing may be raised: waits no longer than the deadline and
// returns false when the connection is broken, the deadline has passed or a statement failed.
bool drain_quietly(Connection *connection, TimestampTz deadline, char *sqlstate_out = nullptr);

// True when no stream waits for rows that are still to come.
bool nothing_wanted(const Connection *connection);

// Ends statements of which nobody wants the rest: what comes at once is thrown away, else they are cancelled,
// and an open transaction of the node with them. Raises nothing. False: the connection is of no use any more.
bool abandon_statement(Connection *connection);

// Asks the node to cancel what the connection runs, over a second connection and with a deadline. Never
// raises.
void cancel_on_node(Connection *connection);

// Closes a connection. Where a statement is running on the node, it is cancelled there.
void close_connection(Connection *connection);

// Closes connections of nodes that are gone or changed, and all of them at backend exit.
void close_connection_to(int32 node_id);

// Waits until one of the connections can be read (or written where output is pending).
void wait_for_any(Connection **connections, int count);

// Waits until one connection has such an event.
void wait_for_connection(Connection *connection, int events);

// Raises a node's error with its own SQLSTATE, message, detail, hint and context; takes the result over.
[[noreturn]] void raise_remote_error(Connection *connection, PGresult *result, const char *sql);
[[noreturn]] void raise_connection_lost(Connection *connection);

// A shard's schema, shardext_<group>[_<schema>], back to the user's; the group's id comes out as well (0:
// none).
char *user_schema_of(const char *shard_schema, int64 *group_id);

// For checks and jobs: a connection of its own that is not cached, nullptr (with a message) when it fails.
PGconn *open_private_connection(const char *conninfo, char **message);
void close_private_connection(PGconn *conn);

// The same without waiting: to be gone on with by PQconnectPoll. nullptr: out of memory. Such sessions have
// the application name "shardext monitor".
PGconn *start_private_connection(const char *conninfo);

// Runs one statement on a private connection, waiting on the latch; nullptr when the connection broke.
PGresult *private_query(PGconn *conn, const char *sql);

extern int connect_timeout_ms;

} // namespace shardext

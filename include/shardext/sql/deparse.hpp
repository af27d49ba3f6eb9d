// Query trees to the SQL text of a task.
#pragma once
#include "shardext/sql/shard_sql.hpp"

namespace shardext {

// A task's text with its parameters: text says $1, $2, …; lifted[i] is the expression that the coordinator
// evaluates for $i+1 when execution starts.
struct DeparsedQuery {
	SqlPieces *pieces;
	List *lifted; // of Expr *
};

// Turns an analyzed query into text with holes. Works on a copy. What is evaluated on the coordinator
// (parameters, now() and other stable expressions without columns) becomes $n; `lifted` may already hold
// expressions, to which more are appended. A text that is not whole cannot be checked.
DeparsedQuery deparse_for_shards(const Query *query, List *lifted = NIL, bool whole = true);

// Makes the deparser print columns by what they are, not by the (join) name the user wrote, which planning
// has left in them. For expressions that are moved into another query; changes them in place.
void forget_syntactic_names(Node *node);

// Leaves out the WITH queries of a query that nobody reads, or only others of that kind.
void forget_unread_ctes(Query *query);

// The same in all queries of a tree.
bool forget_all_unread_ctes(Node *node, void *);

// The text PostgreSQL prints for a query when every name must be qualified and every constant exact.
char *deparse_qualified(Query *query, bool whole = true);

// The type a parameter has on the node and how its value is sent: user types travel as text with a cast.
Node *make_lifted_param(int number, Oid type, int32 typmod, Oid collation);

} // namespace shardext

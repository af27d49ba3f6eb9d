// Joins added to query trees.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"
}

namespace shardext {

// larg jointype JOIN rarg ON quals, with its range table entry, as the parser would have made it. The sides
// are range table references or joins. The query's FROM is left alone.
JoinExpr *make_join(Query *query, JoinType type, Node *larg, Node *rarg, Node *quals);

// The query's FROM as one range table reference or join.
Node *from_as_join(Query *query);

} // namespace shardext

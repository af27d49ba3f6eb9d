// Statements on node local: run in this backend with the statement's own snapshot, behind the same interface.
#pragma once
#include "shardext/remote/row_stream.hpp"

namespace shardext {

// Makes an error of a local shard name the table that the user knows, and the shard group.
void name_user_table(ErrorData *error);

RowStream *open_local_stream(const StatementRequest &request);

} // namespace shardext

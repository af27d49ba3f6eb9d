// Statements on node local: run in this backend with the statement's own snapshot, behind the same interface.
#pragma once
#include "shardext/remote/row_stream.hpp"

namespace shardext {

RowStream *open_local_stream(const StatementRequest &request);

} // namespace shardext

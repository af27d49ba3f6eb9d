// Settings that the meaning of a pushed expression may depend on.
#pragma once
#include "shardext/remote/connection.hpp"

namespace shardext {

// Makes the node's session use this session's time zone, date style, lc_* and the like; sends nothing when it
// already does.
void send_session_settings(Connection *connection);

} // namespace shardext

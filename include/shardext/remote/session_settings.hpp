// Settings that the meaning of a pushed expression may depend on.
#pragma once
#include "shardext/remote/connection.hpp"

namespace shardext {

// Makes the node's session use this session's time zone, date style, lc_* and the like; sends nothing when it
// already does.
void send_session_settings(Connection *connection);

// Makes waits for locks on the node end when this session's lock_timeout says; sends nothing when they
// already do.
void send_lock_timeout(Connection *connection);

// The node's session has rolled something back, and its settings with it.
void forget_settings(Connection *connection);

} // namespace shardext

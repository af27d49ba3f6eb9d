// Settings that the meaning of a pushed expression may depend on.
#pragma once
#include "shardext/remote/connection.hpp"

namespace shardext {

// Makes the node's session use this session's time zone, date style, lc_* and the like; sends nothing when it
// already does.
void send_session_settings(Connection *connection);

// Inside, output functions write what every session reads back the same way (ISO dates, exact floats).
int begin_transmission_modes();
void end_transmission_modes(int level);

} // namespace shardext

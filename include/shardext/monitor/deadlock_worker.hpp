// The deadlock detector: a background worker that runs while backends wait for nodes.
#pragma once

namespace shardext {

// Lets long waits wake the detector; called from _PG_init. It is a process of its own, because it has to look
// soon whatever the recovery of prepared transactions is doing. It starts with the first wait that lasts for
// deadlock_timeout, and ends when there has been none for a while.
void start_detector_on_long_waits();

} // namespace shardext

// What the coordinator's processes share: this start's incarnation, two-phase commits in flight, and the
// background worker of each database.
#pragma once
#include "shardext/pg/postgres.hpp"

namespace shardext {

// Reserves shared memory; called from _PG_init while shared_preload_libraries are loaded.
void request_shared_state();
bool shared_state_available();

// Raises an error with a hint where the library is not preloaded; starts the worker.
void require_preload();

// A number that no other start of this server has.
int64 current_incarnation();
int64 next_commit_sequence();

// Marks this backend's two-phase commit as undecided (0: none). The recovery worker leaves it alone.
void set_commit_in_flight(int64 sequence);
bool commit_in_flight(int64 sequence);
// The slot (backend_slot()) of the backend that makes this commit; -1 when none does.
int committing_slot(int64 sequence);

// Starts the database's background worker if it is not running, and waits until it has recorded the
// incarnation durably. Raises an error when no worker can be started.
void ensure_incarnation_recorded();

// Starts the worker without waiting (no error when there is no slot for it).
void ensure_worker();

// Tells the worker that a node may hold a prepared transaction to be resolved. Never raises.
void request_recovery();

// Ends the worker of a database and waits for it (before DROP DATABASE). True when one was running.
bool stop_worker(Oid database);

// For the worker itself.
bool worker_is_running(Oid database); // another one than this process
void worker_started(Oid database);
void worker_recorded_incarnation(Oid database);
// for_good: it is not missed (no extension, database dropped); else the launcher starts another.
void worker_stopped(Oid database, bool for_good);

// The deadlock detector, a worker that runs while somebody waits for nodes: wakes it, or starts it. Never
// raises.
void wake_detector();
bool detector_started(Oid database); // false: there is another one
void detector_stopped(Oid database);

// For the launcher: starts workers that have died.
void restart_workers();
bool take_recovery_request(Oid database);

} // namespace shardext

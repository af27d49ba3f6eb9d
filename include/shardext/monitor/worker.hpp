// Background workers: a launcher that looks for databases with the extension when the server starts, and one
// worker per such database, which resolves what crashes have left behind.
#pragma once

namespace shardext {

// Registers the launcher; called from _PG_init.
void register_launcher();

// One round of the recovery of prepared transactions: returns true when nothing is left to do.
bool recover_prepared_transactions();

// Records this start of the server, durably, before its first PREPARE TRANSACTION.
void record_incarnation();

} // namespace shardext

// SERIALIZABLE over nodes: what a transaction reads and writes there is told to PostgreSQL's own serializable
// snapshot isolation (SSI) on the coordinator.
//
// SSI looks for transactions T1 -> T2 -> T3 where each has read what the next one has written without seeing
// it, and ends one of them. It needs three things:
//   - A snapshot isolation: what a transaction sees on all servers belongs to one point in the order of
//   commits.
//     That is REPEATABLE READ here. Since every SERIALIZABLE transaction that writes on nodes gets an xid of
//     the coordinator, which is a part of its commit like those of the nodes (transaction/ledger.hpp), it is
//     seen on a node exactly when the coordinator's snapshot sees it. So the coordinator may judge from its
//     own snapshots and commits.
//   - Writers must find who has read before: readers take SIREAD locks on the coordinator's own (empty)
//   table,
//     one for each shard group, as if the group were the page with the number of its id; writers look for
//     them.
//   - Readers must find who has written before. PostgreSQL finds that in the rows. Here the writers are
//   remembered
//     in shared memory.
// A reader first takes its lock and then looks for writers, a writer first makes its entry and then looks for
// readers, and both do so before the statement is sent: one of them finds the other.
//
// Shard groups on the coordinator are ordinary tables there, and SSI sees their rows by itself.
#pragma once
#include "shardext/catalog/metadata.hpp"

namespace shardext {

// Reserves shared memory; called from _PG_init.
void initialize_serializable();

// These do nothing below SERIALIZABLE, and raise 40001 where PostgreSQL would. `member` says which groups;
// nullptr: all.

// A statement is going to read these groups of the tables in its range table, on their nodes. Reference
// tables are read whole.
void note_reads(const List *range_table, const ColocationGroup *colocation, const bool *member);

// Rows of a table are going to be written. `changes`: some of them by UPDATE or DELETE, so that tables whose
// foreign keys cascade are written as well.
void note_writes(Oid relid, const bool *member, bool changes);
void note_write(Oid relid, int group, bool changes);

} // namespace shardext

// The latest writes of SERIALIZABLE transactions on nodes, in shared memory.
#pragma once
#include "shardext/pg/postgres.hpp"

namespace shardext {

void reserve_write_ring();
bool write_ring_available();

constexpr uint32 kAnyGroup = InvalidBlockNumber;

// A transaction is going to write a table's rows: in one shard group, or anywhere.
void remember_write(Oid relid, uint32 group, TransactionId xid);

// Calls body(relid, group, xid) for writes in this database by transactions that a snapshot does not see. In
// the ring's lock: nothing may be raised. Returns false when some may have been forgotten.
using WriteVisitor = void (*)(Oid relid, uint32 group, TransactionId xid, void *);
bool visit_unseen_writes(Snapshot snapshot, WriteVisitor body, void *argument);

} // namespace shardext

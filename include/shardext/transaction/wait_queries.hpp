// Asking a server who waits for whom: SQL that means the same on nodes and on the coordinator.
#pragma once
#include "shardext/remote/sessions.hpp"

namespace shardext {

// WITH queries `l` (all locks), `prepared` (which of them belong to which prepared transaction: those that go
// with the lock on its own transaction id) and `waits`, one row for each lock that is waited for and who is
// in the way: pid, or 0 and gid for a prepared transaction, which pg_blocking_pids() does not tell apart. A
// prepared transaction counts when its lock on the same object conflicts: the masks are PostgreSQL's table of
// conflicts.
constexpr const char *kWaitQueries =
	"l AS MATERIALIZED (SELECT * FROM pg_catalog.pg_locks), "
	"m AS MATERIALIZED (SELECT '{AccessShareLock,RowShareLock,RowExclusiveLock,ShareUpdateExclusiveLock,"
	"ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}'::pg_catalog.text[] AS modes), "
	"prepared AS MATERIALIZED (SELECT k.virtualtransaction, x.gid, x.database FROM l k JOIN "
	"pg_catalog.pg_prepared_xacts x ON x.transaction = k.transactionid WHERE k.pid IS NULL AND k.granted), "
	"waits AS MATERIALIZED (SELECT DISTINCT w.*, b.blocker, p.gid FROM l w CROSS JOIN LATERAL "
	"pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) b(blocker) LEFT JOIN LATERAL (SELECT x.gid FROM l "
	"h "
	"JOIN prepared x USING (virtualtransaction) "
	"CROSS JOIN m WHERE b.blocker = 0 AND h.granted AND h.pid IS NULL AND "
	"((('{256,384,480,496,472,504,508,510}'::pg_catalog.int4[])[pg_catalog.array_position(m.modes, w.mode)] "
	">> "
	"pg_catalog.array_position(m.modes, h.mode)) & 1) = 1 AND "
	"ROW(h.locktype, h.database, h.relation, h.page, h.tuple, h.virtualxid, h.transactionid, h.classid, "
	"h.objid, h.objsubid) IS NOT DISTINCT FROM ROW(w.locktype, w.database, w.relation, w.page, w.tuple, "
	"w.virtualxid, w.transactionid, w.classid, w.objid, w.objsubid)) p ON true WHERE NOT w.granted)";

// The backend that is committing the transaction with this gid; nullptr when nobody is (any more).
BackendWork *owner_of_prepared(List *work, const char *gid);

} // namespace shardext

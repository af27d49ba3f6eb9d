// A ring of writes. The oldest entry makes place for a new one; the ring keeps the newest xid that it has
// lost in that way, so that a reader whose snapshot is older knows that it cannot know.
#include "shardext/transaction/write_ring.hpp"

#include "shardext/pg/border.hpp"
#include "shardext/transaction/ledger.hpp"

extern "C" {
#include "access/transam.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/snapmgr.h"
}

namespace shardext {

namespace {

constexpr const char *kTranche = "shardext_write_ring";

struct RememberedWrite {
	Oid database, relid;
	uint32 group;
	TransactionId xid;
	core::Xid next_xid; // when it was remembered; grows with the entries
};

struct WriteRing {
	LWLock *lock;
	uint64 count; // of all writes so far
	core::Xid newest_lost;
	RememberedWrite writes[FLEXIBLE_ARRAY_MEMBER];
};

WriteRing *ring = nullptr;
shmem_request_hook_type previous_request_hook = nullptr;
shmem_startup_hook_type previous_startup_hook = nullptr;

uint64 ring_size() {
	return 16384 + 64 * static_cast<uint64>(MaxBackends);
}

Size shared_size() {
	return add_size(offsetof(WriteRing, writes), mul_size(sizeof(RememberedWrite), ring_size()));
}

void on_shmem_request() {
	gate([&] {
		if (previous_request_hook)
			previous_request_hook();
		RequestAddinShmemSpace(shared_size());
		RequestNamedLWLockTranche(kTranche, 1);
	});
}

void on_shmem_startup() {
	gate([&] {
		if (previous_startup_hook)
			previous_startup_hook();
		LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
		bool found;
		ring = static_cast<WriteRing *>(ShmemInitStruct("shardext write ring", shared_size(), &found));
		if (!found) {
			memset(static_cast<void *>(ring), 0, offsetof(WriteRing, writes));
			ring->lock = &GetNamedLWLockTranche(kTranche)->lock;
		}
		LWLockRelease(AddinShmemInitLock);
	});
}

} // namespace

void reserve_write_ring() {
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = on_shmem_request;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = on_shmem_startup;
}

bool write_ring_available() {
	return ring != nullptr;
}

void remember_write(Oid relid, uint32 group, TransactionId xid) {
	LWLockAcquire(ring->lock, LW_EXCLUSIVE);
	RememberedWrite &place = ring->writes[ring->count % ring_size()];
	if (ring->count >= ring_size())
		ring->newest_lost = std::max(ring->newest_lost, full_xid(place.xid));
	place = {MyDatabaseId, relid, group, xid, U64FromFullTransactionId(ReadNextFullTransactionId())};
	ring->count++;
	LWLockRelease(ring->lock);
}

bool visit_unseen_writes(Snapshot snapshot, WriteVisitor body, void *argument) {
	const core::Xid oldest = full_xid(snapshot->xmin);
	LWLockAcquire(ring->lock, LW_SHARED);
	const uint64 lost = ring->count - std::min(ring->count, ring_size());
	uint64 i = ring->count;
	// What was written before the oldest transaction began that the snapshot does not see, it sees.
	for (; i > lost && ring->writes[(i - 1) % ring_size()].next_xid > oldest; i--) {
		const RememberedWrite &write = ring->writes[(i - 1) % ring_size()];
		if (write.database == MyDatabaseId && XidInMVCCSnapshot(write.xid, snapshot))
			body(write.relid, write.group, write.xid, argument);
	}
	const bool complete = i > lost || ring->newest_lost < oldest;
	LWLockRelease(ring->lock);
	return complete;
}

} // namespace shardext

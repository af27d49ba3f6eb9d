// Shared memory of the remote room: node sessions and long waits of every backend.
#include "shardext/remote/sessions.hpp"

#include "shardext/pg/border.hpp"
#include "shardext/pg/compat.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "storage/spin.h"
}

namespace shardext {

namespace {

struct Slot {
	slock_t mutex; // for all but the atomics
	int32 pid;
	Oid database;
	int session_count;
	NodeSession sessions[kPublishedSessions];
	pg_atomic_uint32 waits_for;
	pg_atomic_uint64 waits_since;
	pg_atomic_uint32 condemned; // 1: there is a verdict
	Verdict verdict;
};

struct Sessions {
	int slot_count;
	Slot slots[FLEXIBLE_ARRAY_MEMBER];
};

Sessions *shared = nullptr;
bool exit_callback_registered = false;
shmem_request_hook_type previous_request_hook = nullptr;
shmem_startup_hook_type previous_startup_hook = nullptr;

int backend_slots() {
	return MaxBackends + 64;
}

Size shared_size() {
	return add_size(offsetof(Sessions, slots), mul_size(sizeof(Slot), backend_slots()));
}

void on_shmem_request() {
	gate([&] {
		if (previous_request_hook)
			previous_request_hook();
		RequestAddinShmemSpace(shared_size());
	});
}

void on_shmem_startup() {
	gate([&] {
		if (previous_startup_hook)
			previous_startup_hook();
		LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
		bool found;
		shared = static_cast<Sessions *>(ShmemInitStruct("shardext sessions", shared_size(), &found));
		if (!found) {
			memset(shared, 0, shared_size());
			shared->slot_count = backend_slots();
			for (int i = 0; i < shared->slot_count; i++) {
				SpinLockInit(&shared->slots[i].mutex);
				pg_atomic_init_u32(&shared->slots[i].waits_for, 0);
				pg_atomic_init_u64(&shared->slots[i].waits_since, 0);
				pg_atomic_init_u32(&shared->slots[i].condemned, 0);
			}
		}
		LWLockRelease(AddinShmemInitLock);
	});
}

Slot *own_slot() {
	return &shared->slots[backend_slot()];
}

void leave_slot(int, Datum) {
	Slot *slot = own_slot();
	pg_atomic_write_u64(&slot->waits_since, 0);
	SpinLockAcquire(&slot->mutex);
	slot->pid = 0;
	slot->session_count = 0;
	SpinLockRelease(&slot->mutex);
}

} // namespace

void request_session_state() {
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = on_shmem_request;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = on_shmem_startup;
}

void publish_session(int32 node_id, int32 pid) {
	if (shared == nullptr)
		return;
	if (!exit_callback_registered) {
		before_shmem_exit(leave_slot, 0);
		exit_callback_registered = true;
	}
	Slot *slot = own_slot();
	SpinLockAcquire(&slot->mutex);
	if (slot->pid != MyProcPid)
		slot->session_count = 0;
	slot->pid = MyProcPid;
	slot->database = MyDatabaseId;
	if (slot->session_count < kPublishedSessions)
		slot->sessions[slot->session_count++] = {node_id, pid};
	SpinLockRelease(&slot->mutex);
}

void withdraw_session(int32 node_id, int32 pid) {
	if (shared == nullptr)
		return;
	Slot *slot = own_slot();
	SpinLockAcquire(&slot->mutex);
	for (int i = 0; slot->pid == MyProcPid && i < slot->session_count; i++)
		if (slot->sessions[i].node_id == node_id && slot->sessions[i].pid == pid) {
			slot->sessions[i] = slot->sessions[--slot->session_count];
			break;
		}
	SpinLockRelease(&slot->mutex);
}

void publish_wait(int32 node_id, int64 since) {
	if (shared == nullptr)
		return;
	pg_atomic_write_u32(&own_slot()->waits_for, static_cast<uint32>(node_id));
	pg_write_barrier();
	pg_atomic_write_u64(&own_slot()->waits_since, since);
}

void withdraw_wait() {
	if (shared != nullptr)
		pg_atomic_write_u64(&own_slot()->waits_since, 0);
}

int64 published_wait() {
	return shared != nullptr ? static_cast<int64>(pg_atomic_read_u64(&own_slot()->waits_since)) : 0;
}

List *published_work(Oid database) {
	List *result = NIL;
	auto *sessions = static_cast<NodeSession *>(palloc(sizeof(NodeSession) * kPublishedSessions));
	for (int i = 0; shared != nullptr && i < shared->slot_count; i++) {
		Slot *slot = &shared->slots[i];
		SpinLockAcquire(&slot->mutex);
		const int32 pid = slot->pid;
		const bool wanted = pid != 0 && slot->database == database;
		const int count = wanted ? slot->session_count : 0;
		memcpy(sessions, slot->sessions, sizeof(NodeSession) * count);
		SpinLockRelease(&slot->mutex);
		if (!wanted)
			continue;
		auto *work = static_cast<BackendWork *>(palloc0(sizeof(BackendWork)));
		work->slot = i;
		work->pid = pid;
		work->waits_since = static_cast<int64>(pg_atomic_read_u64(&slot->waits_since));
		pg_read_barrier();
		work->waits_for = static_cast<int32>(pg_atomic_read_u32(&slot->waits_for));
		work->session_count = count;
		work->sessions = static_cast<NodeSession *>(palloc(sizeof(NodeSession) * (count + 1)));
		memcpy(work->sessions, sessions, sizeof(NodeSession) * count);
		result = lappend(result, work);
	}
	pfree(sessions);
	return result;
}

BackendWork *owner_of_session(List *work, int32 node_id, int32 pid) {
	foreach_ptr (BackendWork, backend, work)
		for (int i = 0; i < backend->session_count; i++)
			if (backend->sessions[i].node_id == node_id && backend->sessions[i].pid == pid)
				return backend;
	return nullptr;
}

void pass_verdict(int slot_number, int32 pid, int64 wait, const char *detail) {
	Slot *slot = &shared->slots[slot_number];
	pg_atomic_write_u32(&slot->condemned, 0);
	pg_write_barrier();
	strlcpy(slot->verdict.detail, detail, sizeof slot->verdict.detail);
	slot->verdict.wait = wait;
	slot->verdict.pid = pid;
	pg_write_barrier();
	pg_atomic_write_u32(&slot->condemned, 1);
	kill(pid, SIGINT);
}

const Verdict *take_verdict() {
	if (shared == nullptr || pg_atomic_exchange_u32(&own_slot()->condemned, 0) == 0)
		return nullptr;
	const Verdict *verdict = &own_slot()->verdict;
	return verdict->pid == MyProcPid ? verdict : nullptr; // else it was for who had the slot before
}

} // namespace shardext

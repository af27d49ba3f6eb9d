// Telling PostgreSQL's serializable snapshot isolation of reads and writes on nodes.
#include "shardext/transaction/serializable.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/transaction/shared_state.hpp"
#include "shardext/transaction/write_ring.hpp"

extern "C" {
#include "access/table.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "storage/predicate.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
}

namespace shardext {

namespace {

// What a statement reads of one table.
struct ReadTable {
	Oid relid;
	const uint32 *groups; // nullptr: all
	int count;
	bool covers(uint32 group) const {
		return groups == nullptr || group == kAnyGroup ||
			   std::find(groups, groups + count, group) != groups + count;
	}
};

// Who has written it meanwhile.
struct UnseenWrite {
	Oid relid;
	TransactionId xid;
};

struct UnseenWrites {
	const ReadTable *tables;
	int table_count;
	UnseenWrite *found;
	int count, capacity; // there may be more than have found place
};

// The place of a shard group in its table, for SIREAD locks.
uint32 page_of(const ShardGroup &group) {
	return static_cast<uint32>(static_cast<uint64>(group.id) % MaxBlockNumber);
}

// The groups of a set that are on nodes; *all says whether the set has all there are.
uint32 *groups_on_nodes(const ColocationGroup *colocation, const bool *member, int *count, bool *all) {
	auto *groups = static_cast<uint32 *>(palloc(sizeof(uint32) * (colocation->group_count + 1)));
	*count = 0;
	*all = true;
	for (int i = 0; i < colocation->group_count; i++) {
		const bool chosen = member == nullptr || member[i];
		*all = *all && chosen;
		if (chosen && colocation->groups[i].node_id != kLocalNode)
			groups[(*count)++] = page_of(colocation->groups[i]);
	}
	return groups;
}

ReadTable *tables_to_read(const List *range_table, int32 colocation_id, const uint32 *groups, int group_count,
						  bool all, int *count) {
	auto *tables = static_cast<ReadTable *>(palloc(sizeof(ReadTable) * (list_length(range_table) + 1)));
	*count = 0;
	foreach_node (RangeTblEntry, rte, range_table) {
		const DistributedTable *table =
			rte->rtekind == RTE_RELATION ? find_distributed_table(rte->relid) : nullptr;
		if (table == nullptr || (table->is_sharded() && table->colocation->id != colocation_id))
			continue;
		const bool whole = all || !table->is_sharded();
		tables[(*count)++] = {rte->relid, whole ? nullptr : groups, whole ? 0 : group_count};
	}
	return tables;
}

void lock_for_readers(const ReadTable &table, Snapshot snapshot) {
	Relation relation = table_open(table.relid, AccessShareLock);
	if (table.groups == nullptr)
		PredicateLockRelation(relation, snapshot);
	for (int i = 0; i < table.count; i++)
		PredicateLockPage(relation, table.groups[i], snapshot);
	table_close(relation, NoLock);
}

void collect_unseen(Oid relid, uint32 group, TransactionId xid, void *argument) {
	auto *writes = static_cast<UnseenWrites *>(argument);
	for (int i = 0; i < std::min(writes->count, writes->capacity); i++)
		if (writes->found[i].relid == relid && writes->found[i].xid == xid)
			return;
	for (int i = 0; i < writes->table_count; i++) {
		if (writes->tables[i].relid != relid || !writes->tables[i].covers(group))
			continue;
		if (writes->count < writes->capacity)
			writes->found[writes->count] = {relid, xid};
		writes->count++;
		return;
	}
}

[[noreturn]] void raise_forgotten() {
	ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			errmsg("could not serialize access due to read/write dependencies among transactions"),
			errdetail("More has been written since the transaction's snapshot was taken than is remembered."),
			errhint("The transaction might succeed if retried."));
}

void meet_writers(const ReadTable *tables, int count, Snapshot snapshot) {
	UnseenWrites writes{tables, count, nullptr, 0, 32};
	do {
		writes.capacity = std::max(writes.capacity, writes.count);
		writes.count = 0;
		writes.found = static_cast<UnseenWrite *>(palloc(sizeof(UnseenWrite) * writes.capacity));
		if (!visit_unseen_writes(snapshot, collect_unseen, &writes))
			raise_forgotten();
	} while (writes.count > writes.capacity);
	for (int i = 0; i < writes.count; i++) {
		Relation relation = table_open(writes.found[i].relid, AccessShareLock);
		CheckForSerializableConflictOut(relation, writes.found[i].xid, snapshot);
		table_close(relation, NoLock);
	}
}

// A READ ONLY transaction need not look any more when its snapshot is known to be safe.
bool must_look(Oid relid, Snapshot snapshot) {
	Relation relation = table_open(relid, AccessShareLock);
	const bool needed = CheckForSerializableConflictOutNeeded(relation, snapshot);
	table_close(relation, NoLock);
	return needed;
}

// True for the first write to a group (or to any) in this transaction.
bool is_first_write(Oid relid, uint32 group, TransactionId xid) {
	struct Written {
		TransactionId xid;
		Oid relid;
		uint32 group;
	};
	static Written latest[64];
	Written &place = latest[(relid * 31 + group) % lengthof(latest)];
	const bool known = place.xid == xid && place.relid == relid && place.group == group;
	place = {xid, relid, group};
	return !known;
}

// Tables that foreign keys let change along with this one.
List *tables_that_follow(Relation relation) {
	List *relids = NIL;
	const TriggerDesc *triggers = relation->trigdesc;
	for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
		const Trigger &trigger = triggers->triggers[i];
		switch (trigger.tgfoid) {
		case F_RI_FKEY_CASCADE_DEL:
		case F_RI_FKEY_CASCADE_UPD:
		case F_RI_FKEY_SETNULL_DEL:
		case F_RI_FKEY_SETNULL_UPD:
		case F_RI_FKEY_SETDEFAULT_DEL:
		case F_RI_FKEY_SETDEFAULT_UPD:
			relids = list_append_unique_oid(relids, trigger.tgconstrrelid);
			break;
		default:
			break;
		}
	}
	return relids;
}

bool has_remote_nodes() {
	return list_length(all_nodes()) > 1;
}

// Tables whose foreign keys cascade are added to `following`, unless that is nullptr.
void note_table_write(const DistributedTable *table, const bool *member, List **following) {
	int count = 0;
	bool all = true;
	const uint32 *groups = nullptr;
	if (table->is_sharded())
		groups = groups_on_nodes(table->colocation, member, &count, &all);
	if (table->is_sharded() ? count == 0 : !has_remote_nodes())
		return;
	if (!write_ring_available())
		require_preload();
	GetTransactionSnapshot(); // before it, SSI does not know of the transaction
	const TransactionId xid = GetTopTransactionId();
	for (int i = 0; i < (all ? 1 : count); i++) {
		const uint32 group = all ? kAnyGroup : groups[i];
		if (is_first_write(table->relid, group, xid))
			remember_write(table->relid, group, xid);
	}
	// (Of a reference table there is a copy here, where rows are written as usual.)
	Relation relation = table_open(table->relid, AccessShareLock);
	for (int i = 0; i < count; i++)
		CheckForSerializableConflictIn(relation, nullptr, groups[i]);
	if (following != nullptr)
		*following = list_concat_unique_oid(*following, tables_that_follow(relation));
	table_close(relation, NoLock);
}

} // namespace

void initialize_serializable() {
	reserve_write_ring();
}

void note_reads(const List *range_table, const ColocationGroup *colocation, const bool *member) {
	if (!IsolationIsSerializable())
		return;
	int group_count, count;
	bool all;
	const uint32 *groups = groups_on_nodes(colocation, member, &group_count, &all);
	if (group_count == 0)
		return;
	if (!write_ring_available())
		require_preload();
	const ReadTable *tables = tables_to_read(range_table, colocation->id, groups, group_count, all, &count);
	const Snapshot snapshot = GetTransactionSnapshot();
	for (int i = 0; i < count; i++)
		lock_for_readers(tables[i], snapshot);
	if (count > 0 && must_look(tables[0].relid, snapshot))
		meet_writers(tables, count, snapshot);
}

void note_writes(Oid relid, const bool *member, bool changes) {
	if (!IsolationIsSerializable())
		return;
	const DistributedTable *first = find_distributed_table(relid);
	List *tables = list_make1_oid(relid);
	for (int i = 0; i < list_length(tables); i++) {
		const DistributedTable *table = find_distributed_table(list_nth_oid(tables, i));
		if (table != nullptr)
			note_table_write(table, table->colocation == first->colocation ? member : nullptr,
							 changes ? &tables : nullptr);
	}
}

void note_write(Oid relid, int group, bool changes) {
	if (!IsolationIsSerializable())
		return;
	const ColocationGroup *colocation = find_distributed_table(relid)->colocation;
	auto *member = static_cast<bool *>(palloc0(sizeof(bool) * (colocation->group_count + 1)));
	member[group] = true;
	note_writes(relid, member, changes);
	pfree(member);
}

} // namespace shardext

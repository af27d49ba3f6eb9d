// Rows by hash.
#include "shardext/executor/lookup_store.hpp"

#include <algorithm>

extern "C" {
#include "catalog/pg_operator.h"
#include "executor/executor.h"
#include "executor/nodeHash.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
}

namespace shardext {

namespace {

constexpr int kRowsPerMark = 16;

template <class T> T *grown(T *array, int64 capacity) {
	return static_cast<T *>(array == nullptr
								? MemoryContextAllocHuge(CurrentMemoryContext, sizeof(T) * capacity)
								: repalloc_huge(array, sizeof(T) * capacity));
}

} // namespace

LookupStore *LookupStore::make(TupleDesc desc) {
	auto *store = new (palloc0(sizeof(LookupStore))) LookupStore();
	store->context_ =
		AllocSetContextCreate(CurrentMemoryContext, "shardext kept rows", ALLOCSET_DEFAULT_SIZES);
	TupleDesc with_hash = CreateTemplateTupleDesc(desc->natts + 1);
	for (int i = 1; i <= desc->natts; i++)
		TupleDescCopyEntry(with_hash, i, desc, i);
	TupleDescInitEntry(with_hash, desc->natts + 1, "hash", INT4OID, -1, 0);
	AttrNumber column = desc->natts + 1;
	Oid op = Int4LessOperator, collation = InvalidOid;
	bool nulls_first = false;
	store->sort_ =
		tuplesort_begin_heap(with_hash, 1, &column, &op, &collation, &nulls_first, work_mem, nullptr, 0);
	store->row_ = MakeSingleTupleTableSlot(with_hash, &TTSOpsVirtual);
	return store;
}

void LookupStore::put(int32 hash, TupleTableSlot *row) {
	slot_getallattrs(row);
	ExecClearTuple(row_);
	const int columns = row->tts_tupleDescriptor->natts;
	memcpy(row_->tts_values, row->tts_values, sizeof(Datum) * columns);
	memcpy(row_->tts_isnull, row->tts_isnull, sizeof(bool) * columns);
	row_->tts_values[columns] = Int32GetDatum(hash);
	row_->tts_isnull[columns] = false;
	ExecStoreVirtualTuple(row_);
	tuplesort_puttupleslot(sort_, row_);
}

void LookupStore::to_memory(MinimalTuple tuple, int32 hash) {
	if (count_ == capacity_) {
		capacity_ = std::max<int64>(256, capacity_ * 2);
		tuples_ = grown(tuples_, capacity_);
		hashes_ = grown(hashes_, capacity_);
	}
	tuples_[count_] = heap_copy_minimal_tuple(tuple);
	hashes_[count_++] = hash;
	bytes_ += tuple->t_len + sizeof(MinimalTuple) + sizeof(int32);
}

void LookupStore::to_file(MinimalTuple tuple, int32 hash) {
	if (count_ % kRowsPerMark == 0) {
		if (mark_count_ == capacity_) {
			capacity_ = std::max<int64>(256, capacity_ * 2);
			marks_ = grown(marks_, capacity_);
		}
		Mark *mark = &marks_[mark_count_++];
		mark->hash = hash;
		BufFileTell(file_, &mark->file_number, &mark->offset);
	}
	uint32 head[2] = {static_cast<uint32>(hash), tuple->t_len};
	BufFileWrite(file_, head, sizeof head);
	BufFileWrite(file_, tuple, tuple->t_len);
	count_++;
}

void LookupStore::spill() {
	MinimalTuple *tuples = tuples_;
	int32 *hashes = hashes_;
	const int64 count = count_;
	file_ = BufFileCreateTemp(false);
	count_ = capacity_ = 0;
	tuples_ = nullptr;
	hashes_ = nullptr;
	for (int64 i = 0; i < count; i++) {
		to_file(tuples[i], hashes[i]);
		pfree(tuples[i]);
	}
	pfree(tuples);
	pfree(hashes);
}

void LookupStore::finish() {
	MemoryContext old = MemoryContextSwitchTo(context_);
	tuplesort_performsort(sort_);
	TupleDesc desc = row_->tts_tupleDescriptor;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	while (tuplesort_gettupleslot(sort_, true, false, slot, nullptr)) {
		CHECK_FOR_INTERRUPTS();
		bool isnull;
		const int32 hash = DatumGetInt32(slot_getattr(slot, desc->natts, &isnull));
		bool free_it;
		MinimalTuple tuple = ExecFetchSlotMinimalTuple(slot, &free_it);
		if (file_ == nullptr && bytes_ + tuple->t_len > static_cast<int64>(get_hash_memory_limit()))
			spill();
		if (file_ == nullptr)
			to_memory(tuple, hash);
		else
			to_file(tuple, hash);
		if (free_it)
			pfree(tuple);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplesort_end(sort_);
	sort_ = nullptr;
	MemoryContextSwitchTo(old);
}

void LookupStore::find(int32 hash) {
	wanted_ = hash;
	reading_ = count_ > 0;
	if (!reading_)
		return;
	if (file_ == nullptr) {
		position_ = std::lower_bound(hashes_, hashes_ + count_, hash) - hashes_;
		return;
	}
	const Mark *mark = std::lower_bound(marks_, marks_ + mark_count_, hash,
										[](const Mark &m, int32 value) { return m.hash < value; });
	if (mark > marks_)
		mark--; // rows with this hash may begin before the first mark that has it
	position_ = (mark - marks_) * kRowsPerMark;
	if (BufFileSeek(file_, mark->file_number, mark->offset, SEEK_SET) != 0)
		ereport(ERROR, errcode_for_file_access(), errmsg("could not seek in temporary file of kept rows"));
}

bool LookupStore::next(TupleTableSlot *slot) {
	if (!reading_)
		return false;
	if (file_ == nullptr) {
		reading_ = position_ < count_ && hashes_[position_] == wanted_;
		if (reading_)
			ExecStoreMinimalTuple(tuples_[position_++], slot, false);
		return reading_;
	}
	while (position_ < count_) {
		uint32 head[2];
		if (BufFileRead(file_, head, sizeof head) != sizeof head)
			ereport(ERROR, errcode_for_file_access(), errmsg("could not read temporary file of kept rows"));
		const int32 hash = static_cast<int32>(head[0]);
		if (hash > wanted_)
			break;
		auto *tuple = static_cast<MinimalTuple>(palloc(head[1]));
		if (BufFileRead(file_, tuple, head[1]) != head[1])
			ereport(ERROR, errcode_for_file_access(), errmsg("could not read temporary file of kept rows"));
		position_++;
		if (hash == wanted_) {
			MemoryContext old = MemoryContextSwitchTo(slot->tts_mcxt);
			ExecStoreMinimalTuple(heap_copy_minimal_tuple(tuple), slot, true);
			MemoryContextSwitchTo(old);
			pfree(tuple);
			return true;
		}
		pfree(tuple);
	}
	return reading_ = false;
}

void LookupStore::end() {
	if (sort_ != nullptr)
		tuplesort_end(sort_);
	if (file_ != nullptr)
		BufFileClose(file_);
	MemoryContextDelete(context_);
}

} // namespace shardext

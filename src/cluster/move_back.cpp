// Rows that come back into a table on the coordinator: nothing new happens to them, so no trigger fires,
// whatever it is enabled for.
#include "shardext/cluster/create_table.hpp"

#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/table.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "utils/snapmgr.h"
}

namespace shardext {

struct QuietInsert {
	Relation relation;
	EState *estate;
	ResultRelInfo *target;
	TupleTableSlot *row;
};

QuietInsert *begin_quiet_insert(Oid relid) {
	auto *insert = static_cast<QuietInsert *>(palloc0(sizeof(QuietInsert)));
	insert->relation = table_open(relid, RowExclusiveLock);
	insert->estate = CreateExecutorState();
	insert->target = makeNode(ResultRelInfo);
	InitResultRelInfo(insert->target, insert->relation, 0, nullptr, 0);
	insert->target->ri_TrigDesc = nullptr;
	ExecOpenIndices(insert->target, false);
	insert->row = MakeSingleTupleTableSlot(RelationGetDescr(insert->relation), &TTSOpsVirtual);
	return insert;
}

void insert_quietly(QuietInsert *insert, const Datum *values, const bool *nulls) {
	TupleTableSlot *row = insert->row;
	ResetPerTupleExprContext(insert->estate);
	ExecClearTuple(row);
	int given = 0;
	for (int i = 0; i < row->tts_tupleDescriptor->natts; i++) {
		Form_pg_attribute attribute = TupleDescAttr(row->tts_tupleDescriptor, i);
		row->tts_isnull[i] = true;
		if (attribute->attisdropped || attribute->attgenerated != '\0')
			continue;
		row->tts_values[i] = values[given];
		row->tts_isnull[i] = nulls[given++];
	}
	ExecStoreVirtualTuple(row);
	ExecSimpleRelationInsert(insert->target, insert->estate, row);
}

void end_quiet_insert(QuietInsert *insert) {
	ExecDropSingleTupleTableSlot(insert->row);
	ExecCloseIndices(insert->target);
	FreeExecutorState(insert->estate);
	table_close(insert->relation, NoLock);
}

void insert_rows_quietly(Oid relid, const char *select) {
	constexpr int kRowsAtOnce = 1000;
	QuietInsert *insert = begin_quiet_insert(relid);
	Portal portal = SPI_cursor_open(nullptr, SPI_prepare(select, 0, nullptr), nullptr, nullptr, true);
	PushActiveSnapshot(GetTransactionSnapshot());
	for (bool done = false; !done;) {
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, kRowsAtOnce);
		done = SPI_processed == 0;
		for (uint64 i = 0; i < SPI_processed; i++) {
			TupleDesc desc = SPI_tuptable->tupdesc;
			auto *values = static_cast<Datum *>(palloc(sizeof(Datum) * desc->natts));
			auto *nulls = static_cast<bool *>(palloc(sizeof(bool) * desc->natts));
			heap_deform_tuple(SPI_tuptable->vals[i], desc, values, nulls);
			insert_quietly(insert, values, nulls);
			pfree(values);
			pfree(nulls);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	PopActiveSnapshot();
	SPI_cursor_close(portal);
	end_quiet_insert(insert);
}

} // namespace shardext

// The aggregate that keeps rows.
#include "shardext/executor/kept_rows.hpp"

#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/detoast.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
}

using namespace shardext;

namespace {

dlist_head all_kept = DLIST_STATIC_INIT(all_kept);
int64 last_number = 0;

// The memory goes, after an error, too.
void forget_kept(void *rows) {
	dlist_delete(&static_cast<KeptRows *>(rows)->link);
}

// The aggregate ends in an orderly way; after an error, files are closed by their resource owner.
void end_kept(Datum rows) {
	tuplestore_end(reinterpret_cast<KeptRows *>(DatumGetPointer(rows))->store);
}

KeptRows *new_kept_rows(FunctionCallInfo fcinfo) {
	MemoryContext context;
	if (AggCheckCallContext(fcinfo, &context) != AGG_CONTEXT_AGGREGATE)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("shardext.kept_rows() is not meant to be called"));
	MemoryContext old = MemoryContextSwitchTo(context);
	auto *rows = static_cast<KeptRows *>(palloc0(sizeof(KeptRows)));
	List *types = NIL;
	foreach_node (TargetEntry, entry, AggGetAggref(fcinfo)->args)
		types = lappend_oid(types, exprType(reinterpret_cast<Node *>(entry->expr)));
	rows->desc = kept_descriptor(types);
	rows->store = tuplestore_begin_heap(true, false, work_mem);
	rows->number = ++last_number;
	dlist_push_tail(&all_kept, &rows->link);
	auto *callback = static_cast<MemoryContextCallback *>(palloc0(sizeof(MemoryContextCallback)));
	callback->func = forget_kept;
	callback->arg = rows;
	MemoryContextRegisterResetCallback(context, callback);
	AggRegisterCallback(fcinfo, end_kept, PointerGetDatum(rows));
	MemoryContextSwitchTo(old);
	return rows;
}

} // namespace

SHARDEXT_SQL_FUNCTION(shardext_keep_row) {
	auto *rows = PG_ARGISNULL(0) ? new_kept_rows(fcinfo) : reinterpret_cast<KeptRows *>(PG_GETARG_POINTER(0));
	TupleDesc desc = rows->desc;
	Datum values[FUNC_MAX_ARGS];
	bool nulls[FUNC_MAX_ARGS];
	for (int i = 0; i < desc->natts; i++) {
		values[i] = PG_GETARG_DATUM(i + 1);
		nulls[i] = PG_ARGISNULL(i + 1);
		if (!nulls[i] && TupleDescAttr(desc, i)->attlen == -1)
			rows->bytes += toast_raw_datum_size(values[i]);
	}
	tuplestore_putvalues(rows->store, desc, values, nulls);
	rows->rows++;
	PG_RETURN_POINTER(rows);
}

SHARDEXT_SQL_FUNCTION(shardext_kept_rows_number) {
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL(); // no rows
	PG_RETURN_INT64(reinterpret_cast<KeptRows *>(PG_GETARG_POINTER(0))->number);
}

namespace shardext {

KeptRows *find_kept_rows(int64 number) {
	// (The macros for this are C only. The link is the first member.)
	for (dlist_node *link = all_kept.head.next; link != &all_kept.head; link = link->next)
		if (reinterpret_cast<KeptRows *>(link)->number == number)
			return reinterpret_cast<KeptRows *>(link);
	ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR),
			errmsg("rows that were to be sent to shards do not exist"));
}

TupleDesc kept_descriptor(const List *types) {
	TupleDesc desc = CreateTemplateTupleDesc(list_length(types));
	for (int i = 1; i <= desc->natts; i++) {
		const Oid type = list_nth_oid(types, i - 1);
		TupleDescInitEntry(desc, i, psprintf("c%d", i), getBaseType(type), -1, 0);
		TupleDescInitEntryCollation(desc, i, get_typcollation(type));
	}
	return desc;
}

void rewind_kept_rows(KeptRows *rows) {
	tuplestore_select_read_pointer(rows->store, 0);
	tuplestore_rescan(rows->store);
}

} // namespace shardext

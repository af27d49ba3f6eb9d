// Reading and writing the commit log.
#include "shardext/transaction/commit_log.hpp"

#include "shardext/catalog/metadata.hpp"
#include "shardext/catalog/metadata_sql.hpp"
#include "shardext/pg/scan.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/indexing.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
}

namespace shardext {

void insert_commit_log(int64 incarnation, int64 sequence, const PreparedPart *parts, int count,
					   bool coordinator_wrote) {
	auto *nodes = static_cast<Datum *>(palloc(sizeof(Datum) * count));
	auto *xids = static_cast<Datum *>(palloc(sizeof(Datum) * count));
	for (int i = 0; i < count; i++) {
		nodes[i] = Int32GetDatum(parts[i].node_id);
		xids[i] = Int64GetDatum(static_cast<int64>(parts[i].xid));
	}
	ArrayType *node_array = construct_array(nodes, count, INT4OID, sizeof(int32), true, TYPALIGN_INT);
	ArrayType *xid_array =
		construct_array(xids, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	Datum values[] = {Int64GetDatum(incarnation), Int64GetDatum(sequence), PointerGetDatum(node_array),
					  PointerGetDatum(xid_array), BoolGetDatum(coordinator_wrote)};
	bool nulls[lengthof(values)] = {};
	Relation relation = table_open(shardext_table("commit_log"), RowExclusiveLock);
	HeapTuple tuple = heap_form_tuple(RelationGetDescr(relation), values, nulls);
	CatalogTupleInsert(relation, tuple);
	heap_freetuple(tuple);
	table_close(relation, NoLock);
}

namespace {

// Calls body(tuple, desc, in doubt) for the rows of the log, those of transactions that have not ended
// included.
template <class F> void scan_log(F &&body) {
	Relation relation = table_open(shardext_table("commit_log"), AccessShareLock);
	SnapshotData dirty;
	InitDirtySnapshot(dirty);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, &dirty, 0, nullptr);
	HeapTuple tuple;
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		body(tuple, RelationGetDescr(relation), TransactionIdIsValid(dirty.xmin));
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

} // namespace

Decision logged_decision(int64 incarnation, int64 sequence) {
	Decision decision = Decision::kNone;
	scan_log([&](HeapTuple tuple, TupleDesc desc, bool in_doubt) {
		if (DatumGetInt64(column(tuple, desc, 1)) == incarnation &&
			DatumGetInt64(column(tuple, desc, 2)) == sequence)
			decision = in_doubt ? Decision::kInDoubt : Decision::kCommit;
	});
	return decision;
}

TransactionId prepared_here(const char *gid) {
	const char *xid =
		query_metadata(psprintf("SELECT transaction::text FROM pg_catalog.pg_prepared_xacts WHERE gid = %s "
								"AND database = pg_catalog.current_database()",
								quote_literal_cstr(gid)));
	return xid != nullptr ? static_cast<TransactionId>(strtoul(xid, nullptr, 10)) : InvalidTransactionId;
}

bool find_prepared_commit(TransactionId xid, LoggedCommit *commit) {
	bool found = false;
	scan_log([&](HeapTuple tuple, TupleDesc desc, bool) {
		if (!TransactionIdEquals(HeapTupleHeaderGetXmin(tuple->t_data), xid))
			return;
		found = true;
		commit->incarnation = DatumGetInt64(column(tuple, desc, 1));
		commit->sequence = DatumGetInt64(column(tuple, desc, 2));
		commit->coordinator_wrote = DatumGetBool(column(tuple, desc, 5));
		Datum *nodes, *xids;
		deconstruct_array(DatumGetArrayTypeP(column(tuple, desc, 3)), INT4OID, sizeof(int32), true,
						  TYPALIGN_INT, &nodes, nullptr, &commit->count);
		deconstruct_array(DatumGetArrayTypeP(column(tuple, desc, 4)), INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
						  TYPALIGN_DOUBLE, &xids, nullptr, &commit->count);
		commit->parts = static_cast<PreparedPart *>(palloc(sizeof(PreparedPart) * (commit->count + 1)));
		for (int i = 0; i < commit->count; i++)
			commit->parts[i] = {DatumGetInt32(nodes[i]), static_cast<core::Xid>(DatumGetInt64(xids[i]))};
	});
	return found;
}

} // namespace shardext

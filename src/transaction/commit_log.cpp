// Reading and writing the commit log.
#include "shardext/transaction/commit_log.hpp"

#include "shardext/catalog/metadata.hpp"
#include "shardext/pg/scan.hpp"

extern "C" {
#include "catalog/indexing.h"
#include "utils/array.h"
}

namespace shardext {

void insert_commit_log(int64 incarnation, int64 sequence, const int32 *nodes, int count) {
	auto *elements = static_cast<Datum *>(palloc(sizeof(Datum) * count));
	for (int i = 0; i < count; i++)
		elements[i] = Int32GetDatum(nodes[i]);
	ArrayType *array = construct_array(elements, count, INT4OID, sizeof(int32), true, TYPALIGN_INT);
	Datum values[] = {Int64GetDatum(incarnation), Int64GetDatum(sequence), PointerGetDatum(array)};
	bool nulls[] = {false, false, false};
	Relation relation = table_open(shardext_table("commit_log"), RowExclusiveLock);
	HeapTuple tuple = heap_form_tuple(RelationGetDescr(relation), values, nulls);
	CatalogTupleInsert(relation, tuple);
	heap_freetuple(tuple);
	table_close(relation, NoLock);
}

void commit_log_acknowledged(int64) {
	// Rows are removed in batches by the worker, which asks the nodes what they still hold.
}

bool commit_log_contains(int64 incarnation, int64 sequence) {
	bool found = false;
	scan_table(shardext_table("commit_log"), InvalidOid, 2, F_INT8EQ, Int64GetDatum(sequence),
			   [&](HeapTuple tuple, TupleDesc desc) {
				   found = found || DatumGetInt64(column(tuple, desc, 1)) == incarnation;
			   });
	return found;
}

} // namespace shardext

// Reading and changing small tables of the extension without SQL.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "access/genam.h"
#include "access/table.h"
}

namespace shardext {

// Calls body(HeapTuple, TupleDesc) for each row of `table` whose column `attnum` equals `value` (compared by
// the function `equals`), or for every row when attnum is 0. `index` may be InvalidOid. Body must not keep
// the tuple.
template <class F>
void scan_table(Oid table, Oid index, AttrNumber attnum, RegProcedure equals, Datum value, F &&body) {
	Relation relation = table_open(table, AccessShareLock);
	ScanKeyData key;
	int nkeys = 0;
	if (attnum != 0) {
		ScanKeyInit(&key, attnum, BTEqualStrategyNumber, equals, value);
		nkeys = 1;
	}
	SysScanDesc scan = systable_beginscan(relation, index, OidIsValid(index), nullptr, nkeys, &key);
	HeapTuple tuple;
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		body(tuple, RelationGetDescr(relation));
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

// A column of a row; the value of a NULL is 0.
inline Datum column(HeapTuple tuple, TupleDesc desc, AttrNumber attnum, bool *isnull = nullptr) {
	bool null_here = false;
	Datum value = heap_getattr(tuple, attnum, desc, &null_here);
	if (isnull != nullptr)
		*isnull = null_here;
	return null_here ? static_cast<Datum>(0) : value;
}

} // namespace shardext

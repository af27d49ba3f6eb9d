// Column analysis as ANALYZE does it (source: src/backend/commands/analyze.c of PostgreSQL).
#include "shardext/pg/column_statistics.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "commands/vacuum.h"
#include "miscadmin.h"
#include "statistics/statistics.h"
#include "utils/array.h"
}

namespace shardext {

namespace {

bool wants_no_statistics(Form_pg_attribute attribute) {
#if PG_VERSION_NUM >= 170000
	HeapTuple tuple =
		SearchSysCache2(ATTNUM, ObjectIdGetDatum(attribute->attrelid), Int16GetDatum(attribute->attnum));
	bool isnull;
	const Datum target = SysCacheGetAttr(ATTNUM, tuple, Anum_pg_attribute_attstattarget, &isnull);
	const bool zero = !isnull && DatumGetInt16(target) == 0;
	ReleaseSysCache(tuple);
	return zero;
#else
	return attribute->attstattarget == 0;
#endif
}

// What the type's own analysis needs to know of a column; nullptr when there is nothing to be computed.
VacAttrStats *examine_column(Form_pg_attribute attribute, MemoryContext context) {
	if (attribute->attisdropped || wants_no_statistics(attribute))
		return nullptr;
	auto *stats = static_cast<VacAttrStats *>(palloc0(sizeof(VacAttrStats)));
#if PG_VERSION_NUM >= 170000
	stats->attstattarget = -1;
#else
	stats->attr = static_cast<Form_pg_attribute>(palloc(ATTRIBUTE_FIXED_PART_SIZE));
	memcpy(stats->attr, attribute, ATTRIBUTE_FIXED_PART_SIZE);
#endif
	stats->attrtypid = attribute->atttypid;
	stats->attrtypmod = attribute->atttypmod;
	stats->attrcollid = attribute->attcollation;
	HeapTuple type = SearchSysCacheCopy1(TYPEOID, ObjectIdGetDatum(attribute->atttypid));
	if (!HeapTupleIsValid(type))
		elog(ERROR, "cache lookup failed for type %u", attribute->atttypid);
	stats->attrtype = reinterpret_cast<Form_pg_type>(GETSTRUCT(type));
	stats->anl_context = context;
	stats->tupattnum = attribute->attnum;
	for (int i = 0; i < STATISTIC_NUM_SLOTS; i++) {
		stats->statypid[i] = stats->attrtypid;
		stats->statyplen[i] = stats->attrtype->typlen;
		stats->statypbyval[i] = stats->attrtype->typbyval;
		stats->statypalign[i] = stats->attrtype->typalign;
	}
	const bool ok = OidIsValid(stats->attrtype->typanalyze)
						? DatumGetBool(OidFunctionCall1(stats->attrtype->typanalyze, PointerGetDatum(stats)))
						: std_typanalyze(stats);
	return ok && stats->compute_stats != nullptr && stats->minrows > 0 ? stats : nullptr;
}

Datum fetch_value(VacAttrStatsP stats, int row, bool *isnull) {
	return heap_getattr(stats->rows[row], stats->tupattnum, stats->tupDesc, isnull);
}

// The catalog row of one column's statistics.
void store_column(Relation catalog, Oid relid, const VacAttrStats *stats) {
	Datum values[Natts_pg_statistic];
	bool nulls[Natts_pg_statistic] = {};
	bool replaces[Natts_pg_statistic];
	for (bool &replace : replaces)
		replace = true;
	auto at = [&](int attnum) -> Datum & { return values[attnum - 1]; };
	at(Anum_pg_statistic_starelid) = ObjectIdGetDatum(relid);
	at(Anum_pg_statistic_staattnum) = Int16GetDatum(stats->tupattnum);
	at(Anum_pg_statistic_stainherit) = BoolGetDatum(false);
	at(Anum_pg_statistic_stanullfrac) = Float4GetDatum(stats->stanullfrac);
	at(Anum_pg_statistic_stawidth) = Int32GetDatum(stats->stawidth);
	at(Anum_pg_statistic_stadistinct) = Float4GetDatum(stats->stadistinct);
	for (int k = 0; k < STATISTIC_NUM_SLOTS; k++) {
		at(Anum_pg_statistic_stakind1 + k) = Int16GetDatum(stats->stakind[k]);
		at(Anum_pg_statistic_staop1 + k) = ObjectIdGetDatum(stats->staop[k]);
		at(Anum_pg_statistic_stacoll1 + k) = ObjectIdGetDatum(stats->stacoll[k]);
		const int numbers = stats->numnumbers[k];
		nulls[Anum_pg_statistic_stanumbers1 + k - 1] = numbers == 0;
		if (numbers > 0) {
			auto *datums = static_cast<Datum *>(palloc(sizeof(Datum) * numbers));
			for (int n = 0; n < numbers; n++)
				datums[n] = Float4GetDatum(stats->stanumbers[k][n]);
			at(Anum_pg_statistic_stanumbers1 + k) = PointerGetDatum(
				construct_array(datums, numbers, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT));
		}
		nulls[Anum_pg_statistic_stavalues1 + k - 1] = stats->numvalues[k] == 0;
		if (stats->numvalues[k] > 0)
			at(Anum_pg_statistic_stavalues1 + k) = PointerGetDatum(
				construct_array(stats->stavalues[k], stats->numvalues[k], stats->statypid[k],
								stats->statyplen[k], stats->statypbyval[k], stats->statypalign[k]));
	}
	HeapTuple old = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid), Int16GetDatum(stats->tupattnum),
									BoolGetDatum(false));
	if (HeapTupleIsValid(old)) {
		HeapTuple changed = heap_modify_tuple(old, RelationGetDescr(catalog), values, nulls, replaces);
		ReleaseSysCache(old);
		CatalogTupleUpdate(catalog, &changed->t_self, changed);
	} else {
		CatalogTupleInsert(catalog, heap_form_tuple(RelationGetDescr(catalog), values, nulls));
	}
}

} // namespace

ColumnAnalysis::ColumnAnalysis(Relation relation, List *attnums)
	: relation_(relation), context_(CurrentMemoryContext) {
	TupleDesc desc = RelationGetDescr(relation);
	columns_ = static_cast<VacAttrStats **>(palloc(sizeof(VacAttrStats *) * (desc->natts + 1)));
	for (int i = 0; i < desc->natts; i++)
		if (attnums == NIL || list_member_int(attnums, i + 1))
			if (VacAttrStats *stats = examine_column(TupleDescAttr(desc, i), context_))
				columns_[count_++] = stats;
}

int ColumnAnalysis::wanted_rows() const {
	int rows = 100;
	for (int i = 0; i < count_; i++)
		rows = std::max(rows, columns_[i]->minrows);
	return std::max(rows, ComputeExtStatisticsRows(relation_, count_, columns_));
}

void ColumnAnalysis::store(HeapTuple *sample, int count, double total_rows) {
	if (count == 0)
		return; // what is known already is better than nothing, as with ANALYZE of an empty table
	MemoryContext work = AllocSetContextCreate(context_, "shardext analyze", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	Relation catalog = table_open(StatisticRelationId, RowExclusiveLock);
	for (int i = 0; i < count_; i++) {
		VacAttrStats *stats = columns_[i];
		stats->rows = sample;
		stats->tupDesc = RelationGetDescr(relation_);
		stats->compute_stats(stats, fetch_value, count, total_rows);
		if (stats->stats_valid)
			store_column(catalog, RelationGetRelid(relation_), stats);
		MemoryContextReset(work);
	}
	table_close(catalog, RowExclusiveLock);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	BuildRelationExtStatistics(relation_, false, total_rows, count, sample, count_, columns_);
}

} // namespace shardext

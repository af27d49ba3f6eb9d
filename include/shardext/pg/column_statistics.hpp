// PostgreSQL's own column analysis on rows that do not come from the relation's heap.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "access/htup.h"
#include "utils/rel.h"
struct VacAttrStats;
}

namespace shardext {

// The columns of one relation that are being analyzed. Everything lives in the memory context that was
// current when it was made.
class ColumnAnalysis {
public:
	// attnums: the columns wanted, NIL for all. Columns without statistics (target 0, types without analysis)
	// are left out.
	ColumnAnalysis(Relation relation, List *attnums);

	// How many rows the analysis would like to see.
	int wanted_rows() const;

	// Computes the statistics from a sample (tuples of the relation's row type) of a table of total_rows rows
	// and stores them in pg_statistic, and those of its extended statistics objects.
	void store(HeapTuple *sample, int count, double total_rows);

private:
	Relation relation_;
	::VacAttrStats **columns_;
	int count_ = 0;
	MemoryContext context_;
};

} // namespace shardext

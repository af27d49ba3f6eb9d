// Sizes of queries.
#include "shardext/planner/estimate.hpp"

#include "shardext/pg/compat.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/planner/fragment.hpp"
#include "shardext/planner/shipped_item.hpp"
#include "shardext/planner/statistics.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_statistic.h"
#include "optimizer/pathnode.h"
#include "optimizer/planner.h"
#include "utils/syscache.h"
}

namespace shardext {

namespace {

// Plans a query as if its tables were ordinary ones; the plans are for nobody to run.
PlannerInfo *plan_for_nothing(Query *query, ParamListInfo params) {
	PlannerGlobal *global = makeNode(PlannerGlobal);
	global->boundParams = params;
	PlannerInfo *root = nullptr;
	PlannerRun run; // plans of sub-queries are made and thrown away
	run.outer = current_run;
	run.thrown_away = true;
	if (current_run != nullptr)
		run.reductions = list_copy(current_run->reductions); // conditions in the query refer to them
	current_run = &run;
	PG_TRY();
	{ root = plan_paths(global, query); }
	PG_FINALLY();
	{ current_run = run.outer; }
	PG_END_TRY();
	return root;
}

} // namespace

Estimate estimate_query(const Query *query) {
	auto *copy = static_cast<Query *>(copyObjectImpl(query));
	copy->rowMarks = NIL;
	copy->hasForUpdate = false;
	restore_shipped(copy);
	RelOptInfo *final = fetch_upper_rel(plan_for_nothing(copy, nullptr), UPPERREL_FINAL, nullptr);
	const Path *path = get_cheapest_fractional_path(final, 0);
	return {path->rows, path->pathtarget->width, path->total_cost};
}

void raise_planning_errors(const Query *query, ParamListInfo params) {
	plan_for_nothing(static_cast<Query *>(copyObjectImpl(query)), params);
}

bool find_fragment_statistics(PlannerInfo *, RangeTblEntry *rte, AttrNumber attnum, VariableStatData *data) {
	if (rte->rtekind != RTE_FUNCTION || current_run == nullptr || attnum <= 0)
		return false;
	const Fragment *fragment = fragment_of_entry(rte);
	if (fragment == nullptr || attnum > list_length(fragment->source_tables))
		return false;
	RangeTblEntry *source = makeNode(RangeTblEntry);
	source->rtekind = RTE_RELATION;
	source->relid = list_nth_oid(fragment->source_tables, attnum - 1);
	const int column = list_nth_int(fragment->source_columns, attnum - 1);
	if (!OidIsValid(source->relid))
		return false;
	HeapTuple statistics = find_column_statistics(source, column);
	if (HeapTupleIsValid(statistics)) {
		data->statsTuple = heap_copytuple(statistics);
		ReleaseSysCache(statistics);
		// A share of the rows means those of the table, not of the fragment.
		const double values = known_distinct(source, column, known_rows(source));
		if (values > 0)
			reinterpret_cast<Form_pg_statistic>(GETSTRUCT(data->statsTuple))->stadistinct =
				static_cast<float4>(std::max(1.0, values));
	}
	data->freefunc = heap_freetuple;
	// Values of a column may be looked at by any operator only for those who may read all of it.
	data->acl_ok = HeapTupleIsValid(data->statsTuple) && may_read_column(source->relid, column);
	return true;
}

} // namespace shardext

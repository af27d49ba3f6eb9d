// Sizes of queries.
#include "shardext/planner/estimate.hpp"

#include "shardext/pg/compat.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/planner/fragment.hpp"
#include "shardext/planner/shipped_item.hpp"

extern "C" {
#include "access/htup_details.h"
#include "optimizer/pathnode.h"
#include "optimizer/planner.h"
#include "utils/acl.h"
#include "utils/syscache.h"
}

namespace shardext {

Estimate estimate_query(const Query *query) {
	auto *copy = static_cast<Query *>(copyObjectImpl(query));
	copy->rowMarks = NIL;
	copy->hasForUpdate = false;
	restore_shipped(copy);
	PlannerGlobal *global = makeNode(PlannerGlobal);
	Estimate estimate{};
	PlannerRun run; // plans of sub-queries are made and thrown away
	run.outer = current_run;
	current_run = &run;
	PG_TRY();
	{
		PlannerInfo *root = plan_paths(global, copy);
		RelOptInfo *final = fetch_upper_rel(root, UPPERREL_FINAL, nullptr);
		const Path *path = get_cheapest_fractional_path(final, 0);
		estimate = {path->rows, path->pathtarget->width, path->total_cost};
	}
	PG_FINALLY();
	{ current_run = run.outer; }
	PG_END_TRY();
	return estimate;
}

bool find_fragment_statistics(PlannerInfo *, RangeTblEntry *rte, AttrNumber attnum, VariableStatData *data) {
	if (rte->rtekind != RTE_FUNCTION || current_run == nullptr || attnum <= 0)
		return false;
	const Fragment *fragment = fragment_of_entry(rte);
	if (fragment == nullptr || attnum > list_length(fragment->source_tables))
		return false;
	const Oid relid = list_nth_oid(fragment->source_tables, attnum - 1);
	const int column = list_nth_int(fragment->source_columns, attnum - 1);
	if (!OidIsValid(relid))
		return false;
	data->statsTuple =
		SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid), Int16GetDatum(column), BoolGetDatum(false));
	data->freefunc = ReleaseSysCache;
	// Values of a column may be looked at by any operator only for those who may read all of it.
	data->acl_ok = HeapTupleIsValid(data->statsTuple) &&
				   (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
					pg_attribute_aclcheck(relid, column, GetUserId(), ACL_SELECT) == ACLCHECK_OK);
	return true;
}

} // namespace shardext

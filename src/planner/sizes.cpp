// Sizes of relations and groups that PostgreSQL's planner would get wrong.
#include "shardext/planner/sizes.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/fragment.hpp"
#include "shardext/planner/group_count.hpp"
#include "shardext/planner/reduction.hpp"

extern "C" {
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
}

namespace shardext {

double rows_of_table(PlannerInfo *root, RelOptInfo *rel) {
	List *others = NIL;
	double scanned = 1, joined = 1;
	foreach_node (RestrictInfo, info, rel->baserestrictinfo) {
		const Reduction *reduction = find_reduction(reinterpret_cast<Node *>(info->clause));
		if (reduction == nullptr) {
			others = lappend(others, info);
			continue;
		}
		scanned *= reduction->fraction;
		if (reduction->replaces)
			joined *= reduction->fraction;
	}
	if (list_length(others) == list_length(rel->baserestrictinfo))
		return rel->rows;
	const double rows = rel->tuples * clauselist_selectivity(root, others, 0, JOIN_INNER, nullptr);
	rel->rows = clamp_row_est(rows * joined);
	return clamp_row_est(rows * scanned);
}

void size_fragments(PlannerInfo *root) {
	for (int i = 1; i < root->simple_rel_array_size; i++) {
		RelOptInfo *rel = root->simple_rel_array[i];
		if (rel == nullptr || rel->rtekind != RTE_FUNCTION)
			continue;
		if (const Fragment *fragment = fragment_of_entry(planner_rt_fetch(i, root)))
			rel->tuples = std::max(1.0, fragment->rows);
	}
}

void correct_group_counts(PlannerInfo *root, const RelOptInfo *input, RelOptInfo *output) {
	if (root->parse->groupClause == NIL || root->parse->groupingSets != NIL ||
		root->parse->havingQual != nullptr || input->pathlist == NIL)
		return;
	const Fragment *fragment = input->reloptkind == RELOPT_BASEREL && input->rtekind == RTE_FUNCTION
								   ? fragment_of_entry(planner_rt_fetch(input->relid, root))
								   : nullptr;
	if (fragment != nullptr && fragment->groups > 0) {
		foreach_node (Path, path, output->pathlist)
			path->rows = clamp_row_est(fragment->groups);
		return;
	}
	const double most = bounded_groups(root->parse, static_cast<Path *>(linitial(input->pathlist))->rows);
	foreach_node (Path, path, output->pathlist)
		path->rows = std::min(path->rows, clamp_row_est(most));
}

} // namespace shardext

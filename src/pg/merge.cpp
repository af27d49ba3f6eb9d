// MERGE in query trees.
#include "shardext/pg/merge.hpp"

#include "shardext/pg/walk.hpp"

extern "C" {
#include "nodes/makefuncs.h"
}

namespace shardext {

bool is_matched_action(const MergeAction *action) {
#if PG_VERSION_NUM >= 170000
	if (action->matchKind == MERGE_WHEN_NOT_MATCHED_BY_SOURCE)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("WHEN NOT MATCHED BY SOURCE is not supported on a distributed table yet"));
	return action->matchKind == MERGE_WHEN_MATCHED;
#else
	return action->matched;
#endif
}

void merge_to_join(Query *select, const Query *merge) {
	bool all_matched = true;
	foreach_node (MergeAction, action, merge->mergeActionList)
		all_matched = all_matched && is_matched_action(action);
	select->mergeActionList = NIL;
#if PG_VERSION_NUM >= 170000
	Node *condition = select->mergeJoinCondition;
	select->mergeJoinCondition = nullptr;
	select->mergeTargetRelation = 0;
#else
	Node *condition = select->jointree->quals;
	select->jointree->quals = nullptr;
	select->mergeUseOuterJoin = false;
#endif
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	rte->rtekind = RTE_JOIN;
	rte->jointype = all_matched ? JOIN_INNER : JOIN_LEFT;
	rte->eref = makeAlias("*MERGE*", NIL);
	rte->inFromCl = true;
	select->rtable = lappend(select->rtable, rte);
	RangeTblRef *target = makeNode(RangeTblRef);
	target->rtindex = merge->resultRelation;
	JoinExpr *join = makeNode(JoinExpr);
	join->jointype = rte->jointype;
	join->larg = static_cast<Node *>(linitial(select->jointree->fromlist));
	join->rarg = reinterpret_cast<Node *>(target);
	join->quals = condition;
	join->rtindex = list_length(select->rtable);
	select->jointree->fromlist = list_make1(join);
}

void make_merge(Query *query, int source, Node *join_condition, List *updated, Node *update_condition,
				List *inserted) {
	query->commandType = CMD_MERGE;
	RangeTblRef *ref = makeNode(RangeTblRef);
	ref->rtindex = source;
	MergeAction *update = makeNode(MergeAction), *insert = makeNode(MergeAction);
	update->commandType = CMD_UPDATE;
	update->targetList = updated;
	update->qual = update_condition;
	insert->commandType = CMD_INSERT;
	insert->targetList = inserted;
#if PG_VERSION_NUM >= 170000
	update->matchKind = MERGE_WHEN_MATCHED;
	insert->matchKind = MERGE_WHEN_NOT_MATCHED_BY_TARGET;
	query->jointree = makeFromExpr(list_make1(ref), nullptr);
	query->mergeJoinCondition = join_condition;
	query->mergeTargetRelation = query->resultRelation;
#else
	update->matched = true;
	query->jointree = makeFromExpr(list_make1(ref), join_condition);
	query->mergeUseOuterJoin = true;
#endif
	query->mergeActionList = list_make2(update, insert);
}

} // namespace shardext

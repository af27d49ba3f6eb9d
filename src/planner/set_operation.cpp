// Set operations of which every shard group can work out its part.
#include "shardext/planner/set_operation.hpp"

#include "shardext/pg/walk.hpp"

extern "C" {
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
}

namespace shardext {

namespace {

// Walks a tree of set operations; every arm is a sub-query in the range table.
struct SetArms {
	Query *query;
	QueryAnalysis *result;
	List *key_outputs = NIL; // common to all arms so far
	bool first = true, ok = true, all_union_all = true;
	bool everywhere = true; // each branch may run on every shard group
	int sharded_arms = 0, arms = 0;
};

void visit_arm(Node *node, SetArms *arms) {
	if (!arms->ok)
		return;
	if (IsA(node, SetOperationStmt)) {
		auto *operation = reinterpret_cast<SetOperationStmt *>(node);
		if (operation->op != SETOP_UNION || !operation->all)
			arms->all_union_all = false;
		visit_arm(operation->larg, arms);
		visit_arm(operation->rarg, arms);
		return;
	}
	RangeTblEntry *rte = rt_fetch(reinterpret_cast<RangeTblRef *>(node)->rtindex, arms->query->rtable);
	QueryAnalysis arm;
	analyze_query(rte->subquery, &arm);
	FromAnalysis &from = arms->result->from;
	from.has_local |= arm.from.has_local;
	from.needs_settings |= arm.from.needs_settings;
	arms->arms++;
	if (!arm.complete) {
		arms->ok = false;
		arms->result->reason = arm.reason;
		return;
	}
	if (!arm.from.has_sharded)
		return;
	arms->everywhere = arms->everywhere && arm.complete_everywhere;
	arms->sharded_arms++;
	if (from.colocation != nullptr && from.colocation != arm.from.colocation) {
		arms->ok = false;
		arms->result->reason = "tables of different colocation groups";
		return;
	}
	from.colocation = arm.from.colocation;
	from.has_sharded = true;
	if (arms->first) {
		arms->key_outputs = arm.key_outputs;
		from.keys.members = arm.from.keys.members;
		from.pins = arm.from.pins;
		from.pinned = arm.from.pinned;
	} else {
		arms->key_outputs = list_intersection_int(arms->key_outputs, arm.key_outputs);
		// Arms are in one shard group together only when they are pinned to the same value.
		List *common = NIL;
		foreach_ptr (Node, key, from.keys.members)
			if (!contain_vars_of_level(key, 0) && list_member(arm.from.keys.members, key))
				common = lappend(common, key);
		from.keys.members = common;
		from.pinned = from.pinned && arm.from.pinned;
		from.pins = NIL;
		if (from.pinned)
			foreach_ptr (Node, key, common)
				if (is_pin_value(key))
					from.pins = lappend(from.pins, new (palloc0(sizeof(KeyPin)))
													   KeyPin{KeyPin::Equal, reinterpret_cast<Expr *>(key)});
		from.pinned = from.pins != NIL;
	}
	arms->first = false;
}

} // namespace

void analyze_set_operation(Query *query, QueryAnalysis *result) {
	SetArms arms{query, result};
	visit_arm(query->setOperations, &arms);
	if (!arms.ok) {
		result->from.ok = false;
		result->from.reason = result->reason;
		return;
	}
	if (result->from.has_sharded) {
		if (arms.sharded_arms != arms.arms) {
			result->from.ok = false;
			result->from.reason = result->reason = "a set operation of shards and other tables";
			return;
		}
		List *level_free = NIL;
		foreach_ptr (Node, key, result->from.keys.members)
			if (!contain_vars_of_level(key, 0))
				level_free = lappend(level_free, key);
		result->from.keys.members = level_free;
		const bool one_group = result->from.pinned || level_free != NIL;
		result->key_outputs = arms.key_outputs;
		result->complete_everywhere = arms.everywhere && query->limitCount == nullptr &&
									  query->limitOffset == nullptr &&
									  (arms.all_union_all || arms.key_outputs != NIL);
		if (!one_group && !arms.everywhere) {
			// count(*) of one key, say, would give a row on every shard group.
			result->from.ok = false;
			result->from.reason = result->reason = "a branch that is pinned to one shard group";
			return;
		}
		if (!one_group) {
			if (!arms.all_union_all && arms.key_outputs == NIL) {
				result->from.ok = false;
				result->from.reason = result->reason = "a set operation without the distribution column";
				return;
			}
			result->complete_but_limit = true;
			result->complete = query->limitCount == nullptr && query->limitOffset == nullptr;
			if (!result->complete)
				result->reason = "LIMIT";
			return;
		}
	}
	result->complete = result->complete_but_limit = true;
}

} // namespace shardext

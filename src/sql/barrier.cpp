// Barriers for row security.
#include "shardext/sql/barrier.hpp"

#include "shardext/pg/compat.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/sql/relation_query.hpp"

extern "C" {
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
}

namespace shardext {

namespace {

// The conditions that every row of a range table entry has to meet to get out of FROM and WHERE. False when
// it is not below `node`.
bool conditions_on(Node *node, int rtindex, List **conditions) {
	if (node == nullptr)
		return false;
	if (IsA(node, RangeTblRef))
		return reinterpret_cast<RangeTblRef *>(node)->rtindex == rtindex;
	Node *quals = nullptr;
	bool found = false;
	if (IsA(node, FromExpr)) {
		auto *from = reinterpret_cast<FromExpr *>(node);
		foreach_ptr (Node, child, from->fromlist)
			found = found || conditions_on(child, rtindex, conditions);
		quals = from->quals;
	} else {
		auto *join = reinterpret_cast<JoinExpr *>(node);
		const bool left = join->jointype == JOIN_INNER || join->jointype == JOIN_LEFT;
		const bool right = join->jointype == JOIN_INNER || join->jointype == JOIN_RIGHT;
		found = (left && conditions_on(join->larg, rtindex, conditions)) ||
				(right && conditions_on(join->rarg, rtindex, conditions));
		if (join->jointype == JOIN_INNER)
			quals = join->quals;
	}
	if (found && quals != nullptr)
		*conditions = lappend(*conditions, quals);
	return found;
}

List *split_ands(Node *node) {
	if (!is_andclause(node))
		return list_make1(node);
	List *result = NIL;
	foreach_ptr (Node, part, reinterpret_cast<BoolExpr *>(node)->args)
		result = list_concat(result, split_ands(part));
	return result;
}

// Of these the ones that may run before a filter, as seen from a query whose only relation it is.
List *harmless_conditions(Query *query, int rtindex) {
	List *conditions = NIL, *result = NIL;
	conditions_on(reinterpret_cast<Node *>(query->jointree), rtindex, &conditions);
	foreach_ptr (Node, quals, conditions) {
		foreach_ptr (Node, qual, split_ands(quals)) {
			Node *copy = flatten_join_alias_vars(query, static_cast<Node *>(copyObjectImpl(qual)));
			int only;
			Bitmapset *columns = nullptr;
			if (!bms_get_singleton_member(pull_varnos(nullptr, copy), &only) || only != rtindex ||
				checkExprHasSubLink(copy) || contain_leaked_vars(copy) || contain_volatile_functions(copy) ||
				contain_vars_of_level(copy, 1) || contain_vars_of_level(copy, 2))
				continue;
			pull_varattnos(copy, rtindex, &columns);
			// Whole rows and system columns mean something else inside.
			if (bms_next_member(columns, -1) <= 0 - FirstLowInvalidHeapAttributeNumber)
				continue;
			ChangeVarNodes(copy, rtindex, 1, 0);
			result = lappend(result, copy);
		}
	}
	return result;
}

Node *no_offset() {
	return reinterpret_cast<Node *>(
		makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(0), false, FLOAT8PASSBYVAL));
}

bool is_simple(const Query *sub) {
	return sub->commandType == CMD_SELECT && !sub->hasAggs && sub->groupClause == NIL &&
		   sub->groupingSets == NIL && sub->havingQual == nullptr && !sub->hasWindowFuncs &&
		   !sub->hasTargetSRFs && sub->distinctClause == NIL && sub->limitCount == nullptr &&
		   sub->limitOffset == nullptr && sub->setOperations == nullptr;
}

} // namespace

void put_filters_behind_barrier(Query *query, int rtindex) {
	RangeTblEntry *rte = rt_fetch(rtindex, query->rtable);
	Query *inner = makeNode(Query);
	RangeTblEntry *base = static_cast<RangeTblEntry *>(copyObjectImpl(rte));
	base->securityQuals = NIL;
	base->lateral = false;
	base->inFromCl = true;
	base->alias = nullptr;
	List *filters = static_cast<List *>(copyObjectImpl(rte->securityQuals));
	foreach_ptr (Node, filter, filters)
		ChangeVarNodes(filter, rtindex, 1, 0);
	filters = list_concat(filters, harmless_conditions(query, rtindex));
	inner->commandType = CMD_SELECT;
	inner->querySource = QSRC_ORIGINAL;
	inner->canSetTag = true;
	inner->rtable = list_make1(base);
	RangeTblRef *ref = makeNode(RangeTblRef);
	ref->rtindex = 1;
	inner->jointree = makeFromExpr(list_make1(ref), reinterpret_cast<Node *>(make_ands_explicit(filters)));
	inner->limitOffset = no_offset();
	inner->targetList = columns_of_relation(rte->relid, 1);
	List *names = NIL;
	foreach_node (TargetEntry, entry, inner->targetList)
		names = lappend(names, makeString(entry->resname));
	inner->hasSubLinks = checkExprHasSubLink(reinterpret_cast<Node *>(filters));
	rte->rtekind = RTE_SUBQUERY;
	rte->relid = InvalidOid;
	rte->relkind = 0;
	rte->subquery = inner;
	rte->securityQuals = NIL;
	rte->alias = makeAlias(rte->eref->aliasname, names);
	rte->eref = makeAlias(rte->eref->aliasname, names);
}

void put_view_behind_barrier(Query *query, int rtindex) {
	RangeTblEntry *rte = rt_fetch(rtindex, query->rtable);
	Query *sub = rte->subquery;
	rte->security_barrier = false;
	if (is_simple(sub)) {
		foreach_ptr (Node, condition, harmless_conditions(query, rtindex)) {
			bool has_sub_links = false;
			Node *inside = replace_by_outputs(condition, rte, sub->targetList, &has_sub_links);
			if (!has_sub_links && !checkExprHasSubLink(inside) && !contain_leaked_vars(inside) &&
				!contain_volatile_functions(inside))
				sub->jointree->quals = make_and_qual(sub->jointree->quals, inside);
		}
	}
	if (sub->limitOffset == nullptr)
		sub->limitOffset = no_offset();
}

} // namespace shardext

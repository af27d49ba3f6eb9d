// Columns that GROUP BY a primary key implies.
#include "shardext/sql/grouping_columns.hpp"

#include "shardext/pg/walk.hpp"

extern "C" {
#include "nodes/makefuncs.h"
#include "optimizer/tlist.h"
#include "parser/parse_clause.h"
#include "parser/parse_oper.h"
}

namespace shardext {

namespace {

struct Implied {
	List *grouped; // expressions of GROUP BY
	int rtindex, level;
	List *columns; // Var, of level 0
};

bool find_implied(Node *node, Implied *implied) {
	if (node == nullptr || (implied->level == 0 && list_member(implied->grouped, node)))
		return false;
	if (IsA(node, Query)) {
		implied->level++;
		walk_query(reinterpret_cast<Query *>(node), find_implied, implied, 0);
		implied->level--;
		return false;
	}
	if (IsA(node, Aggref) &&
		static_cast<int>(reinterpret_cast<Aggref *>(node)->agglevelsup) == implied->level)
		return false;
	if (IsA(node, GroupingFunc))
		return false;
	if (!IsA(node, Var))
		return walk_expression(node, find_implied, implied);
	auto *var = static_cast<Var *>(copyObjectImpl(node));
	if (var->varno != implied->rtindex || static_cast<int>(var->varlevelsup) != implied->level)
		return false;
	var->varlevelsup = 0;
	if (!list_member(implied->grouped, var))
		implied->columns = list_append_unique(implied->columns, var);
	return false;
}

} // namespace

bool group_by_implied_columns(Query *query, int rtindex) {
	if (query->constraintDeps == NIL || query->groupClause == NIL)
		return true;
	Implied implied{get_sortgrouplist_exprs(query->groupClause, query->targetList), rtindex, 0, NIL};
	find_implied(reinterpret_cast<Node *>(query->targetList), &implied);
	find_implied(query->havingQual, &implied);
	List *clauses = NIL;
	foreach_ptr (Var, var, implied.columns) {
		SortGroupClause *clause = makeNode(SortGroupClause);
		get_sort_group_operators(var->vartype, false, false, false, &clause->sortop, &clause->eqop, nullptr,
								 &clause->hashable);
		if (var->varattno <= 0 || !OidIsValid(clause->eqop) || query->groupingSets != NIL)
			return false;
		clauses = lappend(clauses, clause);
	}
	ListCell *cell;
	foreach (cell, clauses) {
		auto *var = static_cast<Expr *>(list_nth(implied.columns, foreach_current_index(cell)));
		TargetEntry *entry = tlist_member(var, query->targetList);
		if (entry == nullptr) {
			entry = makeTargetEntry(var, list_length(query->targetList) + 1, nullptr, true);
			query->targetList = lappend(query->targetList, entry);
		}
		auto *clause = static_cast<SortGroupClause *>(lfirst(cell));
		clause->tleSortGroupRef = assignSortGroupRef(entry, query->targetList);
		query->groupClause = lappend(query->groupClause, clause);
	}
	return true;
}

} // namespace shardext

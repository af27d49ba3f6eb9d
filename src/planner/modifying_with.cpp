// Data-modifying WITH queries on distributed tables.
//
// Such a query becomes a SELECT from its write node, which PostgreSQL plans and runs like any other WITH
// query; the executor sees to it that it runs to its end. The parts of a statement see the same rows in
// PostgreSQL, whatever the others do. Here, what one part has written is visible on the nodes to whatever
// reads afterwards. So a table that one part changes is read by the others first (executor/statement_scans),
// or changed last (planner/shared_rows). What nobody reads runs last.
#include "shardext/planner/write_parts.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/sql/relation_query.hpp"

extern "C" {
#include "parser/parsetree.h"
}

namespace shardext {

namespace {

// --- WITH queries that a WITH query reads ---

struct CteReads {
	const char *name;
	int level; // of the list that the name is in, seen from the node at hand
	int count;
	bool adopt; // the list is one level nearer from now on
};

bool visit_cte_reads(Node *node, CteReads *reads) {
	if (node == nullptr)
		return false;
	if (IsA(node, RangeTblEntry)) {
		auto *rte = reinterpret_cast<RangeTblEntry *>(node);
		if (rte->rtekind == RTE_CTE && static_cast<int>(rte->ctelevelsup) == reads->level &&
			strcmp(rte->ctename, reads->name) == 0) {
			reads->count++;
			if (reads->adopt)
				rte->ctelevelsup--;
		}
		return false;
	}
	if (!IsA(node, Query))
		return walk_expression(node, visit_cte_reads, reads);
	reads->level++;
	walk_query(reinterpret_cast<Query *>(node), visit_cte_reads, reads, QTW_EXAMINE_RTES_BEFORE);
	reads->level--;
	return false;
}

// A write's source is a statement of its own, so a WITH query that it reads has to move there. False when
// others read that query as well.
bool adopt_siblings(Query *query, CommonTableExpr *reader) {
	auto *write = reinterpret_cast<Query *>(reader->ctequery);
	for (bool found = true; found;) {
		found = false;
		foreach_node (CommonTableExpr, cte, query->cteList) {
			CteReads inside{cte->ctename, 0, 0, false};
			visit_cte_reads(reinterpret_cast<Node *>(write), &inside);
			if (cte == reader || inside.count == 0)
				continue;
			CteReads all{cte->ctename, -1, 0, false}, own{cte->ctename, 0, 0, false};
			visit_cte_reads(reinterpret_cast<Node *>(query), &all);
			visit_cte_reads(cte->ctequery, &own); // a recursive query reads itself
			if (all.count > inside.count + own.count)
				return false;
			foreach_node (CommonTableExpr, present, write->cteList)
				if (strcmp(present->ctename, cte->ctename) == 0)
					return false;
			CteReads adopted{cte->ctename, 0, 0, true};
			visit_cte_reads(reinterpret_cast<Node *>(write), &adopted);
			query->cteList = list_delete_ptr(list_copy(query->cteList), cte);
			write->cteList = lcons(cte, list_copy(write->cteList));
			write->hasRecursive = write->hasRecursive || own.count > 0;
			write->hasModifyingCTE =
				write->hasModifyingCTE || reinterpret_cast<Query *>(cte->ctequery)->hasModifyingCTE;
			found = true;
			break;
		}
	}
	return true;
}

bool writes_shards(const CommonTableExpr *cte) {
	auto *query = reinterpret_cast<Query *>(cte->ctequery);
	return query->commandType != CMD_SELECT && query->resultRelation > 0 &&
		   is_sharded_table(rt_fetch(query->resultRelation, query->rtable)->relid);
}

PlanningContext context_of_part(PlanningContext context, const List *parts, const CommonTableExpr *cte) {
	foreach_ptr (WritePart, part, parts)
		if (part->cte == cte) {
			context.shares_rows = part->shares_rows;
			context.late = part->late;
		}
	return context;
}

} // namespace

int reads_of_cte(Query *query, const CommonTableExpr *cte) {
	CteReads reads{cte->ctename, 0, 0, false};
	visit_cte_reads(reinterpret_cast<Node *>(query), &reads);
	return reads.count;
}

PlanningContext plan_modifying_with(Query *query, const PlanningContext &context) {
	const List *parts = find_write_parts(query);
	// (The list changes when queries move into those that read them, or get a query for their rows.)
	foreach_node (CommonTableExpr, cte, list_copy(query->cteList)) {
		if (!list_member_ptr(query->cteList, cte) || !writes_shards(cte))
			continue;
		auto *write = reinterpret_cast<Query *>(cte->ctequery);
		PlanningContext inside = context_of_part(context, parts, cte);
		if (!adopt_siblings(query, cte)) {
			inside.with = query;
			inside.writer = cte;
		}
		PlannedWrite planned = plan_one_write(write, inside);
		if (planned.returning_list == NIL) { // no rows come, nobody can read them
			planned.returned_columns = list_make1(constant_column());
			planned.returning_list = list_make1(
				makeTargetEntry(reinterpret_cast<Expr *>(makeVar(1, 1, INT4OID, -1, InvalidOid, 0)), 1,
								pstrdup("done"), false));
		}
		Query *select = select_from_write(planned);
		select->hasModifyingCTE = true; // runs also when nobody reads it
		cte->ctequery = reinterpret_cast<Node *>(select);
		cte->ctematerialized = CTEMaterializeAlways;
		cte->cterefcount = std::max(cte->cterefcount, 1);
	}
	return context_of_part(context, parts, nullptr);
}

} // namespace shardext

// Data-modifying WITH queries on distributed tables.
//
// Such a query becomes a SELECT from its write node, which PostgreSQL plans and runs like any other WITH
// query; the executor sees to it that it runs to its end. The parts of a statement see the same rows in
// PostgreSQL, whatever the others do. Here, what one part has written is visible on the nodes to whatever
// reads afterwards. So a table that one part changes is read by the others first (executor/statement_scans).
// What nobody reads runs last.
#include "shardext/planner/write_parts.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/sql/relation_query.hpp"

extern "C" {
#include "parser/parsetree.h"
}

namespace shardext {

namespace {

// --- who reads a table ---

struct TableReads {
	Oid relid;
	int count;
};

bool count_reads(Node *node, TableReads *reads) {
	if (node == nullptr)
		return false;
	if (!IsA(node, Query))
		return walk_expression(node, count_reads, reads);
	auto *query = reinterpret_cast<Query *>(node);
	int position = 0;
	foreach_node (RangeTblEntry, rte, query->rtable) {
		position++;
		// The target of an INSERT is not read.
		const bool only_written = position == query->resultRelation && query->commandType == CMD_INSERT;
		if (rte->rtekind == RTE_RELATION && rte->relid == reads->relid && !only_written)
			reads->count++;
	}
	return walk_query(query, count_reads, reads, 0);
}

int reads_of(Query *query, Oid relid) {
	TableReads reads{relid, 0};
	count_reads(reinterpret_cast<Node *>(query), &reads);
	return reads.count;
}

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

// How often parts of a statement that change rows themselves read a table. Those whose rows an INSERT inserts
// have run to their end before.
int reads_of_writes(Query *query, Oid relid, const CommonTableExpr *writer) {
	const bool writes = query->commandType != CMD_SELECT && query->commandType != CMD_INSERT;
	int count = 0;
	if (writes) {
		List *ctes = query->cteList; // they count for themselves
		query->cteList = NIL;
		count = reads_of(query, relid);
		query->cteList = ctes;
	}
	const bool inserts = reinterpret_cast<Query *>(writer->ctequery)->commandType == CMD_INSERT;
	foreach_node (CommonTableExpr, cte, query->cteList) {
		CteReads reads{cte->ctename, 0, 0, false};
		visit_cte_reads(writer->ctequery, &reads);
		if (reinterpret_cast<Query *>(cte->ctequery)->commandType != CMD_SELECT &&
			!(inserts && reads.count > 0))
			count += reads_of(reinterpret_cast<Query *>(cte->ctequery), relid);
	}
	return count;
}

// How often the WITH queries that a write's source takes over read a table.
int reads_of_adopted(Query *query, Query *write, Oid relid) {
	int count = 0;
	foreach_node (CommonTableExpr, cte, query->cteList) {
		CteReads inside{cte->ctename, 0, 0, false};
		visit_cte_reads(reinterpret_cast<Node *>(write), &inside);
		if (inside.count > 0)
			count += reads_of(reinterpret_cast<Query *>(cte->ctequery), relid);
	}
	return count;
}

// Other parts may read the table, if they do so before it is changed. (Values that come from elsewhere in the
// plan would have to be known for that; there are none without the clever plans.)
void check_other_reads(Query *query, const CommonTableExpr *cte) {
	auto *write = reinterpret_cast<Query *>(cte->ctequery);
	const Oid relid = rt_fetch(write->resultRelation, write->rtable)->relid;
	if (reads_of(query, relid) == reads_of(write, relid))
		return;
	// What an INSERT inserts has been read before.
	if (write->commandType == CMD_INSERT && write->onConflict == nullptr &&
		reads_of(query, relid) == reads_of(write, relid) + reads_of_adopted(query, write, relid))
		return;
	// (A row that two parts change is changed by one of them in PostgreSQL.)
	if (reads_of_writes(query, relid, cte) > reads_of(write, relid))
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("a data-modifying WITH clause is not supported on a distributed table yet when "
					   "another part of "
					   "the statement that writes reads the same table"),
				errdetail("WITH query \"%s\" changes table \"%s\".", cte->ctename, get_rel_name(relid)));
	current_run->simple_scans = current_run->simple_scans || cte->cterefcount > 0;
}

} // namespace

void plan_modifying_with(Query *query, const PlanningContext &context) {
	foreach_node (CommonTableExpr, cte, query->cteList)
		if (writes_shards(cte))
			check_other_reads(query, cte);
	// (The list changes when queries move into those that read them, or get a query for their rows.)
	foreach_node (CommonTableExpr, cte, list_copy(query->cteList)) {
		if (!list_member_ptr(query->cteList, cte) || !writes_shards(cte))
			continue;
		auto *write = reinterpret_cast<Query *>(cte->ctequery);
		PlanningContext inside = context;
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
}

} // namespace shardext

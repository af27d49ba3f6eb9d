// Differences between PostgreSQL versions: the only place that tests PG_VERSION_NUM. Wrappers have the newest
// version's meaning, so that call sites need no conditions.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "access/relation.h"
#include "access/multixact.h"
#include "catalog/index.h"
#include "commands/vacuum.h"
#include "nodes/parsenodes.h"
#include "nodes/pathnodes.h"
#include "optimizer/planner.h"
#include "rewrite/rewriteManip.h"
#include "storage/proc.h"
#include "catalog/pg_proc.h"
#include "utils/acl.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
}

namespace shardext {

// Takes the permission checks out of a query: they were made on the distributed tables.
inline void clear_permission_checks(Query *query) {
#if PG_VERSION_NUM >= 160000
	const ListCell *cell;
	foreach (cell, query->rteperminfos)
		lfirst_node(RTEPermissionInfo, cell)->requiredPerms = 0;
#else
	const ListCell *cell;
	foreach (cell, query->rtable) {
		auto *rte = lfirst_node(RangeTblEntry, cell);
		rte->requiredPerms = 0;
		rte->checkAsUser = InvalidOid;
	}
#endif
}

// Columns of range table position 1 replaced by a sub-query's outputs.
inline Node *replace_by_outputs(Node *node, RangeTblEntry *rte, List *targets, bool *has_sub_links) {
#if PG_VERSION_NUM >= 180000
	return ReplaceVarsFromTargetList(node, 1, 0, rte, targets, 0, REPLACEVARS_REPORT_ERROR, 0, has_sub_links);
#else
	return ReplaceVarsFromTargetList(node, 1, 0, rte, targets, REPLACEVARS_REPORT_ERROR, 0, has_sub_links);
#endif
}

// WCO_VIEW_CONFLICT_CHECK (the WHERE of an updatable view, for the row that ON CONFLICT DO UPDATE meets) came
// with a minor release of each version.
constexpr auto kViewConflictCheck = static_cast<WCOKind>(WCO_RLS_MERGE_DELETE_CHECK + 1);

// The index of this backend among all that can run, for arrays in shared memory.
inline int backend_slot() {
#if PG_VERSION_NUM >= 170000
	return MyProcNumber;
#else
	return MyBackendId - 1;
#endif
}

// The same for another process.
inline int slot_of_process(PGPROC *proc) {
#if PG_VERSION_NUM >= 170000
	return GetNumberFromPGProc(proc);
#else
	return proc->backendId - 1;
#endif
}

// The local transaction id of this backend.
inline LocalTransactionId MyProc_lxid() {
#if PG_VERSION_NUM >= 170000
	return MyProc->vxid.lxid;
#else
	return MyProc->lxid;
#endif
}

// Gives a table new, empty storage, and its indexes and TOAST table as well.
inline void new_storage_for(Relation relation) {
	const Oid relid = RelationGetRelid(relation);
	const Oid toast = relation->rd_rel->reltoastrelid;
#if PG_VERSION_NUM >= 160000
	RelationSetNewRelfilenumber(relation, relation->rd_rel->relpersistence);
#else
	RelationSetNewRelfilenode(relation, relation->rd_rel->relpersistence);
#endif
	if (OidIsValid(toast)) {
		Relation toast_relation = relation_open(toast, AccessExclusiveLock);
#if PG_VERSION_NUM >= 160000
		RelationSetNewRelfilenumber(toast_relation, toast_relation->rd_rel->relpersistence);
#else
		RelationSetNewRelfilenode(toast_relation, toast_relation->rd_rel->relpersistence);
#endif
		relation_close(toast_relation, NoLock);
	}
	ReindexParams params{};
#if PG_VERSION_NUM >= 170000
	reindex_relation(nullptr, relid, REINDEX_REL_PROCESS_TOAST, &params);
#else
	reindex_relation(relid, REINDEX_REL_PROCESS_TOAST, &params);
#endif
}

// Plans a query as far as its paths.
inline PlannerInfo *plan_paths(PlannerGlobal *global, Query *query) {
#if PG_VERSION_NUM >= 170000
	return subquery_planner(global, query, nullptr, false, 0, nullptr);
#else
	return subquery_planner(global, query, nullptr, false, 0);
#endif
}

// Notes that an outer join may make a column NULL.
inline void make_nullable_by(Var *var, int join) {
#if PG_VERSION_NUM >= 160000
	var->varnullingrels = bms_make_singleton(join);
#else
	(void)var;
	(void)join;
#endif
}

// Notes a relation's size in pg_class.
inline void note_relation_size(Relation relation, BlockNumber pages, double rows) {
#if PG_VERSION_NUM >= 180000
	vac_update_relstats(relation, pages, rows, 0, 0, relation->rd_rel->relhasindex, InvalidTransactionId,
						InvalidMultiXactId, nullptr, nullptr, false);
#else
	vac_update_relstats(relation, pages, rows, 0, relation->rd_rel->relhasindex, InvalidTransactionId,
						InvalidMultiXactId, nullptr, nullptr, false);
#endif
}

// True when everybody may execute a function.
inline bool public_may_execute(Oid function) {
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ProcedureRelationId, function, ACL_ID_PUBLIC, ACL_EXECUTE) == ACLCHECK_OK;
#else
	return pg_proc_aclcheck(function, ACL_ID_PUBLIC, ACL_EXECUTE) == ACLCHECK_OK;
#endif
}

} // namespace shardext

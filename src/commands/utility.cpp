// Utility statements: which concern distributed tables, and what happens to those.
#include "shardext/commands/utility.hpp"

#include "shardext/commands/analyze.hpp"
#include "shardext/commands/maintenance.hpp"
#include "shardext/cluster/create_table.hpp"
#include "shardext/cluster/shards.hpp"
#include "shardext/cluster/type_users.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/planner/plan_statement.hpp"
#include "shardext/remote/row_stream.hpp"
#include "shardext/sql/shard_sql.hpp"
#include "shardext/transaction/ledger.hpp"
#include "shardext/transaction/remote_transaction.hpp"
#include "shardext/transaction/shared_state.hpp"

extern "C" {
#include "access/table.h"
#include "catalog/heap.h"
#include "catalog/pg_authid_d.h"
#include "catalog/index.h"
#include "commands/copy.h"
#include "commands/dbcommands.h"
#include "commands/tablecmds.h"
#include "commands/user.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "parser/parse_type.h"
#include "tcop/utility.h"
}

namespace shardext {

namespace {

const DistributedTable *distributed(RangeVar *name) {
	if (name == nullptr)
		return nullptr;
	const Oid relid = RangeVarGetRelid(name, NoLock, true);
	return OidIsValid(relid) ? find_distributed_table(relid) : nullptr;
}

// COPY table TO: the table's rows are in its shards, so the statement becomes COPY (SELECT …) TO.
void copy_to_becomes_query(CopyStmt *statement, Oid relid) {
	SelectStmt *select = makeNode(SelectStmt);
	Relation relation = table_open(relid, AccessShareLock);
	TupleDesc desc = RelationGetDescr(relation);
	const ListCell *cell;
	foreach (cell, CopyGetAttnums(desc, relation, statement->attlist)) {
		Form_pg_attribute attribute = TupleDescAttr(desc, lfirst_int(cell) - 1);
		ColumnRef *column = makeNode(ColumnRef);
		column->fields = list_make1(makeString(pstrdup(NameStr(attribute->attname))));
		column->location = -1;
		ResTarget *target = makeNode(ResTarget);
		target->val = reinterpret_cast<Node *>(column);
		target->location = -1;
		select->targetList = lappend(select->targetList, target);
	}
	RangeVar *from = makeRangeVar(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid), -1);
	select->fromClause = list_make1(from);
	table_close(relation, AccessShareLock);
	statement->query = reinterpret_cast<Node *>(select);
	statement->relation = nullptr;
	statement->attlist = NIL;
}

bool changes_triggers(AlterTableType type) {
	return type == AT_EnableTrigAll || type == AT_DisableTrigAll || type == AT_DisableTrig ||
		   type == AT_EnableTrig || type == AT_EnableReplicaTrig;
}

} // namespace

UtilityAction before_utility(PlannedStmt *planned, const char *text, ParamListInfo,
							 QueryCompletion *completion) {
	Node *statement = planned->utilityStmt;
	switch (nodeTag(statement)) {
	case T_DropdbStmt: {
		const Oid database = get_database_oid(reinterpret_cast<DropdbStmt *>(statement)->dbname, true);
		if (OidIsValid(database)) {
			stop_worker(database);
			forget_nodes_of(database);
		}
		return UtilityAction::PassOn;
	}
	case T_CreatedbStmt: {
		const char *source = "template1";
		foreach_node (DefElem, option, reinterpret_cast<CreatedbStmt *>(statement)->options)
			if (strcmp(option->defname, "template") == 0 && option->arg != nullptr)
				source = strVal(option->arg);
		const Oid database = get_database_oid(source, true);
		if (OidIsValid(database))
			stop_worker(database);
		return UtilityAction::PassOn;
	}
	default:
		break;
	}
	if (!IsTransactionState() || !extension_exists())
		return UtilityAction::PassOn;
	if (IsA(statement, CopyStmt)) {
		auto *copy = reinterpret_cast<CopyStmt *>(statement);
		const DistributedTable *table = distributed(copy->relation);
		if (table != nullptr && copy->is_from)
			check_reference_target(table->relid);
		if (table == nullptr || !table->is_sharded())
			return UtilityAction::PassOn;
		if (!copy->is_from) {
			// The plan may be used again: the caller's tree stays as it is.
			auto *changed = static_cast<CopyStmt *>(copyObjectImpl(copy));
			copy_to_becomes_query(changed, table->relid);
			planned->utilityStmt = reinterpret_cast<Node *>(changed);
			return UtilityAction::PassOn;
		}
		const uint64 rows = copy_from(copy, table->relid, text);
		if (completion != nullptr)
			SetQueryCompletion(completion, CMDTAG_COPY, rows);
		return UtilityAction::Handled;
	}
	if (IsA(statement, TruncateStmt) && run_truncate(reinterpret_cast<TruncateStmt *>(statement))) {
		if (completion != nullptr)
			SetQueryCompletion(completion, CMDTAG_TRUNCATE_TABLE, 0);
		return UtilityAction::Handled;
	}
	if (IsA(statement, DropStmt) && reinterpret_cast<DropStmt *>(statement)->removeType == OBJECT_EXTENSION) {
		foreach_ptr (Node, name, reinterpret_cast<DropStmt *>(statement)->objects)
			if (strcmp(strVal(name), "shardext") == 0) {
				stop_worker(MyDatabaseId);
				remember_cluster();
			}
	}
	if (IsA(statement, DropStmt) && reinterpret_cast<DropStmt *>(statement)->removeType == OBJECT_TABLE &&
		list_length(reinterpret_cast<DropStmt *>(statement)->objects) > 1) {
		List *relids = NIL;
		foreach_node (List, name, reinterpret_cast<DropStmt *>(statement)->objects) {
			const Oid relid = RangeVarGetRelid(makeRangeVarFromNameList(name), NoLock, true);
			if (OidIsValid(relid) && pg_class_ownercheck(relid, GetUserId()))
				relids = lappend_oid(relids, relid);
		}
		drop_local_shards(relids);
	}
	if (IsA(statement, DropOwnedStmt))
		drop_local_shards_of(roleSpecsToIds(reinterpret_cast<DropOwnedStmt *>(statement)->roles));
	if (IsA(statement, VacuumStmt))
		planned->utilityStmt =
			reinterpret_cast<Node *>(vacuum_with_local_shards(reinterpret_cast<VacuumStmt *>(statement)));
	check_allowed(statement);
	return UtilityAction::PassOn;
}

void after_utility(PlannedStmt *planned) {
	if (!IsTransactionState() || IsAbortedTransactionBlockState())
		return;
	if (IsA(planned->utilityStmt, DropStmt) &&
		reinterpret_cast<DropStmt *>(planned->utilityStmt)->removeType == OBJECT_EXTENSION)
		drop_remembered_cluster();
	if (IsA(planned->utilityStmt, TruncateStmt) && extension_exists())
		truncate_shards(reinterpret_cast<TruncateStmt *>(planned->utilityStmt));
	if (IsA(planned->utilityStmt, ConstraintsSetStmt) && extension_exists()) {
		auto *set = reinterpret_cast<ConstraintsSetStmt *>(planned->utilityStmt);
		if (set->constraints == NIL)
			set_constraints_on_nodes(set->deferred);
	}
	if (IsA(planned->utilityStmt, AlterTableStmt) && extension_exists()) {
		auto *alter = reinterpret_cast<AlterTableStmt *>(planned->utilityStmt);
		foreach_node (AlterTableCmd, command, alter->cmds) {
			const bool triggers = changes_triggers(command->subtype);
			if (command->subtype != AT_ChangeOwner && !triggers)
				continue;
			const DistributedTable *table = distributed(alter->relation);
			if (table != nullptr && !triggers)
				adopt_local_shards(table->relid);
			else if (table != nullptr && !table->is_sharded())
				keep_reference_trigger_enabled(table->relid);
		}
	}
	if (IsA(planned->utilityStmt, VacuumStmt) && extension_exists()) {
		vacuum_shards(reinterpret_cast<VacuumStmt *>(planned->utilityStmt));
		analyze_named_tables(reinterpret_cast<VacuumStmt *>(planned->utilityStmt));
	}
	if (IsA(planned->utilityStmt, ClusterStmt) && extension_exists())
		cluster_shards(reinterpret_cast<ClusterStmt *>(planned->utilityStmt));
	if (IsA(planned->utilityStmt, ReindexStmt) && extension_exists())
		reindex_shards(reinterpret_cast<ReindexStmt *>(planned->utilityStmt));
	if (IsA(planned->utilityStmt, ReassignOwnedStmt) && extension_exists())
		settle_all_schema_rights();
	check_dropped_columns();
	drop_forgotten_shards();
}

} // namespace shardext

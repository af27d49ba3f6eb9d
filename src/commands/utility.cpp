// Utility statements: which concern distributed tables, and what happens to those.
#include "shardext/commands/utility.hpp"

#include "shardext/commands/analyze.hpp"
#include "shardext/commands/truncate_triggers.hpp"
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

[[noreturn]] void refuse(const char *command, const char *table) {
	ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("%s is not supported on distributed table \"%s\" yet", command, table),
			errhint("Use undistribute_table(), change the table, and distribute it again."));
	pg_unreachable();
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

// What ALTER TABLE may do on the coordinator alone, where it is also enforced.
bool concerns_coordinator_only(AlterTableStmt *statement) {
	foreach_node (AlterTableCmd, command, statement->cmds) {
		switch (command->subtype) {
		case AT_ColumnDefault:
		case AT_AddIdentity: // of a column that is NOT NULL already
		case AT_SetIdentity:
		case AT_DropIdentity:
		case AT_ChangeOwner:
		case AT_EnableRowSecurity:
		case AT_DisableRowSecurity:
		case AT_ForceRowSecurity:
		case AT_NoForceRowSecurity:
		case AT_SetStatistics:
		case AT_EnableTrig:
		case AT_EnableAlwaysTrig:
		case AT_EnableReplicaTrig:
		case AT_DisableTrig:
		case AT_EnableTrigAll:
		case AT_DisableTrigAll:
		case AT_EnableTrigUser:
		case AT_DisableTrigUser:
			break;
		default:
			return false;
		}
	}
	return true;
}

bool changes_triggers(AlterTableType type) {
	return type == AT_EnableTrigAll || type == AT_DisableTrigAll || type == AT_DisableTrig ||
		   type == AT_EnableTrig || type == AT_EnableReplicaTrig;
}

// The tables that a column's or table's foreign keys reference, as far as they are written there.
List *referenced_tables(Node *definition) {
	if (definition == nullptr)
		return NIL;
	if (IsA(definition, Constraint))
		return list_make1(reinterpret_cast<Constraint *>(definition)->pktable);
	List *names = NIL;
	if (IsA(definition, ColumnDef))
		foreach_ptr (Node, constraint, reinterpret_cast<ColumnDef *>(definition)->constraints)
			names = list_concat(names, referenced_tables(constraint));
	return names;
}

// The relations that a statement changes, or hangs something on.
List *relations_of(Node *statement) {
	switch (nodeTag(statement)) {
	case T_AlterTableStmt: {
		auto *alter = reinterpret_cast<AlterTableStmt *>(statement);
		List *names = list_make1(alter->relation);
		foreach_node (AlterTableCmd, command, alter->cmds) {
			if (command->def != nullptr && IsA(command->def, RangeVar)) // INHERIT
				names = lappend(names, command->def);
			if (command->def != nullptr && IsA(command->def, PartitionCmd))
				names = lappend(names, reinterpret_cast<PartitionCmd *>(command->def)->name);
			names = list_concat(names, referenced_tables(command->def));
		}
		return names;
	}
	case T_RenameStmt:
		return list_make1(reinterpret_cast<RenameStmt *>(statement)->relation);
	case T_IndexStmt:
		return list_make1(reinterpret_cast<IndexStmt *>(statement)->relation);
	case T_CreateTrigStmt:
		return list_make2(reinterpret_cast<CreateTrigStmt *>(statement)->relation,
						  reinterpret_cast<CreateTrigStmt *>(statement)->constrrel);
	case T_RuleStmt:
		return list_make1(reinterpret_cast<RuleStmt *>(statement)->relation);
	case T_CreatePolicyStmt:
		return list_make1(reinterpret_cast<CreatePolicyStmt *>(statement)->table);
	case T_AlterPolicyStmt:
		return list_make1(reinterpret_cast<AlterPolicyStmt *>(statement)->table);
	case T_CreateStatsStmt:
		return reinterpret_cast<CreateStatsStmt *>(statement)->relations;
	case T_CreateStmt: {
		auto *create = reinterpret_cast<CreateStmt *>(statement);
		List *names = list_copy(create->inhRelations);
		foreach_ptr (Node, element, create->tableElts)
			names = list_concat(names, referenced_tables(element));
		return names;
	}
	case T_DropStmt: {
		auto *drop = reinterpret_cast<DropStmt *>(statement);
		List *names = NIL;
		if (drop->removeType == OBJECT_INDEX)
			foreach_node (List, name, drop->objects)
				names = lappend(names, makeRangeVarFromNameList(name));
		return names;
	}
	default:
		return NIL;
	}
}

// Users do not change shards on this server, also not those they own.
void check_not_a_shard(Node *statement) {
	if (may_change_shards())
		return;
	foreach_ptr (Node, name, relations_of(statement)) {
		if (name == nullptr || !IsA(name, RangeVar))
			continue;
		Oid relid = RangeVarGetRelid(reinterpret_cast<RangeVar *>(name), NoLock, true);
		if (OidIsValid(relid) && get_rel_relkind(relid) == RELKIND_INDEX)
			relid = IndexGetRelation(relid, true);
		if (OidIsValid(relid) && is_local_shard(relid))
			refuse_to_change_shard(relid);
	}
}

// The type that a statement changes, or InvalidOid.
Oid changed_type(Node *statement) {
	List *names = NIL;
	switch (nodeTag(statement)) {
	case T_AlterEnumStmt:
		names = reinterpret_cast<AlterEnumStmt *>(statement)->typeName;
		break;
	case T_AlterDomainStmt:
		names = reinterpret_cast<AlterDomainStmt *>(statement)->typeName;
		break;
	case T_AlterTableStmt:
		if (reinterpret_cast<AlterTableStmt *>(statement)->objtype == OBJECT_TYPE) {
			const Oid relid =
				RangeVarGetRelid(reinterpret_cast<AlterTableStmt *>(statement)->relation, NoLock, true);
			return OidIsValid(relid) ? get_rel_type_id(relid) : InvalidOid;
		}
		return InvalidOid;
	case T_RenameStmt: {
		auto *rename = reinterpret_cast<RenameStmt *>(statement);
		if (rename->renameType == OBJECT_ATTRIBUTE && rename->relation != nullptr) {
			const Oid relid = RangeVarGetRelid(rename->relation, NoLock, true);
			return OidIsValid(relid) ? get_rel_type_id(relid) : InvalidOid;
		}
		if (rename->renameType == OBJECT_TYPE || rename->renameType == OBJECT_DOMAIN ||
			rename->renameType == OBJECT_DOMCONSTRAINT)
			names = reinterpret_cast<List *>(rename->object);
		break;
	}
	case T_AlterObjectSchemaStmt: {
		auto *move = reinterpret_cast<AlterObjectSchemaStmt *>(statement);
		if (move->objectType == OBJECT_TYPE || move->objectType == OBJECT_DOMAIN)
			names = reinterpret_cast<List *>(move->object);
		break;
	}
	default:
		break;
	}
	if (names == NIL)
		return InvalidOid;
	Oid type = InvalidOid;
	Type tuple = LookupTypeName(nullptr, makeTypeNameFromNameList(names), nullptr, true);
	if (tuple != nullptr) {
		type = typeTypeId(tuple);
		ReleaseSysCache(tuple);
	}
	return type;
}

void check_allowed(Node *statement) {
	check_not_a_shard(statement);
	if (const Oid type = changed_type(statement); OidIsValid(type))
		if (const Oid table = table_that_uses(type); OidIsValid(table))
			refuse("ALTER TYPE of a column", get_rel_name(table));
	switch (nodeTag(statement)) {
	case T_AlterTableStmt: {
		auto *alter = reinterpret_cast<AlterTableStmt *>(statement);
		foreach_node (AlterTableCmd, command, alter->cmds) {
			if (command->subtype == AT_AddInherit && command->def != nullptr)
				if (distributed(reinterpret_cast<RangeVar *>(command->def)) != nullptr)
					refuse("inheritance", reinterpret_cast<RangeVar *>(command->def)->relname);
			if (command->subtype == AT_AttachPartition)
				if (RangeVar *partition = reinterpret_cast<PartitionCmd *>(command->def)->name;
					distributed(partition) != nullptr)
					refuse("ATTACH PARTITION", partition->relname);
		}
		if (alter->objtype == OBJECT_INDEX) {
			const Oid index = RangeVarGetRelid(alter->relation, NoLock, true);
			if (OidIsValid(index) && get_rel_relkind(index) == RELKIND_INDEX &&
				find_distributed_table(IndexGetRelation(index, false)) != nullptr)
				refuse("ALTER INDEX", get_rel_name(IndexGetRelation(index, false)));
		} else if (distributed(alter->relation) != nullptr && !concerns_coordinator_only(alter)) {
			refuse("this form of ALTER TABLE", alter->relation->relname);
		}
		break;
	}
	case T_RenameStmt: {
		auto *rename = reinterpret_cast<RenameStmt *>(statement);
		if (rename->renameType == OBJECT_POLICY || rename->renameType == OBJECT_TRIGGER)
			break;
		if (rename->relation != nullptr && distributed(rename->relation) != nullptr)
			refuse("ALTER TABLE … RENAME", rename->relation->relname);
		if (rename->renameType == OBJECT_INDEX && rename->relation != nullptr) {
			const Oid index = RangeVarGetRelid(rename->relation, NoLock, true);
			if (OidIsValid(index) && get_rel_relkind(index) == RELKIND_INDEX &&
				find_distributed_table(IndexGetRelation(index, false)) != nullptr)
				refuse("ALTER INDEX … RENAME", get_rel_name(IndexGetRelation(index, false)));
		}
		if (rename->renameType == OBJECT_SCHEMA &&
			query_metadata(psprintf("SELECT 1 FROM shardext.tables t JOIN pg_class c ON c.oid = t.relid "
									"WHERE c.relnamespace = %u LIMIT 1",
									get_namespace_oid(rename->subname, true))) != nullptr)
			ereport(
				ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("schema \"%s\" holds distributed tables and cannot be renamed yet", rename->subname));
		if (rename->renameType == OBJECT_SCHEMA &&
			OidIsValid(table_that_uses_schema(get_namespace_oid(rename->subname, true))))
			ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("schema \"%s\" holds types of distributed tables and cannot be renamed yet",
						   rename->subname));
		break;
	}
	case T_AlterObjectSchemaStmt: {
		auto *move = reinterpret_cast<AlterObjectSchemaStmt *>(statement);
		if (move->relation != nullptr && distributed(move->relation) != nullptr)
			refuse("ALTER TABLE … SET SCHEMA", move->relation->relname);
		break;
	}
	case T_DropStmt: {
		auto *drop = reinterpret_cast<DropStmt *>(statement);
		if (drop->removeType != OBJECT_INDEX)
			break;
		foreach_node (List, names, drop->objects) {
			const Oid index = RangeVarGetRelid(makeRangeVarFromNameList(names), NoLock, true);
			if (OidIsValid(index) && get_rel_relkind(index) == RELKIND_INDEX &&
				find_distributed_table(IndexGetRelation(index, false)) != nullptr)
				refuse("DROP INDEX", get_rel_name(IndexGetRelation(index, false)));
		}
		break;
	}
	case T_IndexStmt:
		if (distributed(reinterpret_cast<IndexStmt *>(statement)->relation) != nullptr)
			refuse("CREATE INDEX", reinterpret_cast<IndexStmt *>(statement)->relation->relname);
		break;
	case T_RuleStmt:
		if (distributed(reinterpret_cast<RuleStmt *>(statement)->relation) != nullptr)
			refuse("CREATE RULE", reinterpret_cast<RuleStmt *>(statement)->relation->relname);
		break;
	case T_CreateStmt: {
		auto *create = reinterpret_cast<CreateStmt *>(statement);
		foreach_node (RangeVar, parent, create->inhRelations)
			if (distributed(parent) != nullptr)
				refuse("inheritance", parent->relname);
		foreach_ptr (Node, element, create->tableElts)
			if (IsA(element, Constraint)) {
				auto *constraint = reinterpret_cast<Constraint *>(element);
				const DistributedTable *target = distributed(constraint->pktable);
				if (target != nullptr && target->is_sharded())
					(void)target; // becomes enforceable once the new table is distributed as well
			}
		break;
	}
	default:
		break;
	}
}

// The tables a TRUNCATE empties.
List *truncated_tables(TruncateStmt *statement) {
	List *relids = NIL;
	foreach_node (RangeVar, name, statement->relations)
		relids = list_append_unique_oid(relids, RangeVarGetRelid(name, NoLock, false));
	if (statement->behavior == DROP_CASCADE) {
		List *referencing;
		while ((referencing = heap_truncate_find_FKs(relids)) != NIL)
			relids = list_concat_unique_oid(relids, referencing);
	}
	return relids;
}

// Calls body(schema, table) for every local shard of the tables that a TRUNCATE empties.
template <class F> void for_each_truncated_shard(TruncateStmt *statement, F &&body) {
	const ListCell *cell;
	foreach (cell, truncated_tables(statement)) {
		const DistributedTable *table = find_distributed_table(lfirst_oid(cell));
		if (table == nullptr || !table->is_sharded())
			continue;
		const char *schema_name = get_namespace_name(get_rel_namespace(table->relid));
		for (int g = 0; g < table->colocation->group_count; g++)
			if (table->colocation->groups[g].node_id == kLocalNode)
				body(shard_schema_name(table->colocation->groups[g].id, schema_name),
					 get_rel_name(table->relid));
	}
}

// Shards on this server are tables that reference each other and reference tables: they are truncated
// together with the tables they belong to, in one statement. Returns true when there are any.
bool add_local_shards(TruncateStmt *statement) {
	List *shards = NIL;
	for_each_truncated_shard(statement, [&](char *schema, char *table) {
		shards = lappend(shards, makeRangeVar(schema, table, -1));
	});
	statement->relations = list_concat(statement->relations, shards);
	return shards != NIL;
}

// True when the user owns all local shards of the statement's tables.
bool owns_local_shards(TruncateStmt *statement) {
	const ListCell *cell;
	foreach (cell, truncated_tables(statement))
		if (is_sharded_table(lfirst_oid(cell)) && !pg_class_ownercheck(lfirst_oid(cell), GetUserId()))
			return false;
	return true;
}

// Empties the local shards themselves, after PostgreSQL has let the user truncate their tables.
void empty_local_shards(TruncateStmt *statement) {
	for_each_truncated_shard(statement, [](const char *schema, const char *table) {
		empty_table(get_relname_relid(table, get_namespace_oid(schema, false)));
	});
}

// TRUNCATE on the coordinator has emptied its own tables and checked foreign keys; now the shards on nodes.
void truncate_shards(TruncateStmt *statement) {
	List *relids = truncated_tables(statement);
	// One statement per shard group and node, naming all its tables, so that foreign keys among them do not
	// matter.
	List *statements = NIL;
	auto add = [&](const NodeInfo *node, const char *sql) {
		auto *entry = static_cast<NodeStatement *>(palloc(sizeof(NodeStatement)));
		*entry = {node, sql};
		statements = lappend(statements, entry);
	};
	foreach_ptr (NodeInfo, node, all_nodes()) {
		if (node->is_local())
			continue;
		StringInfoData names;
		initStringInfo(&names);
		const ListCell *cell;
		foreach (cell, relids) {
			const DistributedTable *table = find_distributed_table(lfirst_oid(cell));
			if (table == nullptr)
				continue;
			SqlBuilder builder;
			builder.relation(table->relid);
			SqlPieces *pieces = builder.finish();
			for (int g = 0; g < table->colocation->group_count; g++)
				if (!table->is_sharded() || table->colocation->groups[g].node_id == node->id)
					appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
									 shard_sql(pieces, table->colocation->groups[g].id, node->is_local()));
		}
		if (names.len == 0)
			continue;
		add(node,
			psprintf("TRUNCATE %s%s", names.data, statement->behavior == DROP_CASCADE ? " CASCADE" : ""));
	}
	run_statements(statements, Scope::Write);
}

// The same where AFTER TRUNCATE triggers want to see empty shards; false when there are none.
bool truncate_fires(TruncateStmt *statement) {
	List *relids = truncated_tables(statement);
	bool any = false;
	const ListCell *cell;
	foreach (cell, relids)
		any = any || find_distributed_table(lfirst_oid(cell)) != nullptr;
	if (!any || !has_truncate_triggers(relids))
		return false;
	PreventCommandIfReadOnly("TRUNCATE TABLE");
	struct Parts {
		TruncateStmt *statement, *own;
		bool adds_shards;
	} parts{statement, static_cast<TruncateStmt *>(copyObjectImpl(statement)), false};
	parts.adds_shards = owns_local_shards(statement) && add_local_shards(parts.own);
	truncate_with_triggers(
		relids, [](void *argument) { ExecuteTruncate(static_cast<Parts *>(argument)->own); },
		[](void *argument) {
			const auto *all = static_cast<Parts *>(argument);
			if (!all->adds_shards)
				empty_local_shards(all->statement);
			truncate_shards(all->statement);
		},
		&parts);
	return true;
}

} // namespace

void refuse_to_change_shard(Oid relid) {
	ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("permission denied to alter shard \"%s\"", get_rel_name(relid)),
			errhint("Shards change with the table that they belong to."));
	pg_unreachable();
}

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
	if (IsA(statement, TruncateStmt)) {
		auto *changed = static_cast<TruncateStmt *>(copyObjectImpl(statement));
		if (truncate_fires(reinterpret_cast<TruncateStmt *>(statement))) {
			if (completion != nullptr)
				SetQueryCompletion(completion, CMDTAG_TRUNCATE_TABLE, 0);
			return UtilityAction::Handled;
		}
		if (add_local_shards(changed)) {
			PreventCommandIfReadOnly("TRUNCATE TABLE");
			// Always with the user's own rights: TRUNCATE triggers are his, and so is what CASCADE may reach.
			if (owns_local_shards(reinterpret_cast<TruncateStmt *>(statement))) {
				ExecuteTruncate(changed);
			} else {
				ExecuteTruncate(reinterpret_cast<TruncateStmt *>(statement));
				empty_local_shards(reinterpret_cast<TruncateStmt *>(statement));
			}
			truncate_shards(reinterpret_cast<TruncateStmt *>(statement));
			if (completion != nullptr)
				SetQueryCompletion(completion, CMDTAG_TRUNCATE_TABLE, 0);
			return UtilityAction::Handled;
		}
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
	if (IsA(planned->utilityStmt, VacuumStmt) && extension_exists())
		analyze_named_tables(reinterpret_cast<VacuumStmt *>(planned->utilityStmt));
	if (IsA(planned->utilityStmt, ReassignOwnedStmt) && extension_exists())
		settle_all_schema_rights();
	check_dropped_columns();
	drop_forgotten_shards();
}

} // namespace shardext

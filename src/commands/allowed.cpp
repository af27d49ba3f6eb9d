// Which changes of distributed tables are refused.
#include "shardext/commands/utility.hpp"

#include "shardext/cluster/shards.hpp"
#include "shardext/cluster/type_users.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "parser/parse_type.h"
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

// Returns the name of the distributed table whose index is named, or nullptr.
const char *table_of_index(const RangeVar *name) {
	const Oid index = RangeVarGetRelid(name, NoLock, true);
	if (!OidIsValid(index) || get_rel_relkind(index) != RELKIND_INDEX)
		return nullptr;
	const Oid relid = IndexGetRelation(index, true);
	return OidIsValid(relid) && find_distributed_table(relid) != nullptr ? get_rel_name(relid) : nullptr;
}

// An index that is invalid is not there on all shards. REINDEX would make it valid on the coordinator.
void refuse_invalid_indexes(const RangeVar *name) {
	const Oid relid = name != nullptr ? RangeVarGetRelid(name, NoLock, true) : InvalidOid;
	const char relkind = OidIsValid(relid) ? get_rel_relkind(relid) : '\0';
	const Oid table = relkind == RELKIND_INDEX ? IndexGetRelation(relid, true) : relid;
	if (!OidIsValid(table) || find_distributed_table(table) == nullptr)
		return;
	Relation relation = table_open(table, AccessShareLock);
	const ListCell *cell;
	foreach (cell, RelationGetIndexList(relation)) {
		const Oid index = lfirst_oid(cell);
		if ((relkind != RELKIND_INDEX || index == relid) && !get_index_isvalid(index))
			ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("cannot reindex invalid index \"%s\" of distributed table \"%s\"",
						   get_rel_name(index), get_rel_name(table)),
					errdetail("It does not exist on all shards."),
					errhint("Drop the index and create it again."));
	}
	table_close(relation, AccessShareLock);
}

// True for what shards follow, or what is enforced on the coordinator alone.
bool shards_follow(const AlterTableStmt *statement) {
	foreach_node (AlterTableCmd, command, statement->cmds) {
		switch (command->subtype) {
		case AT_AddColumn:
		case AT_ColumnDefault:
		case AT_DropNotNull:
		case AT_SetNotNull:
		case AT_DropExpression:
		case AT_SetStatistics:
		case AT_SetOptions:
		case AT_ResetOptions:
		case AT_SetStorage:
		case AT_SetCompression:
		case AT_DropColumn:
		case AT_AddConstraint:
		case AT_AlterConstraint:
		case AT_ValidateConstraint:
		case AT_AddIndexConstraint:
		case AT_DropConstraint:
		case AT_AlterColumnType:
		case AT_ChangeOwner:
		case AT_ClusterOn:
		case AT_DropCluster:
		case AT_SetLogged:
		case AT_SetUnLogged:
		case AT_SetAccessMethod:
		case AT_SetRelOptions:
		case AT_ResetRelOptions:
		case AT_ReplicaIdentity:
		case AT_EnableRowSecurity:
		case AT_DisableRowSecurity:
		case AT_ForceRowSecurity:
		case AT_NoForceRowSecurity:
		case AT_AddIdentity:
		case AT_SetIdentity:
		case AT_DropIdentity:
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

} // namespace

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
		if (const char *table = table_of_index(alter->relation); table != nullptr && !shards_follow(alter))
			refuse("this form of ALTER INDEX", table);
		if (distributed(alter->relation) != nullptr && !shards_follow(alter))
			refuse("this form of ALTER TABLE", alter->relation->relname);
		break;
	}
	case T_RenameStmt: {
		auto *rename = reinterpret_cast<RenameStmt *>(statement);
		if (rename->renameType == OBJECT_RULE && distributed(rename->relation) != nullptr)
			refuse("renaming a rule", rename->relation->relname);
		if (rename->renameType == OBJECT_SCHEMA &&
			OidIsValid(table_that_uses_schema(get_namespace_oid(rename->subname, true))))
			ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("schema \"%s\" holds types of distributed tables and cannot be renamed yet",
						   rename->subname));
		break;
	}
	case T_ReindexStmt:
		refuse_invalid_indexes(reinterpret_cast<ReindexStmt *>(statement)->relation);
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
		break;
	}
	default:
		break;
	}
}

void refuse_to_change_shard(Oid relid) {
	ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("permission denied to alter shard \"%s\"", get_rel_name(relid)),
			errhint("Shards change with the table that they belong to."));
	pg_unreachable();
}

} // namespace shardext

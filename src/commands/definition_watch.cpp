// Which tables a statement changes, and when their shards follow.
//
// A statement that is being run has a frame, which knows how its tables were defined before. Where it can be
// seen from the statement which tables these are, they are locked as PostgreSQL is going to lock them, so
// that nobody changes them in between. What is dropped by a CASCADE is found when PostgreSQL is about to drop
// it.
#include "shardext/commands/definition_watch.hpp"

#include "shardext/cluster/definition_changes.hpp"
#include "shardext/cluster/dependencies.hpp"
#include "shardext/cluster/table_definition.hpp"
#include "shardext/cluster/type_changes.hpp"
#include "shardext/cluster/type_users.hpp"
#include "shardext/commands/conversion.hpp"
#include "shardext/commands/utility.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/local_stream.hpp"

extern "C" {
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_statistic_ext.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "parser/parsetree.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/acl.h"
}

namespace shardext {

namespace {

struct WatchedTable {
	Oid relid;
	const TableDefinition *before;
	List *conversions, *dropped_names;
};

struct WatchedType {
	Oid type, relid; // a table that uses it
	const TypeDefinition *before;
};

struct Frame {
	Frame *outer;
	MemoryContext context;
	List *tables; // WatchedTable *
	List *types;  // WatchedType *
	bool blind;	  // the extension itself is being dropped
};

Frame *current = nullptr;
bool following = false; // shards are being changed: their own statements concern nobody

WatchedTable *find_watched(const Frame *frame, Oid relid) {
	foreach_ptr (WatchedTable, table, frame->tables)
		if (table->relid == relid)
			return table;
	return nullptr;
}

// Remembers how a table is defined now, unless it is remembered already or not distributed.
WatchedTable *watch(Frame *frame, Oid relid) {
	if (WatchedTable *known = find_watched(frame, relid))
		return known;
	const DistributedTable *table = find_distributed_table(relid);
	if (table == nullptr)
		return nullptr;
	MemoryContext old = MemoryContextSwitchTo(frame->context);
	auto *watched = static_cast<WatchedTable *>(palloc0(sizeof(WatchedTable)));
	watched->relid = relid;
	watched->before = read_definition(table);
	frame->tables = lappend(frame->tables, watched);
	MemoryContextSwitchTo(old);
	return watched;
}

// The same for a type that a distributed table uses. Returns false when none does.
bool watch_type(Frame *frame, Oid type) {
	foreach_ptr (WatchedType, known, frame->types)
		if (known->type == type)
			return true;
	const Oid relid = table_that_uses(type);
	if (!OidIsValid(relid))
		return false;
	MemoryContext old = MemoryContextSwitchTo(frame->context);
	auto *watched = static_cast<WatchedType *>(palloc(sizeof(WatchedType)));
	*watched = {type, relid, read_type(type)};
	frame->types = lappend(frame->types, watched);
	MemoryContextSwitchTo(old);
	return true;
}

// Locks a distributed table that the user may change, and remembers it. Whom it does not belong to gets
// PostgreSQL's error without a lock.
void lock_and_watch(Frame *frame, Oid relid, LOCKMODE lock) {
	if (!OidIsValid(relid) || find_distributed_table(relid) == nullptr ||
		!pg_class_ownercheck(relid, GetUserId()))
		return;
	LockRelationOid(relid, lock);
	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		watch(frame, relid);
}

// Returns the table that a name means, or whose index it means.
Oid named_table(const RangeVar *name, bool *is_index = nullptr) {
	if (name == nullptr)
		return InvalidOid;
	Oid relid = RangeVarGetRelid(name, NoLock, true);
	const bool index = OidIsValid(relid) && get_rel_relkind(relid) == RELKIND_INDEX;
	if (index)
		relid = IndexGetRelation(relid, true);
	if (is_index != nullptr)
		*is_index = index;
	return relid;
}

Oid table_of_statistics(List *name) {
	const Oid statistics = get_statistics_object_oid(name, true);
	return OidIsValid(statistics) ? table_of_object(StatisticExtRelationId, statistics, 0) : InvalidOid;
}

void watch_alter_table(Frame *frame, AlterTableStmt *alter, const char *text) {
	bool is_index;
	Oid relid = named_table(alter->relation, &is_index);
	if (find_distributed_table(relid) == nullptr)
		return;
	const LOCKMODE lock = AlterTableGetLockLevel(alter->cmds);
	if (is_index) {
		lock_and_watch(frame, relid, ShareUpdateExclusiveLock);
		return;
	}
	relid = AlterTableLookupRelation(alter, lock); // as PostgreSQL does it next
	WatchedTable *table = OidIsValid(relid) ? watch(frame, relid) : nullptr;
	if (table == nullptr)
		return;
	MemoryContext old = MemoryContextSwitchTo(frame->context);
	foreach_node (AlterTableCmd, command, alter->cmds) {
		if (command->subtype == AT_DropConstraint)
			table->dropped_names = lappend(table->dropped_names, pstrdup(command->name));
		if (command->subtype == AT_AlterColumnType)
			if (Conversion *conversion = conversion_of(relid, command, text))
				table->conversions = lappend(table->conversions, conversion);
	}
	MemoryContextSwitchTo(old);
}

void watch_rename(Frame *frame, RenameStmt *rename) {
	if (rename->renameType == OBJECT_STATISTIC_EXT) {
		lock_and_watch(frame, table_of_statistics(reinterpret_cast<List *>(rename->object)),
					   ShareUpdateExclusiveLock);
	} else if (rename->renameType == OBJECT_SCHEMA) {
		const Oid schema = get_namespace_oid(rename->subname, true);
		const List *relids = all_distributed_tables();
		const ListCell *cell;
		foreach (cell, relids)
			if (get_rel_namespace(lfirst_oid(cell)) == schema && find_distributed_table(lfirst_oid(cell)) &&
				pg_namespace_ownercheck(schema, GetUserId())) {
				LockRelationOid(lfirst_oid(cell), AccessExclusiveLock);
				if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(lfirst_oid(cell))))
					watch(frame, lfirst_oid(cell));
			}
	} else {
		bool is_index;
		const Oid relid = named_table(rename->relation, &is_index);
		lock_and_watch(frame, relid, is_index ? ShareUpdateExclusiveLock : AccessExclusiveLock);
	}
}

// The table that a COMMENT is about, or about a part of it.
Oid commented_table(const CommentStmt *comment) {
	auto *name = reinterpret_cast<List *>(comment->object);
	switch (comment->objtype) {
	case OBJECT_TABLE:
	case OBJECT_INDEX:
		return named_table(makeRangeVarFromNameList(name));
	case OBJECT_COLUMN:
	case OBJECT_TABCONSTRAINT:
		return list_length(name) > 1
				   ? named_table(makeRangeVarFromNameList(list_copy_head(name, list_length(name) - 1)))
				   : InvalidOid;
	case OBJECT_STATISTIC_EXT:
		return table_of_statistics(name);
	default:
		return InvalidOid;
	}
}

void watch_named_tables(Frame *frame, Node *statement, const char *text) {
	const Oid type = changed_type(statement);
	if (OidIsValid(type) && pg_type_ownercheck(type, GetUserId())) {
		LockDatabaseObject(TypeRelationId, type, 0, ExclusiveLock);
		if (SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(type)))
			watch_type(frame, type);
	}
	switch (nodeTag(statement)) {
	case T_AlterTableStmt:
		watch_alter_table(frame, reinterpret_cast<AlterTableStmt *>(statement), text);
		break;
	case T_RenameStmt:
		watch_rename(frame, reinterpret_cast<RenameStmt *>(statement));
		break;
	case T_AlterObjectSchemaStmt:
		lock_and_watch(frame, named_table(reinterpret_cast<AlterObjectSchemaStmt *>(statement)->relation),
					   AccessExclusiveLock);
		break;
	case T_IndexStmt:
		// Two at the same time would find each other's indexes new.
		lock_and_watch(frame, named_table(reinterpret_cast<IndexStmt *>(statement)->relation),
					   ShareRowExclusiveLock);
		break;
	case T_CreateStatsStmt:
		foreach_ptr (Node, name, reinterpret_cast<CreateStatsStmt *>(statement)->relations)
			if (IsA(name, RangeVar))
				lock_and_watch(frame, named_table(reinterpret_cast<RangeVar *>(name)),
							   ShareUpdateExclusiveLock);
		break;
	case T_AlterStatsStmt:
		lock_and_watch(frame, table_of_statistics(reinterpret_cast<AlterStatsStmt *>(statement)->defnames),
					   ShareUpdateExclusiveLock);
		break;
	case T_CommentStmt:
		lock_and_watch(frame, commented_table(reinterpret_cast<CommentStmt *>(statement)),
					   ShareUpdateExclusiveLock);
		break;
	case T_ClusterStmt:
		lock_and_watch(frame, named_table(reinterpret_cast<ClusterStmt *>(statement)->relation),
					   AccessExclusiveLock);
		break;
	case T_DropStmt:
		if (reinterpret_cast<DropStmt *>(statement)->removeType == OBJECT_EXTENSION)
			foreach_ptr (Node, name, reinterpret_cast<DropStmt *>(statement)->objects)
				frame->blind = frame->blind || strcmp(strVal(name), "shardext") == 0;
		break;
	default:
		break;
	}
}

// Makes the shards follow what has changed since the frame's tables were looked at.
void follow(Frame *frame) {
	if ((frame->tables == NIL && frame->types == NIL) || !extension_exists())
		return;
	CommandCounterIncrement();
	MemoryContext old = MemoryContextSwitchTo(frame->context);
	foreach_ptr (WatchedType, type, frame->types)
		if (SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(type->type))) {
			follow_type(type->before, type->relid);
			type->before = read_type(type->type);
		}
	List *changes = NIL;
	foreach_ptr (WatchedTable, table, frame->tables) {
		const DistributedTable *now = SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table->relid))
										  ? find_distributed_table(table->relid)
										  : nullptr;
		if (now == nullptr)
			continue;
		auto *change = static_cast<DefinitionChange *>(palloc0(sizeof(DefinitionChange)));
		const TableDefinition *after = read_definition(now);
		*change = {table->before, after, table->conversions, table->dropped_names,
				   first_values(table->before, after)};
		changes = lappend(changes, change);
	}
	following = true;
	follow_definitions(changes);
	following = false;
	// The key may have another name now: it is read again.
	foreach_ptr (WatchedTable, table, frame->tables)
		if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table->relid)))
			if (const DistributedTable *now = find_distributed_table(table->relid))
				table->before = read_definition(now);
	MemoryContextSwitchTo(old);
}

void follow_outer(Frame *frame) {
	if (frame == nullptr)
		return;
	follow_outer(frame->outer);
	follow(frame);
}

} // namespace

bool changes_definitions(Node *statement) {
	return !following && IsTransactionState() && GetCommandLogLevel(statement) == LOGSTMT_DDL &&
		   extension_exists();
}

void watch_definitions(Node *statement, const char *text, void (*run)(void *), void *argument) {
	// What an outer statement has done so far comes first.
	follow_outer(current);
	Frame *outer = current;
	Frame frame{};
	frame.outer = outer;
	frame.context =
		AllocSetContextCreate(CurrentMemoryContext, "shardext definitions", ALLOCSET_DEFAULT_SIZES);
	current = &frame;
	PG_TRY();
	{
		watch_named_tables(&frame, statement, text);
		// PostgreSQL looks at local shards as well, when a domain changes, say.
		with_changed_errors(name_user_table, [&] { run(argument); });
		follow(&frame);
	}
	PG_FINALLY();
	{
		current = outer;
		following = false;
	}
	PG_END_TRY();
	// The outer statement's tables are as the inner one has left them.
	if (frame.tables != NIL)
		for (Frame *other = outer; other != nullptr; other = other->outer)
			foreach_ptr (WatchedTable, table, other->tables)
				if (find_watched(&frame, table->relid) != nullptr)
					if (const DistributedTable *now = find_distributed_table(table->relid)) {
						MemoryContext old = MemoryContextSwitchTo(other->context);
						table->before = read_definition(now);
						MemoryContextSwitchTo(old);
					}
	MemoryContextDelete(frame.context);
}

void note_object_drop(Oid class_id, Oid object_id, int sub_id) {
	if (following || (current != nullptr && current->blind))
		return;
	const Oid relid = table_of_object(class_id, object_id, sub_id);
	if (!OidIsValid(relid))
		return;
	// An attribute of a composite type goes.
	if (current != nullptr && get_rel_relkind(relid) == RELKIND_COMPOSITE_TYPE) {
		watch_type(current, get_rel_type_id(relid));
		return;
	}
	if (current == nullptr || find_distributed_table(relid) == nullptr) {
		if (class_id == ConstraintRelationId)
			note_dropped_constraint(object_id);
		else if (class_id == RelationRelationId && sub_id > 0)
			note_dropped_column(object_id);
		return;
	}
	if (find_watched(current, relid) != nullptr)
		return;
	LockRelationOid(relid,
					class_id == StatisticExtRelationId ? ShareUpdateExclusiveLock : AccessExclusiveLock);
	watch(current, relid);
}

bool checks_changing_foreign_key(const Query *query) {
	if (current == nullptr || current->tables == NIL || list_length(query->rtable) != 3)
		return false;
	const RangeTblEntry *from = rt_fetch(1, query->rtable), *to = rt_fetch(2, query->rtable);
	return from->rtekind == RTE_RELATION && !from->inh && strcmp(from->eref->aliasname, "fk") == 0 &&
		   to->rtekind == RTE_RELATION && !to->inh && strcmp(to->eref->aliasname, "pk") == 0 &&
		   find_watched(current, from->relid) != nullptr && is_sharded_table(from->relid);
}

} // namespace shardext

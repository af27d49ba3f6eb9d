// CREATE INDEX CONCURRENTLY and DROP INDEX CONCURRENTLY on distributed tables.
//
// Several transactions each, so no two-phase commit makes them one. What tells that an index is not there on
// all shards is the coordinator's own: it is invalid until the last shard has it, and is the last to go.
#include "shardext/commands/maintenance.hpp"

#include "shardext/cluster/placements.hpp"
#include "shardext/cluster/table_definition.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/dependency.h"
#include "catalog/pg_index.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"
}

namespace shardext {

namespace {

void set_valid(Oid relid, Oid index, bool valid) {
	Relation indexes = table_open(IndexRelationId, RowExclusiveLock);
	HeapTuple tuple = SearchSysCacheCopy1(INDEXRELID, ObjectIdGetDatum(index));
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("index was dropped while it was being made on the shards"));
	reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple))->indisvalid = valid;
	CatalogTupleUpdate(indexes, &tuple->t_self, tuple);
	table_close(indexes, RowExclusiveLock);
	CacheInvalidateRelcacheByRelid(relid);
	CommandCounterIncrement();
}

// Ends the transaction that PostgreSQL's command has left open, and begins another one.
void next_transaction() {
	if (ActiveSnapshotSet())
		PopActiveSnapshot();
	CommitTransactionCommand();
	StartTransactionCommand();
}

// Raises the error for an index that could not be made on shards, before it is there.
void check_concurrent_index(const DistributedTable *table, const IndexStmt *statement) {
	bool has_key = !statement->unique || !table->is_sharded();
	foreach_node (IndexElem, element, statement->indexParams)
		has_key = has_key ||
				  (element->name != nullptr && get_attnum(table->relid, element->name) == table->key_attnum);
	if (!has_key)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot create a unique index on distributed table \"%s\" without column \"%s\"",
					   get_rel_name(table->relid), get_attname(table->relid, table->key_attnum, false)),
				errdetail("Uniqueness can only be enforced within a shard."));
}

List *indexes_of(Oid relid) {
	Relation relation = table_open(relid, NoLock);
	List *indexes = RelationGetIndexList(relation);
	table_close(relation, NoLock);
	return indexes;
}

// Makes the index on the shards, those on this server in a transaction.
void make_on_shards(const DistributedTable *table, Oid index) {
	PushActiveSnapshot(GetTransactionSnapshot());
	check_distributed_definition(table->relid, table->key_attnum);
	const int level = begin_printing_definitions();
	char *definition = TextDatumGetCString(OidFunctionCall1(F_PG_GET_INDEXDEF_OID, ObjectIdGetDatum(index)));
	const char *head = strncmp(definition, "CREATE UNIQUE", strlen("CREATE UNIQUE")) == 0
						   ? "CREATE UNIQUE INDEX "
						   : "CREATE INDEX ";
	const SqlPieces *concurrently =
		splice_relations(psprintf("%sCONCURRENTLY %s", head, definition + strlen(head)));
	const SqlPieces *plain = splice_relations(definition);
	end_printing_definitions(level);
	PopActiveSnapshot();
	List *remote = NIL, *local = NIL;
	for_each_placement(table, nullptr, [&](const NodeInfo *node, int64 group_id) {
		const bool here = node->is_local();
		add_statement(entry_of(here ? &local : &remote, node),
					  shard_sql(here ? plain : concurrently, group_id, here));
	});
	run_alone(remote);
	run_everywhere(local);
}

void create_concurrently(Oid relid, const IndexStmt *statement, void (*run)(void *), void *argument) {
	MemoryContext caller = CurrentMemoryContext;
	check_concurrent_index(find_distributed_table(relid), statement);
	const List *known = indexes_of(relid);
	run(argument);
	LockRelationOid(relid, ShareUpdateExclusiveLock);
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		return;
	const List *fresh = list_difference_oid(indexes_of(relid), known);
	if (fresh == NIL)
		return; // IF NOT EXISTS
	const Oid index = llast_oid(fresh);
	set_valid(relid, index, false);
	// The lock is kept over the transactions, so that the definition stays.
	LockRelId lock{relid, MyDatabaseId};
	LockRelationIdForSession(&lock, ShareUpdateExclusiveLock);
	PG_TRY();
	{
		next_transaction();
		MemoryContextSwitchTo(caller);
		make_on_shards(find_distributed_table(relid), index);
		set_valid(relid, index, true);
		next_transaction();
		MemoryContextSwitchTo(caller);
	}
	PG_FINALLY();
	{ UnlockRelationIdForSession(&lock, ShareUpdateExclusiveLock); }
	PG_END_TRY();
}

// The nodes' indexes go before PostgreSQL drops the coordinator's: when a node fails, it can be said again.
void drop_concurrently(Oid relid, Oid index, void (*run)(void *), void *argument) {
	List *remote = NIL, *local = NIL;
	for_each_placement(find_distributed_table(relid), nullptr, [&](const NodeInfo *node, int64 group_id) {
		SqlBuilder sql;
		sql.text(node->is_local() ? "DROP INDEX IF EXISTS " : "DROP INDEX CONCURRENTLY IF EXISTS ");
		sql.schema_of(relid);
		sql.text(".");
		sql.identifier(get_rel_name(index));
		add_statement(entry_of(node->is_local() ? &local : &remote, node),
					  shard_sql(sql.finish(), group_id, node->is_local()));
	});
	MemoryContext caller = CurrentMemoryContext;
	run_alone(remote);
	run(argument);
	MemoryContextSwitchTo(caller);
	run_everywhere(local);
}

// A distributed table that the user may change, or InvalidOid.
Oid own_distributed_table(Oid relid) {
	return OidIsValid(relid) && find_distributed_table(relid) != nullptr &&
				   pg_class_ownercheck(relid, GetUserId())
			   ? relid
			   : InvalidOid;
}

} // namespace

bool run_concurrent_index(Node *statement, bool top_level, void (*run)(void *), void *argument) {
	if (IsA(statement, IndexStmt)) {
		const auto *create = reinterpret_cast<IndexStmt *>(statement);
		if (!create->concurrent)
			return false;
		const Oid relid = own_distributed_table(RangeVarGetRelid(create->relation, NoLock, true));
		if (!OidIsValid(relid))
			return false;
		PreventInTransactionBlock(top_level, "CREATE INDEX CONCURRENTLY");
		create_concurrently(relid, create, run, argument);
		return true;
	}
	const auto *drop = reinterpret_cast<DropStmt *>(statement);
	if (!IsA(statement, DropStmt) || drop->removeType != OBJECT_INDEX || !drop->concurrent ||
		list_length(drop->objects) != 1 || drop->behavior == DROP_CASCADE)
		return false; // or PostgreSQL's error
	const RangeVar *name = makeRangeVarFromNameList(static_cast<List *>(linitial(drop->objects)));
	const Oid index = RangeVarGetRelid(name, NoLock, true);
	if (!OidIsValid(index) || get_rel_relkind(index) != RELKIND_INDEX ||
		OidIsValid(get_index_constraint(index)))
		return false;
	const Oid relid = own_distributed_table(IndexGetRelation(index, true));
	if (!OidIsValid(relid))
		return false;
	PreventInTransactionBlock(top_level, "DROP INDEX CONCURRENTLY");
	drop_concurrently(relid, index, run, argument);
	return true;
}

} // namespace shardext

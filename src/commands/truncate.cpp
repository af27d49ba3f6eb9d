// TRUNCATE of distributed tables.
#include "shardext/commands/utility.hpp"

#include "shardext/cluster/shards.hpp"
#include "shardext/commands/truncate_triggers.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/row_stream.hpp"
#include "shardext/sql/shard_sql.hpp"

extern "C" {
#include "catalog/heap.h"
#include "commands/tablecmds.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/acl.h"
}

namespace shardext {

namespace {

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

} // namespace

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

namespace {

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

bool run_truncate(TruncateStmt *statement) {
	if (truncate_fires(statement))
		return true;
	auto *changed = static_cast<TruncateStmt *>(copyObjectImpl(statement));
	if (!add_local_shards(changed))
		return false;
	PreventCommandIfReadOnly("TRUNCATE TABLE");
	// Always with the user's own rights: TRUNCATE triggers are his, and so is what CASCADE may reach.
	if (owns_local_shards(statement)) {
		ExecuteTruncate(changed);
	} else {
		ExecuteTruncate(statement);
		empty_local_shards(statement);
	}
	truncate_shards(statement);
	return true;
}

} // namespace shardext

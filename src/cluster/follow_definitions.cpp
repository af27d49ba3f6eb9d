// Running what makes shards follow their tables' definitions.
#include "shardext/cluster/definition_changes.hpp"

#include "shardext/catalog/metadata_sql.hpp"
#include "shardext/cluster/create_table.hpp"
#include "shardext/cluster/dependencies.hpp"
#include "shardext/cluster/placements.hpp"
#include "shardext/cluster/shards.hpp"
#include "shardext/cluster/table_definition.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/pg_constraint.h"
#include "executor/spi.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "utils/guc.h"
}

namespace shardext {

void ShardStatements::add_all(Phase phase, Oid relid, const List *pieces, bool as_owner) {
	foreach_ptr (SqlPieces, sql, pieces)
		add(phase, relid, sql, as_owner);
}

bool ShardStatements::any(Phase first, Phase last) const {
	for (int phase = static_cast<int>(first); phase <= static_cast<int>(last); phase++)
		if (phases_[phase] != NIL)
			return true;
	return false;
}

namespace {

// Raises the error that the distribution column cannot be changed.
[[noreturn]] void refuse_key_change(const DefinitionChange *change, const char *what) {
	ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("cannot %s distribution column \"%s\" of table \"%s\"", what,
				   change->before->columns[change->before->key - 1].name, change->before->name),
			errhint("Use undistribute_table(), change the table, and distribute it again."));
	pg_unreachable();
}

// True when values of the old type are values of the new type as they are, such as those of a longer varchar.
bool keeps_values(const ColumnDefinition *was, const ColumnDefinition *is) {
	if (was->type != is->type || was->collation != is->collation)
		return false;
	Var *column = makeVar(1, was->number, was->type, was->typmod, was->collation, 0);
	Node *converted = coerce_to_target_type(nullptr, reinterpret_cast<Node *>(column), was->type, is->type,
											is->typmod, COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	converted = eval_const_expressions(nullptr, converted);
	while (IsA(converted, RelabelType))
		converted = reinterpret_cast<Node *>(reinterpret_cast<RelabelType *>(converted)->arg);
	return IsA(converted, Var);
}

// The distribution column keeps its type; the metadata has its name.
void follow_key(const DefinitionChange *change) {
	const AttrNumber key = change->before->key;
	if (key == 0)
		return;
	const ColumnDefinition *was = &change->before->columns[key - 1], *is = &change->after->columns[key - 1];
	if (is->dropped)
		refuse_key_change(change, "drop");
	const bool retyped =
		was->type != is->type || was->typmod != is->typmod || was->collation != is->collation;
	bool converted = false;
	foreach_ptr (Conversion, conversion, change->conversions)
		converted = converted || conversion->column == key;
	if (converted || (retyped && !keeps_values(was, is)))
		refuse_key_change(change, "alter type of");
	if (strcmp(was->name, is->name) == 0)
		return;
	run_metadata_sql(psprintf("UPDATE shardext.tables SET distribution_column = %s WHERE relid = %u",
							  quote_literal_cstr(is->name), change->after->relid));
	metadata_changed(change->after->relid);
}

bool has_moved(const DefinitionChange *change) {
	return strcmp(change->before->schema, change->after->schema) != 0 ||
		   strcmp(change->before->name, change->after->name) != 0;
}

PlaceOfTable *old_place(const TableDefinition *definition) {
	auto *place = static_cast<PlaceOfTable *>(palloc0(sizeof(PlaceOfTable)));
	place->relid = definition->relid;
	place->old_schema = definition->schema;
	place->old_name = definition->name;
	foreach_ptr (StatisticsDefinition, statistics, definition->statistics)
		place->old_statistics = lappend(place->old_statistics, const_cast<char *>(statistics->name));
	return place;
}

// Moves the shards of tables that have another name or schema.
void follow_moves(const List *changes) {
	List *places = NIL, *per_node = NIL;
	foreach_ptr (DefinitionChange, change, changes) {
		if (!has_moved(change))
			continue;
		places = lappend(places, old_place(change->before));
		add_moves(&per_node, old_place(change->before));
	}
	if (places == NIL)
		return;
	run_everywhere(per_node);
	CommandCounterIncrement();
	settle_moved_shards(places);
	// A schema's new name invalidates nothing by itself.
	foreach_ptr (PlaceOfTable, place, places)
		metadata_changed(place->relid);
}

bool has_new_foreign_key(const DefinitionChange *change) {
	foreach_ptr (ConstraintDefinition, constraint, change->after->constraints)
		if (constraint->kind == CONSTRAINT_FOREIGN &&
			find_constraint(change->before, constraint->oid) == nullptr)
			return true;
	return false;
}

// Raises an error when a table could not be distributed as it is now.
void check_change(const DefinitionChange *change) {
	check_distributed_definition(change->after->relid, change->before->key);
	if (has_new_foreign_key(change))
		check_foreign_keys(change->after->relid, change->before->key);
}

// Adds one phase of all tables to what the nodes run.
void add_phase(List **per_node, const ShardStatements *statements, Phase phase) {
	const List *list = statements->of(phase);
	foreach_ptr (ShardStatement, statement, list) {
		const DistributedTable *table = find_distributed_table(statement->relid);
		for_each_placement(table, nullptr, [&](const NodeInfo *node, int64 group_id) {
			add_statement(entry_of(per_node, node), shard_sql(statement->sql, group_id, node->is_local()),
						  statement->as_owner ? statement->relid : InvalidOid);
		});
	}
}

void add_phases(List **per_node, const ShardStatements *statements, Phase first, Phase last) {
	for (int phase = static_cast<int>(first); phase <= static_cast<int>(last); phase++)
		add_phase(per_node, statements, static_cast<Phase>(phase));
}

// Adds what the nodes must have before: types, functions and the like.
void add_dependencies(List **per_node, const DefinitionChange *change) {
	const DistributedTable *table = find_distributed_table(change->after->relid);
	List *dependencies = table_dependency_statements(table->relid);
	foreach_ptr (Conversion, conversion, change->conversions)
		dependencies = list_concat(dependencies, conversion->dependencies);
	List *seen = NIL;
	for_each_placement(table, nullptr, [&](const NodeInfo *node, int64) {
		if (node->is_local() || list_member_int(seen, node->id))
			return;
		seen = lappend_int(seen, node->id);
		foreach_ptr (char, sql, dependencies)
			add_statement(entry_of(per_node, node), sql);
	});
}

// Runs an UPDATE of all rows as the user, whom row-level security does not keep from his own table.
void update_all_rows(Oid relid, const char *assignments) {
	Oid user;
	int context;
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(user, context | SECURITY_NOFORCE_RLS);
	SPI_connect();
	SPI_execute(psprintf("UPDATE %s SET %s",
						 quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
													get_rel_name(relid)),
						 assignments),
				false, 0);
	SPI_finish();
	SetUserIdAndSecContext(user, context);
}

// A reference table's rows have their values here already: the copies get the rows anew.
void copy_reference_rows_again(const DistributedTable *table) {
	SqlBuilder sql;
	sql.text("DELETE FROM ");
	sql.relation(table->relid);
	const SqlPieces *pieces = sql.finish();
	List *per_node = NIL;
	for_each_placement(table, nullptr, [&](const NodeInfo *node, int64 group_id) {
		add_statement(entry_of(&per_node, node), shard_sql(pieces, group_id, false));
	});
	run_everywhere(per_node);
	for_each_placement(table, nullptr,
					   [&](const NodeInfo *node, int64) { copy_reference_rows(table->relid, node); });
}

// True when rows of a reference table are found on the copies by a primary key that they have there.
bool found_by_primary_key(const NewValues *values) {
	Relation relation = table_open(values->relid, NoLock);
	const Bitmapset *key = RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	bool found = key != nullptr;
	const ListCell *cell;
	foreach (cell, values->columns)
		found = found && !bms_is_member(lfirst_int(cell) - FirstLowInvalidHeapAttributeNumber, key);
	table_close(relation, NoLock);
	return found;
}

// Gives the rows of new columns their values. Those of distributed tables are made now, one for each row;
// a reference table's copies get them by an update that changes nothing here.
void fill_columns(const NewValues *values) {
	const DistributedTable *table = find_distributed_table(values->relid);
	if (!table->is_sharded() && !found_by_primary_key(values)) {
		copy_reference_rows_again(table);
		return;
	}
	StringInfoData assignments;
	initStringInfo(&assignments);
	const ListCell *cell;
	foreach (cell, values->columns) {
		const char *name = quote_identifier(get_attname(values->relid, lfirst_int(cell), false));
		appendStringInfo(&assignments, "%s%s = %s", assignments.len > 0 ? ", " : "", name,
						 table->is_sharded() ? "DEFAULT" : name);
	}
	update_all_rows(values->relid, assignments.data);
}

} // namespace

void follow_definitions(const List *changes) {
	foreach_ptr (DefinitionChange, change, changes)
		follow_key(change);
	const int level = begin_printing_definitions();
	ShardStatements statements;
	List *all_values = NIL;
	foreach_ptr (DefinitionChange, change, changes) {
		auto *values = static_cast<NewValues *>(palloc0(sizeof(NewValues)));
		values->relid = change->after->relid;
		add_column_changes(&statements, change, values);
		add_object_changes(&statements, change, changes);
		add_comment_changes(&statements, change, changes);
		if (values->columns != NIL)
			all_values = lappend(all_values, values);
	}
	end_printing_definitions(level);
	follow_moves(changes);
	if (!statements.any(Phase::ForeignKeysGo, Phase::Marks))
		return;

	List *per_node = NIL;
	foreach_ptr (DefinitionChange, change, changes) {
		check_change(change);
		if (statements.any(Phase::Columns, Phase::ForeignKeys))
			add_dependencies(&per_node, change);
	}
	if (all_values == NIL) {
		add_phases(&per_node, &statements, Phase::ForeignKeysGo, Phase::Marks);
		run_everywhere(per_node, true);
	} else {
		add_phases(&per_node, &statements, Phase::ForeignKeysGo, Phase::Columns);
		run_everywhere(per_node, true);
		CommandCounterIncrement();
		foreach_ptr (NewValues, values, all_values)
			fill_columns(values);
		per_node = NIL;
		add_phases(&per_node, &statements, Phase::Filled, Phase::Marks);
		run_everywhere(per_node, true);
	}
	CommandCounterIncrement();
}

} // namespace shardext

// What has changed about the constraints, indexes, statistics objects and comments of a table.
#include "shardext/cluster/definition_changes.hpp"

#include "shardext/cluster/table_definition.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "catalog/pg_constraint.h"
#include "commands/defrem.h"
#include "nodes/pg_list.h"
}

namespace shardext {

namespace {

bool same_text(const char *a, const char *b) {
	return a == nullptr || b == nullptr ? a == b : strcmp(a, b) == 0;
}

const DefinitionChange *change_of(const List *changes, Oid relid) {
	foreach_ptr (DefinitionChange, change, changes)
		if (change->after->relid == relid)
			return change;
	return nullptr;
}

bool is_dropped_by_name(const DefinitionChange *change, const char *name) {
	foreach_ptr (char, dropped, change->dropped_names)
		if (strcmp(dropped, name) == 0)
			return true;
	return false;
}

// Returns what an object of the old definition is in the new one, or nullptr when it is gone. An object on a
// column that has got another type was made again under its name; the shards do that by themselves.
template <class T>
const T *counterpart(const DefinitionChange *change, const T *old, const List *old_list, const List *new_list,
					 bool retyped) {
	foreach_ptr (T, object, new_list)
		if (object->oid == old->oid)
			return object;
	if (!retyped || is_dropped_by_name(change, old->name))
		return nullptr;
	foreach_ptr (T, object, new_list) {
		if (strcmp(object->name, old->name) != 0)
			continue;
		foreach_ptr (T, known, old_list)
			if (known->oid == object->oid)
				return nullptr;
		return object;
	}
	return nullptr;
}

struct Comparison {
	const DefinitionChange *change;
	const List *changes;
	ShardStatements *statements;
	bool retyped;
};

const ConstraintDefinition *constraint_now(const Comparison *comparison, const ConstraintDefinition *old) {
	const DefinitionChange *change = comparison->change;
	const DefinitionChange *referenced =
		old->kind == CONSTRAINT_FOREIGN ? change_of(comparison->changes, old->referenced) : nullptr;
	return counterpart(change, old, change->before->constraints, change->after->constraints,
					   comparison->retyped || (referenced != nullptr && is_retyped(referenced)));
}

const IndexDefinition *index_now(const Comparison *comparison, const IndexDefinition *old) {
	const DefinitionChange *change = comparison->change;
	return counterpart(change, old, change->before->indexes, change->after->indexes, comparison->retyped);
}

const StatisticsDefinition *statistics_now(const Comparison *comparison, const StatisticsDefinition *old) {
	const DefinitionChange *change = comparison->change;
	return counterpart(change, old, change->before->statistics, change->after->statistics,
					   comparison->retyped);
}

// True when an object of the new definition is what one of the old definition has become.
template <class T, class Now>
bool was_there(const Comparison *comparison, const T *object, const List *old_list, Now now) {
	foreach_ptr (T, old, old_list)
		if (now(comparison, old) == object)
			return true;
	return false;
}

// ALTER TABLE with one action.
void alter_table(const Comparison *comparison, Phase phase, const char *action, bool as_owner) {
	const Oid relid = comparison->change->after->relid;
	SqlBuilder sql;
	sql.text("ALTER TABLE ");
	sql.relation(relid);
	sql.text(" ");
	sql.text(action);
	comparison->statements->add(phase, relid, sql.finish(), as_owner);
}

// A statement on an object in the schema of the shard.
void change_object(const Comparison *comparison, Phase phase, const char *head, const char *name,
				   const char *tail) {
	const Oid relid = comparison->change->after->relid;
	SqlBuilder sql;
	sql.text(head);
	sql.schema_of(relid);
	sql.text(".");
	sql.identifier(name);
	sql.text(tail);
	comparison->statements->add(phase, relid, sql.finish(), false);
}

void compare_old_constraint(const Comparison *comparison, const ConstraintDefinition *old) {
	const ConstraintDefinition *now = constraint_now(comparison, old);
	const bool foreign = old->kind == CONSTRAINT_FOREIGN;
	const char *name = quote_identifier(old->name);
	if (now == nullptr) {
		alter_table(comparison, foreign ? Phase::ForeignKeysGo : Phase::ObjectsGo,
					psprintf("DROP CONSTRAINT IF EXISTS %s", name), false);
		return;
	}
	if (strcmp(old->name, now->name) != 0)
		alter_table(comparison, Phase::ObjectNames,
					psprintf("RENAME CONSTRAINT %s TO %s", name, quote_identifier(now->name)), false);
	if (old->deferrable != now->deferrable || old->deferred != now->deferred)
		alter_table(comparison, Phase::Objects,
					psprintf("ALTER CONSTRAINT %s %s%s", quote_identifier(now->name),
							 now->deferrable ? "DEFERRABLE" : "NOT DEFERRABLE",
							 now->deferred ? " INITIALLY DEFERRED" : ""),
					true);
	if (!old->valid && now->valid)
		alter_table(comparison, foreign ? Phase::ForeignKeys : Phase::Objects,
					psprintf("VALIDATE CONSTRAINT %s", quote_identifier(now->name)), true);
}

// ADD CONSTRAINT, also of an index that was there before.
void add_constraint(const Comparison *comparison, const ConstraintDefinition *constraint) {
	const DefinitionChange *change = comparison->change;
	if (constraint->kind == CONSTRAINT_FOREIGN) {
		comparison->statements->add(Phase::ForeignKeys, change->after->relid,
									add_constraint_statement(constraint->oid), true);
		return;
	}
	const IndexDefinition *used = find_index(change->before, constraint->index);
	if (used == nullptr) {
		// A key's index is made with the right to make one in the schema, and as the owner by PostgreSQL.
		comparison->statements->add(Phase::Objects, change->after->relid,
									add_constraint_statement(constraint->oid),
									constraint->kind == CONSTRAINT_CHECK);
		return;
	}
	alter_table(comparison, Phase::Objects,
				psprintf("ADD CONSTRAINT %s %s USING INDEX %s%s%s", quote_identifier(constraint->name),
						 constraint->kind == CONSTRAINT_PRIMARY ? "PRIMARY KEY" : "UNIQUE",
						 quote_identifier(used->name), constraint->deferrable ? " DEFERRABLE" : "",
						 constraint->deferred ? " INITIALLY DEFERRED" : ""),
				false);
}

const DefElem *find_option(const List *list, const char *name) {
	foreach_ptr (DefElem, option, list)
		if (strcmp(option->defname, name) == 0)
			return option;
	return nullptr;
}

const char *option_value(const DefElem *option) {
	return option->arg != nullptr ? defGetString(const_cast<DefElem *>(option)) : "true";
}

// One that is invalid is not on all shards.
const char *alter_index(const IndexDefinition *index) {
	return index->valid ? "ALTER INDEX " : "ALTER INDEX IF EXISTS ";
}

void compare_index_settings(const Comparison *comparison, const IndexDefinition *was,
							const IndexDefinition *is) {
	foreach_ptr (DefElem, option, was->options)
		if (find_option(is->options, option->defname) == nullptr)
			change_object(comparison, Phase::Objects, alter_index(is), is->name,
						  psprintf(" RESET (%s)", quote_identifier(option->defname)));
	foreach_ptr (DefElem, option, is->options) {
		const DefElem *old = find_option(was->options, option->defname);
		if (old == nullptr || strcmp(option_value(old), option_value(option)) != 0)
			change_object(comparison, Phase::Objects, alter_index(is), is->name,
						  psprintf(" SET (%s = %s)", quote_identifier(option->defname),
								   quote_literal_cstr(option_value(option))));
	}
	for (int i = 0; i < list_length(is->statistics_targets); i++)
		if (const int target = list_nth_int(is->statistics_targets, i);
			target != list_nth_int(was->statistics_targets, i))
			change_object(comparison, Phase::Objects, alter_index(is), is->name,
						  psprintf(" ALTER COLUMN %d SET STATISTICS %d", i + 1, target));
}

void compare_old_index(const Comparison *comparison, const IndexDefinition *old) {
	const IndexDefinition *now = index_now(comparison, old);
	if (now == nullptr) {
		// That of a constraint goes with it.
		if (!OidIsValid(old->constraint))
			change_object(comparison, Phase::ObjectsGo, "DROP INDEX IF EXISTS ", old->name, "");
		return;
	}
	const bool becomes_constraint = !OidIsValid(old->constraint) && OidIsValid(now->constraint);
	if (!OidIsValid(old->constraint) && !becomes_constraint && strcmp(old->name, now->name) != 0)
		change_object(comparison, Phase::ObjectNames, alter_index(now), old->name,
					  psprintf(" RENAME TO %s", quote_identifier(now->name)));
	compare_index_settings(comparison, old, now);
}

void compare_old_statistics(const Comparison *comparison, const StatisticsDefinition *old) {
	const StatisticsDefinition *now = statistics_now(comparison, old);
	if (now == nullptr) {
		change_object(comparison, Phase::ObjectsGo, "DROP STATISTICS IF EXISTS ", old->name, "");
		return;
	}
	if (strcmp(old->name, now->name) != 0)
		change_object(comparison, Phase::ObjectNames, "ALTER STATISTICS ", old->name,
					  psprintf(" RENAME TO %s", quote_identifier(now->name)));
	if (old->target != now->target)
		change_object(comparison, Phase::Objects, "ALTER STATISTICS ", now->name,
					  psprintf(" SET STATISTICS %d", now->target));
}

const char *clustered_index(const TableDefinition *definition) {
	foreach_ptr (IndexDefinition, index, definition->indexes)
		if (index->clustered)
			return index->name;
	return nullptr;
}

const char *identity_index(const TableDefinition *definition) {
	foreach_ptr (IndexDefinition, index, definition->indexes)
		if (index->replica_identity)
			return index->name;
	return nullptr;
}

void compare_marks(const Comparison *comparison) {
	const TableDefinition *before = comparison->change->before, *after = comparison->change->after;
	const char *clustered = clustered_index(after);
	if (!same_text(clustered_index(before), clustered))
		alter_table(comparison, Phase::Marks,
					clustered != nullptr ? psprintf("CLUSTER ON %s", quote_identifier(clustered))
										 : "SET WITHOUT CLUSTER",
					false);
	const char *identity = identity_index(after);
	if (before->replica_identity == after->replica_identity && same_text(identity_index(before), identity))
		return;
	switch (after->replica_identity) {
	case 'f':
		alter_table(comparison, Phase::Marks, "REPLICA IDENTITY FULL", false);
		break;
	case 'n':
		alter_table(comparison, Phase::Marks, "REPLICA IDENTITY NOTHING", false);
		break;
	case 'i':
		if (identity != nullptr)
			alter_table(comparison, Phase::Marks,
						psprintf("REPLICA IDENTITY USING INDEX %s", quote_identifier(identity)), false);
		break;
	default:
		alter_table(comparison, Phase::Marks, "REPLICA IDENTITY DEFAULT", false);
	}
}

// Adds the comments of objects of one kind that differ; those of objects that are new as well.
template <class T, class Now, class Add>
void compare_comments(const Comparison *comparison, const List *was, const List *is, Now now, Add add) {
	foreach_ptr (T, object, is) {
		const char *old_comment = nullptr;
		foreach_ptr (T, old, was)
			if (now(comparison, old) == object)
				old_comment = old->comment;
		if (!same_text(old_comment, object->comment))
			comparison->statements->add(Phase::Marks, comparison->change->after->relid, add(object), false);
	}
}

Comparison comparison_of(ShardStatements *statements, const DefinitionChange *change, const List *changes) {
	return {change, changes, statements, is_retyped(change)};
}

} // namespace

void add_object_changes(ShardStatements *statements, const DefinitionChange *change, const List *changes) {
	const Comparison comparison = comparison_of(statements, change, changes);
	const TableDefinition *before = change->before, *after = change->after;
	foreach_ptr (ConstraintDefinition, old, before->constraints)
		compare_old_constraint(&comparison, old);
	foreach_ptr (IndexDefinition, old, before->indexes)
		compare_old_index(&comparison, old);
	foreach_ptr (StatisticsDefinition, old, before->statistics)
		compare_old_statistics(&comparison, old);

	// Indexes in the order in which they were made: a foreign key takes the first that it can use.
	foreach_ptr (IndexDefinition, index, after->indexes)
		if (index->valid && !OidIsValid(index->constraint) &&
			!was_there(&comparison, index, before->indexes, index_now)) {
			const List *definition = add_index_statements(NIL, after->relid, index->oid);
			statements->add_all(Phase::Objects, after->relid, definition, false);
		}
	foreach_ptr (ConstraintDefinition, constraint, after->constraints)
		if (!was_there(&comparison, constraint, before->constraints, constraint_now))
			add_constraint(&comparison, constraint);
	foreach_ptr (StatisticsDefinition, object, after->statistics)
		if (!was_there(&comparison, object, before->statistics, statistics_now))
			statements->add_all(Phase::Objects, after->relid,
								add_statistics_statements(NIL, after->relid, object->oid), false);
	compare_marks(&comparison);
}

void add_comment_changes(ShardStatements *statements, const DefinitionChange *change, const List *changes) {
	const Comparison comparison = comparison_of(statements, change, changes);
	const TableDefinition *before = change->before, *after = change->after;
	const Oid relid = after->relid;
	if (!same_text(before->comment, after->comment))
		statements->add(Phase::Marks, relid, comment_statement(relid, "TABLE ", after->name, after->comment),
						false);
	for (int i = 0; i < after->column_count; i++) {
		const ColumnDefinition *is = &after->columns[i];
		const char *old = i < before->column_count ? before->columns[i].comment : nullptr;
		if (!is->dropped && !same_text(old, is->comment))
			statements->add(Phase::Marks, relid, column_comment_statement(relid, is->name, is->comment),
							false);
	}
	compare_comments<ConstraintDefinition>(&comparison, before->constraints, after->constraints,
										   constraint_now, [&](const ConstraintDefinition *object) {
											   return constraint_comment_statement(relid, object->name,
																				   object->comment);
										   });
	compare_comments<IndexDefinition>(
		&comparison, before->indexes, after->indexes, index_now, [&](const IndexDefinition *object) {
			return comment_statement(relid, "INDEX ", object->name, object->comment);
		});
	compare_comments<StatisticsDefinition>(&comparison, before->statistics, after->statistics, statistics_now,
										   [&](const StatisticsDefinition *object) {
											   return comment_statement(relid, "STATISTICS ", object->name,
																		object->comment);
										   });
}

} // namespace shardext

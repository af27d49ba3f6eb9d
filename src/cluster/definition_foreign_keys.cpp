// Foreign keys of distributed and reference tables: which can be enforced within shards, and their
// statements.
//
// A node checks a foreign key between two tables of one shard group, and from a shard to its copy of a
// reference table. Both work only as long as no foreign key action changes a row's distribution column, since
// a node cannot move rows to another shard.
#include "shardext/cluster/table_definition.hpp"

#include "shardext/pg/scan.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_constraint.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/ruleutils.h"
}

namespace shardext {

namespace {

struct ForeignKey {
	Oid oid, from, to;
	NameData name;
	char on_update, on_delete;
	int count; // of column pairs
	AttrNumber columns[INDEX_MAX_KEYS], referenced[INDEX_MAX_KEYS];
	int set_count; // of the columns that ON DELETE SET names; 0: it sets all
	AttrNumber set_columns[INDEX_MAX_KEYS];
};

// Returns the foreign keys (ForeignKey *) from a table, or those of other tables to it, oldest first.
List *foreign_keys(Oid relid, bool incoming) {
	List *keys = NIL;
	const AttrNumber side = incoming ? Anum_pg_constraint_confrelid : Anum_pg_constraint_conrelid;
	const Oid index = incoming ? InvalidOid : ConstraintRelidTypidNameIndexId;
	scan_table(ConstraintRelationId, index, side, F_OIDEQ, ObjectIdGetDatum(relid),
			   [&](HeapTuple tuple, TupleDesc) {
				   auto *form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
				   if (form->contype != CONSTRAINT_FOREIGN || (incoming && form->conrelid == relid))
					   return;
				   auto *key = static_cast<ForeignKey *>(palloc0(sizeof(ForeignKey)));
				   key->oid = form->oid;
				   key->from = form->conrelid;
				   key->to = form->confrelid;
				   key->name = form->conname;
				   key->on_update = form->confupdtype;
				   key->on_delete = form->confdeltype;
				   DeconstructFkConstraintRow(tuple, &key->count, key->columns, key->referenced, nullptr,
											  nullptr, nullptr, &key->set_count, key->set_columns);
				   keys = lappend(keys, key);
			   });
	list_sort(keys, [](const ListCell *a, const ListCell *b) {
		const Oid x = static_cast<ForeignKey *>(lfirst(a))->oid;
		const Oid y = static_cast<ForeignKey *>(lfirst(b))->oid;
		return x < y ? -1 : x > y ? 1 : 0;
	});
	return keys;
}

bool sets_columns(char action) {
	return action == FKCONSTR_ACTION_SETNULL || action == FKCONSTR_ACTION_SETDEFAULT;
}

// True when ON DELETE SET changes a column.
bool deletion_sets(const ForeignKey *key, AttrNumber attnum) {
	if (!sets_columns(key->on_delete))
		return false;
	const AttrNumber *columns = key->set_count > 0 ? key->set_columns : key->columns;
	const int count = key->set_count > 0 ? key->set_count : key->count;
	return std::find(columns, columns + count, attnum) != columns + count;
}

// True when an action of the foreign key may give column attnum another value. A cascade from the column
// `same` does not, because it only ever carries over the same distribution key.
bool may_change(const ForeignKey *key, AttrNumber attnum, AttrNumber same) {
	if (deletion_sets(key, attnum))
		return true;
	for (int i = 0; i < key->count; i++)
		if (key->columns[i] == attnum &&
			(sets_columns(key->on_update) ||
			 (key->on_update == FKCONSTR_ACTION_CASCADE && key->referenced[i] != same)))
			return true;
	return false;
}

// True when the foreign key compares column `from` with referenced column `to`.
bool pairs(const ForeignKey *key, AttrNumber from, AttrNumber to) {
	for (int i = 0; i < key->count; i++)
		if (key->columns[i] == from && key->referenced[i] == to)
			return true;
	return false;
}

// A table as it is, or, when it is the one being distributed, as it will be.
struct Side {
	Oid relid;
	bool distributed, sharded;
	AttrNumber key_attnum;
	int32 colocation_id; // 0: not known yet
	Oid key_type, key_collation;
};

// Describes one side of a foreign key. `relid` is the table being distributed by key_attnum.
Side side_of(Oid table, Oid relid, AttrNumber key_attnum) {
	const DistributedTable *known = find_distributed_table(table);
	Side side{};
	side.relid = table;
	side.distributed = known != nullptr || table == relid;
	if (known != nullptr) {
		side.key_attnum = known->key_attnum;
		side.colocation_id = known->colocation->id;
	} else if (table == relid) {
		side.key_attnum = key_attnum;
	}
	side.sharded = side.key_attnum != 0;
	if (side.sharded) {
		int32 typmod;
		get_atttypetypmodcoll(table, side.key_attnum, &side.key_type, &typmod, &side.key_collation);
		side.key_type = getBaseType(side.key_type);
	}
	return side;
}

// True when rows with the same key of both tables are, or can be, in the same shard group.
bool can_be_colocated(const Side *a, const Side *b) {
	if (a->relid == b->relid)
		return true;
	if (a->colocation_id != 0 && b->colocation_id != 0)
		return a->colocation_id == b->colocation_id;
	return a->key_type == b->key_type && a->key_collation == b->key_collation;
}

// Raises the error about a foreign key, in the name of the table that is or becomes distributed.
[[noreturn]] void refuse(const ForeignKey *key, Oid relid, const char *detail, const char *hint) {
	const bool distributed = find_distributed_table(relid) != nullptr;
	ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			distributed ? errmsg("distributed table \"%s\" cannot have foreign key constraint \"%s\"",
								 get_rel_name(relid), NameStr(key->name))
						: errmsg("cannot distribute table \"%s\" because of foreign key constraint \"%s\"",
								 get_rel_name(relid), NameStr(key->name)),
			errdetail_internal("%s", detail), hint != nullptr ? errhint("%s", hint) : 0);
	pg_unreachable();
}

// Raises an error unless the action SET DEFAULT gives the same value wherever it is evaluated.
void check_defaults(const ForeignKey *key, Oid relid) {
	Relation relation = table_open(key->from, AccessShareLock);
	Bitmapset *columns = columns_set_to_default(key->from);
	for (int attnum = -1; (attnum = bms_next_member(columns, attnum)) >= 0;) {
		Node *expression = build_column_default(relation, attnum);
		if (expression != nullptr && contain_mutable_functions(expression))
			refuse(
				key, relid,
				psprintf("Its action SET DEFAULT uses the default of column \"%s\", which is not constant.",
						 get_attname(key->from, attnum, false)),
				nullptr);
	}
	table_close(relation, NoLock);
}

// Raises an error unless shards can enforce a foreign key from a hash-distributed table.
void check_from_sharded(const ForeignKey *key, Oid relid, const Side *from, const Side *to) {
	const char *key_name = get_attname(key->from, from->key_attnum, false);
	if (!to->distributed)
		refuse(key, relid, psprintf("It references the local table \"%s\".", get_rel_name(key->to)),
			   "Distribute the referenced table, or make it a reference table, first.");
	if (to->sharded) {
		if (!pairs(key, from->key_attnum, to->key_attnum))
			refuse(
				key, relid,
				psprintf("It does not compare distribution column \"%s\" of table \"%s\" with distribution "
						 "column \"%s\" of table \"%s\".",
						 key_name, get_rel_name(key->from), get_attname(key->to, to->key_attnum, false),
						 get_rel_name(key->to)),
				"Add the distribution columns to the constraint, or make the referenced table a reference "
				"table.");
		if (!can_be_colocated(from, to))
			refuse(key, relid,
				   psprintf("Tables \"%s\" and \"%s\" are not colocated.", get_rel_name(key->from),
							get_rel_name(key->to)),
				   "Foreign keys work between tables whose distribution columns have the same type and which "
				   "have the same number of shards.");
	}
	if (may_change(key, from->key_attnum, to->sharded ? to->key_attnum : InvalidAttrNumber))
		refuse(key, relid,
			   psprintf("Its actions would change distribution column \"%s\" of table \"%s\".", key_name,
						get_rel_name(key->from)),
			   "Use the actions NO ACTION or RESTRICT, or ON DELETE CASCADE.");
}

// Raises an error unless every copy of a reference table can enforce a foreign key from it.
void check_from_reference(const ForeignKey *key, Oid relid, const Side *to) {
	if (!to->distributed)
		refuse(key, relid, psprintf("It references the local table \"%s\".", get_rel_name(key->to)),
			   "Make the referenced table a reference table first.");
	if (to->sharded)
		refuse(key, relid,
			   psprintf("Reference table \"%s\" cannot reference distributed table \"%s\".",
						get_rel_name(key->from), get_rel_name(key->to)),
			   "Make the referenced table a reference table, too.");
}

// A local table that references a distributed one can be distributed after it, if the constraint is one that
// shards can enforce. Until then, rows cannot be added to it, and writes to the referenced table that could
// leave orphans are refused.
void check_from_local(const ForeignKey *key, Oid relid, const Side *to) {
	bool compares_key = false;
	for (int i = 0; i < key->count; i++)
		compares_key = compares_key || key->referenced[i] == to->key_attnum;
	if (!compares_key)
		refuse(key, relid,
			   psprintf("The local table \"%s\" references it without its distribution column.",
						get_rel_name(key->from)),
			   "Add the distribution column to the constraint, or drop it.");
	if (find_distributed_table(relid) != nullptr)
		ereport(NOTICE, errmsg("distribute table \"%s\" as well", get_rel_name(key->from)),
				errdetail("Its foreign key constraint \"%s\" references \"%s\".", NameStr(key->name),
						  get_rel_name(relid)));
}

// Raises an error unless the foreign key works with both tables as they are or will be.
void check_foreign_key(const ForeignKey *key, Oid relid, AttrNumber key_attnum) {
	const Side from = side_of(key->from, relid, key_attnum);
	const Side to = side_of(key->to, relid, key_attnum);
	if (from.sharded)
		check_from_sharded(key, relid, &from, &to);
	else if (from.distributed)
		check_from_reference(key, relid, &to);
	else if (to.sharded)
		check_from_local(key, relid, &to);
	if (from.distributed)
		check_defaults(key, relid);
}

} // namespace

void check_foreign_keys(Oid relid, AttrNumber key_attnum) {
	const List *keys = list_concat(foreign_keys(relid, false), foreign_keys(relid, true));
	foreach_ptr (ForeignKey, key, keys) {
		check_foreign_key(key, relid, key_attnum);
	}
}

Bitmapset *columns_set_to_default(Oid relid) {
	Bitmapset *columns = nullptr;
	const List *keys = foreign_keys(relid, false);
	foreach_ptr (ForeignKey, key, keys) {
		for (int i = 0; i < key->count; i++)
			if (key->on_update == FKCONSTR_ACTION_SETDEFAULT ||
				(key->on_delete == FKCONSTR_ACTION_SETDEFAULT && deletion_sets(key, key->columns[i])))
				columns = bms_add_member(columns, key->columns[i]);
	}
	return columns;
}

List *shard_foreign_key_statements(Oid relid) {
	Relation relation = table_open(relid, AccessShareLock);
	const int level = begin_printing_definitions();
	List *statements = NIL;
	Bitmapset *columns = columns_set_to_default(relid);
	for (int attnum = -1; (attnum = bms_next_member(columns, attnum)) >= 0;) {
		Node *expression = build_column_default(relation, attnum);
		if (expression == nullptr)
			continue;
		SqlBuilder sql;
		sql.text("ALTER TABLE ");
		sql.relation(relid);
		sql.text(" ALTER COLUMN ");
		sql.identifier(get_attname(relid, attnum, false));
		sql.text(" SET DEFAULT ");
		sql.text(deparse_expression(expression, NIL, false, false));
		statements = lappend(statements, sql.finish());
	}
	const List *keys = foreign_keys(relid, false);
	foreach_ptr (ForeignKey, key, keys) {
		statements = lappend(statements, splice_relations(pg_get_constraintdef_command(key->oid)));
		statements = add_constraint_comment(statements, relid, key->oid);
	}
	end_printing_definitions(level);
	table_close(relation, NoLock);
	return statements;
}

} // namespace shardext

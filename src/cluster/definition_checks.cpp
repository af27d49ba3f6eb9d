// Which tables can be distributed, and the errors for those that cannot.
#include "shardext/cluster/dependencies.hpp"
#include "shardext/cluster/table_definition.hpp"

#include "shardext/pg/walk.hpp"

#include "shardext/sql/pushable.hpp"

extern "C" {
#include "catalog/pg_proc.h"
#include "utils/regproc.h"
#include "nodes/nodeFuncs.h"
#include "access/genam.h"
#include "access/relation.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_index.h"
#include "catalog/pg_trigger.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "rewrite/prs2lock.h"
#include "utils/reltrigger.h"
#include "utils/typcache.h"
}

namespace shardext {

namespace {

// Raises an error unless the relation is an ordinary permanent table of a user.
void check_relation_kind(Relation relation) {
	const char *name = RelationGetRelationName(relation);
	const Form_pg_class form = relation->rd_rel;
	if (form->relkind == RELKIND_FOREIGN_TABLE)
		ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("cannot distribute foreign table \"%s\"", name));
	if (form->relkind == RELKIND_PARTITIONED_TABLE)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot distribute partitioned table \"%s\"", name),
				errdetail("Partitioned tables cannot be distributed yet."));
	if (form->relkind != RELKIND_RELATION)
		ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" is not a table", name),
				errdetail_relkind_not_supported(form->relkind));
	if (form->relpersistence == RELPERSISTENCE_TEMP)
		ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("cannot distribute temporary table \"%s\"", name));
	if (IsSystemRelation(relation) || RelationGetRelid(relation) < FirstNormalObjectId)
		ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("cannot distribute system table \"%s\"", name));
	const Oid extension = getExtensionOfObject(RelationRelationId, RelationGetRelid(relation));
	if (OidIsValid(extension))
		ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("cannot distribute table \"%s\" because extension \"%s\" owns it", name,
					   get_extension_name(extension)));
}

// Raises an error when the definition of the table hangs together with that of others.
void check_relatives(Relation relation) {
	const char *name = RelationGetRelationName(relation);
	const Oid relid = RelationGetRelid(relation);
	if (relation->rd_rel->relispartition)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot distribute partition \"%s\"", name),
				errdetail("Partitioned tables cannot be distributed yet."));
	if (has_superclass(relid) || find_inheritance_children(relid, NoLock) != NIL)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot distribute table \"%s\" because it takes part in inheritance", name),
				errdetail("Inheritance parents and children cannot be distributed yet."));
	if (OidIsValid(relation->rd_rel->reloftype))
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot distribute typed table \"%s\"", name),
				errdetail("Changes of its type would not reach the shards."),
				errhint("Make it an ordinary table with ALTER TABLE ... NOT OF."));
}

// Raises an error when statements on the table would do more than they say.
void check_rules(Relation relation) {
	const char *name = RelationGetRelationName(relation);
	if (relation->rd_rules != nullptr && relation->rd_rules->numLocks > 0)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot distribute table \"%s\" because it has rules", name),
				errhint("Drop the rules."));
}

// Raises an error when a CHECK constraint would mean something else on a node.
void check_check_constraints(Relation relation) {
	const TupleConstr *constr = RelationGetDescr(relation)->constr;
	for (int i = 0; constr != nullptr && i < constr->num_check; i++) {
		const char *reason = why_not_on_nodes(static_cast<Node *>(stringToNode(constr->check[i].ccbin)));
		if (reason != nullptr)
			ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("cannot distribute table \"%s\" because of check constraint \"%s\"",
						   RelationGetRelationName(relation), constr->check[i].ccname),
					errdetail_internal("%s", reason));
	}
}

// Raises an error when a generated column or an index would call something on a node that its owner may not.
void check_expressions(Relation relation) {
	const TupleConstr *constr = RelationGetDescr(relation)->constr;
	for (int i = 0; constr != nullptr && i < constr->num_defval; i++) {
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), constr->defval[i].adnum - 1);
		if (column->attgenerated == '\0')
			continue;
		const char *reason = why_not_on_nodes(static_cast<Node *>(stringToNode(constr->defval[i].adbin)));
		if (reason != nullptr)
			ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("cannot distribute table \"%s\" because of generated column \"%s\"",
						   RelationGetRelationName(relation), NameStr(column->attname)),
					errdetail_internal("%s", reason));
	}
	const ListCell *cell;
	foreach (cell, RelationGetIndexList(relation)) {
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);
		const char *reason = why_not_on_nodes(reinterpret_cast<Node *>(RelationGetIndexExpressions(index)));
		if (reason == nullptr)
			reason = why_not_on_nodes(reinterpret_cast<Node *>(RelationGetIndexPredicate(index)));
		if (reason != nullptr)
			ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("cannot distribute table \"%s\" because of index \"%s\"",
						   RelationGetRelationName(relation), RelationGetRelationName(index)),
					errdetail_internal("%s", reason));
		index_close(index, AccessShareLock);
	}
}

// Raises an error when the column cannot tell where a row belongs; returns the type's cache entry.
TypeCacheEntry *check_distribution_column(Relation relation, AttrNumber attnum) {
	Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), attnum - 1);
	if (column->attgenerated != '\0')
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot distribute table \"%s\" by generated column \"%s\"",
					   RelationGetRelationName(relation), NameStr(column->attname)));
	TypeCacheEntry *type = lookup_type_cache(column->atttypid, TYPECACHE_EQ_OPR | TYPECACHE_HASH_OPFAMILY |
																   TYPECACHE_HASH_EXTENDED_PROC);
	if (!OidIsValid(type->hash_extended_proc) || !OidIsValid(type->eq_opr))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_FUNCTION),
				errmsg("cannot distribute table \"%s\" by column \"%s\"", RelationGetRelationName(relation),
					   NameStr(column->attname)),
				errdetail("Type %s has no extended hash function in a default operator class.",
						  format_type_be(column->atttypid)));
	return type;
}

// True when values that the index holds to be equal always have the same routing hash.
bool agrees_with_hash(Oid equality, Oid index_collation, Oid key_collation, const TypeCacheEntry *type) {
	if (equality != type->eq_opr && !op_in_opfamily(equality, type->hash_opf))
		return false;
	return index_collation == key_collation || !OidIsValid(index_collation) ||
		   (get_collation_isdeterministic(index_collation) && get_collation_isdeterministic(key_collation));
}

// Returns the operator by which a unique index or exclusion constraint compares its key column `position`.
Oid comparison_of(Relation index, int position) {
	if (index->rd_index->indisexclusion || index->rd_rel->relam != BTREE_AM_OID) {
		Oid *operators, *functions;
		uint16 *strategies;
		RelationGetExclusionInfo(index, &operators, &functions, &strategies);
		return operators[position];
	}
	return get_opfamily_member(index->rd_opfamily[position], index->rd_opcintype[position],
							   index->rd_opcintype[position], BTEqualStrategyNumber);
}

// Raises an error when uniqueness cannot be enforced within shards.
void check_unique_index(Relation relation, Relation index, AttrNumber attnum, const TypeCacheEntry *type) {
	const Form_pg_index form = index->rd_index;
	if (!form->indisunique && !form->indisexclusion)
		return;
	const Oid key_collation = TupleDescAttr(RelationGetDescr(relation), attnum - 1)->attcollation;
	bool included = false;
	for (int i = 0; i < form->indnkeyatts; i++) {
		if (form->indkey.values[i] != attnum)
			continue;
		included = true;
		if (agrees_with_hash(comparison_of(index, i), index->rd_indcollation[i], key_collation, type))
			return;
	}
	const char *key = get_attname(RelationGetRelid(relation), attnum, false);
	const char *kind = form->indisprimary										   ? "primary key"
					   : form->indisexclusion									   ? "exclusion constraint"
					   : OidIsValid(get_index_constraint(RelationGetRelid(index))) ? "unique constraint"
																				   : "unique index";
	ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("cannot distribute table \"%s\" by column \"%s\" because of %s \"%s\"",
				   RelationGetRelationName(relation), key, kind, RelationGetRelationName(index)),
			included ? errdetail("It does not compare the distribution column by the default equality "
								 "operator of its type.")
					 : errdetail("It does not include the distribution column, and uniqueness can only be "
								 "enforced within a shard."),
			included
				? 0
				: errhint("Add column \"%s\" to it, or distribute the table by one of its columns.", key));
}

// Raises an error when a column does not suit to spread the rows.
void check_distribution_by(Relation relation, AttrNumber attnum) {
	const TypeCacheEntry *type = check_distribution_column(relation, attnum);
	const ListCell *cell;
	foreach (cell, RelationGetIndexList(relation)) {
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);
		check_unique_index(relation, index, attnum, type);
		index_close(index, AccessShareLock);
	}
}

} // namespace

namespace {

// Functions of PostgreSQL that a constraint may call on a node although not every call gives the same result.
bool is_harmless(Oid function) {
	switch (function) {
	case F_NOW:
	case F_TRANSACTION_TIMESTAMP:
	case F_STATEMENT_TIMESTAMP:
	case F_CLOCK_TIMESTAMP:
	case F_AGE_TIMESTAMP:
	case F_AGE_TIMESTAMPTZ:
	case F_RANDOM:
	case F_GEN_RANDOM_UUID:
		return true;
	default:
		return false;
	}
}

struct ConstraintWalk {
	const char *reason;
	Oid function;
};

bool cannot_run_on_nodes(Oid function, void *context) {
	bool needs_settings = false;
	// Functions of users are judged with the objects that the table depends on, too; those of extensions are
	// not.
	if (function >= FirstNormalObjectId
			? func_volatile(function) == PROVOLATILE_IMMUTABLE && may_be_called_by_everybody(function)
			: is_harmless(function) || function_is_pushable(function, &needs_settings))
		return false;
	static_cast<ConstraintWalk *>(context)->function = function;
	return true;
}

bool find_reason(Node *node, ConstraintWalk *walk) {
	if (node == nullptr)
		return false;
	const bool asks_for_user =
		IsA(node, SQLValueFunction) && reinterpret_cast<SQLValueFunction *>(node)->op >= SVFOP_CURRENT_ROLE;
	if (asks_for_user || check_functions_in_node(node, cannot_run_on_nodes, walk)) {
		walk->reason =
			"It depends on the user, the database or a setting of the session, which nodes do not know.";
		return true;
	}
	return walk_expression(node, find_reason, walk);
}

} // namespace

const char *why_not_on_nodes(Node *expression) {
	ConstraintWalk walk{};
	find_reason(expression, &walk);
	if (OidIsValid(walk.function) && walk.function != F_CURRENT_USER && walk.function != F_SESSION_USER &&
		walk.function != F_CURRENT_SETTING_TEXT && walk.function != F_CURRENT_SETTING_TEXT_BOOL)
		return psprintf("It calls function %s, which would run with the rights of the node connection.",
						format_procedure(walk.function));
	return walk.reason;
}

void check_distributed_definition(Oid relid, AttrNumber key_attnum) {
	Relation relation = relation_open(relid, AccessShareLock);
	check_relation_kind(relation);
	check_relatives(relation);
	check_rules(relation);
	check_check_constraints(relation);
	check_expressions(relation);
	if (key_attnum != 0)
		check_distribution_by(relation, key_attnum);
	table_dependency_statements(relid); // raises an error for what no node can have
	relation_close(relation, NoLock);
}

void check_table_can_be_distributed(Oid relid, AttrNumber key_attnum) {
	check_distributed_definition(relid, key_attnum);
	check_foreign_keys(relid, key_attnum);
}

} // namespace shardext

// The objects a table depends on, found through pg_depend, in the order in which a node must create them.
#include "shardext/cluster/dependencies.hpp"

#include "shardext/cluster/table_definition.hpp"
#include "shardext/pg/scan.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "commands/extension.h"
#include "utils/builtins.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_statistic_ext.h"
}

namespace shardext {

namespace {

struct Walk {
	Oid relid; // the table whose dependencies are wanted
	ObjectAddresses *seen;
	List *statements;
};

struct Dependency {
	ObjectAddress referenced;
	char type;
};

// Returns what an object depends on, as a list of Dependency *.
List *dependencies_of(ObjectAddress object) {
	List *found = NIL;
	Relation depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object.classId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object.objectId));
	SysScanDesc scan = systable_beginscan(depend, DependDependerIndexId, true, nullptr, 2, keys);
	HeapTuple tuple;
	while (HeapTupleIsValid(tuple = systable_getnext(scan))) {
		auto *form = reinterpret_cast<Form_pg_depend>(GETSTRUCT(tuple));
		auto *dependency = static_cast<Dependency *>(palloc(sizeof(Dependency)));
		ObjectAddressSet(dependency->referenced, form->refclassid, form->refobjid);
		dependency->type = form->deptype;
		found = lappend(found, dependency);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return found;
}

void visit(Walk *walk, ObjectAddress object);

// Visits what an object depends on; true when it is made together with one of these.
bool visit_dependencies_of(Walk *walk, ObjectAddress object) {
	bool made_together = false;
	const List *dependencies = dependencies_of(object);
	foreach_ptr (Dependency, dependency, dependencies) {
		if (dependency->type == DEPENDENCY_INTERNAL)
			made_together = true;
		if (dependency->type == DEPENDENCY_NORMAL || dependency->type == DEPENDENCY_AUTO ||
			dependency->type == DEPENDENCY_INTERNAL)
			visit(walk, dependency->referenced);
	}
	return made_together;
}

// Returns the constraints of a table or a domain but foreign keys and constraint triggers.
List *own_constraints(Oid index, AttrNumber owner_column, Oid owner) {
	List *found = NIL;
	scan_table(ConstraintRelationId, index, owner_column, F_OIDEQ, ObjectIdGetDatum(owner),
			   [&](HeapTuple tuple, TupleDesc) {
				   auto *form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
				   if (form->contype != CONSTRAINT_FOREIGN && form->contype != CONSTRAINT_TRIGGER)
					   found = lappend_oid(found, form->oid);
			   });
	return found;
}

// Raises an error for what can never be on a node: other relations and the row types of tables.
void refuse_relations(const Walk *walk, const ObjectAddress *object) {
	if (object->classId == RelationRelationId && get_rel_relkind(object->objectId) != RELKIND_COMPOSITE_TYPE)
		refuse_dependency(object, walk->relid, "Shards cannot depend on other relations.", nullptr);
	const Oid composite = object->classId == TypeRelationId ? get_typ_typrelid(object->objectId) : InvalidOid;
	if (OidIsValid(composite) && get_rel_relkind(composite) != RELKIND_COMPOSITE_TYPE)
		refuse_dependency(object, walk->relid, "The row type of a table cannot be created on other nodes.",
						  "Use a type made by CREATE TYPE instead.");
}

// Raises an error when a domain's constraint would run more on a node than its owner may.
void check_domain_constraint(const Walk *walk, Oid type, Oid constraint) {
	const char *reason = nullptr;
	scan_table(ConstraintRelationId, ConstraintOidIndexId, Anum_pg_constraint_oid, F_OIDEQ,
			   ObjectIdGetDatum(constraint), [&](HeapTuple tuple, TupleDesc desc) {
				   bool isnull;
				   const Datum expression = column(tuple, desc, Anum_pg_constraint_conbin, &isnull);
				   if (!isnull)
					   reason = why_not_on_nodes(
						   static_cast<Node *>(stringToNode(TextDatumGetCString(expression))));
			   });
	ObjectAddress domain;
	ObjectAddressSet(domain, TypeRelationId, type);
	if (reason != nullptr)
		refuse_dependency(&domain, walk->relid, reason, nullptr);
}

// Visits what a type needs that is not recorded with the type itself: a composite type's columns and a
// domain's constraints.
void visit_parts_of_type(Walk *walk, Oid type) {
	ObjectAddress part;
	if (const Oid composite = get_typ_typrelid(type); OidIsValid(composite)) {
		ObjectAddressSet(part, RelationRelationId, composite);
		visit_dependencies_of(walk, part);
	}
	if (get_typtype(type) != TYPTYPE_DOMAIN)
		return;
	const ListCell *cell;
	foreach (cell, own_constraints(ConstraintTypidIndexId, Anum_pg_constraint_contypid, type)) {
		ObjectAddressSet(part, ConstraintRelationId, lfirst_oid(cell));
		visit_dependencies_of(walk, part);
		check_domain_constraint(walk, type, lfirst_oid(cell));
	}
}

// Visits the casts that a function implements: an expression that uses one is printed as a cast.
void visit_casts_of(Walk *walk, Oid function) {
	List *casts = NIL;
	scan_table(CastRelationId, InvalidOid, Anum_pg_cast_castfunc, F_OIDEQ, ObjectIdGetDatum(function),
			   [&](HeapTuple tuple, TupleDesc) {
				   casts = lappend_oid(casts, reinterpret_cast<Form_pg_cast>(GETSTRUCT(tuple))->oid);
			   });
	const ListCell *cell;
	foreach (cell, casts) {
		ObjectAddress cast;
		ObjectAddressSet(cast, CastRelationId, lfirst_oid(cell));
		visit(walk, cast);
	}
}

// Adds the statements for an object and what it depends on, unless every server has it.
void visit(Walk *walk, ObjectAddress object) {
	if (object.objectId < FirstNormalObjectId || object_address_present(&object, walk->seen))
		return;
	check_stack_depth();
	if (object.classId == ExtensionRelationId && object.objectId == get_extension_oid("shardext", true))
		return; // the table depends on it, its shards do not
	add_exact_object_address(&object, walk->seen);
	if (object.classId != ExtensionRelationId) {
		const Oid extension = getExtensionOfObject(object.classId, object.objectId);
		if (OidIsValid(extension) && extension == get_extension_oid("shardext", true))
			refuse_dependency(&object, walk->relid, "Functions of shardext exist on the coordinator only.",
							  nullptr);
		if (OidIsValid(extension)) {
			ObjectAddress owner;
			ObjectAddressSet(owner, ExtensionRelationId, extension);
			visit(walk, owner);
			return;
		}
	}
	refuse_relations(walk, &object);
	const bool made_together = visit_dependencies_of(walk, object);
	if (object.classId == TypeRelationId)
		visit_parts_of_type(walk, object.objectId);
	if (!made_together)
		walk->statements = lappend(walk->statements, object_creation_statement(&object, walk->relid));
	if (object.classId == ProcedureRelationId)
		visit_casts_of(walk, object.objectId);
}

// Adds an object that is a part of the table, for which no statement is wanted.
List *add_part(Walk *walk, List *parts, Oid catalog, Oid object) {
	auto *address = static_cast<ObjectAddress *>(palloc(sizeof(ObjectAddress)));
	ObjectAddressSet(*address, catalog, object);
	add_exact_object_address(address, walk->seen);
	return lappend(parts, address);
}

// Adds a list of such objects.
List *add_parts(Walk *walk, List *parts, Oid catalog, const List *objects) {
	const ListCell *cell;
	foreach (cell, objects)
		parts = add_part(walk, parts, catalog, lfirst_oid(cell));
	return parts;
}

// Returns the table and all that shards have of it but foreign keys, as a list of ObjectAddress *.
List *parts_of_table(Walk *walk, Relation relation) {
	const Oid relid = RelationGetRelid(relation);
	List *parts = add_part(walk, NIL, RelationRelationId, relid);
	parts = add_parts(walk, parts, RelationRelationId, RelationGetIndexList(relation));
	parts = add_parts(walk, parts, ConstraintRelationId,
					  own_constraints(ConstraintRelidTypidNameIndexId, Anum_pg_constraint_conrelid, relid));
	parts = add_parts(walk, parts, StatisticExtRelationId, RelationGetStatExtList(relation));
	const Bitmapset *defaults = columns_set_to_default(relid);
	for (int i = 0; i < RelationGetNumberOfAttributes(relation); i++) {
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), i);
		if (column->atthasdef && (column->attgenerated != '\0' || bms_is_member(column->attnum, defaults)))
			parts = add_part(walk, parts, AttrDefaultRelationId, GetAttrDefaultOid(relid, column->attnum));
	}
	return parts;
}

// True for a dependency on the schema that holds the table or a part of it: shards have their own.
bool is_own_schema(const ObjectAddress *part, const Dependency *dependency) {
	return dependency->referenced.classId == NamespaceRelationId &&
		   (part->classId == RelationRelationId || part->classId == StatisticExtRelationId);
}

// Visits what an expression calls and the types of its values.
bool visit_expression(Node *node, Walk *walk) {
	if (node == nullptr)
		return false;
	auto visit_one = [&](Oid catalog, Oid oid) {
		if (!OidIsValid(oid))
			return;
		ObjectAddress object;
		ObjectAddressSet(object, catalog, oid);
		visit(walk, object);
	};
	visit_one(TypeRelationId, exprType(node));
	if (IsA(node, OpExpr) || IsA(node, DistinctExpr) || IsA(node, NullIfExpr))
		visit_one(OperatorRelationId, reinterpret_cast<OpExpr *>(node)->opno);
	if (IsA(node, ScalarArrayOpExpr))
		visit_one(OperatorRelationId, reinterpret_cast<ScalarArrayOpExpr *>(node)->opno);
	check_functions_in_node(
		node,
		[](Oid function, void *context) {
			ObjectAddress object;
			ObjectAddressSet(object, ProcedureRelationId, function);
			visit(static_cast<Walk *>(context), object);
			return false;
		},
		walk);
	return walk_expression(node, visit_expression, walk);
}

} // namespace

List *expression_dependency_statements(Oid relid, Node *expression) {
	const int level = begin_printing_definitions();
	Walk walk{};
	walk.relid = relid;
	walk.seen = new_object_addresses();
	visit_expression(expression, &walk);
	end_printing_definitions(level);
	return walk.statements;
}

List *table_dependency_statements(Oid relid) {
	Relation relation = table_open(relid, AccessShareLock);
	const int level = begin_printing_definitions();
	Walk walk{};
	walk.relid = relid;
	walk.seen = new_object_addresses();
	const List *parts = parts_of_table(&walk, relation);
	foreach_ptr (ObjectAddress, part, parts) {
		const List *dependencies = dependencies_of(*part);
		foreach_ptr (Dependency, dependency, dependencies) {
			if (dependency->type != DEPENDENCY_EXTENSION && !is_own_schema(part, dependency))
				visit(&walk, dependency->referenced);
		}
	}
	end_printing_definitions(level);
	table_close(relation, NoLock);
	return walk.statements;
}

} // namespace shardext

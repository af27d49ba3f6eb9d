// Types on the nodes follow those of the coordinator, by the difference between their definitions.
#include "shardext/cluster/type_changes.hpp"

#include "shardext/catalog/stored_types.hpp"
#include "shardext/cluster/dependencies.hpp"
#include "shardext/cluster/placements.hpp"
#include "shardext/cluster/table_definition.hpp"
#include "shardext/pg/scan.hpp"

extern "C" {
#include "access/relation.h"
#include "catalog/indexing.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_enum.h"
#include "utils/ruleutils.h"
}

namespace shardext {

namespace {

struct Label {
	Oid oid;
	const char *name;
	float4 position;
};

struct Attribute {
	AttrNumber number;
	bool dropped;
	const char *name;
	Oid type;
	int32 typmod;
	Oid collation;
};

struct DomainConstraint {
	Oid oid;
	const char *name;
	bool valid;
	const char *expression; // as it is stored
};

} // namespace

struct TypeDefinition {
	Oid oid;
	const char *schema, *name;
	char kind; // pg_type.typtype
	bool not_null;
	List *labels, *attributes, *constraints;
};

namespace {

void read_labels(TypeDefinition *type) {
	scan_table(EnumRelationId, EnumTypIdLabelIndexId, Anum_pg_enum_enumtypid, F_OIDEQ,
			   ObjectIdGetDatum(type->oid), [&](HeapTuple tuple, TupleDesc) {
				   const auto *form = reinterpret_cast<Form_pg_enum>(GETSTRUCT(tuple));
				   auto *label = static_cast<Label *>(palloc(sizeof(Label)));
				   *label = {form->oid, pstrdup(NameStr(form->enumlabel)), form->enumsortorder};
				   type->labels = lappend(type->labels, label);
			   });
	list_sort(type->labels, [](const ListCell *a, const ListCell *b) {
		const float4 x = static_cast<Label *>(lfirst(a))->position;
		const float4 y = static_cast<Label *>(lfirst(b))->position;
		return x < y ? -1 : x > y ? 1 : 0;
	});
}

void read_attributes(TypeDefinition *type) {
	Relation relation = relation_open(get_typ_typrelid(type->oid), AccessShareLock);
	for (int i = 0; i < RelationGetNumberOfAttributes(relation); i++) {
		Form_pg_attribute form = TupleDescAttr(RelationGetDescr(relation), i);
		auto *attribute = static_cast<Attribute *>(palloc(sizeof(Attribute)));
		*attribute = {form->attnum,	  form->attisdropped, pstrdup(NameStr(form->attname)),
					  form->atttypid, form->atttypmod,	  form->attcollation};
		type->attributes = lappend(type->attributes, attribute);
	}
	relation_close(relation, NoLock);
}

void read_domain(TypeDefinition *type) {
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type->oid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type->oid);
	type->not_null = reinterpret_cast<Form_pg_type>(GETSTRUCT(tuple))->typnotnull;
	ReleaseSysCache(tuple);
	scan_table(ConstraintRelationId, ConstraintTypidIndexId, Anum_pg_constraint_contypid, F_OIDEQ,
			   ObjectIdGetDatum(type->oid), [&](HeapTuple row, TupleDesc desc) {
				   const auto *form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(row));
				   bool isnull;
				   const Datum stored = column(row, desc, Anum_pg_constraint_conbin, &isnull);
				   if (isnull)
					   return; // NOT NULL, which is a row of its own since version 17
				   auto *constraint = static_cast<DomainConstraint *>(palloc(sizeof(DomainConstraint)));
				   *constraint = {form->oid, pstrdup(NameStr(form->conname)), form->convalidated,
								  TextDatumGetCString(stored)};
				   type->constraints = lappend(type->constraints, constraint);
			   });
}

const char *qualified(const TypeDefinition *type) {
	return quote_qualified_identifier(type->schema, type->name);
}

template <class T> const T *find_oid(const List *list, Oid oid) {
	foreach_ptr (T, entry, list)
		if (entry->oid == oid)
			return entry;
	return nullptr;
}

List *add(List *actions, const char *action) {
	return lappend(actions, const_cast<char *>(action));
}

// The actions that make one type the other, each the end of ALTER TYPE or ALTER DOMAIN.
List *label_actions(const TypeDefinition *was, const TypeDefinition *is) {
	List *actions = NIL;
	const Label *previous = nullptr;
	foreach_ptr (Label, label, is->labels) {
		const Label *old = find_oid<Label>(was->labels, label->oid);
		if (old != nullptr && strcmp(old->name, label->name) != 0)
			actions = add(actions, psprintf("RENAME VALUE %s TO %s", quote_literal_cstr(old->name),
											quote_literal_cstr(label->name)));
	}
	foreach_ptr (Label, label, is->labels) {
		if (find_oid<Label>(was->labels, label->oid) == nullptr) {
			const char *place = "";
			if (previous != nullptr)
				place = psprintf(" AFTER %s", quote_literal_cstr(previous->name));
			else if (was->labels != NIL)
				place = psprintf(" BEFORE %s",
								 quote_literal_cstr(static_cast<Label *>(lsecond(is->labels))->name));
			actions = add(actions, psprintf("ADD VALUE %s%s", quote_literal_cstr(label->name), place));
		}
		previous = label;
	}
	return actions;
}

const char *attribute_type(const Attribute *attribute) {
	const char *type = format_type_with_typemod(attribute->type, attribute->typmod);
	return OidIsValid(attribute->collation) && attribute->collation != get_typcollation(attribute->type)
			   ? psprintf("%s COLLATE %s", type, generate_collation_name(attribute->collation))
			   : type;
}

List *attribute_actions(const TypeDefinition *was, const TypeDefinition *is) {
	List *actions = NIL;
	for (int i = 0; i < list_length(is->attributes); i++) {
		const auto *now = static_cast<Attribute *>(list_nth(is->attributes, i));
		const auto *old = i < list_length(was->attributes)
							  ? static_cast<Attribute *>(list_nth(was->attributes, i))
							  : nullptr;
		if (old == nullptr) {
			if (!now->dropped)
				actions = add(actions, psprintf("ADD ATTRIBUTE %s %s", quote_identifier(now->name),
												attribute_type(now)));
		} else if (now->dropped != old->dropped) {
			actions = add(actions, psprintf("DROP ATTRIBUTE %s", quote_identifier(old->name)));
		} else if (!now->dropped) {
			if (strcmp(now->name, old->name) != 0)
				actions = add(actions, psprintf("RENAME ATTRIBUTE %s TO %s", quote_identifier(old->name),
												quote_identifier(now->name)));
			if (now->type != old->type || now->typmod != old->typmod || now->collation != old->collation)
				actions = add(actions, psprintf("ALTER ATTRIBUTE %s TYPE %s", quote_identifier(now->name),
												attribute_type(now)));
		}
	}
	return actions;
}

List *domain_actions(const TypeDefinition *was, const TypeDefinition *is) {
	List *actions = NIL;
	if (was->not_null != is->not_null)
		actions = add(actions, is->not_null ? "SET NOT NULL" : "DROP NOT NULL");
	foreach_ptr (DomainConstraint, old, was->constraints)
		if (find_oid<DomainConstraint>(is->constraints, old->oid) == nullptr)
			actions = add(actions, psprintf("DROP CONSTRAINT %s", quote_identifier(old->name)));
	foreach_ptr (DomainConstraint, now, is->constraints) {
		const DomainConstraint *old = find_oid<DomainConstraint>(was->constraints, now->oid);
		const char *name = quote_identifier(now->name);
		if (old == nullptr) {
			const char *definition =
				TextDatumGetCString(OidFunctionCall1(F_PG_GET_CONSTRAINTDEF_OID, ObjectIdGetDatum(now->oid)));
			actions = add(actions, psprintf("ADD CONSTRAINT %s %s", name, definition));
			continue;
		}
		if (strcmp(old->name, now->name) != 0)
			actions = add(actions, psprintf("RENAME CONSTRAINT %s TO %s", quote_identifier(old->name), name));
		if (!old->valid && now->valid)
			actions = add(actions, psprintf("VALIDATE CONSTRAINT %s", name));
	}
	return actions;
}

// What new constraints call must be on the nodes, and may be called there.
List *constraint_dependencies(const TypeDefinition *was, const TypeDefinition *is, Oid relid) {
	List *statements = NIL;
	foreach_ptr (DomainConstraint, constraint, is->constraints) {
		if (find_oid<DomainConstraint>(was->constraints, constraint->oid) != nullptr)
			continue;
		auto *expression = static_cast<Node *>(stringToNode(constraint->expression));
		ObjectAddress domain;
		ObjectAddressSet(domain, TypeRelationId, is->oid);
		if (const char *reason = why_not_on_nodes(expression); reason != nullptr)
			refuse_dependency(&domain, relid, reason, nullptr);
		statements = list_concat(statements, expression_dependency_statements(relid, expression));
	}
	return statements;
}

// What new attributes are made of.
List *attribute_dependencies(const TypeDefinition *was, const TypeDefinition *is, Oid relid) {
	List *statements = NIL;
	for (int i = list_length(was->attributes); i < list_length(is->attributes); i++) {
		const auto *now = static_cast<Attribute *>(list_nth(is->attributes, i));
		if (!now->dropped)
			statements = list_concat(
				statements,
				expression_dependency_statements(
					relid, reinterpret_cast<Node *>(makeNullConst(now->type, now->typmod, now->collation))));
	}
	return statements;
}

// Returns a DO block that runs a statement where the type exists.
const char *where_it_exists(const TypeDefinition *type, const char *statement) {
	return psprintf("DO LANGUAGE plpgsql %s",
					quote_literal_cstr(psprintf(
						"BEGIN IF pg_catalog.to_regtype(%s) IS NOT NULL THEN EXECUTE %s; END IF; END",
						quote_literal_cstr(qualified(type)), quote_literal_cstr(statement))));
}

// The same for a statement that gives the type another name. The name is free on the coordinator: what has it
// on a node was left there by a type that has been dropped since, unless something uses it.
const char *with_free_name(const TypeDefinition *type, const TypeDefinition *becomes, const char *statement) {
	const char *name = qualified(becomes);
	return psprintf("DO LANGUAGE plpgsql %s",
					quote_literal_cstr(psprintf(
						"BEGIN IF pg_catalog.to_regtype(%s) IS NOT NULL THEN "
						"IF pg_catalog.to_regtype(%s) IS NOT NULL THEN EXECUTE %s; END IF; "
						"EXECUTE %s; END IF; END",
						quote_literal_cstr(qualified(type)), quote_literal_cstr(name),
						quote_literal_cstr(psprintf("DROP TYPE %s", name)), quote_literal_cstr(statement))));
}

} // namespace

TypeDefinition *read_type(Oid oid) {
	auto *type = static_cast<TypeDefinition *>(palloc0(sizeof(TypeDefinition)));
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(oid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", oid);
	const auto *form = reinterpret_cast<Form_pg_type>(GETSTRUCT(tuple));
	type->oid = oid;
	type->schema = get_namespace_name(form->typnamespace);
	type->name = pstrdup(NameStr(form->typname));
	type->kind = form->typtype;
	ReleaseSysCache(tuple);
	if (type->kind == TYPTYPE_ENUM)
		read_labels(type);
	else if (type->kind == TYPTYPE_COMPOSITE)
		read_attributes(type);
	else if (type->kind == TYPTYPE_DOMAIN)
		read_domain(type);
	return type;
}

Oid oid_of_type(const TypeDefinition *definition) {
	return definition->oid;
}

void follow_type(const TypeDefinition *before, Oid relid) {
	const TypeDefinition *after = read_type(before->oid);
	const char *head =
		psprintf("ALTER %s %s ", before->kind == TYPTYPE_DOMAIN ? "DOMAIN" : "TYPE", qualified(before));
	const int level = begin_printing_definitions();
	List *actions = label_actions(before, after);
	actions = list_concat(actions, attribute_actions(before, after));
	actions = list_concat(actions, domain_actions(before, after));
	List *statements = list_concat(constraint_dependencies(before, after, relid),
								   attribute_dependencies(before, after, relid));
	end_printing_definitions(level);
	foreach_ptr (char, action, actions)
		statements = add(statements, where_it_exists(before, psprintf("%s%s", head, action)));
	TypeDefinition moved = *before;
	moved.schema = after->schema;
	if (strcmp(before->schema, after->schema) != 0) {
		statements =
			add(statements, psprintf("CREATE SCHEMA IF NOT EXISTS %s", quote_identifier(after->schema)));
		statements = add(statements,
						 with_free_name(before, &moved,
										psprintf("%sSET SCHEMA %s", head, quote_identifier(after->schema))));
	}
	if (strcmp(before->name, after->name) != 0)
		statements = add(statements, with_free_name(&moved, after,
													psprintf("ALTER TYPE %s RENAME TO %s", qualified(&moved),
															 quote_identifier(after->name))));
	if (statements == NIL)
		return;
	List *per_node = NIL;
	foreach_ptr (NodeInfo, node, all_nodes())
		if (!node->is_local())
			foreach_ptr (char, sql, statements)
				add_statement(entry_of(&per_node, node), sql);
	run_everywhere(per_node, true);
	forget_stored_types();
}

} // namespace shardext

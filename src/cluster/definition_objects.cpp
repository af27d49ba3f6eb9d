// The statements that create types, functions and other objects on a node.
//
// A type that is already there must be the same type. So for kinds of objects that have no CREATE OR REPLACE,
// one query prints the definition, here and, inside a DO block, on the node: the block creates what is not
// there and compares what is.
#include "shardext/cluster/dependencies.hpp"

#include "shardext/pg/scan.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "catalog/indexing.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_range.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "utils/snapmgr.h"
}

namespace shardext {

namespace {

// How the definition of a kind of object is printed. Catalogs and types are qualified, since a session's
// temporary tables come before pg_catalog; functions and operators need not be.
struct ObjectKind {
	Oid catalog;
	char type_kind;			// pg_type.typtype, 0 for what is not a type
	const char *definition; // a query without its WHERE
	const char *condition;	// with %s for the object's identity, a literal
};

constexpr ObjectKind kObjectKinds[] = {
	{TypeRelationId, TYPTYPE_ENUM,
	 R"(SELECT format('CREATE TYPE %s AS ENUM (%s)', format_type(t.oid, NULL),
       (SELECT string_agg(quote_literal(e.enumlabel::pg_catalog.text), ', ' ORDER BY e.enumsortorder)
        FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid))
FROM pg_catalog.pg_type t)",
	 "t.oid = to_regtype(%s)"},
	{TypeRelationId, TYPTYPE_COMPOSITE,
	 R"(SELECT format('CREATE TYPE %s AS (%s)', format_type(t.oid, NULL),
       (SELECT string_agg(format('%I %s%s', a.attname, format_type(a.atttypid, a.atttypmod),
                                 CASE WHEN a.attcollation <> b.typcollation
                                      THEN format(' COLLATE %s', a.attcollation::pg_catalog.regcollation) END),
                          ', ' ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type b ON b.oid = a.atttypid
        WHERE a.attrelid = t.typrelid AND a.attnum > 0))
FROM pg_catalog.pg_type t)",
	 "t.oid = to_regtype(%s)"},
	{TypeRelationId, TYPTYPE_DOMAIN,
	 R"(SELECT format('CREATE DOMAIN %s AS %s%s%s', format_type(t.oid, NULL), format_type(t.typbasetype, t.typtypmod),
              CASE WHEN t.typcollation <> b.typcollation
                   THEN format(' COLLATE %s', t.typcollation::pg_catalog.regcollation) END,
              CASE WHEN t.typnotnull THEN ' NOT NULL' END)
       || coalesce((SELECT string_agg(format('; ALTER DOMAIN %s ADD CONSTRAINT %I %s', format_type(t.oid, NULL),
                                             c.conname, pg_get_constraintdef(c.oid)), '' ORDER BY c.conname)
                    FROM pg_catalog.pg_constraint c WHERE c.contypid = t.oid AND c.contype = 'c'), '')
FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype)",
	 "t.oid = to_regtype(%s)"},
	{TypeRelationId, TYPTYPE_RANGE,
	 R"(SELECT format('CREATE TYPE %s AS RANGE (SUBTYPE = %s, SUBTYPE_OPCLASS = %I.%I%s%s, MULTIRANGE_TYPE_NAME = %s)',
              format_type(t.oid, NULL), format_type(r.rngsubtype, NULL), n.nspname, o.opcname,
              CASE WHEN r.rngcollation <> 0
                   THEN format(', COLLATION = %s', r.rngcollation::pg_catalog.regcollation) END,
              CASE WHEN r.rngsubdiff <> 0
                   THEN format(', SUBTYPE_DIFF = %s', r.rngsubdiff::pg_catalog.regproc) END,
              format_type(r.rngmultitypid, NULL))
FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
LEFT JOIN pg_catalog.pg_opclass o ON o.oid = r.rngsubopc LEFT JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace)",
	 "t.oid = to_regtype(%s)"},
	// The column of the ICU locale has another name since version 17, so it is looked up by name.
	{CollationRelationId, 0,
	 R"(SELECT format('CREATE COLLATION %s (%s, DETERMINISTIC = %s)', c.oid::pg_catalog.regcollation,
              CASE c.collprovider
                   WHEN 'c' THEN format('PROVIDER = libc, LC_COLLATE = %L, LC_CTYPE = %L', c.collcollate, c.collctype)
                   ELSE format('PROVIDER = %s, LOCALE = %L%s', CASE c.collprovider WHEN 'i' THEN 'icu' ELSE 'builtin' END,
                               coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale', c.collcollate),
                               ', RULES = ' || quote_literal(to_jsonb(c) ->> 'collicurules')) END,
              CASE WHEN c.collisdeterministic THEN 'true' ELSE 'false' END)
FROM pg_catalog.pg_collation c)",
	 "c.oid = to_regcollation(%s)"},
	{OperatorRelationId, 0,
	 R"(SELECT format('CREATE OPERATOR %I.%s (FUNCTION = %s%s%s%s%s)', n.nspname, o.oprname,
              o.oprcode::pg_catalog.regproc,
              CASE WHEN o.oprleft <> 0 THEN ', LEFTARG = ' || format_type(o.oprleft, NULL) END,
              CASE WHEN o.oprright <> 0 THEN ', RIGHTARG = ' || format_type(o.oprright, NULL) END,
              CASE WHEN o.oprrest <> 0 THEN ', RESTRICT = ' || o.oprrest::pg_catalog.regproc END,
              CASE WHEN o.oprjoin <> 0 THEN ', JOIN = ' || o.oprjoin::pg_catalog.regproc END)
FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace)",
	 "o.oid = to_regoperator(%s)"},
	{CastRelationId, 0,
	 R"(SELECT format('CREATE CAST (%s AS %s) WITH FUNCTION %s%s', format_type(c.castsource, NULL),
              format_type(c.casttarget, NULL), c.castfunc::pg_catalog.regprocedure,
              CASE c.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' END)
FROM pg_catalog.pg_cast c)",
	 "(pg_identify_object(c.tableoid, c.oid, 0)).identity = %s"},
	{TSDictionaryRelationId, 0,
	 R"(SELECT format('CREATE TEXT SEARCH DICTIONARY %I.%I (TEMPLATE = %I.%I%s)', n.nspname, d.dictname, m.nspname,
              t.tmplname, ', ' || d.dictinitoption)
FROM pg_catalog.pg_ts_dict d JOIN pg_catalog.pg_namespace n ON n.oid = d.dictnamespace
JOIN pg_catalog.pg_ts_template t ON t.oid = d.dicttemplate JOIN pg_catalog.pg_namespace m ON m.oid = t.tmplnamespace)",
	 "(pg_identify_object(d.tableoid, d.oid, 0)).identity = %s"},
	{TSConfigRelationId, 0,
	 R"(SELECT format('CREATE TEXT SEARCH CONFIGURATION %I.%I (PARSER = %I.%I)', n.nspname, c.cfgname, m.nspname, p.prsname)
       || coalesce((SELECT string_agg(format('; ALTER TEXT SEARCH CONFIGURATION %I.%I ADD MAPPING FOR %I WITH %s',
                                             n.nspname, c.cfgname, w.alias, w.dictionaries), '' ORDER BY w.tokid)
                    FROM (SELECT k.tokid, k.alias, string_agg(format('%s', x.mapdict::pg_catalog.regdictionary), ', '
                                                              ORDER BY x.mapseqno) AS dictionaries
                          FROM pg_catalog.pg_ts_config_map x JOIN ts_token_type(c.cfgparser) k
                               ON k.tokid = x.maptokentype
                          WHERE x.mapcfg = c.oid GROUP BY k.tokid, k.alias) w), '')
FROM pg_catalog.pg_ts_config c JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace
JOIN pg_catalog.pg_ts_parser p ON p.oid = c.cfgparser JOIN pg_catalog.pg_namespace m ON m.oid = p.prsnamespace)",
	 "(pg_identify_object(c.tableoid, c.oid, 0)).identity = %s"},
};

// Returns how an object's definition is printed, or nullptr when its kind cannot be created on nodes.
const ObjectKind *kind_of(const ObjectAddress *object) {
	const char type_kind = object->classId == TypeRelationId ? get_typtype(object->objectId) : 0;
	for (const ObjectKind &kind : kObjectKinds)
		if (kind.catalog == object->classId && kind.type_kind == type_kind)
			return &kind;
	return nullptr;
}

// Runs a query on the catalogs as they are now and returns its only value, or nullptr.
char *catalog_text(const char *query) {
	MemoryContext caller = CurrentMemoryContext;
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(query, true, 2) != SPI_OK_SELECT)
		elog(ERROR, "query on system catalogs failed: %s", query);
	char *value = nullptr;
	if (SPI_processed == 1) {
		value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
		if (value != nullptr)
			value = MemoryContextStrdup(caller, value);
	}
	SPI_finish();
	PopActiveSnapshot();
	return value;
}

// Returns a dollar quote that does not occur in the text.
char *dollar_quote_for(const char *text) {
	StringInfoData quote;
	initStringInfo(&quote);
	appendStringInfoString(&quote, "$shardext");
	while (strstr(text, quote.data) != nullptr)
		appendStringInfoChar(&quote, '_');
	appendStringInfoChar(&quote, '$');
	return quote.data;
}

// Returns a DO block that creates the object, or compares it with the one that is there.
char *create_or_compare(const ObjectAddress *object, const ObjectKind *kind) {
	const char *identity = quote_literal_cstr(getObjectIdentity(object, false));
	const char *query = psprintf("%s\nWHERE %s", kind->definition, psprintf(kind->condition, identity));
	const char *definition = catalog_text(query);
	if (definition == nullptr)
		elog(ERROR, "could not print the definition of %s", getObjectDescription(object, false));

	StringInfoData body;
	initStringInfo(&body);
	// A type that no table uses any more is left from a table that is gone, and gives way.
	const char *make_room =
		object->classId == TypeRelationId
			? psprintf("\t\tBEGIN\n\t\t\tDROP TYPE %s;\n\t\t\tpresent := NULL;\n"
					   "\t\tEXCEPTION WHEN dependent_objects_still_exist THEN NULL;\n\t\tEND;\n",
					   getObjectIdentity(object, false))
			: "\t\tNULL;\n";
	appendStringInfo(
		&body,
		"\nDECLARE\n\tpresent pg_catalog.text := (%s);\n"
		"BEGIN\n"
		"\tIF present <> %s THEN\n%s\tEND IF;\n"
		"\tIF present IS NULL THEN\n\t\t%s;\n"
		"\tELSIF present <> %s THEN\n"
		"\t\tRAISE EXCEPTION USING ERRCODE = 'duplicate_object', MESSAGE = %s,\n"
		"\t\t\tDETAIL = format('It is \"%%s\" here and \"%%s\" on the coordinator.', present, %s);\n"
		"\tEND IF;\nEND\n",
		query, quote_literal_cstr(definition), make_room, definition, quote_literal_cstr(definition),
		quote_literal_cstr(
			psprintf("%s exists with a different definition", getObjectDescription(object, false))),
		quote_literal_cstr(definition));
	const char *quote = dollar_quote_for(body.data);
	return psprintf("DO LANGUAGE plpgsql %s%s%s", quote, body.data, quote);
}

// Returns CREATE EXTENSION in the schema that it has here.
char *create_extension(Oid extension) {
	Oid schema = InvalidOid;
	scan_table(ExtensionRelationId, ExtensionOidIndexId, Anum_pg_extension_oid, F_OIDEQ,
			   ObjectIdGetDatum(extension), [&](HeapTuple tuple, TupleDesc) {
				   schema = reinterpret_cast<Form_pg_extension>(GETSTRUCT(tuple))->extnamespace;
			   });
	return psprintf("CREATE EXTENSION IF NOT EXISTS %s SCHEMA %s",
					quote_identifier(get_extension_name(extension)),
					quote_identifier(get_namespace_name(schema)));
}

// Returns CREATE OR REPLACE FUNCTION for a function that means the same on every node.
Oid function_owner(Oid function) {
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	const Oid owner = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return owner;
}

char *create_function(const ObjectAddress *object, Oid relid) {
	if (get_func_prokind(object->objectId) != PROKIND_FUNCTION)
		refuse_dependency(object, relid, "Only plain functions can be created on other nodes.", nullptr);
	if (func_volatile(object->objectId) != PROVOLATILE_IMMUTABLE)
		refuse_dependency(
			object, relid, "Only immutable functions can be used on other nodes.",
			"Declare the function IMMUTABLE if its result depends on nothing but its arguments.");
	if (!superuser_arg(function_owner(object->objectId)))
		refuse_dependency(object, relid,
						  "On other nodes it would run with the rights of the node connection.",
						  "Have a superuser review and own the function.");
	return TextDatumGetCString(OidFunctionCall1(F_PG_GET_FUNCTIONDEF, ObjectIdGetDatum(object->objectId)));
}

// True for a range type with a canonical function, which can only be created as a shell type first.
bool has_canonical_function(Oid type) {
	HeapTuple tuple = SearchSysCache1(RANGETYPE, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tuple))
		return false;
	const bool has = OidIsValid(reinterpret_cast<Form_pg_range>(GETSTRUCT(tuple))->rngcanonical);
	ReleaseSysCache(tuple);
	return has;
}

} // namespace

void refuse_dependency(const ObjectAddress *object, Oid relid, const char *detail, const char *hint) {
	ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("cannot distribute table \"%s\" because it depends on %s", get_rel_name(relid),
				   getObjectDescription(object, false)),
			errdetail_internal("%s", detail), hint != nullptr ? errhint("%s", hint) : 0);
	pg_unreachable();
}

char *object_creation_statement(const ObjectAddress *object, Oid relid) {
	switch (object->classId) {
	case NamespaceRelationId:
		return psprintf("CREATE SCHEMA IF NOT EXISTS %s",
						quote_identifier(get_namespace_name(object->objectId)));
	case ExtensionRelationId:
		return create_extension(object->objectId);
	case ProcedureRelationId:
		return create_function(object, relid);
	default:
		break;
	}
	const ObjectKind *kind = kind_of(object);
	if (kind == nullptr)
		refuse_dependency(object, relid, "It can be created on other nodes only as part of an extension.",
						  nullptr);
	if (kind->type_kind == TYPTYPE_RANGE && has_canonical_function(object->objectId))
		refuse_dependency(
			object, relid,
			"Range types with a canonical function can be created on other nodes only as part of an "
			"extension.",
			nullptr);
	return create_or_compare(object, kind);
}

} // namespace shardext

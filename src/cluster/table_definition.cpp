// CREATE TABLE for the shards of an existing table.
#include "shardext/cluster/table_definition.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/pg/transmission_modes.hpp"

extern "C" {
#include "access/reloptions.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "utils/guc.h"
#include "utils/ruleutils.h"
}

namespace shardext {

int begin_printing_definitions() {
	const int level = begin_transmission_modes();
	const char *settings[][2] = {{"search_path", "pg_catalog, pg_temp"}, {"quote_all_identifiers", "off"}};
	for (const auto &[name, value] : settings)
		set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return level;
}

void end_printing_definitions(int level) {
	end_transmission_modes(level);
}

namespace {

// Appends the options of a reloptions array as name = 'value', each name after prefix.
void append_options(StringInfo out, Datum options, const char *prefix) {
	const List *list = untransformRelOptions(options);
	foreach_node (DefElem, option, list) {
		appendStringInfo(out, "%s%s%s = %s", out->len > 0 ? ", " : "", prefix,
						 quote_identifier(option->defname),
						 quote_literal_cstr(option->arg != nullptr ? defGetString(option) : "true"));
	}
}

// Appends the storage parameters of a table, or of its TOAST table with prefix "toast.".
void append_storage_parameters(StringInfo out, Oid relid, const char *prefix) {
	if (!OidIsValid(relid))
		return;
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	bool isnull;
	const Datum options = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_reloptions, &isnull);
	if (!isnull)
		append_options(out, options, prefix);
	ReleaseSysCache(tuple);
}

// A table and what PostgreSQL needs to print the expressions on its columns; to make that once matters when
// there are 1,600 of them.
struct Table {
	Relation relation;
	List *deparse_context;
};

const char *expression_text(const Table *table, const char *stored) {
	return deparse_expression(static_cast<Node *>(stringToNode(stored)), table->deparse_context, false,
							  false);
}

// Returns the text of a generated column's expression.
const char *generation_expression(const Table *table, AttrNumber attnum) {
	const TupleConstr *constr = RelationGetDescr(table->relation)->constr;
	for (int i = 0; constr != nullptr && i < constr->num_defval; i++)
		if (constr->defval[i].adnum == attnum)
			return expression_text(table, constr->defval[i].adbin);
	elog(ERROR, "no generation expression for column %d of relation \"%s\"", attnum,
		 RelationGetRelationName(table->relation));
}

// Appends a column with everything that CREATE TABLE of every PostgreSQL version can say about it.
void append_column(SqlBuilder *sql, const Table *table, Form_pg_attribute column, bool with_not_null = true) {
	sql->identifier(NameStr(column->attname));
	sql->text(" ");
	sql->text(format_type_with_typemod(column->atttypid, column->atttypmod));
	if (column->attcompression != '\0')
		sql->text(column->attcompression == 'l' ? " COMPRESSION lz4" : " COMPRESSION pglz");
	if (OidIsValid(column->attcollation) && column->attcollation != get_typcollation(column->atttypid)) {
		sql->text(" COLLATE ");
		sql->text(generate_collation_name(column->attcollation));
	}
	if (column->attnotnull && with_not_null)
		sql->text(" NOT NULL");
	if (column->attgenerated != '\0') {
		sql->text(" GENERATED ALWAYS AS (");
		sql->text(generation_expression(table, column->attnum));
		sql->text(column->attgenerated == ATTRIBUTE_GENERATED_STORED ? ") STORED" : ") VIRTUAL");
	}
}

// Appends the CHECK constraints that every row fulfils. Those that are NOT VALID come after the rows.
void append_valid_checks(SqlBuilder *sql, const Table *table, const char *separator) {
	const TupleConstr *constr = RelationGetDescr(table->relation)->constr;
	for (int i = 0; constr != nullptr && i < constr->num_check; i++) {
		const ConstrCheck *check = &constr->check[i];
		if (!check->ccvalid)
			continue;
		sql->text(separator);
		separator = ",\n\t";
		sql->text("CONSTRAINT ");
		sql->identifier(check->ccname);
		sql->text(" CHECK (");
		sql->text(expression_text(table, check->ccbin));
		sql->text(check->ccnoinherit ? ") NO INHERIT" : ")");
	}
}

// Returns CREATE TABLE with columns, checks, access method and storage parameters.
SqlPieces *create_table(Relation relation) {
	const Table table{relation,
					  deparse_context_for(RelationGetRelationName(relation), RelationGetRelid(relation))};
	SqlBuilder sql;
	const bool unlogged = relation->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED;
	sql.text(unlogged ? "CREATE UNLOGGED TABLE " : "CREATE TABLE ");
	sql.relation(RelationGetRelid(relation));
	sql.text(" (");
	const char *separator = "\n\t";
	for (int i = 0; i < RelationGetNumberOfAttributes(relation); i++) {
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), i);
		if (column->attisdropped)
			continue;
		sql.text(separator);
		separator = ",\n\t";
		append_column(&sql, &table, column);
	}
	append_valid_checks(&sql, &table, separator);
	sql.text("\n)");
	if (OidIsValid(relation->rd_rel->relam) && relation->rd_rel->relam != HEAP_TABLE_AM_OID) {
		sql.text(" USING ");
		sql.identifier(get_am_name(relation->rd_rel->relam));
	}
	StringInfoData options;
	initStringInfo(&options);
	append_storage_parameters(&options, RelationGetRelid(relation), "");
	append_storage_parameters(&options, relation->rd_rel->reltoastrelid, "toast.");
	if (options.len > 0)
		sql.text(psprintf(" WITH (%s)", options.data));
	return sql.finish();
}

const char *storage_name(char storage) {
	switch (storage) {
	case TYPSTORAGE_PLAIN:
		return "PLAIN";
	case TYPSTORAGE_EXTERNAL:
		return "EXTERNAL";
	case TYPSTORAGE_MAIN:
		return "MAIN";
	default:
		return "EXTENDED";
	}
}

// Adds an ALTER COLUMN action, after a comma unless it is the first.
void add_action(StringInfo actions, Form_pg_attribute column, const char *action) {
	appendStringInfo(actions, "%s ALTER COLUMN %s SET %s", actions->len > 0 ? "," : "",
					 quote_identifier(NameStr(column->attname)), action);
}

// Adds the actions for what CREATE TABLE cannot say about a column: storage, statistics target, options.
void add_column_settings(StringInfo actions, Form_pg_attribute column) {
	if (column->attstorage != get_typstorage(column->atttypid))
		add_action(actions, column, psprintf("STORAGE %s", storage_name(column->attstorage)));
	HeapTuple tuple =
		SearchSysCache2(ATTNUM, ObjectIdGetDatum(column->attrelid), Int16GetDatum(column->attnum));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for attribute %d of relation %u", column->attnum, column->attrelid);
	bool isnull;
	// An int4 that is -1 by default before version 17, an int2 that is null since.
	const Datum target = SysCacheGetAttr(ATTNUM, tuple, Anum_pg_attribute_attstattarget, &isnull);
	if (!isnull && DatumGetInt32(target) >= 0)
		add_action(actions, column, psprintf("STATISTICS %d", DatumGetInt32(target)));
	const Datum options = SysCacheGetAttr(ATTNUM, tuple, Anum_pg_attribute_attoptions, &isnull);
	const List *list = isnull ? NIL : untransformRelOptions(options);
	foreach_node (DefElem, option, list) {
		// Only what users can set: a server may keep entries of its own here, which others refuse.
		if (strcmp(option->defname, "n_distinct") == 0 ||
			strcmp(option->defname, "n_distinct_inherited") == 0)
			add_action(actions, column, psprintf("(%s = %s)", option->defname, defGetString(option)));
	}
	ReleaseSysCache(tuple);
}

} // namespace

const char *column_definition(Relation relation, AttrNumber attnum, bool with_not_null) {
	const Table table{relation,
					  deparse_context_for(RelationGetRelationName(relation), RelationGetRelid(relation))};
	SqlBuilder sql;
	append_column(&sql, &table, TupleDescAttr(RelationGetDescr(relation), attnum - 1), with_not_null);
	return shard_sql(sql.finish(), 0, false);
}

List *shard_table_statements(Oid relid) {
	Relation relation = table_open(relid, AccessShareLock);
	const int level = begin_printing_definitions();
	List *statements = list_make1(create_table(relation));

	StringInfoData actions;
	initStringInfo(&actions);
	for (int i = 0; i < RelationGetNumberOfAttributes(relation); i++) {
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), i);
		if (!column->attisdropped)
			add_column_settings(&actions, column);
	}
	if (actions.len > 0) {
		SqlBuilder sql;
		sql.text("ALTER TABLE ");
		sql.relation(relid);
		sql.text(actions.data);
		statements = lappend(statements, sql.finish());
	}

	end_printing_definitions(level);
	table_close(relation, NoLock);
	return statements;
}

} // namespace shardext

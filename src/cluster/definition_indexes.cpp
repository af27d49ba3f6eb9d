// What a shard gets once its rows are there: keys, indexes, statistics objects, replica identity, comments.
#include "shardext/cluster/table_definition.hpp"

#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_statistic_ext.h"
#include "commands/comment.h"
#include "commands/tablespace.h"
#include "utils/ruleutils.h"
}

namespace shardext {

namespace {

// Returns the index's columns that have a statistics target, as ALTER INDEX actions; empty when none has.
const char *index_statistics_targets(Oid index) {
	StringInfoData actions;
	initStringInfo(&actions);
	for (int i = 1;; i++) {
		HeapTuple tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(index), Int16GetDatum(i));
		if (!HeapTupleIsValid(tuple))
			return actions.data; // that was the last column
		bool isnull;
		const Datum target = SysCacheGetAttr(ATTNUM, tuple, Anum_pg_attribute_attstattarget, &isnull);
		if (!isnull && DatumGetInt32(target) >= 0)
			appendStringInfo(&actions, "%s ALTER COLUMN %d SET STATISTICS %d", actions.len > 0 ? "," : "", i,
							 DatumGetInt32(target));
		ReleaseSysCache(tuple);
	}
}

// Returns ALTER TABLE ... ADD CONSTRAINT for a key or an exclusion constraint. Tablespaces do not travel.
SqlPieces *add_constraint(Oid constraint, Oid index) {
	char *sql = pg_get_constraintdef_command(constraint);
	const Oid tablespace = get_rel_tablespace(index);
	if (OidIsValid(tablespace)) {
		const char *clause =
			psprintf(" USING INDEX TABLESPACE %s", quote_identifier(get_tablespace_name(tablespace)));
		if (char *found = strstr(sql, clause); found != nullptr)
			memmove(found, found + strlen(clause), strlen(found + strlen(clause)) + 1);
	}
	return splice_relations(sql);
}

// Returns an ALTER TABLE whose last words are an index's name.
SqlPieces *alter_table_by_index(Oid relid, const char *action, Oid index) {
	SqlBuilder sql;
	sql.text("ALTER TABLE ");
	sql.relation(relid);
	sql.text(action);
	sql.identifier(get_rel_name(index));
	return sql.finish();
}

// Adds the statements for one index, or for the constraint that owns it.
List *add_index(List *statements, Oid relid, Oid index, Form_pg_index form) {
	const Oid constraint = get_index_constraint(index);
	if (OidIsValid(constraint))
		statements = lappend(statements, add_constraint(constraint, index));
	else
		statements = lappend(statements, splice_relations(TextDatumGetCString(OidFunctionCall1(
											 F_PG_GET_INDEXDEF_OID, ObjectIdGetDatum(index)))));
	const char *targets = index_statistics_targets(index);
	if (*targets != '\0') {
		SqlBuilder sql;
		sql.text("ALTER INDEX ");
		sql.schema_of(relid);
		sql.text(".");
		sql.identifier(get_rel_name(index));
		sql.text(targets);
		statements = lappend(statements, sql.finish());
	}
	if (form->indisclustered)
		statements = lappend(statements, alter_table_by_index(relid, " CLUSTER ON ", index));
	if (form->indisreplident)
		statements =
			lappend(statements, alter_table_by_index(relid, " REPLICA IDENTITY USING INDEX ", index));
	return statements;
}

// Adds the valid indexes of a table, oldest first.
List *add_indexes(List *statements, Relation relation) {
	const ListCell *cell;
	foreach (cell, RelationGetIndexList(relation))
		statements = add_index_statements(statements, RelationGetRelid(relation), lfirst_oid(cell));
	return statements;
}

// Adds the CHECK constraints that rows may violate which were there before the constraint.
List *add_unvalidated_checks(List *statements, Relation relation) {
	const TupleConstr *constr = RelationGetDescr(relation)->constr;
	for (int i = 0; constr != nullptr && i < constr->num_check; i++)
		if (!constr->check[i].ccvalid)
			statements =
				lappend(statements, splice_relations(pg_get_constraintdef_command(get_relation_constraint_oid(
										RelationGetRelid(relation), constr->check[i].ccname, false))));
	return statements;
}

// Returns the name of a statistics object and, in *target, its statistics target or -1.
char *statistics_name(Oid statistics, Oid *schema, int *target) {
	HeapTuple tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(statistics));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for statistics object %u", statistics);
	auto *form = reinterpret_cast<Form_pg_statistic_ext>(GETSTRUCT(tuple));
	char *name = pstrdup(NameStr(form->stxname));
	*schema = form->stxnamespace;
	bool isnull;
	const Datum value = SysCacheGetAttr(STATEXTOID, tuple, Anum_pg_statistic_ext_stxstattarget, &isnull);
	*target = isnull ? -1 : DatumGetInt32(value);
	ReleaseSysCache(tuple);
	return name;
}

// Adds the extended statistics of a table.
List *add_statistics(List *statements, Relation relation) {
	const ListCell *cell;
	foreach (cell, RelationGetStatExtList(relation))
		statements = add_statistics_statements(statements, RelationGetRelid(relation), lfirst_oid(cell));
	return statements;
}

// Adds COMMENT ON for an object in the table's schema, when it has a comment.
List *add_comment(List *statements, Oid relid, const char *kind, const char *name, Oid catalog, Oid object) {
	const char *comment = GetComment(object, catalog, 0);
	return comment != nullptr ? lappend(statements, comment_statement(relid, kind, name, comment))
							  : statements;
}

// Adds the comment on a column, when it has one.
List *add_column_comment(List *statements, Oid relid, Form_pg_attribute column) {
	const char *comment = GetComment(relid, RelationRelationId, column->attnum);
	return comment != nullptr
			   ? lappend(statements, column_comment_statement(relid, NameStr(column->attname), comment))
			   : statements;
}

// Adds the comments on a table and on all that belongs to it but foreign keys.
List *add_comments(List *statements, Relation relation) {
	const Oid relid = RelationGetRelid(relation);
	statements = add_comment(statements, relid, "TABLE ", RelationGetRelationName(relation),
							 RelationRelationId, relid);
	for (int i = 0; i < RelationGetNumberOfAttributes(relation); i++) {
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), i);
		if (!column->attisdropped)
			statements = add_column_comment(statements, relid, column);
	}
	const ListCell *cell;
	foreach (cell, RelationGetIndexList(relation)) {
		const Oid index = lfirst_oid(cell);
		if (!get_index_isvalid(index))
			continue;
		statements = add_comment(statements, relid, "INDEX ", get_rel_name(index), RelationRelationId, index);
		const Oid constraint = get_index_constraint(index);
		if (OidIsValid(constraint))
			statements = add_constraint_comment(statements, relid, constraint);
	}
	const TupleConstr *constr = RelationGetDescr(relation)->constr;
	for (int i = 0; constr != nullptr && i < constr->num_check; i++)
		statements = add_constraint_comment(
			statements, relid, get_relation_constraint_oid(relid, constr->check[i].ccname, false));
	foreach (cell, RelationGetStatExtList(relation)) {
		const Oid statistics = lfirst_oid(cell);
		Oid schema;
		int target;
		const char *name = statistics_name(statistics, &schema, &target);
		statements = add_comment(statements, relid, "STATISTICS ", name, StatisticExtRelationId, statistics);
	}
	return statements;
}

// Returns the replica identity when it is neither the primary key nor an index; else nullptr.
const char *replica_identity(char identity) {
	switch (identity) {
	case REPLICA_IDENTITY_FULL:
		return " REPLICA IDENTITY FULL";
	case REPLICA_IDENTITY_NOTHING:
		return " REPLICA IDENTITY NOTHING";
	default:
		return nullptr;
	}
}

} // namespace

namespace {

// Adds what ends a COMMENT statement.
SqlPieces *finish_comment(SqlBuilder *sql, const char *comment) {
	sql->text(" IS ");
	if (comment != nullptr)
		sql->literal(comment);
	else
		sql->text("NULL");
	return sql->finish();
}

} // namespace

SqlPieces *comment_statement(Oid relid, const char *kind, const char *name, const char *comment) {
	SqlBuilder sql;
	sql.text("COMMENT ON ");
	sql.text(kind);
	sql.schema_of(relid);
	sql.text(".");
	sql.identifier(name);
	return finish_comment(&sql, comment);
}

SqlPieces *column_comment_statement(Oid relid, const char *column, const char *comment) {
	SqlBuilder sql;
	sql.text("COMMENT ON COLUMN ");
	sql.relation(relid);
	sql.text(".");
	sql.identifier(column);
	return finish_comment(&sql, comment);
}

SqlPieces *constraint_comment_statement(Oid relid, const char *constraint, const char *comment) {
	SqlBuilder sql;
	sql.text("COMMENT ON CONSTRAINT ");
	sql.identifier(constraint);
	sql.text(" ON ");
	sql.relation(relid);
	return finish_comment(&sql, comment);
}

List *add_constraint_comment(List *statements, Oid relid, Oid constraint) {
	const char *comment = GetComment(constraint, ConstraintRelationId, 0);
	return comment != nullptr
			   ? lappend(statements,
						 constraint_comment_statement(relid, get_constraint_name(constraint), comment))
			   : statements;
}

SqlPieces *add_constraint_statement(Oid constraint) {
	const Oid index = get_constraint_index(constraint);
	return OidIsValid(index) && get_index_constraint(index) == constraint
			   ? add_constraint(constraint, index)
			   : splice_relations(pg_get_constraintdef_command(constraint));
}

List *add_index_statements(List *statements, Oid relid, Oid index) {
	HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for index %u", index);
	auto *form = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
	if (form->indisvalid)
		statements = add_index(statements, relid, index, form);
	ReleaseSysCache(tuple);
	return statements;
}

// Statistics objects of a shard live in its schema, wherever they are here.
List *add_statistics_statements(List *statements, Oid relid, Oid statistics) {
	Oid schema;
	int target;
	const char *name = statistics_name(statistics, &schema, &target);
	const char *definition = pg_get_statisticsobjdef_string(statistics);
	const char *head = "CREATE STATISTICS ";
	const size_t skip = strlen(head) + strlen(quote_qualified_identifier(get_namespace_name(schema), name));
	SqlPieces *rest = splice_relations(psprintf("%sx%s", head, definition + skip));

	SqlBuilder sql;
	sql.text(head);
	sql.schema_of(relid);
	sql.text(".");
	sql.identifier(name);
	strVal(linitial(rest)) += strlen(head) + 1; // after the x that stood for the name
	sql.append(rest);
	statements = lappend(statements, sql.finish());

	if (target >= 0) {
		sql.text("ALTER STATISTICS ");
		sql.schema_of(relid);
		sql.text(".");
		sql.identifier(name);
		sql.text(psprintf(" SET STATISTICS %d", target));
		statements = lappend(statements, sql.finish());
	}
	return statements;
}

List *shard_index_statements(Oid relid) {
	Relation relation = table_open(relid, AccessShareLock);
	const int level = begin_printing_definitions();
	List *statements = add_indexes(NIL, relation);
	statements = add_unvalidated_checks(statements, relation);
	if (const char *identity = replica_identity(relation->rd_rel->relreplident); identity != nullptr) {
		SqlBuilder sql;
		sql.text("ALTER TABLE ");
		sql.relation(relid);
		sql.text(identity);
		statements = lappend(statements, sql.finish());
	}
	statements = add_statistics(statements, relation);
	statements = add_comments(statements, relation);
	end_printing_definitions(level);
	table_close(relation, NoLock);
	return statements;
}

} // namespace shardext

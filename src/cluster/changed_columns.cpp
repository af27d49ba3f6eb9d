// What has changed about the columns of a table and about the table itself, as ALTER TABLE for its shards.
#include "shardext/cluster/definition_changes.hpp"

#include "shardext/cluster/table_definition.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/heap.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/ruleutils.h"
}

namespace shardext {

namespace {

// Actions of one ALTER TABLE.
class Actions {
public:
	void add(const char *action) {
		if (text_.data == nullptr)
			initStringInfo(&text_);
		appendStringInfo(&text_, "%s %s", text_.len > 0 ? "," : "", action);
	}
	void add_to(ShardStatements *statements, Phase phase, Oid relid) const {
		if (text_.data == nullptr)
			return;
		SqlBuilder sql;
		sql.text("ALTER TABLE ");
		sql.relation(relid);
		sql.text(text_.data);
		statements->add(phase, relid, sql.finish(), true);
	}

private:
	StringInfoData text_{};
};

const char *alter_column(const ColumnDefinition *column, const char *action) {
	return psprintf("ALTER COLUMN %s %s", quote_identifier(column->name), action);
}

bool same_text(const char *a, const char *b) {
	return a == nullptr || b == nullptr ? a == b : strcmp(a, b) == 0;
}

const char *literal_of(const Const *value) {
	Oid output;
	bool is_varlena;
	getTypeOutputInfo(value->consttype, &output, &is_varlena);
	return psprintf("%s::%s", quote_literal_cstr(OidOutputFunctionCall(output, value->constvalue)),
					format_type_with_typemod(value->consttype, value->consttypmod));
}

Const *constant_of(Form_pg_attribute attribute, Datum value) {
	return makeConst(attribute->atttypid, attribute->atttypmod, attribute->attcollation, attribute->attlen,
					 value, false, attribute->attbyval);
}

// Returns the default of the rows that were there before the column, as PostgreSQL has stored it; nullptr
// when it has not.
Const *missing_value(Relation relation, Form_pg_attribute attribute) {
	HeapTuple tuple =
		SearchSysCache2(ATTNUM, ObjectIdGetDatum(attribute->attrelid), Int16GetDatum(attribute->attnum));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for attribute %d of relation \"%s\"", attribute->attnum,
			 RelationGetRelationName(relation));
	Const *constant = nullptr;
	bool isnull;
	const Datum missing = SysCacheGetAttr(ATTNUM, tuple, Anum_pg_attribute_attmissingval, &isnull);
	if (attribute->atthasmissing && !isnull) {
		int one = 1;
		const Datum value = array_get_element(missing, 1, &one, -1, attribute->attlen, attribute->attbyval,
											  attribute->attalign, &isnull);
		if (!isnull)
			constant = constant_of(attribute, datumCopy(value, attribute->attbyval, attribute->attlen));
	}
	ReleaseSysCache(tuple);
	return constant;
}

FirstValue first_value(Relation relation, Form_pg_attribute attribute) {
	if (attribute->attgenerated != '\0')
		return {nullptr, false};
	if (Const *missing = missing_value(relation, attribute); missing != nullptr)
		return {missing, false};
	Node *expression = build_column_default(relation, attribute->attnum);
	if (expression == nullptr || contain_volatile_functions(expression))
		return {nullptr, expression != nullptr};
	Expr *planned = expression_planner(reinterpret_cast<Expr *>(expression));
	auto *value = reinterpret_cast<Const *>(
		evaluate_expr(planned, attribute->atttypid, attribute->atttypmod, attribute->attcollation));
	return {value->constisnull ? nullptr : value, false};
}

struct ColumnWork {
	Relation relation;
	Actions changes, filled;
	NewValues *values;
};

// ADD COLUMN. Shards have no defaults: rows that are there get one value that has been worked out here, or
// the coordinator updates them with one for each.
void add_column(ColumnWork *work, const ColumnDefinition *column, const FirstValue &first) {
	work->changes.add(psprintf(
		"ADD COLUMN %s%s%s", column_definition(work->relation, column->number, !first.differs),
		first.value != nullptr ? " DEFAULT " : "", first.value != nullptr ? literal_of(first.value) : ""));
	if (first.value != nullptr && column->set_default == nullptr)
		work->filled.add(alter_column(column, "DROP DEFAULT"));
	if (first.differs) {
		work->values->columns = lappend_int(work->values->columns, column->number);
		if (column->not_null)
			work->filled.add(alter_column(column, "SET NOT NULL"));
	}
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

// ALTER COLUMN … TYPE.
const char *retype(const ColumnDefinition *column, const List *conversions) {
	StringInfoData action;
	initStringInfo(&action);
	appendStringInfo(&action, "TYPE %s", format_type_with_typemod(column->type, column->typmod));
	if (OidIsValid(column->collation) && column->collation != get_typcollation(column->type))
		appendStringInfo(&action, " COLLATE %s", generate_collation_name(column->collation));
	foreach_ptr (Conversion, conversion, conversions)
		if (conversion->column == column->number)
			appendStringInfo(&action, " USING %s", conversion->expression);
	return action.data;
}

bool has_other_type(const ColumnDefinition *was, const ColumnDefinition *is) {
	return was->type != is->type || was->typmod != is->typmod || was->collation != is->collation;
}

// Adds SET and RESET for the entries of an option list that differ; `head` is what stands before them.
void add_options(Actions *actions, const List *was, const List *is, const char *head, const char *prefix,
				 bool (*counts)(const char *)) {
	auto find = [](const List *list, const char *name) -> DefElem * {
		foreach_ptr (DefElem, option, list)
			if (strcmp(option->defname, name) == 0)
				return option;
		return nullptr;
	};
	StringInfoData set, reset;
	initStringInfo(&set);
	initStringInfo(&reset);
	foreach_ptr (DefElem, option, is) {
		const DefElem *old = find(was, option->defname);
		const char *value = option->arg != nullptr ? defGetString(option) : "true";
		if ((counts != nullptr && !counts(option->defname)) ||
			(old != nullptr &&
			 same_text(old->arg != nullptr ? defGetString(const_cast<DefElem *>(old)) : "true", value)))
			continue;
		appendStringInfo(&set, "%s%s%s = %s", set.len > 0 ? ", " : "", prefix,
						 quote_identifier(option->defname), quote_literal_cstr(value));
	}
	foreach_ptr (DefElem, option, was)
		if (find(is, option->defname) == nullptr && (counts == nullptr || counts(option->defname)))
			appendStringInfo(&reset, "%s%s%s", reset.len > 0 ? ", " : "", prefix,
							 quote_identifier(option->defname));
	if (reset.len > 0)
		actions->add(psprintf("%sRESET (%s)", head, reset.data));
	if (set.len > 0)
		actions->add(psprintf("%sSET (%s)", head, set.data));
}

// Only what users can set: a server may keep entries of its own there, which others refuse.
bool is_column_option(const char *name) {
	return strcmp(name, "n_distinct") == 0 || strcmp(name, "n_distinct_inherited") == 0;
}

// Adds what both new and old columns may need.
void add_settings(Actions *actions, const ColumnDefinition *was, const ColumnDefinition *is) {
	if (was->storage != is->storage)
		actions->add(alter_column(is, psprintf("SET STORAGE %s", storage_name(is->storage))));
	if (was->compression != is->compression)
		actions->add(alter_column(is, psprintf("SET COMPRESSION %s", is->compression == 'l'	  ? "lz4"
																	 : is->compression == 'p' ? "pglz"
																							  : "default")));
	if (was->statistics_target != is->statistics_target)
		actions->add(alter_column(is, psprintf("SET STATISTICS %d", is->statistics_target)));
	add_options(actions, was->options, is->options, psprintf("ALTER COLUMN %s ", quote_identifier(is->name)),
				"", is_column_option);
	if (!same_text(was->set_default, is->set_default))
		actions->add(alter_column(is, is->set_default != nullptr ? psprintf("SET DEFAULT %s", is->set_default)
																 : "DROP DEFAULT"));
}

void change_column(ColumnWork *work, const ColumnDefinition *was, const ColumnDefinition *is,
				   const List *conversions) {
	ColumnDefinition old = *was;
	if (was->generated != '\0' && is->generated == '\0')
		work->changes.add(alter_column(is, "DROP EXPRESSION"));
	if (has_other_type(was, is)) {
		work->changes.add(alter_column(is, retype(is, conversions)));
		// The new type brings its own.
		if (was->type != is->type)
			old.storage = get_typstorage(is->type);
		if (get_typstorage(is->type) == TYPSTORAGE_PLAIN)
			old.compression = '\0';
	}
	if (was->not_null != is->not_null)
		work->changes.add(alter_column(is, is->not_null ? "SET NOT NULL" : "DROP NOT NULL"));
	add_settings(&work->changes, &old, is);
}

void add_table_settings(Actions *actions, const TableDefinition *was, const TableDefinition *is) {
	if (was->persistence != is->persistence)
		actions->add(is->persistence == RELPERSISTENCE_UNLOGGED ? "SET UNLOGGED" : "SET LOGGED");
	if (was->access_method != is->access_method)
		actions->add(psprintf("SET ACCESS METHOD %s", quote_identifier(get_am_name(is->access_method))));
	add_options(actions, was->options, is->options, "", "", nullptr);
	add_options(actions, was->toast_options, is->toast_options, "", "toast.", nullptr);
}

} // namespace

FirstValue *first_values(const TableDefinition *before, const TableDefinition *after) {
	const int count = after->column_count - before->column_count;
	if (count <= 0)
		return nullptr;
	auto *values = static_cast<FirstValue *>(palloc0(sizeof(FirstValue) * count));
	Relation relation = table_open(after->relid, NoLock);
	for (int i = 0; i < count; i++)
		if (!after->columns[before->column_count + i].dropped)
			values[i] =
				first_value(relation, TupleDescAttr(RelationGetDescr(relation), before->column_count + i));
	table_close(relation, NoLock);
	return values;
}

bool is_retyped(const DefinitionChange *change) {
	for (int i = 0; i < change->before->column_count; i++) {
		const ColumnDefinition *was = &change->before->columns[i], *is = &change->after->columns[i];
		if (!was->dropped && !is->dropped && has_other_type(was, is))
			return true;
	}
	return false;
}

void add_column_changes(ShardStatements *statements, const DefinitionChange *change, NewValues *values) {
	const TableDefinition *before = change->before, *after = change->after;
	const Oid relid = after->relid;
	ColumnWork work{};
	work.relation = table_open(relid, NoLock);
	work.values = values;
	// Generated columns go before those that they are made of.
	for (const bool generated : {true, false})
		for (int i = 0; i < before->column_count; i++)
			if (const ColumnDefinition *was = &before->columns[i];
				!was->dropped && after->columns[i].dropped && (was->generated != '\0') == generated)
				work.changes.add(psprintf("DROP COLUMN IF EXISTS %s", quote_identifier(was->name)));
	for (int i = 0; i < after->column_count; i++) {
		const ColumnDefinition *is = &after->columns[i];
		if (is->dropped)
			continue;
		if (i >= before->column_count) {
			add_column(&work, is, change->first_values[i - before->column_count]);
			ColumnDefinition fresh = *is;
			fresh.storage = get_typstorage(is->type);
			fresh.statistics_target = -1;
			fresh.options = NIL;
			fresh.set_default = nullptr;
			add_settings(&work.filled, &fresh, is);
			continue;
		}
		const ColumnDefinition *was = &before->columns[i];
		if (strcmp(was->name, is->name) != 0) {
			SqlBuilder sql;
			sql.text("ALTER TABLE ");
			sql.relation(relid);
			sql.text(
				psprintf(" RENAME COLUMN %s TO %s", quote_identifier(was->name), quote_identifier(is->name)));
			statements->add(Phase::ColumnNames, relid, sql.finish(), true);
		}
		change_column(&work, was, is, change->conversions);
	}
	add_table_settings(&work.changes, before, after);
	work.changes.add_to(statements, Phase::Columns, relid);
	work.filled.add_to(statements, Phase::Filled, relid);
	table_close(work.relation, NoLock);
}

} // namespace shardext

// The statements that lock and change single rows of a shard.
#include "shardext/executor/change_sql.hpp"

#include "shardext/executor/node_parts.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/sql/shard_sql.hpp"

extern "C" {
#include "access/transam.h"
#include "catalog/heap.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/rel.h"
#include "utils/relcache.h"
}

namespace shardext {

namespace {

void column_name(SqlBuilder *sql, Oid relid, int attnum) {
	sql->identifier(get_attname(relid, attnum, false));
}

// "::schema.type" where a parameter's type has another OID on the node.
void cast_of(SqlBuilder *sql, Oid type) {
	if (type < FirstGenbkiObjectId)
		return;
	sql->text("::");
	sql->text(format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY));
}

StatementParams make_params(int count) {
	StatementParams params;
	params.count = count;
	params.types = static_cast<Oid *>(palloc0(sizeof(Oid) * (count + 1)));
	params.values = static_cast<Datum *>(palloc0(sizeof(Datum) * (count + 1)));
	params.nulls = static_cast<bool *>(palloc0(sizeof(bool) * (count + 1)));
	return params;
}

Oid type_of_column(Oid relid, int attnum) {
	Oid type, collation;
	int32 typmod;
	get_atttypetypmodcoll(relid, attnum, &type, &typmod, &collation);
	return type;
}

// Any column that can be assigned: for statements that give no value of their own.
int some_column(Oid relid) {
	Relation relation = RelationIdGetRelation(relid);
	int found = 0;
	for (int i = 0; i < RelationGetDescr(relation)->natts && found == 0; i++) {
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation), i);
		if (!attribute->attisdropped && attribute->attgenerated == '\0')
			found = i + 1;
	}
	RelationClose(relation);
	return found;
}

} // namespace

ChangeSql::ChangeSql(const ChangePlan &plan, const ColocationGroup *colocation)
	: plan_(plan), colocation_(colocation) {
	lock_desc = result_descriptor(list_make2_oid(TIDOID, XIDOID), list_make2_int(-1, -1));
	List *types = NIL, *typmods = NIL;
	const ListCell *cell;
	foreach (cell, plan.returned) {
		Oid type = TIDOID, collation;
		int32 typmod = -1;
		if (lfirst_int(cell) > 0)
			get_atttypetypmodcoll(plan.relid, lfirst_int(cell), &type, &typmod, &collation);
		else
			type = SystemAttributeDefinition(lfirst_int(cell))->atttypid;
		types = lappend_oid(types, type);
		typmods = lappend_int(typmods, typmod);
	}
	insert_desc = result_descriptor(types, typmods);
	result_desc = result_descriptor(lcons_oid(INT8OID, types), lcons_int(-1, typmods));
}

StatementRequest ChangeSql::request(int group, SqlPieces *pieces, TupleDesc result) const {
	StatementRequest request{};
	request.node = find_node(colocation_->groups[group].node_id);
	request.sql = shard_sql(pieces, colocation_->groups[group].id, request.node->is_local());
	request.result = result;
	request.scope = Scope::Write;
	return request;
}

// RETURNING [v.n,] t.column, …
void ChangeSql::returning(SqlBuilder *sql, bool numbered) const {
	if (!plan_.returning)
		return;
	const char *separator = " RETURNING ";
	if (numbered) {
		sql->text(" RETURNING v.n");
		separator = ", ";
	} else if (plan_.returned == NIL) {
		sql->text(" RETURNING 1");
	}
	const ListCell *cell;
	foreach (cell, plan_.returned) {
		sql->text(separator);
		sql->text("t.");
		if (lfirst_int(cell) > 0)
			column_name(sql, plan_.relid, lfirst_int(cell));
		else
			sql->text(NameStr(SystemAttributeDefinition(lfirst_int(cell))->attname));
		separator = ", ";
	}
}

StatementParams ChangeSql::tid_array(const ChangeBatch &batch, const List *rows) const {
	StatementParams params = make_params(1);
	auto *elements = static_cast<Datum *>(palloc(sizeof(Datum) * list_length(rows)));
	int count = 0;
	const ListCell *cell;
	foreach (cell, rows)
		elements[count++] = PointerGetDatum(&batch.tids[lfirst_int(cell)]);
	params.types[0] = TIDARRAYOID;
	params.values[0] = PointerGetDatum(
		construct_array(elements, count, TIDOID, sizeof(ItemPointerData), false, TYPALIGN_SHORT));
	return params;
}

StatementRequest ChangeSql::lock(const ChangeBatch &batch, int group, const List *rows) const {
	SqlBuilder sql;
	sql.text("SELECT t.ctid, t.xmin FROM ");
	sql.relation(plan_.relid);
	sql.text(" AS t WHERE t.ctid = ANY ($1) FOR ");
	sql.text(plan_.keeps_key ? "NO KEY UPDATE" : "UPDATE");
	StatementRequest result = request(group, sql.finish(), lock_desc);
	result.params = tid_array(batch, rows);
	return result;
}

StatementRequest ChangeSql::remove(const ChangeBatch &batch, int group, const List *rows) const {
	SqlBuilder sql;
	sql.text("DELETE FROM ");
	sql.relation(plan_.relid);
	sql.text(" AS t USING pg_catalog.unnest($1) WITH ORDINALITY AS v(ctid, n) WHERE t.ctid = v.ctid");
	returning(&sql, true);
	StatementRequest result = request(group, sql.finish(), plan_.returning ? result_desc : nullptr);
	result.params = tid_array(batch, rows);
	return result;
}

void ChangeSql::set_column(StatementParams *params, int number, AttrNumber column, const ChangeBatch &batch,
						   int row, int position) const {
	params->types[number] = type_of_column(plan_.relid, column);
	params->values[number] = new_value(plan_, batch, row, position, &params->nulls[number]);
}

StatementRequest ChangeSql::update(const ChangeBatch &batch, int group, const List *rows,
								   const ChangeAction *action) const {
	SqlBuilder sql;
	sql.text("UPDATE ");
	sql.relation(plan_.relid);
	sql.text(" AS t SET ");
	for (int i = 0; i < list_length(action->attnums); i++) {
		sql.text(i > 0 ? ", " : "");
		column_name(&sql, plan_.relid, list_nth_int(action->attnums, i));
		sql.text(psprintf(" = v.c%d", i));
	}
	if (action->attnums == NIL) { // only generated columns were named: any assignment computes them anew
		const int column = some_column(plan_.relid);
		column_name(&sql, plan_.relid, column);
		sql.text(" = t.");
		column_name(&sql, plan_.relid, column);
	}
	sql.text(" FROM (VALUES ");
	const int columns = list_length(action->attnums);
	StatementParams params = make_params(list_length(rows) * (columns + 1));
	int number = 0, place = 0;
	const ListCell *cell;
	foreach (cell, rows) {
		const int row = lfirst_int(cell);
		params.types[number] = TIDOID;
		params.values[number] = PointerGetDatum(&batch.tids[row]);
		number++;
		sql.text(psprintf("%s(%d::bigint, $%d", place > 0 ? ", " : "", place + 1, number));
		for (int i = 0; i < columns; i++) {
			const int attnum = list_nth_int(action->attnums, i);
			set_column(&params, number, attnum, batch, row, list_nth_int(action->places, i));
			number++;
			sql.text(psprintf(", $%d", number));
			cast_of(&sql, params.types[number - 1]);
		}
		sql.text(")");
		place++;
	}
	sql.text(") AS v(n, ctid");
	for (int i = 0; i < columns; i++)
		sql.text(psprintf(", c%d", i));
	sql.text(") WHERE t.ctid = v.ctid");
	returning(&sql, true);
	StatementRequest result = request(group, sql.finish(), plan_.returning ? result_desc : nullptr);
	result.params = params;
	return result;
}

StatementRequest ChangeSql::insert(const ChangeBatch &batch, int group, const List *rows,
								   const ChangeAction *action) const {
	SqlBuilder sql;
	sql.text("INSERT INTO ");
	sql.relation(plan_.relid);
	sql.text(" AS t (");
	List *attnums = list_concat_copy(action->attnums, action->unchanged);
	const int columns = list_length(attnums);
	for (int i = 0; i < columns; i++) {
		sql.text(i > 0 ? ", " : "");
		column_name(&sql, plan_.relid, list_nth_int(attnums, i));
	}
	if (columns == 0)
		column_name(&sql, plan_.relid, some_column(plan_.relid));
	sql.text(") VALUES ");
	StatementParams params = make_params(list_length(rows) * columns);
	int number = 0;
	const char *separator = "(";
	const ListCell *cell;
	foreach (cell, rows) {
		sql.text(separator);
		separator = ", (";
		if (columns == 0)
			sql.text("DEFAULT"); // nothing is given, and the table has no defaults
		for (int i = 0; i < columns; i++) {
			set_column(&params, number, list_nth_int(attnums, i), batch, lfirst_int(cell),
					   list_nth_int(action->places, i));
			number++;
			sql.text(psprintf("%s$%d", i > 0 ? ", " : "", number));
			cast_of(&sql, params.types[number - 1]);
		}
		sql.text(")");
	}
	// What somebody has inserted meanwhile shows in the number of rows. (Rows that move are no proposals.)
	if (plan_.conflict_keys != NIL && action->command == CMD_INSERT) {
		sql.text(" ");
		sql.append(plan_.conflict_clause);
	}
	returning(&sql, false);
	StatementRequest result = request(group, sql.finish(), plan_.returning ? insert_desc : nullptr);
	result.params = params;
	return result;
}

const char *ChangeSql::shown(const ChangeAction *action) const {
	ChangeBatch batch;
	batch.rows = 1;
	batch.columns = 0;
	const ListCell *cell;
	foreach (cell, action->places)
		batch.columns = std::max(batch.columns, lfirst_int(cell) + 1);
	batch.values = static_cast<Datum *>(palloc0(sizeof(Datum) * (batch.columns + 1)));
	batch.nulls = static_cast<bool *>(palloc0(sizeof(bool) * (batch.columns + 1)));
	batch.tids = static_cast<ItemPointer>(palloc0(sizeof(ItemPointerData)));
	List *one = list_make1_int(0);
	return action->command == CMD_DELETE   ? remove(batch, 0, one).sql
		   : action->command == CMD_UPDATE ? update(batch, 0, one, action).sql
		   : action->command == CMD_INSERT ? insert(batch, 0, one, action).sql
										   : nullptr;
}

} // namespace shardext

// Rows that move to another shard group while others refer to them.
#include "shardext/executor/carried_rows.hpp"

#include "shardext/executor/node_parts.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/sharding/routing.hpp"
#include "shardext/sql/shard_sql.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_constraint.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
}

namespace shardext {

namespace {

constexpr int kMaxParams = 65535; // of the protocol

// --- which tables ---

struct Actions {
	bool any, cascades;
};

Actions actions_of(Oid constraint) {
	HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	if (!HeapTupleIsValid(tuple))
		return {};
	const auto *form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
	const Actions actions{form->confdeltype != FKCONSTR_ACTION_NOACTION ||
							  form->confupdtype != FKCONSTR_ACTION_NOACTION,
						  form->confupdtype == FKCONSTR_ACTION_CASCADE};
	ReleaseSysCache(tuple);
	return actions;
}

// Adds a table behind those that refer to it: the list is the wrong way round.
void visit(Oid relid, List **seen, List **order, bool *any) {
	if (list_member_oid(*seen, relid))
		return;
	*seen = lappend_oid(*seen, relid);
	Relation relation = RelationIdGetRelation(relid);
	const TriggerDesc *triggers = relation->trigdesc;
	for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
		const Trigger *trigger = &triggers->triggers[i];
		if (!trigger->tgisinternal || RI_FKey_trigger_type(trigger->tgfoid) != RI_TRIGGER_PK)
			continue;
		const Actions actions = actions_of(trigger->tgconstraint);
		*any = *any || actions.any;
		if (actions.cascades && is_sharded_table(trigger->tgconstrrelid))
			visit(trigger->tgconstrrelid, seen, order, any);
	}
	RelationClose(relation);
	*order = lcons_oid(relid, *order);
}

// --- the rows ---

struct CarriedTable {
	Oid relid;
	int key; // position among the columns
	List *attnums;
	TupleDesc desc;
	List *rows; // of CarriedRow
};

struct CarriedRow {
	Datum *values;
	bool *nulls;
	int group; // where it goes
};

CarriedTable *describe(Oid relid) {
	auto *table = static_cast<CarriedTable *>(palloc0(sizeof(CarriedTable)));
	table->relid = relid;
	const AttrNumber key = find_distributed_table(relid)->key_attnum;
	Relation relation = RelationIdGetRelation(relid);
	List *types = NIL, *typmods = NIL;
	for (int i = 0; i < RelationGetDescr(relation)->natts; i++) {
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation), i);
		if (attribute->attisdropped || attribute->attgenerated != '\0')
			continue;
		if (attribute->attnum == key)
			table->key = list_length(types);
		table->attnums = lappend_int(table->attnums, attribute->attnum);
		types = lappend_oid(types, attribute->atttypid);
		typmods = lappend_int(typmods, attribute->atttypmod);
	}
	RelationClose(relation);
	table->desc = result_descriptor(types, typmods);
	return table;
}

void columns(SqlBuilder *sql, const CarriedTable *table) {
	for (int i = 0; i < list_length(table->attnums); i++) {
		sql->text(i > 0 ? ", " : "");
		sql->identifier(get_attname(table->relid, list_nth_int(table->attnums, i), false));
	}
}

// "::schema.type" where a parameter's type has another OID on the node.
void cast_of(SqlBuilder *sql, Oid type) {
	if (type < FirstGenbkiObjectId)
		return;
	sql->text("::");
	sql->text(format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY));
}

StatementRequest request_for(const ColocationGroup *colocation, int group, SqlBuilder *sql, int params) {
	StatementRequest request{};
	request.node = find_node(colocation->groups[group].node_id);
	request.sql = shard_sql(sql->finish(), colocation->groups[group].id, request.node->is_local());
	request.scope = Scope::Write;
	request.params.count = params;
	request.params.types = static_cast<Oid *>(palloc0(sizeof(Oid) * (params + 1)));
	request.params.values = static_cast<Datum *>(palloc0(sizeof(Datum) * (params + 1)));
	request.params.nulls = static_cast<bool *>(palloc0(sizeof(bool) * (params + 1)));
	return request;
}

// DELETE FROM table WHERE key = ANY (keys) RETURNING everything that can be inserted again
void take_out(const ColocationGroup *colocation, CarriedTable *table, const NewKeys *keys) {
	const char *key =
		quote_identifier(get_attname(table->relid, list_nth_int(table->attnums, table->key), false));
	const Oid element = TupleDescAttr(table->desc, table->key)->atttypid, array = get_array_type(element);
	SqlBuilder sql;
	sql.text("DELETE FROM ");
	sql.relation(table->relid);
	sql.text(psprintf(" WHERE %s = ANY ($1", key));
	cast_of(&sql, array);
	sql.text(keys->null ? psprintf(") OR %s IS NULL RETURNING ", key) : ") RETURNING ");
	columns(&sql, table);
	StatementRequest request = request_for(colocation, keys->group, &sql, 1);
	int16 length;
	bool by_value;
	char align;
	get_typlenbyvalalign(element, &length, &by_value, &align);
	request.params.types[0] = array;
	request.params.values[0] =
		PointerGetDatum(construct_array(keys->values, keys->count, element, length, by_value, align));
	request.result = table->desc;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(table->desc, &TTSOpsVirtual);
	RowStream *stream = open_stream(request);
	while (stream->next(slot)) {
		auto *row = static_cast<CarriedRow *>(palloc(sizeof(CarriedRow)));
		row->values = static_cast<Datum *>(palloc0(sizeof(Datum) * table->desc->natts));
		row->nulls = static_cast<bool *>(palloc0(sizeof(bool) * table->desc->natts));
		for (int i = 0; i < table->desc->natts; i++) {
			Form_pg_attribute attribute = TupleDescAttr(table->desc, i);
			row->nulls[i] = slot->tts_isnull[i];
			if (!row->nulls[i])
				row->values[i] = datumCopy(slot->tts_values[i], attribute->attbyval, attribute->attlen);
		}
		row->group = group_of_key(colocation, row->values[table->key], row->nulls[table->key]);
		table->rows = lappend(table->rows, row);
	}
	stream->close();
	ExecDropSingleTupleTableSlot(slot);
}

void put_in(const ColocationGroup *colocation, const CarriedTable *table, int group, const List *rows) {
	const int count = list_length(table->attnums);
	SqlBuilder sql;
	sql.text("INSERT INTO ");
	sql.relation(table->relid);
	sql.text(" (");
	columns(&sql, table);
	sql.text(") VALUES ");
	int number = 0;
	for (int r = 0; r < list_length(rows); r++) {
		sql.text(r > 0 ? ", (" : "(");
		for (int i = 0; i < count; i++) {
			sql.text(psprintf("%s$%d", i > 0 ? ", " : "", ++number));
			cast_of(&sql, TupleDescAttr(table->desc, i)->atttypid);
		}
		sql.text(")");
	}
	StatementRequest request = request_for(colocation, group, &sql, number);
	number = 0;
	foreach_ptr (CarriedRow, row, rows)
		for (int i = 0; i < count; i++, number++) {
			request.params.types[number] = TupleDescAttr(table->desc, i)->atttypid;
			request.params.values[number] = row->values[i];
			request.params.nulls[number] = row->nulls[i];
		}
	RowStream *stream = open_stream(request);
	while (stream->next(nullptr)) {
	}
	stream->close();
}

} // namespace

bool refers_to_shards(Oid relid) {
	Relation relation = RelationIdGetRelation(relid);
	bool found = false;
	foreach_ptr (ForeignKeyCacheInfo, key, RelationGetFKeyList(relation))
		found = found || (key->confrelid != relid && is_sharded_table(key->confrelid));
	RelationClose(relation);
	return found;
}

List *carried_tables(Oid relid) {
	List *seen = NIL, *order = NIL;
	bool any = false;
	visit(relid, &seen, &order, &any);
	return any ? order : NIL;
}

void carry_rows(const ColocationGroup *colocation, const List *tables, const List *new_keys) {
	List *carried = NIL;
	const ListCell *cell;
	foreach (cell, tables)
		carried = lappend(carried, describe(lfirst_oid(cell)));
	// What refers to others goes first, and comes last.
	for (int i = list_length(carried) - 1; i >= 0; i--)
		foreach_ptr (NewKeys, keys, new_keys)
			take_out(colocation, static_cast<CarriedTable *>(list_nth(carried, i)), keys);
	foreach_ptr (CarriedTable, table, carried) {
		const int most = kMaxParams / list_length(table->attnums);
		for (int group = 0; group < colocation->group_count; group++) {
			List *rows = NIL;
			foreach_ptr (CarriedRow, row, table->rows) {
				if (row->group != group)
					continue;
				rows = lappend(rows, row);
				if (list_length(rows) == most) {
					put_in(colocation, table, group, rows);
					rows = NIL;
				}
			}
			if (rows != NIL)
				put_in(colocation, table, group, rows);
		}
	}
}

} // namespace shardext

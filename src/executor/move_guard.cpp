// Rows that refer to other tables' rows, and move to another shard group: nothing may refer to them.
#include "shardext/executor/move_guard.hpp"

#include "shardext/executor/node_parts.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/sql/shard_sql.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_constraint.h"
#include "commands/trigger.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
}

namespace shardext {

struct FollowingKey {
	Oid constraint, from;
	const char *name;
	bool changes; // ON UPDATE changes the referring rows, too
	int columns;
	AttrNumber from_columns[INDEX_MAX_KEYS], to_columns[INDEX_MAX_KEYS];
};

namespace {

bool acts(char action) {
	return action != FKCONSTR_ACTION_NOACTION && action != FKCONSTR_ACTION_RESTRICT;
}

FollowingKey *read_key(Oid constraint) {
	HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	if (!HeapTupleIsValid(tuple))
		return nullptr;
	const auto *form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
	FollowingKey *key = nullptr;
	if (form->contype == CONSTRAINT_FOREIGN && (acts(form->confdeltype) || acts(form->confupdtype))) {
		key = static_cast<FollowingKey *>(palloc0(sizeof(FollowingKey)));
		key->constraint = constraint;
		key->from = form->conrelid;
		key->name = pstrdup(NameStr(form->conname));
		key->changes = acts(form->confupdtype);
		Oid operators[INDEX_MAX_KEYS];
		AttrNumber set_columns[INDEX_MAX_KEYS];
		int set_count;
		DeconstructFkConstraintRow(tuple, &key->columns, key->from_columns, key->to_columns, operators,
								   operators, operators, &set_count, set_columns);
	}
	ReleaseSysCache(tuple);
	return key;
}

// SELECT the referenced columns as text FROM those of the rows that something refers to that stays.
SqlPieces *find_referenced(const FollowingKey *key, Oid relid) {
	SqlBuilder sql;
	sql.text("SELECT pg_catalog.concat_ws(', '");
	for (int i = 0; i < key->columns; i++) {
		sql.text(", t.");
		sql.identifier(get_attname(relid, key->to_columns[i], false));
	}
	sql.text(") FROM ");
	sql.relation(relid);
	sql.text(" AS t WHERE t.ctid = ANY ($1) AND EXISTS (SELECT FROM ");
	sql.relation(key->from);
	sql.text(" AS c WHERE ");
	for (int i = 0; i < key->columns; i++) {
		sql.text(i > 0 ? " AND c." : "c.");
		sql.identifier(get_attname(key->from, key->from_columns[i], false));
		sql.text(" = t.");
		sql.identifier(get_attname(relid, key->to_columns[i], false));
	}
	// Rows of the same table that move along are no longer there when PostgreSQL looks.
	if (key->from == relid)
		sql.text(" AND c.ctid <> ALL ($1)");
	sql.text(") LIMIT 1");
	return sql.finish();
}

[[noreturn]] void raise_violation(const FollowingKey *key, Oid relid, const char *value) {
	if (key->changes)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot move a row of table \"%s\" to another shard: rows of table \"%s\" refer to it",
					   get_rel_name(relid), get_rel_name(key->from)),
				errdetail("Foreign key constraint \"%s\" has an action ON UPDATE.", key->name));
	StringInfoData columns;
	initStringInfo(&columns);
	for (int i = 0; i < key->columns; i++)
		appendStringInfo(&columns, "%s%s", i > 0 ? ", " : "", get_attname(relid, key->to_columns[i], false));
	const char *from = get_rel_name(key->from);
	Relation relation = RelationIdGetRelation(key->from);
	ereport(ERROR, errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			errmsg("update or delete on table \"%s\" violates foreign key constraint \"%s\" on table \"%s\"",
				   get_rel_name(relid), key->name, from),
			errdetail("Key (%s)=(%s) is still referenced from table \"%s\".", columns.data, value, from),
			errtableconstraint(relation, key->name));
	pg_unreachable();
}

} // namespace

List *following_keys(Oid relid) {
	Relation relation = RelationIdGetRelation(relid);
	const TriggerDesc *triggers = relation->trigdesc;
	List *keys = NIL, *seen = NIL;
	for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
		const Trigger *trigger = &triggers->triggers[i];
		if (!trigger->tgisinternal || RI_FKey_trigger_type(trigger->tgfoid) != RI_TRIGGER_PK ||
			list_member_oid(seen, trigger->tgconstraint))
			continue;
		seen = lappend_oid(seen, trigger->tgconstraint);
		if (FollowingKey *key = read_key(trigger->tgconstraint))
			keys = lappend(keys, key);
	}
	RelationClose(relation);
	return keys;
}

void check_not_referenced(const List *keys, Oid relid, const ShardGroup &group, const StatementParams &tids) {
	TupleDesc desc = result_descriptor(list_make1_oid(TEXTOID), list_make1_int(-1));
	foreach_ptr (FollowingKey, key, const_cast<List *>(keys)) {
		StatementRequest request{};
		request.node = find_node(group.node_id);
		request.sql = shard_sql(find_referenced(key, relid), group.id, request.node->is_local());
		request.params = tids;
		request.result = desc;
		request.scope = Scope::Write;
		TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
		RowStream *stream = open_stream(request);
		if (stream->next(slot))
			raise_violation(key, relid, TextDatumGetCString(slot->tts_values[0]));
		stream->close();
		ExecDropSingleTupleTableSlot(slot);
	}
}

} // namespace shardext

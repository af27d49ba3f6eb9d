// Conditions that a written row must meet.
#include "shardext/executor/nodes.hpp"

#include "shardext/pg/compat.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/rls.h"
}

namespace shardext {

namespace {

constexpr int kMaxShown = 64; // bytes of a value, as in PostgreSQL's own messages

void append_value(StringInfo out, Oid type, Datum value, bool isnull) {
	if (isnull) {
		appendStringInfoString(out, "null");
		return;
	}
	Oid function;
	bool varlena;
	getTypeOutputInfo(type, &function, &varlena);
	const char *text = OidOutputFunctionCall(function, value);
	const int length = static_cast<int>(strlen(text));
	if (length <= kMaxShown)
		appendStringInfoString(out, text);
	else
		appendStringInfo(out, "%.*s...", pg_mbcliplen(text, length, kMaxShown), text);
}

// The row for an error's DETAIL, or nullptr when the user may not see it.
const char *describe_row(const List *attnums, const List *places, Oid relid, const TupleTableSlot *row) {
	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED ||
		pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		return nullptr;
	StringInfoData out;
	initStringInfo(&out);
	appendStringInfoChar(&out, '(');
	Relation relation = RelationIdGetRelation(relid);
	TupleDesc desc = RelationGetDescr(relation);
	for (int attnum = 1; attnum <= desc->natts; attnum++) {
		Form_pg_attribute attribute = TupleDescAttr(desc, attnum - 1);
		if (attribute->attisdropped)
			continue;
		int place = -1;
		for (int i = 0; i < list_length(attnums); i++)
			if (list_nth_int(attnums, i) == attnum)
				place = list_nth_int(places, i);
		if (out.len > 1)
			appendStringInfoString(&out, ", ");
		append_value(&out, attribute->atttypid, place < 0 ? 0 : row->tts_values[place],
					 place < 0 || row->tts_isnull[place]);
	}
	RelationClose(relation);
	appendStringInfoChar(&out, ')');
	return out.data;
}

} // namespace

void raise_check_violation(const RowChecks &checks, int number, Oid relid, const TupleTableSlot *row) {
	const int kind = list_nth_int(checks.kinds, number);
	const char *name = strVal(list_nth(checks.names, number));
	const char *table = get_rel_name(relid);
	if (kind == WCO_VIEW_CHECK) {
		const char *shown = describe_row(static_cast<List *>(list_nth(checks.attnums, number)),
										 static_cast<List *>(list_nth(checks.places, number)), relid, row);
		ereport(ERROR, errcode(ERRCODE_WITH_CHECK_OPTION_VIOLATION),
				errmsg("new row violates check option for view \"%s\"", name),
				shown != nullptr ? errdetail("Failing row contains %s.", shown) : 0);
	}
	if (kind == kViewConflictCheck)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("conflicting row is not visible through view \"%s\"", name));
	const bool of_target = kind == WCO_RLS_MERGE_UPDATE_CHECK || kind == WCO_RLS_MERGE_DELETE_CHECK;
	const char *policy = name[0] != '\0' ? psprintf(" \"%s\"", name) : "";
	const char *which = of_target || kind == WCO_RLS_CONFLICT_CHECK ? " (USING expression)" : "";
	ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("%s row violates row-level security policy%s%s for table \"%s\"",
				   of_target ? "target" : "new", policy, which, table));
	pg_unreachable();
}

void test_checks(const RowChecks &checks, Oid relid, const TupleTableSlot *row, int first) {
	for (int i = 0; i < checks.count(); i++)
		if (row->tts_isnull[first + i] || !DatumGetBool(row->tts_values[first + i]))
			raise_check_violation(checks, i, relid, row);
}

} // namespace shardext

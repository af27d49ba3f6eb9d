// ORDER BY and LIMIT over shards.
#include "shardext/planner/scatter_order.hpp"

#include "shardext/pg/walk.hpp"

extern "C" {
#include "catalog/pg_collation.h"
#include "common/int.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parse_clause.h"
#include "parser/parse_oper.h"
#include "optimizer/tlist.h"
}

namespace shardext {

Node *limit_plus_offset(Query *query) {
	if (query->limitCount == nullptr || checkExprHasSubLink(query->limitCount) ||
		checkExprHasSubLink(query->limitOffset))
		return nullptr;
	Node *count = static_cast<Node *>(copyObjectImpl(query->limitCount));
	if (query->limitOffset != nullptr) {
		// "All rows" is sometimes asked for with the largest number: then nothing is pushed. Sums that only
		// show at execution are left to the coordinator as well.
		auto *limit = reinterpret_cast<Const *>(
			eval_const_expressions(nullptr, static_cast<Node *>(copyObjectImpl(query->limitCount))));
		auto *offset = reinterpret_cast<Const *>(
			eval_const_expressions(nullptr, static_cast<Node *>(copyObjectImpl(query->limitOffset))));
		int64 sum;
		if (!IsA(limit, Const) || !IsA(offset, Const) ||
			(!limit->constisnull && !offset->constisnull &&
			 (DatumGetInt64(offset->constvalue) < 0 ||
			  pg_add_s64_overflow(DatumGetInt64(limit->constvalue), DatumGetInt64(offset->constvalue),
								  &sum))))
			return nullptr;
	}
	if (query->limitOffset != nullptr) {
		// A NULL offset means none.
		CoalesceExpr *offset = makeNode(CoalesceExpr);
		offset->coalescetype = INT8OID;
		offset->args = list_make2(
			copyObjectImpl(query->limitOffset),
			makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(0), false, FLOAT8PASSBYVAL));
		offset->location = -1;
		OpExpr *sum = makeNode(OpExpr);
		sum->opno = OpernameGetOprid(list_make2(makeString(pstrdup("pg_catalog")), makeString(pstrdup("+"))),
									 INT8OID, INT8OID);
		sum->opfuncid = F_INT8PL;
		sum->opresulttype = INT8OID;
		sum->args = list_make2(count, offset);
		sum->location = -1;
		count = reinterpret_cast<Node *>(sum);
	}
	return eval_const_expressions(nullptr, count);
}

char *order_by_suffix(Query *inner, List *sort_clause) {
	StringInfoData text;
	initStringInfo(&text);
	const char *separator = "ORDER BY ";
	foreach_node (SortGroupClause, clause, sort_clause) {
		TargetEntry *entry = get_sortgroupclause_tle(clause, inner->targetList);
		const Oid type = exprType(reinterpret_cast<Node *>(entry->expr));
		const Oid collation = exprCollation(reinterpret_cast<Node *>(entry->expr));
		appendStringInfo(&text, "%s_c%d", separator, entry->resno);
		if (OidIsValid(collation) && collation != DEFAULT_COLLATION_OID) {
			char *name = get_collation_name(collation);
			appendStringInfo(&text, " COLLATE pg_catalog.%s", quote_identifier(name));
		}
		Oid lt, eq, gt;
		get_sort_group_operators(type, false, false, false, &lt, &eq, &gt, nullptr);
		if (clause->sortop == gt)
			appendStringInfoString(&text, " DESC");
		else if (clause->sortop != lt)
			appendStringInfo(
				&text, " USING OPERATOR(%s.%s)",
				quote_identifier(get_namespace_name(get_func_namespace(get_opcode(clause->sortop)))),
				get_opname(clause->sortop));
		appendStringInfoString(&text, clause->nulls_first ? " NULLS FIRST" : " NULLS LAST");
		separator = ", ";
	}
	return text.data;
}

void set_merge_order(Fragment *fragment, Query *inner, List *sort_clause) {
	foreach_node (SortGroupClause, clause, sort_clause) {
		TargetEntry *entry = get_sortgroupclause_tle(clause, inner->targetList);
		ScanPlan &scan = fragment->scan;
		scan.sort_columns = lappend_int(scan.sort_columns, entry->resno - 1);
		scan.sort_operators = lappend_oid(scan.sort_operators, clause->sortop);
		scan.sort_collations =
			lappend_oid(scan.sort_collations, exprCollation(reinterpret_cast<Node *>(entry->expr)));
		scan.sort_nulls_first = lappend_int(scan.sort_nulls_first, clause->nulls_first);
	}
	fragment->sorted = true;
}

} // namespace shardext

// Expressions tried with the values of a column's statistics.
#include "shardext/planner/value_trial.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/join_graph.hpp"
#include "shardext/planner/statistics.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_statistic.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "parser/parsetree.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
}

namespace shardext {

namespace {

// Fewer values say too little.
constexpr int kLeastTried = 10;

bool is_days(Oid type) {
	return type == DATEOID || type == TIMESTAMPOID;
}

// --- what may be tried: nothing that can fail, whatever the value is ---

bool is_unit(const Node *node, Oid type) {
	auto *unit = reinterpret_cast<const Const *>(node);
	if (!IsA(unit, Const) || unit->constisnull || unit->consttype != TEXTOID)
		return false;
	const char *name = text_to_cstring(DatumGetTextPP(unit->constvalue));
	for (const char *known :
		 {"year", "month", "day", "quarter", "dow", "isodow", "doy", "week", "isoyear", "decade", "century"})
		if (strcmp(name, known) == 0)
			return true;
	return type == TIMESTAMPOID && (strcmp(name, "hour") == 0 || strcmp(name, "minute") == 0);
}

bool is_positive(const Node *node) {
	auto *value = reinterpret_cast<const Const *>(node);
	if (!IsA(value, Const) || value->constisnull)
		return false;
	switch (value->consttype) {
	case INT2OID:
		return DatumGetInt16(value->constvalue) > 0;
	case INT4OID:
		return DatumGetInt32(value->constvalue) > 0;
	case INT8OID:
		return DatumGetInt64(value->constvalue) > 0;
	case NUMERICOID:
		return DatumGetBool(DirectFunctionCall2(numeric_gt, value->constvalue,
												DirectFunctionCall1(int4_numeric, Int32GetDatum(0))));
	default:
		return false;
	}
}

struct Harmless {
	bool days;		   // numbers are parts of dates: up to 6 million (years)
	double factor = 1; // what they are multiplied with
};

// Products of parts of dates stay below 2^31.
bool is_small_product(const List *args, Harmless *context) {
	const Node *last = strip_relabels(static_cast<Node *>(lsecond(args)));
	if (!context->days || !is_positive(last) || reinterpret_cast<const Const *>(last)->consttype != INT4OID)
		return false;
	context->factor *= DatumGetInt32(reinterpret_cast<const Const *>(last)->constvalue);
	return context->factor <= 300;
}

bool is_comparison(Oid op) {
	return op < FirstNormalObjectId && get_op_btree_interpretation(op) != NIL;
}

bool is_harmful(Node *node, Harmless *context);

bool call_is_harmful(Oid function, List *args) {
	auto *first = static_cast<Node *>(linitial(args));
	switch (function) {
	case F_EXTRACT_TEXT_DATE:
	case F_EXTRACT_TEXT_TIMESTAMP:
	case F_DATE_PART_TEXT_DATE:
	case F_DATE_PART_TEXT_TIMESTAMP:
	case F_DATE_TRUNC_TEXT_TIMESTAMP:
		return !is_unit(first, exprType(static_cast<Node *>(lsecond(args))));
	case F_INT24DIV:
	case F_INT4DIV:
	case F_INT8DIV:
	case F_INT84DIV:
	case F_INT4MOD:
	case F_INT8MOD:
	case F_NUMERIC_DIV:
	case F_NUMERIC_MOD:
		return !is_positive(strip_relabels(static_cast<Node *>(lsecond(args))));
	case F_FLOOR_NUMERIC:
	case F_CEIL_NUMERIC:
	case F_DATE_TIMESTAMP:
	case F_LOWER_TEXT:
	case F_UPPER_TEXT:
	case F_LENGTH_TEXT:
	case F_NUMERIC_INT4:
	case F_NUMERIC_INT8:
	case F_INT8_INT4:
		return false;
	default:
		return true;
	}
}

bool is_harmful(Node *node, Harmless *context) {
	if (node == nullptr)
		return false;
	switch (nodeTag(node)) {
	case T_Var:
	case T_Const:
	case T_List:
	case T_RelabelType:
	case T_BoolExpr:
		break;
	case T_OpExpr: {
		auto *op = reinterpret_cast<OpExpr *>(node);
		const Oid function = get_opcode(op->opno);
		if (function == F_INT4MUL ? !is_small_product(op->args, context)
								  : !is_comparison(op->opno) && call_is_harmful(function, op->args))
			return true;
		break;
	}
	case T_FuncExpr: {
		auto *call = reinterpret_cast<FuncExpr *>(node);
		const bool small =
			context->days && (call->funcid == F_INT4_NUMERIC || call->funcid == F_INT8_NUMERIC);
		if (!small && call_is_harmful(call->funcid, call->args))
			return true;
		break;
	}
	default:
		return true;
	}
	return walk_expression(node, is_harmful, context);
}

bool may_be_tried(const RangeTblEntry *rte, const Var *column, const Node *expr) {
	Harmless context{is_days(column->vartype)};
	return rte->rtekind == RTE_RELATION && rte->securityQuals == NIL && column->varattno > 0 &&
		   may_read_column(rte->relid, column->varattno) &&
		   !is_harmful(static_cast<Node *>(copyObjectImpl(expr)), &context);
}

// --- trying ---

struct Replacement {
	const Var *column;
	Const *value;
};

Node *put_value(Node *node, Replacement *context) {
	if (node == nullptr)
		return nullptr;
	if (equal(node, context->column))
		return static_cast<Node *>(copyObjectImpl(context->value));
	return mutate_expression(node, put_value, context);
}

bool is_infinite(Oid type, Datum value) {
	return (type == DATEOID && DATE_NOT_FINITE(DatumGetDateADT(value))) ||
		   (type == TIMESTAMPOID && TIMESTAMP_NOT_FINITE(DatumGetTimestamp(value)));
}

// Calls use(result, share of the table's rows) for each value that is known of the column; false when one
// has no result.
template <class Use> bool try_values(HeapTuple statistics, const Var *column, const Node *expr, Use use) {
	double left = 1 - reinterpret_cast<Form_pg_statistic>(GETSTRUCT(statistics))->stanullfrac;
	int16 length;
	bool by_value;
	get_typlenbyval(column->vartype, &length, &by_value);
	for (const int kind : {STATISTIC_KIND_MCV, STATISTIC_KIND_HISTOGRAM}) {
		AttStatsSlot slot;
		if (!get_attstatsslot(&slot, statistics, kind, InvalidOid,
							  ATTSTATSSLOT_VALUES | (kind == STATISTIC_KIND_MCV ? ATTSTATSSLOT_NUMBERS : 0)))
			continue;
		bool good = slot.valuetype == column->vartype;
		double all = 0;
		for (int i = 0; i < slot.nvalues && good; i++) {
			const double share = kind == STATISTIC_KIND_MCV ? slot.numbers[i] : left / slot.nvalues;
			all += share;
			if (is_infinite(column->vartype, slot.values[i]))
				continue;
			Const *value = makeConst(column->vartype, column->vartypmod, column->varcollid, length,
									 slot.values[i], false, by_value);
			Replacement replacement{column, value};
			Node *result = eval_const_expressions(
				nullptr, put_value(static_cast<Node *>(copyObjectImpl(expr)), &replacement));
			good = result != nullptr && IsA(result, Const);
			if (good)
				use(reinterpret_cast<Const *>(result), share);
		}
		free_attstatsslot(&slot);
		if (!good)
			return false;
		left = std::max(0.0, left - all);
	}
	return true;
}

// A condition for which the planner has nothing but a default.
bool has_default_selectivity(Node *clause) {
	auto *op = reinterpret_cast<OpExpr *>(clause);
	if (!IsA(op, OpExpr) || list_length(op->args) != 2)
		return false;
	auto *left = strip_relabels(static_cast<Node *>(linitial(op->args)));
	auto *right = strip_relabels(static_cast<Node *>(lsecond(op->args)));
	return !IsA(left, Var) && !IsA(right, Var) && (IsA(left, Const) || IsA(right, Const));
}

} // namespace

double distinct_by_trial(const RangeTblEntry *rte, const Var *column, const Node *expr) {
	if (!may_be_tried(rte, column, expr))
		return -1;
	HeapTuple statistics = find_column_statistics(rte, column->varattno);
	if (!HeapTupleIsValid(statistics))
		return -1;
	List *results = NIL;
	int tried = 0;
	const bool all = try_values(statistics, column, expr, [&](Const *result, double) {
		result->location = -1;
		results = list_append_unique(results, result);
		tried++;
	});
	ReleaseSysCache(statistics);
	// (When most values give one of their own, others that were not tried do as well.)
	const int found = list_length(results);
	return all && tried >= 2 * kLeastTried && 2 * found <= tried ? found + 1 : -1;
}

void correct_selectivities(PlannerInfo *root, RelOptInfo *rel) {
	const RangeTblEntry *rte = planner_rt_fetch(rel->relid, root);
	bool changed = false;
	foreach_node (RestrictInfo, info, rel->baserestrictinfo) {
		auto *clause = reinterpret_cast<Node *>(info->clause);
		if (!has_default_selectivity(clause))
			continue;
		List *columns = NIL;
		foreach_ptr (Node, column, pull_var_clause(clause, PVC_INCLUDE_PLACEHOLDERS))
			columns = list_append_unique(columns, column);
		auto *column = list_length(columns) == 1 ? static_cast<Var *>(linitial(columns)) : nullptr;
		if (column == nullptr || !IsA(column, Var) || !may_be_tried(rte, column, clause))
			continue;
		HeapTuple statistics = find_column_statistics(rte, column->varattno);
		if (!HeapTupleIsValid(statistics))
			continue;
		// (Statistics on the expression itself are better, where somebody has made them.)
		int tried = 0;
		double passed = 0;
		const bool all = rel->statlist == NIL &&
						 try_values(statistics, column, clause, [&](const Const *result, double share) {
							 tried++;
							 if (!result->constisnull && DatumGetBool(result->constvalue))
								 passed += share;
						 });
		ReleaseSysCache(statistics);
		if (!all || tried < kLeastTried)
			continue;
		info->norm_selec = info->outer_selec = std::min(1.0, std::max(passed, 0.5 / tried));
		changed = true;
	}
	if (changed)
		rel->rows = clamp_row_est(
			rel->tuples * clauselist_selectivity(root, rel->baserestrictinfo, 0, JOIN_INNER, nullptr));
}

} // namespace shardext

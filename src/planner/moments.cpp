// Moments: how many values, their sum, and the sum of their squares, or of squares of distances.
//
// Exact numbers: PostgreSQL works a variance out of N, the sum and the sum of squares, all exact, with one
// division; the same expression over the shards' totals gives the same digits. Floating point: PostgreSQL's
// own merging of partial states (float8_combine and float8_regr_combine: Chan, Golub and LeVeque, "Updating
// formulae and a pairwise algorithm for computing sample variances", 1979).
#include "shardext/planner/moments.hpp"

#include "shardext/pg/transmission_modes.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "catalog/pg_aggregate.h"
#include "nodes/makefuncs.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_func.h"
#include "parser/parse_oper.h"
#include "parser/parse_param.h"
#include "parser/parser.h"
#include "utils/guc.h"
}

namespace shardext {

namespace {

List *system_name(const char *name) {
	return list_make2(makeString(pstrdup("pg_catalog")), makeString(pstrdup(name)));
}

Aggref *aggregate_of(const Aggref *model, const char *name, List *arguments) {
	Oid types[2] = {};
	int count = 0;
	List *type_list = NIL, *args = NIL;
	foreach_ptr (Node, argument, arguments) {
		types[count++] = exprType(argument);
		type_list = lappend_oid(type_list, exprType(argument));
		args = lappend(args,
					   makeTargetEntry(static_cast<Expr *>(copyObjectImpl(argument)), count, nullptr, false));
	}
	if (strcmp(name, "count") == 0)
		types[0] = ANYOID;
	Aggref *result = makeNode(Aggref);
	result->aggfnoid = LookupFuncName(system_name(name), count, types, false);
	result->aggtype = get_func_rettype(result->aggfnoid);
	result->aggargtypes = type_list;
	result->args = args;
	result->aggfilter = static_cast<Expr *>(copyObjectImpl(model->aggfilter));
	result->aggkind = AGGKIND_NORMAL;
	result->aggsplit = AGGSPLIT_SIMPLE;
	result->aggno = result->aggtransno = -1;
	result->location = -1;
	return result;
}

Node *fill_params(Node *node, List *nodes) {
	if (node == nullptr)
		return nullptr;
	if (IsA(node, Param))
		return static_cast<Node *>(
			copyObjectImpl(list_nth(nodes, reinterpret_cast<Param *>(node)->paramid - 1)));
	return mutate_expression(node, fill_params, nodes);
}

Node *as_type(Node *node, Oid type) {
	return exprType(node) == type ? node
								  : coerce_to_target_type(nullptr, node, exprType(node), type, -1,
														  COERCION_EXPLICIT, COERCE_IMPLICIT_CAST, -1);
}

struct Formula {
	const char *name, *exact, *floating;
};

// $1 = N, $2 = the sum, $3 = the sum of squares. A square root has as many digits as the variance (it is
// rounded from twenty more: rounding what was rounded before could be wrong).
#define SHARDEXT_NUMERATOR "($1 * $3 - $2 * $2)"
#define SHARDEXT_SAMPLE "(" SHARDEXT_NUMERATOR " / ($1 * ($1 - 1)))"
#define SHARDEXT_POPULATION "(" SHARDEXT_NUMERATOR " / ($1 * $1))"
#define SHARDEXT_VARIANCE(least, variance)                                                                   \
	"CASE WHEN $1 IS NULL OR $1 < " least " THEN NULL WHEN " SHARDEXT_NUMERATOR                              \
	" <= 0 THEN 0::pg_catalog.numeric ELSE " variance " END"
#define SHARDEXT_DEVIATION(least, variance)                                                                  \
	SHARDEXT_VARIANCE(least, "CASE WHEN " variance " = 'NaN'::pg_catalog.numeric THEN " variance             \
							 " ELSE pg_catalog.round(pg_catalog.sqrt(pg_catalog.round(" variance             \
							 ", pg_catalog.scale(" variance ") + 20)), pg_catalog.scale(" variance ")) END")

const Formula kVariances[] = {
	{"var_samp", SHARDEXT_VARIANCE("2", SHARDEXT_SAMPLE), "pg_catalog.float8_var_samp($1)"},
	{"variance", SHARDEXT_VARIANCE("2", SHARDEXT_SAMPLE), "pg_catalog.float8_var_samp($1)"},
	{"var_pop", SHARDEXT_VARIANCE("1", SHARDEXT_POPULATION), "pg_catalog.float8_var_pop($1)"},
	{"stddev_samp", SHARDEXT_DEVIATION("2", SHARDEXT_SAMPLE), "pg_catalog.float8_stddev_samp($1)"},
	{"stddev", SHARDEXT_DEVIATION("2", SHARDEXT_SAMPLE), "pg_catalog.float8_stddev_samp($1)"},
	{"stddev_pop", SHARDEXT_DEVIATION("1", SHARDEXT_POPULATION), "pg_catalog.float8_stddev_pop($1)"},
};

const char *const kRegressions[] = {"regr_sxx",	 "regr_syy",   "regr_sxy",	 "regr_avgx",
									"regr_avgy", "regr_r2",	   "regr_slope", "regr_intercept",
									"covar_pop", "covar_samp", "corr"};

bool split_variance(const Aggref *aggregate, const Formula &formula, MomentParts *parts) {
	auto *argument = static_cast<Node *>(copyObjectImpl(linitial_node(TargetEntry, aggregate->args)->expr));
	const Oid type = exprType(argument);
	if (type == FLOAT4OID || type == FLOAT8OID) {
		argument = as_type(argument, FLOAT8OID);
		List *one = list_make1(argument);
		parts->aggregates =
			list_make3(aggregate_of(aggregate, "count", one), aggregate_of(aggregate, "sum", one),
					   aggregate_of(aggregate, "var_pop", one));
		parts->state =
			"ARRAY[$1::pg_catalog.float8, COALESCE($2, 0), COALESCE($3 * $1::pg_catalog.float8, 0)]";
		parts->merge = "merge_moments";
		parts->total = formula.floating;
		return true;
	}
	argument = as_type(argument, NUMERICOID);
	Node *square =
		reinterpret_cast<Node *>(make_op(make_parsestate(nullptr), system_name("*"), argument,
										 static_cast<Node *>(copyObjectImpl(argument)), nullptr, -1));
	parts->aggregates = list_make3(aggregate_of(aggregate, "count", list_make1(argument)),
								   aggregate_of(aggregate, "sum", list_make1(argument)),
								   aggregate_of(aggregate, "sum", list_make1(square)));
	parts->total = formula.exact;
	return true;
}

} // namespace

bool split_moments(const Aggref *aggregate, const char *name, MomentParts *parts) {
	for (const Formula &formula : kVariances)
		if (strcmp(name, formula.name) == 0)
			return split_variance(aggregate, formula, parts);
	bool known = strcmp(name, "regr_count") == 0;
	for (const char *other : kRegressions)
		known = known || strcmp(name, other) == 0;
	if (!known || list_length(aggregate->args) != 2)
		return false;
	List *both = NIL;
	foreach_node (TargetEntry, entry, aggregate->args)
		both = lappend(both, entry->expr);
	parts->aggregates = lappend(NIL, aggregate_of(aggregate, "regr_count", both));
	if (strcmp(name, "regr_count") == 0) {
		parts->total = "COALESCE($1, 0)::pg_catalog.int8";
		return true;
	}
	for (const char *sum : {"regr_avgx", "regr_sxx", "regr_avgy", "regr_syy", "regr_sxy"})
		parts->aggregates = lappend(parts->aggregates, aggregate_of(aggregate, sum, both));
	parts->state = "ARRAY[$1::pg_catalog.float8, COALESCE($2 * $1::pg_catalog.float8, 0), COALESCE($3, 0), "
				   "COALESCE($4 * $1::pg_catalog.float8, 0), COALESCE($5, 0), COALESCE($6, 0)]";
	parts->merge = "merge_regression";
	parts->total = psprintf("pg_catalog.float8_%s($1)", name);
	return true;
}

Node *expression_from_sql(const char *sql, List *nodes) {
	Oid types[8];
	int count = 0;
	foreach_ptr (Node, node, nodes)
		types[count++] = exprType(node);
	const int level = begin_transmission_modes();
	set_config_option("search_path", "", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	ParseState *state = make_parsestate(nullptr);
	setup_parse_fixed_parameters(state, types, count);
	List *raw = raw_parser(psprintf("SELECT %s", sql), RAW_PARSE_DEFAULT);
	auto *select = reinterpret_cast<SelectStmt *>(linitial_node(RawStmt, raw)->stmt);
	Node *expr = transformExpr(state, linitial_node(ResTarget, select->targetList)->val, EXPR_KIND_OTHER);
	assign_expr_collations(state, expr);
	end_transmission_modes(level);
	return fill_params(expr, nodes);
}

} // namespace shardext

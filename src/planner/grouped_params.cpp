// Parameters that a query with grouping sets groups by.
#include "shardext/planner/grouped_params.hpp"

#include "shardext/pg/walk.hpp"

extern "C" {
#include "catalog/pg_type_d.h"
#include "nodes/makefuncs.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
}

namespace shardext {

namespace {

// Returns the parameter's value as a constant, or the node itself with its parameters replaced.
Node *to_constants(Node *node, ParamListInfo params) {
	if (node == nullptr)
		return nullptr;
	if (!IsA(node, Param))
		return IsA(node, Query) ? node : mutate_expression(node, to_constants, params);
	auto *param = reinterpret_cast<Param *>(node);
	if (param->paramkind != PARAM_EXTERN || param->paramid <= 0 || param->paramid > params->numParams)
		return node;
	ParamExternData space;
	const ParamExternData *value = params->paramFetch != nullptr
									   ? params->paramFetch(params, param->paramid, true, &space)
									   : &params->params[param->paramid - 1];
	if (!OidIsValid(value->ptype) || value->ptype != param->paramtype ||
		(value->pflags & PARAM_FLAG_CONST) == 0)
		return node;
	int16 length;
	bool by_value;
	get_typlenbyval(param->paramtype, &length, &by_value);
	const Datum datum = value->isnull ? Datum{0} : datumCopy(value->value, by_value, length);
	return reinterpret_cast<Node *>(makeConst(param->paramtype, param->paramtypmod, param->paramcollid,
											  length, datum, value->isnull, by_value));
}

bool groups_by_parameter(const Query *query) {
	foreach_node (SortGroupClause, clause, query->groupClause) {
		const TargetEntry *entry = get_sortgroupclause_tle(clause, query->targetList);
		if (IsA(entry->expr, Param))
			return true;
	}
	return false;
}

bool visit(Node *node, ParamListInfo params) {
	if (node == nullptr)
		return false;
	if (!IsA(node, Query))
		return walk_expression(node, visit, params);
	auto *query = reinterpret_cast<Query *>(node);
	if (query->groupingSets != NIL && groups_by_parameter(query)) {
		query->targetList =
			reinterpret_cast<List *>(to_constants(reinterpret_cast<Node *>(query->targetList), params));
		query->havingQual = to_constants(query->havingQual, params);
	}
	return walk_query(query, visit, params, 0);
}

} // namespace

void make_grouped_params_constant(Query *query, ParamListInfo params) {
	if (params != nullptr)
		visit(reinterpret_cast<Node *>(query), params);
}

} // namespace shardext

// Which expressions mean the same on a node.
#include "shardext/sql/pushable.hpp"

#include "shardext/pg/compat.hpp"
#include "shardext/catalog/stored_types.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/sysattr.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "optimizer/clauses.h"
#include "utils/typcache.h"
}

namespace shardext {

namespace {

bool find_row_dependency(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (IsA(node, Var) || IsA(node, CaseTestExpr) || IsA(node, CoerceToDomainValue) ||
		IsA(node, SetToDefault) || IsA(node, SubLink))
		return true;
	if (IsA(node, Param))
		return reinterpret_cast<Param *>(node)->paramkind == PARAM_SUBLINK ||
			   reinterpret_cast<Param *>(node)->paramkind == PARAM_MULTIEXPR;
	return walk_expression(node, find_row_dependency, static_cast<void *>(nullptr));
}

} // namespace

bool depends_on_row(Node *node) {
	return find_row_dependency(node, nullptr);
}

bool is_object_identifier_type(Oid type) {
	switch (type) {
	case REGPROCOID:
	case REGPROCEDUREOID:
	case REGOPEROID:
	case REGOPERATOROID:
	case REGCLASSOID:
	case REGTYPEOID:
	case REGROLEOID:
	case REGNAMESPACEOID:
	case REGCONFIGOID:
	case REGDICTIONARYOID:
	case REGCOLLATIONOID:
		return true;
	default:
		return false;
	}
}

namespace {

bool refuse(Pushability *result, const char *reason) {
	result->ok = false;
	result->reason = reason;
	return true; // ends the walk
}

// Built-in stable functions that look at the catalogs, the session or the clock of the server they run on.
bool looks_at_server(const char *name, Form_pg_proc form) {
	static const char *const kPrefixes[] = {"pg_",		   "has_",		  "to_reg",		"table_to_",
											"query_to_",   "cursor_to_",  "schema_to_", "database_to_",
											"inet_client", "inet_server", "txid_",		"ts_"};
	static const char *const kNames[] = {"current_setting",
										 "current_database",
										 "current_schema",
										 "current_schemas",
										 "current_user",
										 "session_user",
										 "getpgusername",
										 "format_type",
										 "col_description",
										 "obj_description",
										 "shobj_description",
										 "row_security_active",
										 "version",
										 "now",
										 "transaction_timestamp",
										 "statement_timestamp",
										 "currtid2",
										 "get_current_ts_config",
										 "mxid_age",
										 "makeaclitem",
										 "aclexplode",
										 "lo_get",
										 "binary_upgrade_next_pg_type_oid"};
	for (const char *prefix : kPrefixes)
		if (strncmp(name, prefix, strlen(prefix)) == 0)
			return true;
	for (const char *other : kNames)
		if (strcmp(name, other) == 0)
			return true;
	if (is_object_identifier_type(form->prorettype))
		return true;
	for (int i = 0; i < form->pronargs; i++)
		if (is_object_identifier_type(form->proargtypes.values[i]) &&
			form->proargtypes.values[i] != REGCONFIGOID)
			return true;
	// The default text search configuration may be one of the user's.
	if (form->pronargs > 0 && form->proargtypes.values[0] != REGCONFIGOID &&
		(strstr(name, "to_tsvector") != nullptr || strstr(name, "to_tsquery") != nullptr))
		return true;
	// age(timestamptz) counts from today.
	return strcmp(name, "age") == 0 && form->pronargs == 1;
}

// Stable built-in I/O functions of types whose text depends on nothing but travelling settings are fine;
// those of reg types are not (see above). Row types of tables exist on the coordinator only.
bool type_travels(Oid type, Pushability *result) {
	if (type < FirstGenbkiObjectId || !OidIsValid(type))
		return true;
	if (type_is_on_nodes(type))
		return true;
	return !refuse(result, "a type that does not exist on the nodes");
}

// True for the nodes that are values (exprType() raises an error for the others).
bool has_type(Node *node) {
	switch (nodeTag(node)) {
	case T_Var:
	case T_Const:
	case T_Param:
	case T_Aggref:
	case T_WindowFunc:
	case T_SubscriptingRef:
	case T_FuncExpr:
	case T_OpExpr:
	case T_DistinctExpr:
	case T_NullIfExpr:
	case T_ScalarArrayOpExpr:
	case T_BoolExpr:
	case T_FieldSelect:
	case T_FieldStore:
	case T_RelabelType:
	case T_CoerceViaIO:
	case T_ArrayCoerceExpr:
	case T_ConvertRowtypeExpr:
	case T_CaseExpr:
	case T_ArrayExpr:
	case T_RowExpr:
	case T_CoalesceExpr:
	case T_MinMaxExpr:
	case T_SQLValueFunction:
	case T_XmlExpr:
	case T_CoerceToDomain:
	case T_CollateExpr:
		return true;
	default:
		return false;
	}
}

// Checks the functions an expression node itself calls.
bool bad_function(Oid function, void *context) {
	auto *result = static_cast<Pushability *>(context);
	bool needs_settings = false;
	if (!function_is_pushable(function, &needs_settings))
		return refuse(result, "a function that must run on the coordinator");
	if (needs_settings)
		result->needs_settings = true;
	return false;
}

// Functions that make JSON of any value ask for a cast of its type to json, which a node does not have.
bool makes_json_of_user_type(const FuncExpr *call) {
	const char *name = get_func_name(call->funcid);
	bool makes_json = false;
	for (const char *prefix : {"to_json", "json_build", "jsonb_build", "array_to_json", "row_to_json"})
		makes_json = makes_json || (name != nullptr && strncmp(name, prefix, strlen(prefix)) == 0);
	if (!makes_json)
		return false;
	foreach_ptr (Node, argument, call->args) {
		const Oid type = getBaseType(exprType(argument));
		const Oid element = get_element_type(type);
		if (type >= FirstGenbkiObjectId || element >= FirstGenbkiObjectId || type == RECORDOID ||
			element == RECORDOID)
			return true;
	}
	return false;
}

bool check_node(Node *node, Pushability *result) {
	if (node == nullptr)
		return false;
	if (IsA(node, Query))
		return walk_query(reinterpret_cast<Query *>(node), check_node, result, 0);

	switch (nodeTag(node)) {
	case T_Var: {
		auto *var = reinterpret_cast<Var *>(node);
		if (var->varattno == 0)
			return refuse(result, "a whole-row reference");
		if (var->varattno < 0)
			return refuse(result, "a system column");
		break;
	}
	case T_SubscriptingRef:
		if (reinterpret_cast<SubscriptingRef *>(node)->refassgnexpr != nullptr)
			return refuse(result, "an assignment to a part of a column");
		break;
	case T_FieldStore:
		return refuse(result, "an assignment to a part of a column");
	case T_NextValueExpr:
		return refuse(result, "a sequence");
	case T_CurrentOfExpr:
		return refuse(result, "WHERE CURRENT OF");
	case T_FuncExpr:
		if (makes_json_of_user_type(reinterpret_cast<FuncExpr *>(node)))
			return refuse(result, "a function that makes JSON of a user's type");
		break;
	case T_GroupingFunc:
	case T_Aggref:
	case T_WindowFunc:
		break;
	case T_Const: {
		auto *constant = reinterpret_cast<Const *>(node);
		if (is_object_identifier_type(constant->consttype) && !constant->constisnull &&
			DatumGetObjectId(constant->constvalue) >= FirstNormalObjectId)
			return refuse(result, "an object identifier");
		break;
	}
	case T_OpExpr:
	case T_DistinctExpr:
	case T_NullIfExpr:
		if (reinterpret_cast<OpExpr *>(node)->opno >= FirstNormalObjectId)
			return refuse(result, "an operator that must run on the coordinator");
		break;
	case T_ScalarArrayOpExpr:
		if (reinterpret_cast<ScalarArrayOpExpr *>(node)->opno >= FirstNormalObjectId)
			return refuse(result, "an operator that must run on the coordinator");
		break;
	case T_CoerceViaIO:
		result->needs_settings = true; // exact floats, bytea, dates
		break;
	case T_Param:
		if (reinterpret_cast<Param *>(node)->paramkind == PARAM_EXEC && !result->plan_params &&
			reinterpret_cast<Param *>(node)->paramid < kFirstPlaceholder)
			return refuse(result, "a parameter of the plan");
		break;
	default:
		break;
	}

	// Collations of users: of the result, or that an operator compares by.
	if ((has_type(node) && exprCollation(node) >= FirstNormalObjectId) ||
		exprInputCollation(node) >= FirstNormalObjectId)
		return refuse(result, "a user-defined collation");
	// A stable or immutable expression without columns is evaluated on the coordinator, whatever it calls.
	const bool is_expression = IsA(node, FuncExpr) || IsA(node, OpExpr) || IsA(node, SQLValueFunction) ||
							   IsA(node, CoerceViaIO) || IsA(node, MinMaxExpr) || IsA(node, RelabelType);
	if (is_expression && exprType(node) != RECORDOID && !depends_on_row(node) &&
		!contain_volatile_functions(node) && !contain_agg_clause(node) && !contain_subplans(node) &&
		!contain_window_function(node) && !expression_returns_set(node))
		return has_type(node) && !type_travels(exprType(node), result); // its value travels
	if (IsA(node, SQLValueFunction))
		return false;
	if (check_functions_in_node(node, bad_function, result))
		return true;
	if (IsA(node, MinMaxExpr) || IsA(node, ArrayCoerceExpr) || IsA(node, XmlExpr))
		result->needs_settings = true;

	const Oid type = has_type(node) ? exprType(node) : InvalidOid;
	if (!type_travels(type, result))
		return true;
	return walk_expression(node, check_node, result);
}

} // namespace

namespace {

// Row types of tables exist on the coordinator only, or mean another table on a node.
bool is_table_row_type(Oid type) {
	const Oid relation = get_typ_typrelid(type);
	return OidIsValid(relation) && get_rel_relkind(relation) != RELKIND_COMPOSITE_TYPE;
}

} // namespace

bool has_type_of_coordinator(Node *node) {
	if (!has_type(node))
		return false;
	const Oid type = exprType(node);
	return type >= FirstGenbkiObjectId && !type_is_on_nodes(type);
}

bool may_be_called_by_everybody(Oid function) {
	return public_may_execute(function);
}

bool function_is_pushable(Oid function, bool *needs_settings) {
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return false;
	auto form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
	bool ok = function < FirstNormalObjectId && form->provolatile != PROVOLATILE_VOLATILE;
	if (ok && form->provolatile == PROVOLATILE_STABLE) {
		if (looks_at_server(NameStr(form->proname), form))
			ok = false;
		else if (form->prokind == PROKIND_FUNCTION)
			*needs_settings = true;
	}
	ReleaseSysCache(tuple);
	// Where not everybody may execute it, the coordinator decides who may.
	return ok && may_be_called_by_everybody(function);
}

bool type_is_on_nodes(Oid type) {
	if (list_length(all_nodes()) == 1)
		return get_typtype(type) != TYPTYPE_PSEUDO && !is_table_row_type(type);
	return type_is_stored(type);
}

void check_pushable(Node *node, Pushability *result) {
	check_node(node, result);
}

} // namespace shardext

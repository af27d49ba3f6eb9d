// Values of the key in OR trees.
#include "shardext/planner/key_values.hpp"

#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/hash.h"
#include "access/stratnum.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/typcache.h"
}

namespace shardext {

namespace {

struct Search {
	const ColocationGroup *colocation;
	bool (*is_key)(Node *, const void *);
	const void *context;
	List *values = NIL;
};

Node *plain(Node *node) {
	while (node != nullptr && IsA(node, RelabelType))
		node = reinterpret_cast<Node *>(reinterpret_cast<RelabelType *>(node)->arg);
	return node;
}

bool is_equality(const Search *search, Oid op, Oid collation) {
	const ColocationGroup *group = search->colocation;
	TypeCacheEntry *type = lookup_type_cache(group->key_type, TYPECACHE_HASH_OPFAMILY);
	return get_op_opfamily_strategy(op, type->hash_opf) == HTEqualStrategyNumber &&
		   (!OidIsValid(collation) || collation == group->key_collation ||
			(get_collation_isdeterministic(collation) &&
			 (!OidIsValid(group->key_collation) || get_collation_isdeterministic(group->key_collation))));
}

bool is_value(Node *node) {
	return !contain_vars_of_level(node, 0) && !contain_vars_of_level(node, 1) &&
		   !contain_vars_of_level(node, 2) && !contain_volatile_functions(node) && !contain_subplans(node);
}

// Finds the values in one condition; false when it allows others.
bool collect(Search *search, Node *node) {
	if (is_orclause(node)) {
		foreach_ptr (Node, arm, reinterpret_cast<BoolExpr *>(node)->args)
			if (!collect(search, arm))
				return false;
		return true;
	}
	if (is_andclause(node)) {
		List *before = list_copy(search->values);
		foreach_ptr (Node, part, reinterpret_cast<BoolExpr *>(node)->args) {
			if (collect(search, part))
				return true;
			search->values = list_copy(before);
		}
		return false;
	}
	if (IsA(node, OpExpr)) {
		auto *op = reinterpret_cast<OpExpr *>(node);
		if (list_length(op->args) != 2 || !is_equality(search, op->opno, op->inputcollid))
			return false;
		for (int side = 0; side < 2; side++) {
			auto *value = static_cast<Node *>(list_nth(op->args, 1 - side));
			if (search->is_key(plain(static_cast<Node *>(list_nth(op->args, side))), search->context) &&
				is_value(value)) {
				search->values = lappend(search->values, value);
				return true;
			}
		}
		return false;
	}
	auto *any = reinterpret_cast<ScalarArrayOpExpr *>(node);
	if (!IsA(node, ScalarArrayOpExpr) || !any->useOr || !is_equality(search, any->opno, any->inputcollid) ||
		!search->is_key(plain(static_cast<Node *>(linitial(any->args))), search->context))
		return false;
	if (IsA(lsecond(any->args), ArrayExpr)) {
		auto *list = lsecond_node(ArrayExpr, any->args);
		foreach_ptr (Node, value, list->elements)
			if (!is_value(value) || list->multidims)
				return false;
		search->values = list_concat(search->values, list_copy(list->elements));
		return true;
	}
	auto *array = reinterpret_cast<Const *>(lsecond(any->args));
	if (!IsA(array, Const) || array->constisnull || !OidIsValid(get_element_type(array->consttype)))
		return false;
	ArrayType *elements = DatumGetArrayTypeP(array->constvalue);
	const Oid type = ARR_ELEMTYPE(elements);
	int16 length;
	bool by_value;
	char align;
	get_typlenbyvalalign(type, &length, &by_value, &align);
	Datum *values;
	bool *nulls;
	int count;
	deconstruct_array(elements, type, length, by_value, align, &values, &nulls, &count);
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			search->values = lappend(search->values, makeConst(type, -1, get_typcollation(type), length,
															   values[i], false, by_value));
	return true;
}

} // namespace

Expr *key_values_of_or(Node *condition, const ColocationGroup *colocation,
					   bool (*is_key)(Node *, const void *), const void *context) {
	Search search{colocation, is_key, context};
	if (!is_orclause(condition) || !collect(&search, condition) || search.values == NIL)
		return nullptr;
	const Oid type = exprType(static_cast<Node *>(linitial(search.values)));
	foreach_ptr (Node, value, search.values)
		if (exprType(value) != type)
			return nullptr;
	if (!OidIsValid(get_array_type(type)))
		return nullptr;
	ArrayExpr *array = makeNode(ArrayExpr);
	array->array_typeid = get_array_type(type);
	array->array_collid = get_typcollation(type);
	array->element_typeid = type;
	array->elements = static_cast<List *>(copyObjectImpl(search.values));
	array->location = -1;
	return reinterpret_cast<Expr *>(array);
}

} // namespace shardext

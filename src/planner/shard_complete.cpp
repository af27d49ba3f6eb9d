// Shard-completeness of query trees.
#include "shardext/planner/shard_complete.hpp"

#include "shardext/planner/key_values.hpp"
#include "shardext/planner/set_operation.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/sql/pushable.hpp"

extern "C" {
#include "access/hash.h"
#include "access/stratnum.h"
#include "catalog/pg_class.h"
#include "catalog/pg_opfamily.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/typcache.h"
}

namespace shardext {

namespace {

// The queries around the one being analyzed, for references to their common table expressions.
struct Scope {
	Query *query;
	const Scope *outer;
};
const Scope *innermost = nullptr;

// One member of a join: a relation, a sub-query or the result of an outer join.
struct Unit {
	bool sharded = false;
	bool ok = true;
	KeySet keys;
};

// Looks through binary-compatible casts.
Node *strip(Node *node) {
	while (node != nullptr && IsA(node, RelabelType))
		node = reinterpret_cast<Node *>(reinterpret_cast<RelabelType *>(node)->arg);
	return node;
}

} // namespace

bool key_equality_operands(Node *qual, const ColocationGroup *group, Node **left, Node **right) {
	if (!IsA(qual, OpExpr))
		return false;
	auto *op = reinterpret_cast<OpExpr *>(qual);
	if (list_length(op->args) != 2)
		return false;
	// The operator must be an equality of the hash operator family that routes the key.
	TypeCacheEntry *type = lookup_type_cache(group->key_type, TYPECACHE_HASH_OPFAMILY);
	if (get_op_opfamily_strategy(op->opno, type->hash_opf) != HTEqualStrategyNumber)
		return false;
	if (OidIsValid(op->inputcollid) && op->inputcollid != group->key_collation &&
		(!get_collation_isdeterministic(op->inputcollid) ||
		 (OidIsValid(group->key_collation) && !get_collation_isdeterministic(group->key_collation))))
		return false;
	*left = strip(static_cast<Node *>(linitial(op->args)));
	*right = strip(static_cast<Node *>(lsecond(op->args)));
	return true;
}

namespace {

class LevelAnalyzer {
public:
	LevelAnalyzer(Query *query, FromAnalysis *result) : query_(query), result_(result) {}
	void run();

private:
	Unit *analyze_jointree(Node *node, bool top);
	Unit *analyze_relation(int rtindex, RangeTblEntry *rte);
	Unit *analyze_subquery(int rtindex, Query *sub, int levels_up);
	Unit *analyze_outer_join(JoinExpr *join);
	Unit *join_units(List *units, List *quals, bool top);
	void collect_inner(Node *node, bool top, List **units, List **quals);
	Unit *fail(const char *reason);
	bool merge_colocation(ColocationGroup *group);
	bool check_sublinks(Node *node, const KeySet &keys, bool negated);
	Node *flat(Node *node) {
		return flatten_join_alias_vars(query_, static_cast<Node *>(copyObjectImpl(node)));
	}
	void collect_pins(List *quals, const KeySet &keys);

	Query *query_;
	FromAnalysis *result_;
};

Unit *new_unit() {
	return new (palloc0(sizeof(Unit))) Unit();
}

// The conditions that must all hold; rewriting leaves ANDs inside of ANDs.
List *conditions_of(Node *node) {
	if (node == nullptr)
		return NIL;
	if (!is_andclause(node))
		return list_make1(node);
	List *result = NIL;
	foreach_ptr (Node, part, reinterpret_cast<BoolExpr *>(node)->args)
		result = list_concat(result, conditions_of(part));
	return result;
}

// True when the key equals something that is known outside of the query.
bool has_free_member(const KeySet &keys) {
	foreach_ptr (Node, key, keys.members)
		if (!contain_vars_of_level(key, 0))
			return true;
	return false;
}

bool member(List *list, Node *expr) {
	return list_member(list, expr);
}

Unit *LevelAnalyzer::fail(const char *reason) {
	result_->ok = false;
	if (result_->reason == nullptr)
		result_->reason = reason;
	Unit *unit = new_unit();
	unit->ok = false;
	return unit;
}

bool LevelAnalyzer::merge_colocation(ColocationGroup *group) {
	if (result_->colocation == nullptr)
		result_->colocation = group;
	result_->has_sharded = true;
	return result_->colocation == group;
}

Unit *LevelAnalyzer::analyze_relation(int rtindex, RangeTblEntry *rte) {
	Unit *unit = new_unit();
	if (rte->relkind != RELKIND_RELATION)
		return result_->has_local = true, fail("a relation that is not an ordinary table");
	const DistributedTable *table = find_distributed_table(rte->relid);
	if (table == nullptr)
		return result_->has_local = true, fail("a table that is not distributed");
	if (!table->is_sharded())
		return unit;
	if (!merge_colocation(table->colocation))
		return fail("tables of different colocation groups");
	unit->sharded = true;
	Oid type, collation;
	int32 typmod;
	get_atttypetypmodcoll(rte->relid, table->key_attnum, &type, &typmod, &collation);
	unit->keys.members = list_make1(makeVar(rtindex, table->key_attnum, type, typmod, collation, 0));
	foreach_ptr (Node, filter, rte->securityQuals) {
		Pushability pushability;
		check_pushable(filter, &pushability);
		if (!pushability.ok)
			return fail(pushability.reason);
		if (contain_subplans(filter) || checkExprHasSubLink(filter))
			return fail("a row security policy with a sub-query");
		result_->needs_settings |= pushability.needs_settings;
	}
	return unit;
}

Unit *LevelAnalyzer::analyze_subquery(int rtindex, Query *sub, int levels_up) {
	if (levels_up > 0) {
		sub = static_cast<Query *>(copyObjectImpl(sub));
		IncrementVarSublevelsUp(reinterpret_cast<Node *>(sub), levels_up, 1);
	}
	QueryAnalysis analysis;
	analyze_query(sub, &analysis);
	result_->has_local |= analysis.from.has_local;
	if (!analysis.complete)
		return fail(analysis.reason != nullptr ? analysis.reason : "a sub-query that is not shard-complete");
	Unit *unit = new_unit();
	result_->needs_settings |= analysis.from.needs_settings;
	if (!analysis.from.has_sharded)
		return unit;
	if (analysis.from.pinned && !has_free_member(analysis.from.keys))
		return fail(
			"a sub-query that is pinned to one shard group"); // (key IS NULL): it is cut out on its own
	result_->needs_pin |= analysis.from.pinned && !analysis.complete_everywhere;
	result_->ordered_subquery |= sub->sortClause != NIL && sub->limitCount == nullptr;
	if (!merge_colocation(analysis.from.colocation))
		return fail("tables of different colocation groups");
	unit->sharded = true;
	const ListCell *cell;
	foreach (cell, analysis.key_outputs) {
		TargetEntry *entry = list_nth_node(TargetEntry, sub->targetList, lfirst_int(cell) - 1);
		auto *expr = reinterpret_cast<Node *>(entry->expr);
		unit->keys.members = lappend(unit->keys.members, makeVar(rtindex, entry->resno, exprType(expr),
																 exprTypmod(expr), exprCollation(expr), 0));
	}
	// What the sub-query equates its key with outside of itself, seen from here.
	foreach_ptr (Node, outer, analysis.from.keys.members) {
		if (contain_vars_of_level(outer, 0) || contain_subplans(outer))
			continue;
		Node *copy = static_cast<Node *>(copyObjectImpl(outer));
		IncrementVarSublevelsUp(copy, -1, 1);
		unit->keys.members = lappend(unit->keys.members, copy);
	}
	return unit;
}

// Flattens inner joins into their members and conditions.
void LevelAnalyzer::collect_inner(Node *node, bool top, List **units, List **quals) {
	if (IsA(node, FromExpr)) {
		auto *from = reinterpret_cast<FromExpr *>(node);
		foreach_ptr (Node, child, from->fromlist)
			collect_inner(child, top, units, quals);
		*quals = list_concat(*quals, conditions_of(flat(from->quals)));
	} else if (IsA(node, JoinExpr) && reinterpret_cast<JoinExpr *>(node)->jointype == JOIN_INNER) {
		auto *join = reinterpret_cast<JoinExpr *>(node);
		collect_inner(join->larg, top, units, quals);
		collect_inner(join->rarg, top, units, quals);
		*quals = list_concat(*quals, conditions_of(flat(join->quals)));
	} else {
		*units = lappend(*units, analyze_jointree(node, top));
	}
}

Unit *LevelAnalyzer::join_units(List *units, List *quals, bool top) {
	Unit *whole = new_unit();
	int sharded = 0;
	foreach_ptr (Unit, unit, units) {
		if (!unit->ok)
			return fail(nullptr);
		if (unit->sharded)
			sharded++;
	}
	foreach_ptr (Node, qual, quals) {
		Pushability pushability;
		check_pushable(qual, &pushability);
		if (!pushability.ok)
			return fail(pushability.reason);
		result_->needs_settings |= pushability.needs_settings;
	}
	if (sharded == 0) {
		foreach_ptr (Node, qual, quals)
			if (!check_sublinks(qual, whole->keys, false))
				return fail("a sub-query over shards beside reference tables only");
		return whole;
	}
	// Start with one member and take in what equalities tie to it, until nothing changes.
	List *joined = NIL;
	foreach_ptr (Unit, unit, units)
		if (unit->sharded && joined == NIL) {
			joined = list_make1(unit);
			whole->keys.members = list_copy(unit->keys.members);
			whole->keys.nullable_members = list_copy(unit->keys.nullable_members);
		}
	for (bool changed = true; changed;) {
		changed = false;
		foreach_ptr (Node, qual, quals) {
			Node *left, *right;
			if (!key_equality_operands(qual, result_->colocation, &left, &right))
				continue;
			for (int side = 0; side < 2; side++, std::swap(left, right)) {
				const bool known =
					member(whole->keys.members, left) || member(whole->keys.nullable_members, left);
				if (!known || member(whole->keys.members, right) || contain_volatile_functions(right) ||
					contain_subplans(right) || checkExprHasSubLink(right))
					continue;
				whole->keys.members = lappend(whole->keys.members, right);
				// The equality rejects NULL, so what was nullable no longer is.
				if (!member(whole->keys.members, left))
					whole->keys.members = lappend(whole->keys.members, left);
				changed = true;
			}
		}
		foreach_ptr (Unit, unit, units) {
			if (!unit->sharded || list_member_ptr(joined, unit))
				continue;
			bool meets = false;
			foreach_ptr (Node, key, unit->keys.members)
				meets = meets || member(whole->keys.members, key);
			foreach_ptr (Node, key, unit->keys.nullable_members)
				meets = meets || member(whole->keys.members, key);
			if (meets) {
				joined = lappend(joined, unit);
				whole->keys.members = list_union(whole->keys.members, unit->keys.members);
				whole->keys.nullable_members =
					list_union(whole->keys.nullable_members, unit->keys.nullable_members);
				changed = true;
			}
		}
	}
	if (list_length(joined) != sharded)
		return fail("a join that is not on the distribution column");
	whole->sharded = true;
	foreach_ptr (Node, qual, quals)
		if (!check_sublinks(qual, whole->keys, false))
			return fail("a sub-query that is not tied to the distribution column");
	if (top)
		collect_pins(quals, whole->keys);
	return whole;
}

Unit *LevelAnalyzer::analyze_outer_join(JoinExpr *join) {
	Unit *left = analyze_jointree(join->larg, false);
	Unit *right = analyze_jointree(join->rarg, false);
	if (!left->ok || !right->ok)
		return fail(nullptr);
	if (join->jointype == JOIN_RIGHT)
		std::swap(left, right); // `left` is the preserved side from here on
	List *quals = conditions_of(flat(join->quals));
	foreach_ptr (Node, qual, quals) {
		Pushability pushability;
		check_pushable(qual, &pushability);
		if (!pushability.ok)
			return fail(pushability.reason);
		result_->needs_settings |= pushability.needs_settings;
		if (!check_sublinks(qual, left->keys, false))
			return fail("a sub-query in an outer join's condition");
	}
	Unit *whole = new_unit();
	whole->sharded = left->sharded || right->sharded;
	if (!right->sharded) {
		// A reference table on the nullable side; of a full join it would repeat its unmatched rows per
		// shard.
		if (left->sharded && join->jointype == JOIN_FULL)
			return fail("a full join with a reference table");
		whole->keys = left->keys;
		return whole;
	}
	if (!left->sharded)
		return fail("a reference table on the preserved side of an outer join");
	bool linked = false;
	foreach_ptr (Node, qual, quals) {
		Node *a, *b;
		if (!key_equality_operands(qual, result_->colocation, &a, &b))
			continue;
		// A key that may be NULL matches nothing then, and else it is the key.
		auto of_left = [&](Node *x) {
			return member(left->keys.members, x) || member(left->keys.nullable_members, x);
		};
		auto of_right = [&](Node *x) {
			return member(right->keys.members, x) || member(right->keys.nullable_members, x);
		};
		linked = linked || (of_left(a) && of_right(b)) || (of_left(b) && of_right(a));
	}
	foreach_ptr (Node, key, left->keys.members)
		linked = linked || (!contain_vars_of_level(key, 0) && member(right->keys.members, key));
	if (!linked)
		return fail("an outer join that is not on the distribution column");
	if (join->jointype == JOIN_FULL) {
		whole->keys.nullable_members = list_concat_copy(left->keys.members, right->keys.members);
	} else {
		whole->keys.members = left->keys.members;
		whole->keys.nullable_members = list_concat_copy(left->keys.nullable_members, right->keys.members);
	}
	// Constants of the nullable side say nothing of the preserved one.
	List *kept = NIL;
	foreach_ptr (Node, key, whole->keys.nullable_members)
		if (contain_vars_of_level(key, 0))
			kept = lappend(kept, key);
	whole->keys.nullable_members = kept;
	return whole;
}

Unit *LevelAnalyzer::analyze_jointree(Node *node, bool top) {
	if (IsA(node, RangeTblRef)) {
		const int rtindex = reinterpret_cast<RangeTblRef *>(node)->rtindex;
		RangeTblEntry *rte = rt_fetch(rtindex, query_->rtable);
		switch (rte->rtekind) {
		case RTE_RELATION: {
			Unit *unit = analyze_relation(rtindex, rte);
			if (rte->tablesample != nullptr && unit->ok) {
				Pushability pushability;
				check_pushable(reinterpret_cast<Node *>(rte->tablesample->args), &pushability);
				if (!pushability.ok || rte->tablesample->tsmhandler >= FirstNormalObjectId)
					return fail("a sampling method");
			}
			return unit;
		}
		case RTE_SUBQUERY:
			return analyze_subquery(rtindex, rte->subquery, 0);
		case RTE_CTE: {
			if (rte->self_reference)
				return fail("a recursive common table expression");
			const Scope *scope = innermost;
			for (Index up = 0; up < rte->ctelevelsup && scope != nullptr; up++)
				scope = scope->outer;
			if (scope == nullptr)
				return fail("a common table expression of a query that stays on the coordinator");
			foreach_node (CommonTableExpr, cte, scope->query->cteList)
				if (strcmp(cte->ctename, rte->ctename) == 0) {
					auto *sub = reinterpret_cast<Query *>(cte->ctequery);
					if (cte->cterecursive || sub->commandType != CMD_SELECT)
						return fail("a recursive or data-modifying common table expression");
					// It is analyzed as seen from where it stands.
					const Scope *here = innermost;
					innermost = scope;
					Unit *unit = analyze_subquery(rtindex, sub, rte->ctelevelsup);
					innermost = here;
					return unit;
				}
			return fail("a common table expression");
		}
		case RTE_FUNCTION:
		case RTE_VALUES:
		case RTE_TABLEFUNC: {
			Pushability pushability;
			Node *content = rte->rtekind == RTE_FUNCTION ? reinterpret_cast<Node *>(rte->functions)
							: rte->rtekind == RTE_VALUES ? reinterpret_cast<Node *>(rte->values_lists)
														 : reinterpret_cast<Node *>(rte->tablefunc);
			check_pushable(content, &pushability);
			if (!pushability.ok)
				return fail(pushability.reason);
			if (!check_sublinks(content, KeySet(), true))
				return fail("a sub-query in a function of FROM");
			result_->needs_settings |= pushability.needs_settings;
			return new_unit();
		}
		case RTE_RESULT:
			return new_unit();
		default:
			return fail("a range table entry of an unknown kind");
		}
	}
	if (IsA(node, JoinExpr) && reinterpret_cast<JoinExpr *>(node)->jointype != JOIN_INNER)
		return analyze_outer_join(reinterpret_cast<JoinExpr *>(node));
	List *units = NIL, *quals = NIL;
	collect_inner(node, top, &units, &quals);
	return join_units(units, quals, top);
}

// Finds the conditions that tie the key to values known before execution.
void LevelAnalyzer::collect_pins(List *quals, const KeySet &keys) {
	foreach_ptr (Node, key, keys.members)
		if (is_pin_value(key)) {
			auto *pin = new (palloc0(sizeof(KeyPin))) KeyPin{KeyPin::Equal, reinterpret_cast<Expr *>(key)};
			result_->pins = lappend(result_->pins, pin);
			result_->pinned = true;
		}
	foreach_ptr (Node, qual, quals) {
		if (IsA(qual, NullTest)) {
			auto *test = reinterpret_cast<NullTest *>(qual);
			if (test->nulltesttype == IS_NULL && !test->argisrow &&
				member(keys.members, strip(reinterpret_cast<Node *>(test->arg)))) {
				result_->pins =
					lappend(result_->pins, new (palloc0(sizeof(KeyPin))) KeyPin{KeyPin::IsNull, nullptr});
				result_->pinned = true;
			}
		} else if (IsA(qual, ScalarArrayOpExpr)) {
			auto *any = reinterpret_cast<ScalarArrayOpExpr *>(qual);
			TypeCacheEntry *type = lookup_type_cache(result_->colocation->key_type, TYPECACHE_HASH_OPFAMILY);
			if (!any->useOr || get_op_opfamily_strategy(any->opno, type->hash_opf) != HTEqualStrategyNumber)
				continue;
			Node *array = static_cast<Node *>(lsecond(any->args));
			if (!member(keys.members, strip(static_cast<Node *>(linitial(any->args)))) ||
				!is_pin_value(array) || contain_vars_of_level(array, 1) ||
				!OidIsValid(get_element_type(exprType(strip(array)))))
				continue;
			result_->pins = lappend(result_->pins, new (palloc0(sizeof(KeyPin))) KeyPin{
													   KeyPin::AnyArray, reinterpret_cast<Expr *>(array)});
		} else if (is_orclause(qual)) {
			auto is_key = +[](Node *node, const void *set) {
				return member(static_cast<const KeySet *>(set)->members, node);
			};
			if (Expr *values = key_values_of_or(qual, result_->colocation, is_key, &keys))
				result_->pins =
					lappend(result_->pins, new (palloc0(sizeof(KeyPin))) KeyPin{KeyPin::AnyArray, values});
		}
	}
}

struct SublinkContext {
	LevelAnalyzer *analyzer;
	bool ok;
};

// Checks the sub-queries inside an expression: reference tables only, or tied to the outer key.
bool LevelAnalyzer::check_sublinks(Node *node, const KeySet &keys, bool negated) {
	if (node == nullptr)
		return true;
	if (IsA(node, BoolExpr) && reinterpret_cast<BoolExpr *>(node)->boolop == NOT_EXPR) {
		return check_sublinks(static_cast<Node *>(linitial(reinterpret_cast<BoolExpr *>(node)->args)), keys,
							  true);
	}
	if (!IsA(node, SubLink)) {
		struct Context {
			LevelAnalyzer *self;
			const KeySet *keys;
			bool negated, ok, first;
		} context{this, &keys, negated || !(IsA(node, BoolExpr) || IsA(node, List)), true, true};
		auto walker = +[](Node *child, Context *c) -> bool {
			if (child == nullptr)
				return false;
			c->ok = c->ok && c->self->check_sublinks(child, *c->keys, c->negated);
			return !c->ok;
		};
		walk_expression(node, walker, &context);
		return context.ok;
	}
	auto *link = reinterpret_cast<SubLink *>(node);
	if (link->testexpr != nullptr && !check_sublinks(link->testexpr, keys, negated))
		return false;
	auto *sub = reinterpret_cast<Query *>(link->subselect);
	QueryAnalysis analysis;
	analyze_query(sub, &analysis);
	result_->needs_settings |= analysis.from.needs_settings;
	result_->has_local |= analysis.from.has_local;
	if (!analysis.complete)
		return false;
	if (!analysis.from.has_sharded)
		return true;
	if (analysis.from.pinned && !has_free_member(analysis.from.keys))
		return false;
	if (result_->colocation != nullptr && analysis.from.colocation != result_->colocation)
		return false;
	// Tied by a correlated equality?
	foreach_ptr (Node, expr, analysis.from.keys.members) {
		if (contain_vars_of_level(expr, 0) || contain_subplans(expr))
			continue;
		Node *copy = static_cast<Node *>(copyObjectImpl(expr));
		IncrementVarSublevelsUp(copy, -1, 1);
		copy = flat(copy);
		if (member(keys.members, copy) || member(keys.nullable_members, copy))
			return true;
	}
	// Tied by key IN (SELECT key …)?
	if (link->subLinkType != ANY_SUBLINK || negated || link->testexpr == nullptr)
		return false;
	List *tests =
		IsA(link->testexpr, BoolExpr) && reinterpret_cast<BoolExpr *>(link->testexpr)->boolop == AND_EXPR
			? reinterpret_cast<BoolExpr *>(link->testexpr)->args
			: list_make1(link->testexpr);
	foreach_ptr (Node, test, tests) {
		Node *left, *right;
		if (result_->colocation == nullptr ||
			!key_equality_operands(test, result_->colocation, &left, &right) || !IsA(right, Param))
			continue;
		const int column = reinterpret_cast<Param *>(right)->paramid;
		if (list_member_int(analysis.key_outputs, column) && member(keys.members, flat(left)))
			return true;
	}
	return false;
}

void LevelAnalyzer::run() {
	Unit *unit = analyze_jointree(reinterpret_cast<Node *>(query_->jointree), true);
	result_->ok = result_->ok && unit->ok;
	result_->keys = unit->keys;
	if (!result_->ok)
		return;
	// What an outer join preserves may be pinned by one of its members.
	if (!result_->pinned && unit->sharded)
		collect_pins(NIL, unit->keys);
	if (result_->needs_pin && !result_->pinned) {
		fail("a sub-query that is pinned to one shard group");
		return;
	}
	// Sub-queries outside FROM and WHERE are checked with the level's keys, too.
	const bool target_ok =
		check_sublinks(flat(reinterpret_cast<Node *>(query_->targetList)), unit->keys, true);
	const bool having_ok = check_sublinks(flat(query_->havingQual), unit->keys, true);
	if (!target_ok || !having_ok) {
		result_->ok = result_->ok && !query_->hasSubLinks;
		if (!result_->ok && result_->reason == nullptr)
			result_->reason = "a sub-query that is not tied to the distribution column";
	}
}

// True when a grouping (or DISTINCT, PARTITION BY) list contains the key.
bool contains_key(Query *query, List *clauses, const KeySet &keys) {
	foreach_node (SortGroupClause, clause, clauses) {
		TargetEntry *entry = get_sortgroupclause_tle(clause, query->targetList);
		Node *expr = flatten_join_alias_vars(query, static_cast<Node *>(copyObjectImpl(entry->expr)));
		if (list_member(keys.members, strip(expr)))
			return true;
	}
	return false;
}

// What above FROM and WHERE needs rows of several shard groups, or nullptr.
const char *why_not_complete(Query *query, const FromAnalysis &from) {
	const bool grouped = query->groupClause != NIL || query->hasAggs || query->havingQual != nullptr;
	if (from.ordered_subquery && !grouped && query->sortClause == NIL && query->distinctClause == NIL)
		return "an ordered sub-query";
	if (query->groupingSets != NIL)
		return "grouping sets";
	if (grouped && !contains_key(query, query->groupClause, from.keys))
		return "a grouping without the distribution column";
	foreach_node (WindowClause, window, query->hasWindowFuncs ? query->windowClause : NIL)
		if (!contains_key(query, window->partitionClause, from.keys))
			return "a window that is not partitioned by the distribution column";
	if (query->distinctClause != NIL && !contains_key(query, query->distinctClause, from.keys))
		return "DISTINCT without the distribution column";
	return nullptr;
}

void analyze_level(Query *query, QueryAnalysis *result) {
	LevelAnalyzer(query, &result->from).run();
	FromAnalysis &from = result->from;
	if (!from.ok) {
		result->reason = from.reason;
		return;
	}
	Pushability upper;
	check_pushable(reinterpret_cast<Node *>(query->targetList), &upper);
	if (upper.ok)
		check_pushable(query->havingQual, &upper);
	if (upper.ok)
		check_pushable(reinterpret_cast<Node *>(query->windowClause), &upper);
	if (upper.ok)
		check_pushable(query->limitCount, &upper);
	if (upper.ok)
		check_pushable(query->limitOffset, &upper);
	from.needs_settings |= upper.needs_settings;
	if (!upper.ok) {
		result->upper_pushable = false;
		result->reason = upper.reason;
		return;
	}
	foreach_node (TargetEntry, entry, query->targetList) {
		Node *expr = flatten_join_alias_vars(query, static_cast<Node *>(copyObjectImpl(entry->expr)));
		if (!entry->resjunk && list_member(from.keys.members, strip(expr)))
			result->key_outputs = lappend_int(result->key_outputs, entry->resno);
	}
	const char *reason = why_not_complete(query, from);
	const bool limited = query->limitCount != nullptr || query->limitOffset != nullptr;
	result->complete_everywhere = reason == nullptr && !limited;
	// Rows of one shard group only (or of no shard at all): everything else happens there as well. A key that
	// is tied to the enclosing query's row counts as one group, too.
	bool one_group = from.pinned || !from.has_sharded;
	foreach_ptr (Node, key, from.keys.members)
		one_group = one_group || !contain_vars_of_level(key, 0);
	if (one_group) {
		result->complete = result->complete_but_limit = true;
		return;
	}
	result->reason = reason != nullptr ? reason : limited ? "LIMIT" : nullptr;
	result->complete_but_limit = reason == nullptr;
	result->complete = result->complete_everywhere;
}

bool find_sharded(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (IsA(node, RangeTblEntry)) {
		auto *rte = reinterpret_cast<RangeTblEntry *>(node);
		return rte->rtekind == RTE_RELATION && is_sharded_table(rte->relid);
	}
	if (IsA(node, Query))
		return walk_query(reinterpret_cast<Query *>(node), find_sharded, static_cast<void *>(nullptr),
						  QTW_EXAMINE_RTES_BEFORE);
	return walk_expression(node, find_sharded, static_cast<void *>(nullptr));
}

} // namespace

bool is_pin_value(Node *node) {
	return !contain_vars_of_level(node, 0) && !contain_volatile_functions(node) && !contain_subplans(node);
}

bool query_has_sharded_table(Query *query) {
	return find_sharded(reinterpret_cast<Node *>(query), nullptr);
}

void analyze_query(Query *query, QueryAnalysis *result) {
	check_stack_depth();
	if (query->commandType != CMD_SELECT || query->hasModifyingCTE || query->hasRecursive) {
		result->from.ok = false;
		result->from.has_local = true;
		result->reason = result->from.reason = "a data-modifying or recursive query";
		return;
	}
	const Scope scope{query, innermost};
	const Scope *const outer = innermost;
	innermost = &scope;
	PG_TRY();
	{
		if (query->setOperations != nullptr)
			analyze_set_operation(query, result);
		else
			analyze_level(query, result);
	}
	PG_FINALLY();
	{ innermost = outer; }
	PG_END_TRY();
}

} // namespace shardext

// Bounds of the number of groups.
#include "shardext/planner/group_count.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/estimate.hpp"
#include "shardext/planner/join_graph.hpp"
#include "shardext/planner/statistics.hpp"
#include "shardext/planner/value_trial.hpp"
#include "shardext/sql/relation_query.hpp"

#include <cmath>

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_statistic.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
}

namespace shardext {

namespace {

constexpr double kUnknown = 1e15;
// Sub-queries and keys are followed so far.
constexpr int kMaxDepth = 12;

// Two columns of different relations that are equal.
struct Equality {
	Var *one, *other;
};

// What the conditions of one query level say.
class Level {
public:
	explicit Level(const Query *query);
	double distinct(Node *expr, int depth = 0) const;
	// True when a row of one relation fixes the row of another.
	bool fixes(int relation, int other, int depth = 0) const;
	Query *query() const { return query_; }

private:
	static bool read(Node *node, Level *level);
	Var *partner(const Var *column) const;
	double of_column(Var *column, int depth) const;
	double of_range(const RangeTblEntry *rte, const Var *column) const;
	double of_call(Node *expr, int depth) const;
	double of_aggregate(const Aggref *aggregate, int depth) const;
	RangeTblEntry *entry(int relation) const { return rt_fetch(relation, query_->rtable); }

	Query *query_;
	List *equalities_ = NIL;
	List *bounds_ = NIL; // OpExpr: a column against a constant
};

bool is_column(const Node *node) {
	auto *var = reinterpret_cast<const Var *>(node);
	return node != nullptr && IsA(var, Var) && var->varlevelsup == 0 && var->varattno > 0;
}

Level::Level(const Query *query) : query_(static_cast<Query *>(copyObjectImpl(query))) {
	read(flatten_join_alias_vars(query_, reinterpret_cast<Node *>(query_->jointree)), this);
}

bool Level::read(Node *node, Level *level) {
	if (node == nullptr || IsA(node, SubLink))
		return false;
	if (IsA(node, BoolExpr) && reinterpret_cast<BoolExpr *>(node)->boolop != AND_EXPR)
		return false;
	auto *op = reinterpret_cast<OpExpr *>(node);
	if (!IsA(op, OpExpr) || list_length(op->args) != 2)
		return walk_expression(node, read, level);
	Node *left = strip_relabels(static_cast<Node *>(linitial(op->args)));
	Node *right = strip_relabels(static_cast<Node *>(lsecond(op->args)));
	if (is_column(left) && IsA(right, Const) && !reinterpret_cast<Const *>(right)->constisnull)
		level->bounds_ = lappend(level->bounds_, op);
	if (is_column(left) && is_column(right) && op_mergejoinable(op->opno, exprType(left)) &&
		reinterpret_cast<Var *>(left)->varno != reinterpret_cast<Var *>(right)->varno) {
		auto *equality = static_cast<Equality *>(palloc(sizeof(Equality)));
		*equality = {reinterpret_cast<Var *>(left), reinterpret_cast<Var *>(right)};
		level->equalities_ = lappend(level->equalities_, equality);
	}
	return false;
}

// A column of another relation that is equal to a column.
Var *Level::partner(const Var *column) const {
	foreach_ptr (Equality, equality, equalities_) {
		if (equality->one->varno == column->varno && equality->one->varattno == column->varattno)
			return equality->other;
		if (equality->other->varno == column->varno && equality->other->varattno == column->varattno)
			return equality->one;
	}
	return nullptr;
}

// The columns of each unique index, as int lists.
List *unique_keys(const RangeTblEntry *rte) {
	if (rte->rtekind != RTE_RELATION)
		return NIL;
	List *keys = NIL;
	Relation relation = RelationIdGetRelation(rte->relid);
	const ListCell *cell;
	foreach (cell, RelationGetIndexList(relation)) {
		HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
		if (!HeapTupleIsValid(tuple))
			continue;
		const auto *index = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
		if (index->indisunique && index->indisvalid &&
			heap_attisnull(tuple, Anum_pg_index_indpred, nullptr) &&
			heap_attisnull(tuple, Anum_pg_index_indexprs, nullptr)) {
			List *key = NIL;
			for (int i = 0; i < index->indnkeyatts; i++)
				key = lappend_int(key, index->indkey.values[i]);
			keys = lappend(keys, key);
		}
		ReleaseSysCache(tuple);
	}
	RelationClose(relation);
	return keys;
}

bool Level::fixes(int relation, int other, int depth) const {
	if (relation == other)
		return true;
	if (depth > kMaxDepth / 2)
		return false;
	foreach_ptr (List, key, unique_keys(entry(other))) {
		bool all = true;
		const ListCell *cell;
		foreach (cell, key) {
			bool found = false;
			foreach_ptr (Equality, equality, equalities_) {
				const bool is_one = equality->one->varno == other;
				const Var *column = is_one ? equality->one : equality->other;
				const Var *source = is_one ? equality->other : equality->one;
				found = found || (column->varno == other && column->varattno == lfirst_int(cell) &&
								  fixes(relation, source->varno, depth + 1));
			}
			all = all && found;
		}
		if (all)
			return true;
	}
	return false;
}

// --- numbers of values ---

double of_statistics(const RangeTblEntry *rte, AttrNumber column) {
	const double rows = known_rows(rte);
	const double values = known_distinct(rte, column, rows);
	return values < 0 ? (rows < 0 ? kUnknown : rows) : values + 1; // NULL
}

// Whole numbers and days can be counted.
bool as_whole(Oid type, Datum value, double *number) {
	switch (type) {
	case INT2OID:
		*number = DatumGetInt16(value);
		return true;
	case INT4OID:
		*number = DatumGetInt32(value);
		return true;
	case INT8OID:
		*number = static_cast<double>(DatumGetInt64(value));
		return true;
	case DATEOID:
		*number = DatumGetDateADT(value);
		return !DATE_NOT_FINITE(DatumGetDateADT(value));
	default:
		return false;
	}
}

struct Range {
	double low, high;
};

bool range_of_statistics(const RangeTblEntry *rte, AttrNumber column, Range *range) {
	HeapTuple tuple = find_column_statistics(rte, column);
	if (!HeapTupleIsValid(tuple))
		return false;
	*range = {kUnknown, -kUnknown};
	for (const int kind : {STATISTIC_KIND_MCV, STATISTIC_KIND_HISTOGRAM}) {
		AttStatsSlot slot;
		if (!get_attstatsslot(&slot, tuple, kind, InvalidOid, ATTSTATSSLOT_VALUES))
			continue;
		double number;
		for (int i = 0; i < slot.nvalues; i++)
			if (as_whole(slot.valuetype, slot.values[i], &number))
				*range = {std::min(range->low, number), std::max(range->high, number)};
		free_attstatsslot(&slot);
	}
	ReleaseSysCache(tuple);
	return range->low <= range->high;
}

double Level::of_range(const RangeTblEntry *rte, const Var *column) const {
	Range range;
	bool narrowed = false;
	if (rte->securityQuals != NIL || !may_read_column(rte->relid, column->varattno) ||
		!range_of_statistics(rte, column->varattno, &range))
		return kUnknown;
	foreach_node (OpExpr, op, bounds_) {
		auto *var = reinterpret_cast<Var *>(strip_relabels(static_cast<Node *>(linitial(op->args))));
		auto *bound = reinterpret_cast<Const *>(strip_relabels(static_cast<Node *>(lsecond(op->args))));
		double value;
		if (var->varno != column->varno || var->varattno != column->varattno ||
			!as_whole(bound->consttype, bound->constvalue, &value))
			continue;
		foreach_ptr (OpBtreeInterpretation, meaning, get_op_btree_interpretation(op->opno)) {
			narrowed = true;
			if (meaning->strategy <= BTEqualStrategyNumber)
				range.high =
					std::min(range.high, meaning->strategy == BTLessStrategyNumber ? value - 1 : value);
			if (meaning->strategy >= BTEqualStrategyNumber && meaning->strategy <= BTGreaterStrategyNumber)
				range.low =
					std::max(range.low, meaning->strategy == BTGreaterStrategyNumber ? value + 1 : value);
			break;
		}
	}
	return narrowed ? std::max(1.0, range.high - range.low + 1) : kUnknown;
}

double of_arms(Query *query, Node *node, int column, int depth) {
	if (depth > kMaxDepth)
		return kUnknown;
	if (IsA(node, RangeTblRef)) {
		Query *arm = rt_fetch(reinterpret_cast<RangeTblRef *>(node)->rtindex, query->rtable)->subquery;
		if (arm->setOperations != nullptr)
			return of_arms(arm, arm->setOperations, column, depth + 1);
		const Level level(arm);
		return level.distinct(reinterpret_cast<Node *>(get_tle_by_resno(arm->targetList, column)->expr),
							  depth + 1);
	}
	auto *op = reinterpret_cast<SetOperationStmt *>(node);
	const double left = of_arms(query, op->larg, column, depth + 1);
	if (op->op == SETOP_EXCEPT)
		return left;
	const double right = of_arms(query, op->rarg, column, depth + 1);
	return op->op == SETOP_INTERSECT ? std::min(left, right) : left + right;
}

double Level::of_column(Var *column, int depth) const {
	RangeTblEntry *rte = entry(column->varno);
	if (rte->rtekind == RTE_SUBQUERY && rte->subquery != nullptr) {
		if (rte->subquery->setOperations != nullptr)
			return of_arms(rte->subquery, rte->subquery->setOperations, column->varattno, depth + 1);
		const Level inner(rte->subquery);
		auto *entry = get_tle_by_resno(rte->subquery->targetList, column->varattno);
		return inner.distinct(reinterpret_cast<Node *>(entry->expr), depth + 1);
	}
	if (rte->rtekind != RTE_RELATION)
		return kUnknown;
	double values = std::min(of_statistics(rte, column->varattno), of_range(rte, column));
	// What it is compared with has no more values, nor has what its row is found by.
	if (const Var *other = partner(column); other != nullptr && entry(other->varno)->rtekind == RTE_RELATION)
		values = std::min(values, of_statistics(entry(other->varno), other->varattno));
	foreach_ptr (List, key, unique_keys(rte)) {
		Var by = *column;
		by.varattno = static_cast<AttrNumber>(linitial_int(key));
		Var *other = list_length(key) == 1 ? partner(&by) : nullptr;
		if (other != nullptr)
			values = std::min(values, distinct(reinterpret_cast<Node *>(other), depth + 2));
	}
	return values;
}

double Level::of_aggregate(const Aggref *aggregate, int depth) const {
	if (aggregate->aggfnoid >= FirstNormalObjectId)
		return kUnknown;
	const char *name = get_func_name(aggregate->aggfnoid);
	if (strcmp(name, "min") == 0 || strcmp(name, "max") == 0)
		return 1 +
			   distinct(reinterpret_cast<Node *>(linitial_node(TargetEntry, aggregate->args)->expr), depth);
	// k different counts need k (k - 1) / 2 rows.
	if (strcmp(name, "count") == 0 && !refers_outside(reinterpret_cast<Node *>(query_)) &&
		!names_outer_cte(query_))
		return 1 + std::sqrt(2 * ungrouped_rows(query_));
	return kUnknown;
}

// A function of columns has no more values than they have combinations.
double Level::of_call(Node *expr, int depth) const {
	if (contain_volatile_functions(expr) || checkExprHasSubLink(expr) || expression_returns_set(expr))
		return kUnknown;
	List *inputs = NIL;
	foreach_ptr (
		Node, input,
		pull_var_clause(expr, PVC_INCLUDE_AGGREGATES | PVC_INCLUDE_WINDOWFUNCS | PVC_INCLUDE_PLACEHOLDERS))
		inputs = list_append_unique(inputs, input);
	double values = 1;
	foreach_ptr (Node, input, inputs)
		values = std::min(kUnknown, values * distinct(input, depth));
	if (list_length(inputs) == 1 && is_column(static_cast<Node *>(linitial(inputs)))) {
		const auto *column = linitial_node(Var, inputs);
		const double tried = distinct_by_trial(entry(column->varno), column, expr);
		if (tried >= 0)
			values = std::min(values, tried);
	}
	return values;
}

double Level::distinct(Node *expr, int depth) const {
	expr = strip_relabels(flatten_join_alias_vars(query_, expr));
	if (expr == nullptr)
		return 1;
	if (depth++ > kMaxDepth || refers_outside(expr))
		return kUnknown;
	double sum = 0;
	switch (nodeTag(expr)) {
	case T_Const:
	case T_Param:
		return 1;
	case T_Var:
		return is_column(expr) ? of_column(reinterpret_cast<Var *>(expr), depth) : kUnknown;
	case T_CaseExpr: {
		auto *choice = reinterpret_cast<CaseExpr *>(expr);
		foreach_node (CaseWhen, arm, choice->args)
			sum += distinct(reinterpret_cast<Node *>(arm->result), depth);
		return sum + distinct(reinterpret_cast<Node *>(choice->defresult), depth);
	}
	case T_CoalesceExpr:
		foreach_ptr (Node, arm, reinterpret_cast<CoalesceExpr *>(expr)->args)
			sum += distinct(arm, depth);
		return sum;
	case T_NullTest:
	case T_BooleanTest:
	case T_BoolExpr:
		return 3;
	case T_WindowFunc: {
		auto *call = reinterpret_cast<WindowFunc *>(expr);
		if (call->winfnoid < FirstNormalObjectId)
			for (const char *name : {"first_value", "last_value", "nth_value", "min", "max", "lag", "lead"})
				if (strcmp(get_func_name(call->winfnoid), name) == 0)
					return 1 + distinct(static_cast<Node *>(linitial(call->args)), depth);
		return kUnknown;
	}
	case T_Aggref:
		return of_aggregate(reinterpret_cast<Aggref *>(expr), depth);
	default:
		return of_call(expr, depth);
	}
}

// Grouping expressions and the number of their combinations.
struct Block {
	List *exprs;
	double groups;
};

// The relation whose rows bound a set of blocks best, and those blocks; nullptr when none does.
List *best_bound(const Level &level, List *blocks, double *rows) {
	List *best = NIL;
	double gain = 1;
	for (int relation = 1; relation <= list_length(level.query()->rtable); relation++) {
		const double size = known_rows(rt_fetch(relation, level.query()->rtable));
		if (size < 0)
			continue;
		List *fixed = NIL;
		double groups = 1;
		foreach_ptr (Block, block, blocks) {
			Relids used = pull_varnos(nullptr, reinterpret_cast<Node *>(block->exprs));
			bool all = !bms_is_empty(used);
			for (int other = -1; all && (other = bms_next_member(used, other)) >= 0;)
				all = level.fixes(relation, other);
			if (!all)
				continue;
			fixed = lappend(fixed, block);
			groups *= block->groups;
		}
		if (fixed != NIL && groups / std::max(1.0, size) > gain) {
			gain = groups / std::max(1.0, size);
			best = fixed;
			*rows = std::max(1.0, size);
		}
	}
	return best;
}

} // namespace

double ungrouped_rows(const Query *query) {
	auto *copy = static_cast<Query *>(copyObjectImpl(query));
	copy->groupClause = copy->groupingSets = copy->sortClause = copy->distinctClause = copy->windowClause =
		NIL;
	copy->hasAggs = copy->hasWindowFuncs = copy->hasDistinctOn = false;
	copy->havingQual = copy->limitCount = copy->limitOffset = nullptr;
	copy->targetList = list_make1(constant_column());
	return estimate_query(copy).rows;
}

double bounded_groups(const Query *query, double rows) {
	const Level level(query);
	List *blocks = NIL;
	foreach_node (SortGroupClause, clause, level.query()->groupClause) {
		auto *expr =
			reinterpret_cast<Node *>(get_sortgroupclause_tle(clause, level.query()->targetList)->expr);
		auto *block = static_cast<Block *>(palloc(sizeof(Block)));
		*block = {list_make1(flatten_join_alias_vars(level.query(), expr)),
				  std::max(1.0, std::min(rows, level.distinct(expr)))};
		blocks = lappend(blocks, block);
	}
	double size;
	for (List *fixed; (fixed = best_bound(level, blocks, &size)) != NIL;) {
		auto *joined = static_cast<Block *>(palloc(sizeof(Block)));
		*joined = {NIL, size};
		foreach_ptr (Block, block, fixed) {
			joined->exprs = list_concat(joined->exprs, block->exprs);
			blocks = list_delete_ptr(blocks, block);
		}
		blocks = lappend(blocks, joined);
	}
	double groups = 1;
	foreach_ptr (Block, block, blocks)
		groups = std::min(rows, groups * block->groups);
	return std::max(1.0, groups);
}

} // namespace shardext

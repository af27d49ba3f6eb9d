// Semi-join reduction on the query tree.
//
// The tables of one query level are taken as a graph whose edges are equalities between columns. Starting
// from the smallest, a table restricts its neighbours when that is expected to pay; a neighbour that has
// become small thereby goes on in turn, so that a filter on a dimension reaches the facts behind several
// joins.
#include "shardext/planner/reduction.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/estimate.hpp"
#include "shardext/sql/deparse.hpp"
#include "shardext/sql/relation_query.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_statistic.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/syscache.h"
}

namespace shardext {

int max_shipped_rows = 10000;
bool always_ship = false;

namespace {

constexpr double kMinLargeRows = 1000; // smaller tables are fetched as they are
constexpr double kWorthwhile = 0.5;	   // at most this fraction may remain
constexpr int kMarkBase = -1000;	   // locations of conditions that were added
constexpr int kMaxTables = 64;

// One table (or sub-query) of the FROM clause.
struct Item {
	int rtindex;
	List **conditions = nullptr; // where conditions on it may be added: a list of ANDed quals
	int nullable_level = 0;		 // how many outer joins may fill it with NULLs
	JoinExpr *nullable_by = nullptr;
	List *own = NIL;  // conditions on it alone
	double rows = -1; // with these; -1: not known yet
	bool usable = false;
	bool target = false; // a distributed table that is scanned on its own
};

struct Edge {
	int left, right; // positions in the list of items
	OpExpr *clause;
	Node *left_expr, *right_expr;
};

struct Level {
	Query *query;
	Item items[kMaxTables];
	int count = 0;
	List *edges = NIL; // of Edge
};

Node *strip(Node *node) {
	while (node != nullptr && IsA(node, RelabelType))
		node = reinterpret_cast<Node *>(reinterpret_cast<RelabelType *>(node)->arg);
	return node;
}

int item_of(const Level *level, const Node *expr) {
	if (!IsA(expr, Var) || reinterpret_cast<const Var *>(expr)->varlevelsup != 0)
		return -1;
	for (int i = 0; i < level->count; i++)
		if (level->items[i].rtindex == reinterpret_cast<const Var *>(expr)->varno)
			return i;
	return -1;
}

bool refers_outside(Node *node) {
	for (int up = 1; up <= 8; up++)
		if (contain_vars_of_level(node, up))
			return true;
	return false;
}

// Finds the tables of a FROM clause. `by` is the innermost outer join on whose nullable side they stand.
void collect_items(Level *level, Node *node, JoinExpr *by, int depth) {
	if (node == nullptr)
		return;
	if (IsA(node, FromExpr)) {
		foreach_ptr (Node, child, reinterpret_cast<FromExpr *>(node)->fromlist)
			collect_items(level, child, by, depth);
	} else if (IsA(node, JoinExpr)) {
		auto *join = reinterpret_cast<JoinExpr *>(node);
		const bool left_nullable = join->jointype == JOIN_RIGHT || join->jointype == JOIN_FULL;
		const bool right_nullable = join->jointype == JOIN_LEFT || join->jointype == JOIN_FULL;
		collect_items(level, join->larg, left_nullable ? join : by, depth + left_nullable);
		collect_items(level, join->rarg, right_nullable ? join : by, depth + right_nullable);
	} else if (IsA(node, RangeTblRef) && level->count < kMaxTables) {
		Item *item = &level->items[level->count++];
		*item = Item();
		item->rtindex = reinterpret_cast<RangeTblRef *>(node)->rtindex;
		item->nullable_by = by;
		item->nullable_level = depth;
	}
}

List *and_list(Node *quals) {
	return make_ands_implicit(reinterpret_cast<Expr *>(quals));
}

// Notes what a list of ANDed conditions says: of one table alone, or that columns of two are equal. `join` is
// the outer join they belong to, or nullptr.
void read_conditions(Level *level, Node *quals, JoinExpr *join) {
	foreach_ptr (Node, plain, and_list(quals)) {
		Node *qual = flatten_join_alias_vars(level->query, static_cast<Node *>(copyObjectImpl(plain)));
		if (contain_volatile_functions(qual) || checkExprHasSubLink(qual) || refers_outside(qual))
			continue;
		Relids used = pull_varnos(nullptr, qual);
		int only;
		if (bms_get_singleton_member(used, &only)) {
			for (int i = 0; i < level->count; i++)
				// Conditions of an outer join say something of its nullable side only; those above it hold
				// for rows that are not NULL-extended at best, and are strict or not.
				if (level->items[i].rtindex == only && level->items[i].nullable_by == join)
					level->items[i].own = lappend(level->items[i].own, qual);
			continue;
		}
		auto *op = reinterpret_cast<OpExpr *>(qual);
		if (bms_num_members(used) != 2 || !IsA(op, OpExpr) || list_length(op->args) != 2)
			continue;
		Node *left = strip(static_cast<Node *>(linitial(op->args)));
		Node *right = strip(static_cast<Node *>(lsecond(op->args)));
		const int a = item_of(level, left), b = item_of(level, right);
		if (a < 0 || b < 0 || !op_mergejoinable(op->opno, exprType(left)) ||
			!OidIsValid(get_commutator(op->opno)))
			continue;
		auto *edge = static_cast<Edge *>(palloc(sizeof(Edge)));
		*edge = {a, b, op, left, right};
		// The nullable side may be restricted by the other one, never the other way round.
		const bool from_join = join != nullptr;
		const bool a_nullable = level->items[a].nullable_by == join && from_join;
		const bool b_nullable = level->items[b].nullable_by == join && from_join;
		if (!from_join && (level->items[a].nullable_by != nullptr || level->items[b].nullable_by != nullptr))
			continue;
		if (from_join && (a_nullable == b_nullable || join->jointype == JOIN_FULL ||
						  level->items[a_nullable ? b : a].nullable_level >=
							  level->items[a_nullable ? a : b].nullable_level))
			continue;
		level->edges = lappend(level->edges, edge);
	}
}

void read_all_conditions(Level *level, Node *node) {
	if (node == nullptr || IsA(node, RangeTblRef))
		return;
	if (IsA(node, FromExpr)) {
		auto *from = reinterpret_cast<FromExpr *>(node);
		read_conditions(level, from->quals, nullptr);
		foreach_ptr (Node, child, from->fromlist)
			read_all_conditions(level, child);
		return;
	}
	auto *join = reinterpret_cast<JoinExpr *>(node);
	// The conditions of an inner join below an outer one belong to that one's nullable side; they are left
	// alone unless there is none.
	read_conditions(level, join->quals, join->jointype == JOIN_INNER ? nullptr : join);
	read_all_conditions(level, join->larg);
	read_all_conditions(level, join->rarg);
}

// SELECT expr FROM item WHERE its conditions. Without an expression: a constant.
Query *query_of_item(Level *level, const Item *item, Node *expr) {
	Query *query = makeNode(Query);
	query->commandType = CMD_SELECT;
	query->querySource = QSRC_ORIGINAL;
	query->canSetTag = true;
	auto *rte = static_cast<RangeTblEntry *>(copyObjectImpl(rt_fetch(item->rtindex, level->query->rtable)));
	rte->inFromCl = true;
	query->rtable = list_make1(rte);
	RangeTblRef *ref = makeNode(RangeTblRef);
	ref->rtindex = 1;
	List *conditions = static_cast<List *>(copyObjectImpl(item->own));
	query->jointree =
		makeFromExpr(list_make1(ref),
					 reinterpret_cast<Node *>(conditions != NIL ? make_ands_explicit(conditions) : nullptr));
	query->hasSubLinks = checkExprHasSubLink(query->jointree->quals);
	TargetEntry *target =
		expr != nullptr ? makeTargetEntry(static_cast<Expr *>(copyObjectImpl(expr)), 1, pstrdup("key"), false)
						: constant_column();
	query->targetList = list_make1(target);
	forget_syntactic_names(reinterpret_cast<Node *>(query->jointree));
	forget_syntactic_names(reinterpret_cast<Node *>(query->targetList));
	ChangeVarNodes(reinterpret_cast<Node *>(query), item->rtindex, 1, 0);
	return query;
}

bool is_relation_like(const RangeTblEntry *rte) {
	if (rte->lateral || rte->tablesample != nullptr)
		return false;
	switch (rte->rtekind) {
	case RTE_RELATION:
		return rte->securityQuals == NIL;
	case RTE_SUBQUERY:
		return !rte->security_barrier && !refers_outside(reinterpret_cast<Node *>(rte->subquery)) &&
			   !contain_volatile_functions(reinterpret_cast<Node *>(rte->subquery));
	case RTE_VALUES:
		return !refers_outside(reinterpret_cast<Node *>(rte->values_lists)) &&
			   !contain_volatile_functions(reinterpret_cast<Node *>(rte->values_lists)) &&
			   !checkExprHasSubLink(reinterpret_cast<Node *>(rte->values_lists));
	default:
		return false;
	}
}

bool names_cte(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (IsA(node, RangeTblEntry))
		return reinterpret_cast<RangeTblEntry *>(node)->rtekind == RTE_CTE;
	if (IsA(node, Query))
		return walk_query(reinterpret_cast<Query *>(node), names_cte, static_cast<void *>(nullptr),
						  QTW_EXAMINE_RTES_BEFORE);
	return walk_expression(node, names_cte, static_cast<void *>(nullptr));
}

void judge_items(Level *level) {
	for (int i = 0; i < level->count; i++) {
		Item *item = &level->items[i];
		RangeTblEntry *rte = rt_fetch(item->rtindex, level->query->rtable);
		item->usable =
			is_relation_like(rte) &&
			!(rte->rtekind == RTE_SUBQUERY && names_cte(reinterpret_cast<Node *>(rte->subquery), nullptr));
		item->target = rte->rtekind == RTE_RELATION && is_sharded_table(rte->relid);
		foreach_node (RowMarkClause, mark, level->query->rowMarks)
			if (static_cast<int>(mark->rti) == item->rtindex)
				item->target = item->usable = false; // what is locked must be what is there when it is locked
	}
}

double rows_of(Level *level, Item *item) {
	if (item->rows < 0)
		item->rows = estimate_query(query_of_item(level, item, nullptr)).rows;
	return item->rows;
}

// How many different values a column may have among `rows` rows of its table.
double distinct_values(Level *level, const Item *item, const Node *expr, double rows) {
	const RangeTblEntry *rte = rt_fetch(item->rtindex, level->query->rtable);
	auto *var = reinterpret_cast<const Var *>(expr);
	if (rte->rtekind != RTE_RELATION || var->varattno <= 0)
		return rows;
	HeapTuple tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(rte->relid),
									  Int16GetDatum(var->varattno), BoolGetDatum(false));
	double distinct = rows;
	if (HeapTupleIsValid(tuple)) {
		const float4 known = reinterpret_cast<Form_pg_statistic>(GETSTRUCT(tuple))->stadistinct;
		if (known > 0)
			distinct = known;
		else if (known < 0)
			distinct = -known * rows;
		ReleaseSysCache(tuple);
	}
	return std::max(1.0, std::min(distinct, rows));
}

// large = ANY (ARRAY (SELECT small …)), with a mark.
Node *make_condition(Level *level, const Edge *edge, bool restrict_left, const Item *small, double fraction,
					 bool replaces) {
	Node *large_expr = restrict_left ? edge->left_expr : edge->right_expr;
	Node *small_expr = restrict_left ? edge->right_expr : edge->left_expr;
	const Oid element = exprType(small_expr);
	const Oid array = get_array_type(element);
	const Oid op = restrict_left ? edge->clause->opno : get_commutator(edge->clause->opno);
	if (!OidIsValid(array))
		return nullptr;
	Oid left_type, right_type;
	op_input_types(op, &left_type, &right_type);
	// Operators that take the types as they are; a domain, say, would need casts.
	if (left_type != exprType(large_expr) || right_type != element)
		return nullptr;
	SubLink *link = makeNode(SubLink);
	link->subLinkType = ARRAY_SUBLINK;
	link->subselect = reinterpret_cast<Node *>(query_of_item(level, small, small_expr));
	link->location = -1;
	IncrementVarSublevelsUp(link->subselect, 1, 1);
	ScalarArrayOpExpr *any = makeNode(ScalarArrayOpExpr);
	any->opno = op;
	any->opfuncid = get_opcode(op);
	any->useOr = true;
	any->inputcollid = edge->clause->inputcollid;
	any->args = list_make2(copyObjectImpl(large_expr), link);
	forget_syntactic_names(static_cast<Node *>(linitial(any->args)));
	auto *reduction = static_cast<Reduction *>(palloc(sizeof(Reduction)));
	*reduction = {fraction, replaces};
	current_run->reductions = lappend(current_run->reductions, reduction);
	any->location = kMarkBase - list_length(current_run->reductions);
	return reinterpret_cast<Node *>(any);
}

// Adds a condition where it may be tested: in WHERE, or in the outer join that makes the table nullable.
void add_condition(Level *level, Item *item, Node *condition) {
	if (item->nullable_by != nullptr)
		item->nullable_by->quals = make_and_qual(item->nullable_by->quals, condition);
	else
		level->query->jointree->quals = make_and_qual(level->query->jointree->quals, condition);
	level->query->hasSubLinks = true;
	// Whoever is restricted by this table next gets the benefit, too.
	item->own = lappend(item->own, copyObjectImpl(condition));
}

struct Choice {
	const Edge *edge = nullptr;
	bool restrict_left = false;
	double fraction = 1;
	double saved = 0;
};

void consider(Level *level, const Edge *edge, bool restrict_left, Choice *best) {
	Item *large = &level->items[restrict_left ? edge->left : edge->right];
	Item *small = &level->items[restrict_left ? edge->right : edge->left];
	if (!large->target || !small->usable)
		return;
	// Of an outer join's two sides, only the nullable one can be restricted.
	if (large->nullable_level < small->nullable_level)
		return;
	const double small_rows = rows_of(level, small);
	if (small_rows > max_shipped_rows)
		return;
	const double large_rows = rows_of(level, large);
	const double values =
		distinct_values(level, small, restrict_left ? edge->right_expr : edge->left_expr, small_rows);
	const double known =
		distinct_values(level, large, restrict_left ? edge->left_expr : edge->right_expr, large_rows);
	const double fraction = std::min(1.0, values / known);
	if (!always_ship && (large_rows < kMinLargeRows || fraction > kWorthwhile))
		return;
	const double saved = large_rows * (1 - fraction);
	if (best->edge == nullptr || saved > best->saved)
		*best = {edge, restrict_left, fraction, saved};
}

} // namespace

void restrict_large_sides(Query *query) {
	if (max_shipped_rows == 0 || query->commandType != CMD_SELECT || query->setOperations != nullptr ||
		query->jointree == nullptr)
		return;
	auto *level = new (palloc0(sizeof(Level))) Level();
	level->query = query;
	collect_items(level, reinterpret_cast<Node *>(query->jointree), nullptr, 0);
	if (level->count < 2 || level->count == kMaxTables)
		return;
	read_all_conditions(level, reinterpret_cast<Node *>(query->jointree));
	if (level->edges == NIL)
		return;
	judge_items(level);
	List *edges = level->edges;
	while (edges != NIL) {
		Choice best;
		foreach_ptr (Edge, edge, edges) {
			consider(level, edge, true, &best);
			consider(level, edge, false, &best);
		}
		if (best.edge == nullptr)
			return;
		Item *large = &level->items[best.restrict_left ? best.edge->left : best.edge->right];
		Item *small = &level->items[best.restrict_left ? best.edge->right : best.edge->left];
		Node *condition = make_condition(level, best.edge, best.restrict_left, small, best.fraction, false);
		if (condition != nullptr) {
			add_condition(level, large, condition);
			large->rows = std::max(1.0, large->rows * best.fraction);
		}
		edges = list_delete_ptr(list_copy(edges), const_cast<Edge *>(best.edge));
	}
}

const Reduction *find_reduction(const Node *clause) {
	if (current_run == nullptr || !IsA(clause, ScalarArrayOpExpr))
		return nullptr;
	const int number = kMarkBase - reinterpret_cast<const ScalarArrayOpExpr *>(clause)->location - 1;
	return number >= 0 && number < list_length(current_run->reductions)
			   ? static_cast<Reduction *>(list_nth(current_run->reductions, number))
			   : nullptr;
}

} // namespace shardext

// Reading a FROM clause as a graph.
#include "shardext/planner/join_graph.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/on_conflict.hpp"
#include "shardext/planner/estimate.hpp"
#include "shardext/planner/statistics.hpp"
#include "shardext/sql/deparse.hpp"
#include "shardext/sql/relation_query.hpp"

extern "C" {
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
}

namespace shardext {

Node *strip_relabels(Node *node) {
	while (node != nullptr && IsA(node, RelabelType))
		node = reinterpret_cast<Node *>(reinterpret_cast<RelabelType *>(node)->arg);
	return node;
}

int item_of(const JoinGraph *graph, const Node *expr) {
	if (!IsA(expr, Var) || reinterpret_cast<const Var *>(expr)->varlevelsup != 0)
		return -1;
	for (int i = 0; i < graph->count; i++)
		if (graph->items[i].rtindex == reinterpret_cast<const Var *>(expr)->varno)
			return i;
	return -1;
}

bool refers_outside(Node *node) {
	for (int up = 1; up <= 8; up++)
		if (contain_vars_of_level(node, up))
			return true;
	return false;
}

List *and_list(Node *quals) {
	if (quals == nullptr || !is_andclause(quals))
		return make_ands_implicit(reinterpret_cast<Expr *>(quals));
	List *result = NIL; // what has been added stands in ANDs around ANDs
	foreach_ptr (Node, part, reinterpret_cast<BoolExpr *>(quals)->args)
		result = list_concat(result, and_list(part));
	return result;
}

namespace {

// Aggregates whose result does not depend on the order of rows.
bool has_order(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (IsA(node, RangeTblEntry)) {
		auto *rte = reinterpret_cast<RangeTblEntry *>(node);
		return rte->tablesample != nullptr || rte->rtekind == RTE_TABLEFUNC ||
			   (rte->rtekind == RTE_FUNCTION && !gives_proposed_rows(rte));
	}
	if (IsA(node, Query)) {
		auto *query = reinterpret_cast<Query *>(node);
		return query->limitCount != nullptr || query->limitOffset != nullptr || query->hasDistinctOn ||
			   query->hasWindowFuncs || query->hasTargetSRFs || query->rowMarks != NIL ||
			   query->hasRecursive ||
			   walk_query(query, has_order, static_cast<void *>(nullptr), QTW_EXAMINE_RTES_BEFORE);
	}
	if (IsA(node, Aggref)) {
		auto *aggregate = reinterpret_cast<Aggref *>(node);
		const char *name = get_func_name(aggregate->aggfnoid);
		const Oid type = aggregate->aggtype;
		bool known = false;
		for (const char *other : {"count", "min", "max", "sum", "avg", "bool_and", "bool_or", "every"})
			known = known || (name != nullptr && strcmp(name, other) == 0);
		if (aggregate->aggfnoid >= FirstNormalObjectId || !known || type == FLOAT4OID || type == FLOAT8OID)
			return true;
	}
	return walk_expression(node, has_order, static_cast<void *>(nullptr));
}

} // namespace

bool is_repeatable(Query *query) {
	return !has_order(reinterpret_cast<Node *>(query), nullptr);
}

namespace {

// Finds the tables of a FROM clause. `by` is the innermost outer join on whose nullable side they stand.
void collect_items(JoinGraph *graph, Node *node, JoinExpr *by, int depth) {
	if (node == nullptr)
		return;
	if (IsA(node, FromExpr)) {
		foreach_ptr (Node, child, reinterpret_cast<FromExpr *>(node)->fromlist)
			collect_items(graph, child, by, depth);
	} else if (IsA(node, JoinExpr)) {
		auto *join = reinterpret_cast<JoinExpr *>(node);
		const bool left_nullable = join->jointype == JOIN_RIGHT || join->jointype == JOIN_FULL;
		const bool right_nullable = join->jointype == JOIN_LEFT || join->jointype == JOIN_FULL;
		collect_items(graph, join->larg, left_nullable ? join : by, depth + left_nullable);
		collect_items(graph, join->rarg, right_nullable ? join : by, depth + right_nullable);
	} else if (IsA(node, RangeTblRef) && graph->count < kMaxJoinItems) {
		JoinItem *item = &graph->items[graph->count++];
		*item = JoinItem();
		item->rtindex = reinterpret_cast<RangeTblRef *>(node)->rtindex;
		item->nullable_by = by;
		item->nullable_level = depth;
	}
}

// Notes what a list of ANDed conditions says: of one table alone, or that columns of two are equal. `join` is
// the outer join they belong to, or nullptr.
void read_conditions(JoinGraph *graph, Node *quals, JoinExpr *join) {
	foreach_ptr (Node, plain, and_list(quals)) {
		Node *qual = flatten_join_alias_vars(graph->query, static_cast<Node *>(copyObjectImpl(plain)));
		Relids used = pull_varnos(nullptr, qual);
		if (contain_volatile_functions(qual) || checkExprHasSubLink(qual) || refers_outside(qual)) {
			for (int i = 0; i < graph->count; i++)
				graph->items[i].skipped =
					graph->items[i].skipped || bms_is_member(graph->items[i].rtindex, used);
			continue;
		}
		int only;
		if (bms_get_singleton_member(used, &only)) {
			for (int i = 0; i < graph->count; i++)
				// Conditions of an outer join say something of its nullable side only; those above it hold
				// for rows that are not NULL-extended at best, and are strict or not.
				// (A full join keeps what does not meet them.)
				if (graph->items[i].rtindex == only && graph->items[i].nullable_by == join &&
					(join == nullptr || join->jointype != JOIN_FULL) &&
					!(graph->items[i].skipped && contain_leaked_vars(qual)))
					graph->items[i].own = lappend(graph->items[i].own, qual);
			continue;
		}
		auto *op = reinterpret_cast<OpExpr *>(qual);
		if (bms_num_members(used) != 2 || !IsA(op, OpExpr) || list_length(op->args) != 2)
			continue;
		Node *left = strip_relabels(static_cast<Node *>(linitial(op->args)));
		Node *right = strip_relabels(static_cast<Node *>(lsecond(op->args)));
		const int a = item_of(graph, left), b = item_of(graph, right);
		if (a < 0 || b < 0 || !op_mergejoinable(op->opno, exprType(left)) ||
			!OidIsValid(get_commutator(op->opno)))
			continue;
		auto *edge = static_cast<JoinEdge *>(palloc(sizeof(JoinEdge)));
		*edge = {a, b, op, left, right};
		// The nullable side may be restricted by the other one, never the other way round.
		const bool from_join = join != nullptr;
		const bool a_nullable = graph->items[a].nullable_by == join && from_join;
		const bool b_nullable = graph->items[b].nullable_by == join && from_join;
		if (!from_join && (graph->items[a].nullable_by != nullptr || graph->items[b].nullable_by != nullptr))
			continue;
		if (from_join && (a_nullable == b_nullable || join->jointype == JOIN_FULL ||
						  graph->items[a_nullable ? b : a].nullable_level >=
							  graph->items[a_nullable ? a : b].nullable_level))
			continue;
		graph->edges = lappend(graph->edges, edge);
	}
}

void read_all_conditions(JoinGraph *graph, Node *node) {
	if (node == nullptr || IsA(node, RangeTblRef))
		return;
	if (IsA(node, FromExpr)) {
		auto *from = reinterpret_cast<FromExpr *>(node);
		read_conditions(graph, from->quals, nullptr);
		foreach_ptr (Node, child, from->fromlist)
			read_all_conditions(graph, child);
		return;
	}
	auto *join = reinterpret_cast<JoinExpr *>(node);
	// The conditions of an inner join below an outer one belong to that one's nullable side; they are left
	// alone unless there is none.
	read_conditions(graph, join->quals, join->jointype == JOIN_INNER ? nullptr : join);
	read_all_conditions(graph, join->larg);
	read_all_conditions(graph, join->rarg);
}

bool is_relation_like(const RangeTblEntry *rte) {
	if (rte->lateral || rte->tablesample != nullptr)
		return false;
	switch (rte->rtekind) {
	case RTE_RELATION:
		return rte->securityQuals == NIL;
	case RTE_SUBQUERY:
		return !rte->security_barrier && is_repeatable(rte->subquery) &&
			   !refers_outside(reinterpret_cast<Node *>(rte->subquery)) &&
			   !contain_volatile_functions(reinterpret_cast<Node *>(rte->subquery));
	case RTE_VALUES:
		return !refers_outside(reinterpret_cast<Node *>(rte->values_lists)) &&
			   !contain_volatile_functions(reinterpret_cast<Node *>(rte->values_lists)) &&
			   !checkExprHasSubLink(reinterpret_cast<Node *>(rte->values_lists));
	default:
		return false;
	}
}

void judge_items(JoinGraph *graph) {
	for (int i = 0; i < graph->count; i++) {
		JoinItem *item = &graph->items[i];
		RangeTblEntry *rte = rt_fetch(item->rtindex, graph->query->rtable);
		item->usable =
			is_relation_like(rte) &&
			!(rte->rtekind == RTE_SUBQUERY && names_cte(reinterpret_cast<Node *>(rte->subquery), nullptr));
		item->target = rte->rtekind == RTE_RELATION && is_sharded_table(rte->relid);
		foreach_node (RowMarkClause, mark, graph->query->rowMarks)
			if (static_cast<int>(mark->rti) == item->rtindex)
				item->target = item->usable = false; // what is locked must be what is there when it is locked
	}
}

} // namespace

// SELECT expr FROM item WHERE its conditions. Without an expression: a constant.
Query *query_of_item(JoinGraph *graph, const JoinItem *item, Node *expr) {
	Query *query = makeNode(Query);
	query->commandType = CMD_SELECT;
	query->querySource = QSRC_ORIGINAL;
	query->canSetTag = true;
	auto *rte = static_cast<RangeTblEntry *>(copyObjectImpl(rt_fetch(item->rtindex, graph->query->rtable)));
	rte->inFromCl = true;
	query->rtable = list_make1(rte);
	RangeTblRef *ref = makeNode(RangeTblRef);
	ref->rtindex = 1;
	List *conditions = static_cast<List *>(copyObjectImpl(item->own));
	query->jointree =
		makeFromExpr(list_make1(ref),
					 reinterpret_cast<Node *>(conditions != NIL ? make_ands_explicit(conditions) : nullptr));
	query->hasSubLinks = true; // in conditions or in a row filter
	TargetEntry *target =
		expr != nullptr ? makeTargetEntry(static_cast<Expr *>(copyObjectImpl(expr)), 1, pstrdup("key"), false)
						: constant_column();
	query->targetList = list_make1(target);
	forget_syntactic_names(reinterpret_cast<Node *>(query->jointree));
	forget_syntactic_names(reinterpret_cast<Node *>(query->targetList));
	ChangeVarNodes(reinterpret_cast<Node *>(query), item->rtindex, 1, 0);
	return query;
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

namespace {

bool find_outer_cte(Node *node, int *level) {
	if (node == nullptr)
		return false;
	if (IsA(node, RangeTblEntry)) {
		auto *rte = reinterpret_cast<RangeTblEntry *>(node);
		return rte->rtekind == RTE_CTE && static_cast<int>(rte->ctelevelsup) > *level;
	}
	if (!IsA(node, Query))
		return walk_expression(node, find_outer_cte, level);
	++*level;
	const bool found =
		walk_query(reinterpret_cast<Query *>(node), find_outer_cte, level, QTW_EXAMINE_RTES_BEFORE);
	--*level;
	return found;
}

} // namespace

bool names_outer_cte(Query *query) {
	int level = -1;
	return find_outer_cte(reinterpret_cast<Node *>(query), &level);
}

double rows_of(JoinGraph *graph, JoinItem *item) {
	if (item->rows < 0)
		item->rows = estimate_query(query_of_item(graph, item, nullptr)).rows;
	return item->rows;
}

// How many different values a column may have among `rows` rows of its table.
double distinct_values(JoinGraph *graph, const JoinItem *item, const Node *expr, double rows) {
	const RangeTblEntry *rte = rt_fetch(item->rtindex, graph->query->rtable);
	auto *var = reinterpret_cast<const Var *>(expr);
	if (rte->rtekind != RTE_RELATION || var->varattno <= 0)
		return rows;
	const double known = known_distinct(rte, var->varattno, rows);
	return known < 0 ? std::max(1.0, rows) : std::max(1.0, std::min(known, rows));
}

bool read_join_graph(Query *query, JoinGraph *graph) {
	graph->query = query;
	collect_items(graph, reinterpret_cast<Node *>(query->jointree), nullptr, 0);
	if (graph->count == kMaxJoinItems)
		return false;
	read_all_conditions(graph, reinterpret_cast<Node *>(query->jointree));
	judge_items(graph);
	return true;
}

} // namespace shardext

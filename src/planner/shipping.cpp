// Small sides travel to the shards of the large one.
//
// The tables of one colocation group, the one with the most rows, stay where they are. Everything else that
// keeps the query from being shard-complete (tables of other groups, tables of the coordinator, sub-queries
// over them) is read here once, as a WITH query, and travels to the shards: as parameters of their statement,
// or, beyond shardext.max_shipped_rows, through staging tables on the nodes. Where that costs more than
// fetching the large tables, the query stays as it is.
#include "shardext/planner/shipping.hpp"

#include "shardext/planner/shipped_item.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/cut.hpp"
#include "shardext/planner/estimate.hpp"
#include "shardext/planner/placeholder.hpp"
#include "shardext/planner/reduction.hpp"
#include "shardext/planner/tables_read.hpp"
#include "shardext/sql/deparse.hpp"
#include "shardext/sql/grouping_columns.hpp"
#include "shardext/sql/pushable.hpp"
#include "shardext/sql/relation_query.hpp"

extern "C" {
#include "catalog/pg_collation.h"
#include "nodes/makefuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"
}

namespace shardext {

namespace {

// Costs in units of a row that is fetched from a shard.
constexpr double kSentToNode = 0.5;	  // a row sent to a node
constexpr double kUsedByGroup = 0.2;  // a row unpacked and hashed for one shard group
constexpr double kColumn = 0.15;	  // each column of a row that travels
constexpr double kExtraRound = 200;	  // small sides first, shards then
constexpr double kStagedOnNode = 1.2; // a row copied into a staging table
constexpr double kStaging = 6000;	  // tables made, analyzed and dropped
constexpr double kStagedPart = 3000;  // for each part of them
constexpr double kWorthwhile = 0.9;

double row_cost(int columns) {
	return 1 + kColumn * columns;
}

int nodes_of(const ColocationGroup *colocation) {
	List *nodes = NIL;
	for (int g = 0; g < colocation->group_count; g++)
		nodes = list_append_unique_int(nodes, colocation->groups[g].node_id);
	return list_length(nodes);
}

// Makes a level refer to columns of tables, not of joins.
void flatten(Query *level) {
	bool has_join = false;
	foreach_node (RangeTblEntry, rte, level->rtable)
		has_join = has_join || rte->rtekind == RTE_JOIN;
	if (!has_join)
		return;
	auto flat = [&](auto **field) {
		*field = reinterpret_cast<std::remove_reference_t<decltype(*field)>>(
			flatten_join_alias_vars(level, reinterpret_cast<Node *>(*field)));
	};
	flat(&level->targetList);
	flat(&level->jointree);
	flat(&level->havingQual);
	flat(&level->windowClause);
	foreach_node (RangeTblEntry, rte, level->rtable) {
		if (rte->subquery != nullptr && rte->lateral)
			flat(&rte->subquery);
		flat(&rte->functions);
		flat(&rte->values_lists);
		flat(&rte->tablefunc);
	}
}

// --- sending one item ---

class Shipping {
public:
	Shipping(Query *original, Query *work, JoinGraph *graph)
		: original_(original), work_(work), top_(graph) {}
	bool choose();
	bool pays_off(const Fragment *fragment) const;
	char *costs(const Fragment *fragment) const;
	List *ctes() const { return ctes_; }
	const char *reason() const { return reason_; }
	QueryAnalysis analysis;

private:
	bool visit_level(Query *level, int depth);
	bool visit_item(Query *level, JoinGraph *graph, JoinItem *item, int depth);
	bool visit_sub_links(Query *level, int depth);
	bool ship(Query *level, JoinGraph *source, JoinItem *item);
	bool ship_others_of_group();
	bool analyze();
	char *new_name(const RangeTblEntry *rte) const;
	static bool visit_link(Node *node, struct LinkVisit *visit);

	double sending_cost(double rows, int columns, bool fetched, bool routed) const;
	void find_key_column(JoinGraph *source, const List *vars, ShippedItem *shipped) const;
	void leave_shards(const JoinItem *item) const;

	const char *reason_ = "what the query joins cannot be sent along";
	Query *original_, *work_;
	JoinGraph *top_; // of the original query
	const ColocationGroup *colocation_ = nullptr;
	List *ctes_ = NIL;
	double shipping_cost_ = kExtraRound;
	double pulling_cost_ = 0;
};

bool find_cte_names(Node *node, List **names) {
	if (node == nullptr)
		return false;
	if (IsA(node, CommonTableExpr))
		*names = lappend(*names, makeString(reinterpret_cast<CommonTableExpr *>(node)->ctename));
	if (IsA(node, Query))
		return walk_query(reinterpret_cast<Query *>(node), find_cte_names, names, 0);
	return walk_expression(node, find_cte_names, names);
}

// A name that no WITH query has, at any level: those inside would hide it.
char *Shipping::new_name(const RangeTblEntry *rte) const {
	List *taken = NIL;
	find_cte_names(reinterpret_cast<Node *>(original_), &taken);
	foreach_node (CommonTableExpr, cte, ctes_)
		taken = lappend(taken, makeString(cte->ctename));
	char *name = psprintf("shipped %s", rte->eref->aliasname);
	for (int number = 2; list_member(taken, makeString(name)); number++)
		name = psprintf("shipped %s %d", rte->eref->aliasname, number);
	return name;
}

// Takes conditions out of WHERE and of inner joins; those of outer joins stay.
void remove_conditions(Query *level, Node *node, List *conditions) {
	if (node == nullptr || IsA(node, RangeTblRef))
		return;
	Node **quals;
	if (IsA(node, FromExpr)) {
		auto *from = reinterpret_cast<FromExpr *>(node);
		foreach_ptr (Node, child, from->fromlist)
			remove_conditions(level, child, conditions);
		quals = &from->quals;
	} else {
		auto *join = reinterpret_cast<JoinExpr *>(node);
		if (join->jointype != JOIN_INNER)
			return;
		remove_conditions(level, join->larg, conditions);
		remove_conditions(level, join->rarg, conditions);
		quals = &join->quals;
	}
	List *kept = NIL;
	foreach_ptr (Node, qual, and_list(*quals)) {
		Node *flat = flatten_join_alias_vars(level, static_cast<Node *>(copyObjectImpl(qual)));
		if (!list_member(conditions, flat))
			kept = lappend(kept, qual);
	}
	*quals = kept != NIL ? reinterpret_cast<Node *>(make_ands_explicit(kept)) : nullptr;
}

// What would it cost to send rows that read `columns` columns: to each node, or each to its shard group?
double Shipping::sending_cost(double rows, int columns, bool fetched, bool routed) const {
	const double nodes = nodes_of(colocation_), groups = colocation_->group_count;
	const double copies = routed ? 1 : nodes, used = routed ? 1 : groups;
	if (rows <= max_shipped_rows)
		return rows * row_cost(columns) * (fetched + kSentToNode * copies + kUsedByGroup * used);
	const double parts = routed ? std::min(kMaxStagedParts, groups / nodes) : 0;
	return kStaging + kStagedPart * parts +
		   rows * row_cost(columns) * (fetched + kStagedOnNode * copies + kUsedByGroup * used);
}

bool is_shipped(const List *ctes, const JoinItem *item) {
	foreach_ptr (ShippedItem, shipped, current_run->shipped)
		if (shipped->item == item && list_member_ptr(ctes, shipped->cte))
			return true;
	return false;
}

// Finds a column of an item that is equal to the distribution column of a table that stays, wherever a row of
// the item can be part of the result.
void Shipping::find_key_column(JoinGraph *source, const List *vars, ShippedItem *shipped) const {
	const JoinItem *item = shipped->item;
	foreach_ptr (JoinEdge, edge, source->edges)
		for (int side = 0; side < 2; side++) {
			const JoinItem *one = &source->items[side == 0 ? edge->left : edge->right];
			const JoinItem *other = &source->items[side == 0 ? edge->right : edge->left];
			auto *column = reinterpret_cast<Var *>(side == 0 ? edge->left_expr : edge->right_expr);
			auto *key = reinterpret_cast<Var *>(side == 0 ? edge->right_expr : edge->left_expr);
			const RangeTblEntry *rte = rt_fetch(other->rtindex, source->query->rtable);
			const DistributedTable *table =
				rte->rtekind == RTE_RELATION ? find_distributed_table(rte->relid) : nullptr;
			Node *left, *right;
			// (The preserved side of an outer join keeps rows that are equal to nothing.)
			if (one != item || is_shipped(ctes_, other) || item->nullable_level < other->nullable_level ||
				table == nullptr || !table->is_sharded() || table->colocation != colocation_ ||
				!IsA(key, Var) || key->varattno != table->key_attnum || !IsA(column, Var) ||
				!key_equality_operands(reinterpret_cast<Node *>(edge->clause), colocation_, &left, &right))
				continue;
			int number = 0;
			foreach_ptr (Var, var, vars) {
				number++;
				if (var->varattno != column->varattno)
					continue;
				shipped->key_column = number;
				shipped->partner = other;
				return;
			}
		}
}

// A table of the group is sent along after all: its rows are wanted by all shard groups.
void Shipping::leave_shards(const JoinItem *item) const {
	foreach_ptr (ShippedItem, shipped, current_run->shipped)
		if (shipped->partner == item)
			shipped->key_column = 0;
}

// The columns of an item that have to travel; `failed` when they cannot.
NeededColumns columns_to_ship(Query *level, const RangeTblEntry *rte, int rtindex) {
	NeededColumns needed = columns_needed(level, rtindex);
	foreach_ptr (Var, var, needed.vars)
		needed.failed = needed.failed || !column_can_be_shipped(var);
	if (needed.failed || needed.vars != NIL)
		return needed;
	// Only how many rows there are: any column will do.
	for (int i = 1; i <= list_length(rte->eref->colnames) && needed.vars == NIL; i++) {
		Oid type, collation;
		int32 typmod;
		if (strVal(list_nth(rte->eref->colnames, i - 1))[0] == '\0')
			continue;
		if (rte->rtekind == RTE_RELATION)
			get_atttypetypmodcoll(rte->relid, i, &type, &typmod, &collation);
		else if (rte->rtekind == RTE_SUBQUERY) {
			auto *expr =
				reinterpret_cast<Node *>(list_nth_node(TargetEntry, rte->subquery->targetList, i - 1)->expr);
			type = exprType(expr), typmod = exprTypmod(expr), collation = exprCollation(expr);
		} else
			break;
		Var *var = makeVar(rtindex, i, type, typmod, collation, 0);
		if (column_can_be_shipped(var))
			needed.vars = list_make1(var);
	}
	needed.failed = needed.vars == NIL;
	return needed;
}

// `source` describes the level as it was before anything in it was replaced.
bool Shipping::ship(Query *level, JoinGraph *source, JoinItem *item) {
	RangeTblEntry *rte = rt_fetch(item->rtindex, source->query->rtable);
	if (rte->lateral || rte->tablesample != nullptr || list_length(rte->eref->colnames) > 200)
		return false;
	if (rte->rtekind == RTE_CTE && (rte->ctelevelsup > 0 || rte->self_reference || source != top_))
		return false;
	if (rte->rtekind != RTE_RELATION && rte->rtekind != RTE_CTE) {
		auto *copy = static_cast<RangeTblEntry *>(copyObjectImpl(rte));
		Node *content = rte->rtekind == RTE_SUBQUERY   ? reinterpret_cast<Node *>(copy->subquery)
						: rte->rtekind == RTE_VALUES   ? reinterpret_cast<Node *>(copy->values_lists)
						: rte->rtekind == RTE_FUNCTION ? reinterpret_cast<Node *>(copy->functions)
													   : nullptr;
		if (content == nullptr || refers_outside(content) || placeholders_in(content, NIL) != NIL ||
			(rte->rtekind != RTE_SUBQUERY && checkExprHasSubLink(content)) ||
			(source != top_ && names_cte(content, nullptr)))
			return false;
	}
	const bool removes = item->nullable_by == nullptr;
	Query *query = query_of_item(source, item, nullptr);
	auto *read = linitial_node(RangeTblEntry, query->rtable);
	query->hasRowSecurity = level->hasRowSecurity;
	const bool needs_ctes =
		rte->rtekind == RTE_CTE ||
		(rte->rtekind == RTE_SUBQUERY && names_cte(reinterpret_cast<Node *>(rte->subquery), nullptr));
	if (item->rows < 0) {
		if (needs_ctes)
			query->cteList = source->query->cteList;
		item->rows = estimate_query(query).rows;
		query->cteList = NIL;
	}
	if (item->rows > max_shipped_rows && !enable_staging) {
		reason_ = psprintf("\"%s\" has more rows (%.0f) than shardext.max_shipped_rows", rte->eref->aliasname,
						   item->rows);
		return false;
	}

	if (rte->rtekind == RTE_RELATION && !group_by_implied_columns(level, item->rtindex)) {
		reason_ = "GROUP BY the primary key of what the query joins";
		return false;
	}

	// Columns that only the item's own conditions read need not travel.
	auto *before = static_cast<FromExpr *>(copyObjectImpl(level->jointree));
	if (removes)
		remove_conditions(level, reinterpret_cast<Node *>(level->jointree), item->own);
	const NeededColumns needed = columns_to_ship(level, rte, item->rtindex);
	if (needed.failed || list_length(needed.vars) > kMaxShippedColumns) {
		level->jointree = before; // others look at the item next, and need its conditions
		return false;
	}

	// What the item refers to stands one level further up from now on.
	if (read->rtekind == RTE_CTE)
		read->ctelevelsup++;
	else if (read->rtekind == RTE_SUBQUERY)
		IncrementVarSublevelsUp(reinterpret_cast<Node *>(read->subquery), 1, 1);
	query->targetList = NIL;
	CommonTableExpr *cte = makeNode(CommonTableExpr);
	cte->ctename = new_name(rte);
	cte->ctequery = reinterpret_cast<Node *>(query);
	cte->cterefcount = 1;
	cte->location = -1;
	auto *shipped = new (palloc0(sizeof(ShippedItem))) ShippedItem();
	int number = 0;
	foreach_ptr (Var, var, needed.vars) {
		Var *column = makeVar(1, var->varattno, var->vartype, var->vartypmod, var->varcollid, 0);
		char *name = psprintf("c%d", ++number);
		query->targetList = lappend(query->targetList,
									makeTargetEntry(reinterpret_cast<Expr *>(column), number, name, false));
		cte->ctecolnames = lappend(cte->ctecolnames, makeString(pstrdup(name)));
		cte->ctecoltypes = lappend_oid(cte->ctecoltypes, var->vartype);
		cte->ctecoltypmods = lappend_int(cte->ctecoltypmods, var->vartypmod);
		cte->ctecolcollations = lappend_oid(cte->ctecolcollations, var->varcollid);
	}
	shipped->kept_rows = add_placeholder(kept_rows_of(cte))->paramid;
	shipped->first_placeholder = kFirstPlaceholder + list_length(current_run->placeholders);
	foreach_ptr (Var, var, needed.vars)
		add_placeholder(
			reinterpret_cast<Expr *>(makeNullConst(get_array_type(var->vartype), -1, var->varcollid)));
	RangeTblEntry *place = rt_fetch(item->rtindex, level->rtable);
	shipped->original = static_cast<RangeTblEntry *>(copyObjectImpl(rte));
	shipped->conditions = removes ? static_cast<List *>(copyObjectImpl(item->own)) : NIL;
	shipped->cte = cte;
	shipped->rows = item->rows;
	shipped->item = item;
	find_key_column(source, needed.vars, shipped);
	leave_shards(item);
	foreach_ptr (Var, var, needed.vars)
		if (rte->rtekind == RTE_RELATION &&
			distinct_values(source, item, reinterpret_cast<Node *>(var), item->rows) >= item->rows / 2)
			shipped->near_unique = bms_add_member(shipped->near_unique, var->varattno);
	*place = *array_entry(rte, needed, shipped);
	current_run->shipped = lappend(current_run->shipped, shipped);
	ctes_ = lappend(ctes_, cte);

	const bool fetched = rte->rtekind == RTE_RELATION && is_sharded_table(rte->relid);
	shipping_cost_ += sending_cost(item->rows, list_length(needed.vars), fetched,
								   shipped->key_column > 0 && item->rows > max_shipped_rows);
	pulling_cost_ += fetched ? item->rows * row_cost(list_length(needed.vars)) : 0;
	return true;
}

// --- what to send ---

// What restricts a table by a list of keys says the same as the join that now runs on the shards. It stays
// where it chooses the shards.
void drop_key_list(Query *level, const DistributedTable *table, const JoinItem *item, int first_reduction) {
	Node **quals = item->nullable_by != nullptr ? nullptr : &level->jointree->quals;
	if (quals == nullptr)
		return;
	List *kept = NIL;
	foreach_ptr (Node, qual, and_list(*quals)) {
		const Reduction *reduction = find_reduction(qual);
		auto *any = reinterpret_cast<ScalarArrayOpExpr *>(qual);
		auto *var = reduction != nullptr
						? reinterpret_cast<Var *>(strip_relabels(static_cast<Node *>(linitial(any->args))))
						: nullptr;
		if (reduction == nullptr || reduction->replaces || reduction_number(qual) < first_reduction ||
			!IsA(var, Var) || var->varno != item->rtindex || var->varattno == table->key_attnum)
			kept = lappend(kept, qual);
	}
	*quals = kept != NIL ? reinterpret_cast<Node *>(make_ands_explicit(kept)) : nullptr;
}

bool Shipping::visit_item(Query *level, JoinGraph *graph, JoinItem *item, int depth) {
	JoinGraph *source = depth == 0 ? top_ : graph;
	JoinItem *same = item;
	for (int i = 0; i < source->count; i++)
		if (source->items[i].rtindex == item->rtindex)
			same = &source->items[i];
	RangeTblEntry *rte = rt_fetch(item->rtindex, level->rtable);
	switch (rte->rtekind) {
	case RTE_RELATION: {
		const DistributedTable *table = find_distributed_table(rte->relid);
		if (table == nullptr)
			return ship(level, source, same);
		if (!table->is_sharded())
			return true;
		if (table->colocation != colocation_)
			return ship(level, source, same);
		if (depth == 0)
			drop_key_list(level, table, item, top_->first_reduction);
		pulling_cost_ +=
			rows_of(source, same) * row_cost(list_length(columns_needed(level, item->rtindex).vars));
		return true;
	}
	case RTE_SUBQUERY: {
		const TablesRead read = tables_of(reinterpret_cast<Node *>(rte->subquery), colocation_);
		if (!read.sharded && !read.coordinator) {
			Pushability pushability;
			check_pushable(reinterpret_cast<Node *>(rte->subquery), &pushability);
			return pushability.ok || ship(level, source, same);
		}
		return (!read.of_group && ship(level, source, same)) || visit_level(rte->subquery, depth + 1);
	}
	case RTE_CTE: {
		if (depth > 0)
			return true; // the analysis will tell
		if (rte->ctelevelsup > 0)
			return false;
		foreach_node (CommonTableExpr, cte, level->cteList)
			if (strcmp(cte->ctename, rte->ctename) == 0) {
				const TablesRead read = tables_of(cte->ctequery, colocation_);
				const bool elsewhere = read.coordinator || read.sharded || cte->cterecursive ||
									   contain_volatile_functions(cte->ctequery);
				return read.of_group || !elsewhere || ship(level, source, same);
			}
		return false;
	}
	case RTE_FUNCTION:
	case RTE_VALUES: {
		Pushability pushability;
		check_pushable(rte->rtekind == RTE_FUNCTION ? reinterpret_cast<Node *>(rte->functions)
													: reinterpret_cast<Node *>(rte->values_lists),
					   &pushability);
		return pushability.ok || ship(level, source, same);
	}
	default:
		return true;
	}
}

struct LinkVisit {
	Shipping *shipping;
	int depth;
	bool ok;
};

bool Shipping::visit_link(Node *node, LinkVisit *visit) {
	if (node == nullptr || IsA(node, Query))
		return false;
	if (IsA(node, SubLink)) {
		auto *link = reinterpret_cast<SubLink *>(node);
		const TablesRead read = tables_of(link->subselect, visit->shipping->colocation_);
		if ((read.sharded || read.coordinator) && !may_be_lifted(link, visit->depth))
			visit->ok = visit->ok && visit->shipping->visit_level(reinterpret_cast<Query *>(link->subselect),
																  visit->depth + 1);
		return walk_expression(link->testexpr, visit_link, visit);
	}
	return walk_expression(node, visit_link, visit);
}

bool Shipping::visit_sub_links(Query *level, int depth) {
	if (!level->hasSubLinks)
		return true;
	LinkVisit visit{this, depth, true};
	walk_query(level, visit_link, &visit,
			   QTW_IGNORE_RT_SUBQUERIES | QTW_IGNORE_CTE_SUBQUERIES | QTW_IGNORE_JOINALIASES);
	return visit.ok;
}

bool Shipping::visit_level(Query *level, int depth) {
	check_stack_depth();
	if (level->commandType != CMD_SELECT || level->rowMarks != NIL || level->hasModifyingCTE)
		return false;
	foreach_node (CommonTableExpr, cte, level->cteList)
		if (IsA(cte->ctequery, Query) && !cte->cterecursive &&
			tables_of(cte->ctequery, colocation_).of_group &&
			!visit_level(reinterpret_cast<Query *>(cte->ctequery), depth + 1))
			return false;
	if (level->setOperations != nullptr) {
		foreach_node (RangeTblEntry, rte, level->rtable)
			if (rte->rtekind == RTE_SUBQUERY && !visit_level(rte->subquery, depth + 1))
				return false;
		return true;
	}
	if (level->jointree == nullptr)
		return false;
	flatten(level);
	auto *graph = new (palloc0(sizeof(JoinGraph))) JoinGraph();
	if (!read_join_graph(level, graph))
		return false;
	for (int i = 0; i < graph->count; i++)
		if (!visit_item(level, graph, &graph->items[i], depth))
			return false;
	return visit_sub_links(level, depth);
}

bool Shipping::analyze() {
	analysis = QueryAnalysis();
	analyze_query(work_, &analysis);
	if (analysis.reason != nullptr)
		reason_ = analysis.reason;
	return analysis.from.ok && analysis.from.has_sharded && analysis.upper_pushable;
}

// Tables of the large group that are not joined on the key: all but one have to travel, the smallest first.
bool Shipping::ship_others_of_group() {
	List *left = NIL; // of JoinItem
	for (int i = 0; i < top_->count; i++) {
		RangeTblEntry *rte = rt_fetch(top_->items[i].rtindex, original_->rtable);
		const bool of_group =
			(rte->rtekind == RTE_RELATION || rte->rtekind == RTE_SUBQUERY || rte->rtekind == RTE_CTE) &&
			(rte->rtekind == RTE_CTE ||
			 tables_of(reinterpret_cast<Node *>(list_make1(rte)), colocation_).of_group);
		if (!of_group || rte->lateral)
			continue;
		JoinItem *item = &top_->items[i];
		if (rte->rtekind == RTE_CTE || names_cte(reinterpret_cast<Node *>(list_make1(rte)), nullptr)) {
			Query *query = query_of_item(top_, item, nullptr);
			query->cteList = original_->cteList;
			item->rows = estimate_query(query).rows;
		}
		rows_of(top_, item);
		left = lappend(left, item);
	}
	while (list_length(left) > 1) {
		JoinItem *smallest = nullptr;
		foreach_ptr (JoinItem, item, left)
			if (smallest == nullptr || item->rows < smallest->rows)
				smallest = item;
		left = list_delete_ptr(left, smallest);
		RangeTblEntry *place = rt_fetch(smallest->rtindex, work_->rtable);
		if (place->rtekind == RTE_SUBQUERY &&
			placeholders_in(reinterpret_cast<Node *>(place->subquery), NIL) != NIL &&
			rt_fetch(smallest->rtindex, original_->rtable)->rtekind != RTE_SUBQUERY)
			continue; // sent already
		if (!ship(work_, top_, smallest))
			return false;
		if (analyze())
			return true;
	}
	return false;
}

// distribution column = (SELECT …) chooses the shard: the value has to be there before, and where the
// sub-query gives more than one row, the error comes before as well.
void value_for_key(Query *query) {
	foreach_ptr (Node, qual, and_list(query->jointree->quals)) {
		auto *op = reinterpret_cast<OpExpr *>(qual);
		if (!IsA(op, OpExpr) || list_length(op->args) != 2)
			continue;
		for (int side = 0; side < 2; side++) {
			auto *column =
				reinterpret_cast<Var *>(strip_relabels(static_cast<Node *>(list_nth(op->args, side))));
			const Param *array = array_behind(static_cast<Node *>(list_nth(op->args, 1 - side)));
			if (array == nullptr || !IsA(column, Var) || column->varlevelsup != 0)
				continue;
			const RangeTblEntry *rte = rt_fetch(column->varno, query->rtable);
			const DistributedTable *table =
				rte->rtekind == RTE_RELATION ? find_distributed_table(rte->relid) : nullptr;
			if (table == nullptr || !table->is_sharded() || column->varattno != table->key_attnum)
				continue;
			auto *link = static_cast<SubLink *>(
				copyObjectImpl(linitial(placeholder_expressions(list_make1_int(array->paramid)))));
			link->subLinkType = EXPR_SUBLINK;
			lfirst(list_nth_cell(op->args, 1 - side)) = add_placeholder(reinterpret_cast<Expr *>(link));
		}
	}
}

bool Shipping::choose() {
	colocation_ = largest_group(work_);
	if (colocation_ == nullptr || !visit_level(work_, 0))
		return false;
	*work_ = *lift_sub_queries(work_);
	value_for_key(work_);
	return analyze() || ship_others_of_group();
}

char *Shipping::costs(const Fragment *fragment) const {
	return psprintf("sending small sides along would cost %.0f, fetching costs %.0f",
					shipping_cost_ + fragment->rows * row_cost(list_length(fragment->columns)),
					pulling_cost_);
}

bool Shipping::pays_off(const Fragment *fragment) const {
	// Values of sub-queries alone cost nothing more.
	return always_ship || ctes_ == NIL ||
		   shipping_cost_ + fragment->rows * row_cost(list_length(fragment->columns)) <
			   kWorthwhile * pulling_cost_;
}

// Puts sub-queries that stay above the fragment back where they were. False when others than the fragment
// itself, or sub-queries that stay above it, need what was to be sent.
bool fill_above_fragment(Query *query, int first_fragment, int first_placeholder, int last_placeholder) {
	for (int i = first_fragment + 1; i < list_length(current_run->fragments); i++) {
		const ListCell *cell;
		foreach (cell, static_cast<Fragment *>(list_nth(current_run->fragments, i))->placeholders)
			if (lfirst_int(cell) >= first_placeholder && lfirst_int(cell) < last_placeholder)
				return false;
	}
	for (Node **part : {reinterpret_cast<Node **>(&query->targetList), &query->havingQual, &query->limitCount,
						&query->limitOffset, reinterpret_cast<Node **>(&query->windowClause)}) {
		List *numbers = placeholders_in(*part, NIL);
		if (numbers == NIL)
			continue;
		*part = fill_placeholders(*part, numbers, placeholder_expressions(numbers));
		if (placeholders_in(*part, NIL) != NIL)
			return false;
		cut_sub_queries(*part);
	}
	return true;
}

} // namespace

bool ship_small_sides(Query *query, JoinGraph *graph, const char **reason) {
	if (query->setOperations != nullptr || query->rowMarks != NIL || query->jointree == nullptr ||
		query->hasRecursive || names_outer_cte(query))
		return false;
	flatten(query);
	auto *work = static_cast<Query *>(copyObjectImpl(query));
	Shipping shipping(query, work, graph);
	const int placeholders = kFirstPlaceholder + list_length(current_run->placeholders);
	if (!shipping.choose()) {
		*reason = shipping.reason();
		return false;
	}
	const int last_placeholder = kFirstPlaceholder + list_length(current_run->placeholders);
	const int fragments = list_length(current_run->fragments);
	const int range_tables = list_length(current_run->range_tables);
	Fragment *fragment = nullptr;
	if (run_on_shards(work, &shipping.analysis) &&
		fill_above_fragment(work, fragments, placeholders, last_placeholder))
		fragment = fragment_of_entry(linitial_node(RangeTblEntry, work->rtable));
	if (fragment == nullptr || !shipping.pays_off(fragment)) {
		*reason =
			fragment == nullptr ? "nothing is gained by sending small sides along" : shipping.costs(fragment);
		current_run->fragments = list_truncate(current_run->fragments, fragments);
		current_run->range_tables = list_truncate(current_run->range_tables, range_tables);
		return false;
	}
	if (shipping.ctes() != NIL)
		fragment->scan.strategy = psprintf("%s, small sides sent along", fragment->scan.strategy);
	work->cteList = list_concat(static_cast<List *>(copyObjectImpl(query->cteList)), shipping.ctes());
	work->hasSubLinks = true;
	forget_unread_ctes(work);
	const char *outer_reason = current_run->reason;
	current_run->reason = shipping.costs(fragment);
	foreach_node (CommonTableExpr, cte, work->cteList)
		cut_into_fragments(reinterpret_cast<Query *>(cte->ctequery));
	current_run->reason = outer_reason;
	RangeTblEntry *entry = linitial_node(RangeTblEntry, work->rtable);
	foreach_node (CommonTableExpr, cte, shipping.ctes()) {
		read_at_once(reinterpret_cast<Node *>(entry->functions), cte);
		work->cteList = list_delete_ptr(work->cteList, cte);
	}
	*query = *work;
	return true;
}

} // namespace shardext

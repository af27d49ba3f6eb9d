// Small sides travel to the shards of the large one.
//
// The tables of one colocation group, the one with the most rows, stay where they are. Everything else that
// keeps the query from being shard-complete (tables of other groups, tables of the coordinator, sub-queries
// over them) is read here once, as a materialized WITH query, and stands in the shards' statement as
// unnest($1, $2, …). Where that is too much, or costs more than fetching the large tables, the query stays as
// it is.
#include "shardext/planner/shipping.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/cut.hpp"
#include "shardext/planner/decorrelate.hpp"
#include "shardext/planner/estimate.hpp"
#include "shardext/planner/placeholder.hpp"
#include "shardext/planner/reduction.hpp"
#include "shardext/planner/statistics.hpp"
#include "shardext/sql/deparse.hpp"
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
constexpr double kSentToNode = 0.5;	 // a row sent to a node
constexpr double kUsedByGroup = 0.2; // a row unpacked and hashed for one shard group
constexpr double kColumn = 0.15;	 // each column of a row that travels
constexpr double kExtraRound = 200;	 // small sides first, shards then
constexpr double kWorthwhile = 0.8;

double row_cost(int columns) {
	return 1 + kColumn * columns;
}

// --- what a query reads ---

struct TablesRead {
	const ColocationGroup *colocation; // whose tables are looked for; nullptr: any
	bool sharded = false, of_group = false, coordinator = false;
};

bool note_tables(Node *node, TablesRead *read) {
	if (node == nullptr)
		return false;
	if (IsA(node, RangeTblEntry)) {
		auto *rte = reinterpret_cast<RangeTblEntry *>(node);
		if (rte->rtekind != RTE_RELATION)
			return false;
		const DistributedTable *table = find_distributed_table(rte->relid);
		if (table == nullptr)
			read->coordinator = true;
		else if (table->is_sharded()) {
			read->sharded = true;
			read->of_group |= table->colocation == read->colocation;
		}
		return false;
	}
	if (IsA(node, Query))
		return walk_query(reinterpret_cast<Query *>(node), note_tables, read, QTW_EXAMINE_RTES_BEFORE);
	return walk_expression(node, note_tables, read);
}

TablesRead tables_of(Node *node, const ColocationGroup *colocation) {
	TablesRead read{colocation};
	note_tables(node, &read);
	return read;
}

struct GroupSizes {
	List *groups = NIL; // ColocationGroup
	double rows[kMaxJoinItems] = {};
};

bool add_sizes(Node *node, GroupSizes *sizes) {
	if (node == nullptr)
		return false;
	if (IsA(node, RangeTblEntry)) {
		auto *rte = reinterpret_cast<RangeTblEntry *>(node);
		const DistributedTable *table =
			rte->rtekind == RTE_RELATION ? find_distributed_table(rte->relid) : nullptr;
		if (table == nullptr || !table->is_sharded())
			return false;
		if (!list_member_ptr(sizes->groups, table->colocation) && list_length(sizes->groups) < kMaxJoinItems)
			sizes->groups = lappend(sizes->groups, table->colocation);
		int position = 0;
		foreach_ptr (ColocationGroup, group, sizes->groups) {
			if (group == table->colocation)
				sizes->rows[position] += estimated_rows(rte->relid);
			position++;
		}
		return false;
	}
	if (IsA(node, Query))
		return walk_query(reinterpret_cast<Query *>(node), add_sizes, sizes, QTW_EXAMINE_RTES_BEFORE);
	return walk_expression(node, add_sizes, sizes);
}

// The colocation group whose tables stay.
const ColocationGroup *largest_group(Query *query) {
	GroupSizes sizes;
	add_sizes(reinterpret_cast<Node *>(query), &sizes);
	const ColocationGroup *largest = nullptr;
	double most = -1;
	int position = 0;
	foreach_ptr (ColocationGroup, group, sizes.groups) {
		if (sizes.rows[position] > most) {
			most = sizes.rows[position];
			largest = group;
		}
		position++;
	}
	return largest;
}

// Columns of one range table entry that a query level, or anything below it, refers to.
struct NeededColumns {
	int rtindex, level;
	List *vars = NIL;
	bool failed = false;
};

bool find_columns(Node *node, NeededColumns *needed) {
	if (node == nullptr)
		return false;
	if (IsA(node, Query)) {
		needed->level++;
		walk_query(reinterpret_cast<Query *>(node), find_columns, needed, QTW_IGNORE_JOINALIASES);
		needed->level--;
		return false;
	}
	if (IsA(node, Var)) {
		auto *var = static_cast<Var *>(copyObjectImpl(node));
		if (var->varno != needed->rtindex || static_cast<int>(var->varlevelsup) != needed->level)
			return false;
		needed->failed = needed->failed || var->varattno <= 0;
		foreach_ptr (Var, known, needed->vars)
			if (known->varattno == var->varattno)
				return false;
		var->varlevelsup = 0;
		needed->vars = lappend(needed->vars, var);
		return false;
	}
	return walk_expression(node, find_columns, needed);
}

NeededColumns columns_needed(Query *level, int rtindex) {
	NeededColumns needed{rtindex, 0};
	walk_query(level, find_columns, &needed, QTW_IGNORE_JOINALIASES);
	return needed;
}

bool column_can_be_shipped(const Var *var) {
	const Oid type = var->vartype;
	return OidIsValid(get_array_type(type)) && !OidIsValid(get_element_type(getBaseType(type))) &&
		   type != RECORDOID && get_typtype(type) != TYPTYPE_PSEUDO && !is_object_identifier_type(type) &&
		   getBaseType(type) != INT2VECTOROID && getBaseType(type) != OIDVECTOROID;
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
	Shipping(Query *original, Query *work) : original_(original), work_(work) {}
	bool choose();
	bool pays_off(const Fragment *fragment) const;
	List *ctes() const { return ctes_; }
	QueryAnalysis analysis;

private:
	bool visit_level(Query *level, int depth);
	bool visit_item(Query *level, JoinGraph *graph, JoinItem *item, int depth);
	bool visit_sub_links(Query *level, int depth);
	bool ship(Query *level, JoinGraph *source, JoinItem *item);
	bool ship_others_of_group();
	bool analyze();
	RangeTblEntry *array_entry(const RangeTblEntry *rte, const NeededColumns &needed,
							   const ShippedItem *item);
	char *new_name(const RangeTblEntry *rte) const;
	static bool visit_link(Node *node, struct LinkVisit *visit);

	Query *original_, *work_;
	const ColocationGroup *colocation_ = nullptr;
	List *ctes_ = NIL;
	JoinGraph *top_ = nullptr; // of the original query
	double shipping_cost_ = kExtraRound;
	double pulling_cost_ = 0;
};

char *Shipping::new_name(const RangeTblEntry *rte) const {
	char *name = psprintf("shipped %s", rte->eref->aliasname);
	for (int number = 2;; number++) {
		bool taken = false;
		foreach_node (CommonTableExpr, cte, list_concat_copy(original_->cteList, ctes_))
			taken = taken || strcmp(cte->ctename, name) == 0;
		if (!taken)
			return name;
		name = psprintf("shipped %s %d", rte->eref->aliasname, number);
	}
}

// ARRAY (SELECT column n FROM the WITH query), as seen from the query that has it.
Expr *array_of_column(const CommonTableExpr *cte, const Var *var, int number) {
	Query *query = makeNode(Query);
	query->commandType = CMD_SELECT;
	query->querySource = QSRC_ORIGINAL;
	query->canSetTag = true;
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	rte->rtekind = RTE_CTE;
	rte->ctename = pstrdup(cte->ctename);
	rte->ctelevelsup = 1;
	rte->coltypes = static_cast<List *>(copyObjectImpl(cte->ctecoltypes));
	rte->coltypmods = static_cast<List *>(copyObjectImpl(cte->ctecoltypmods));
	rte->colcollations = static_cast<List *>(copyObjectImpl(cte->ctecolcollations));
	rte->eref = makeAlias(cte->ctename, static_cast<List *>(copyObjectImpl(cte->ctecolnames)));
	rte->inFromCl = true;
	query->rtable = list_make1(rte);
	RangeTblRef *ref = makeNode(RangeTblRef);
	ref->rtindex = 1;
	query->jointree = makeFromExpr(list_make1(ref), nullptr);
	Var *column = makeVar(1, number, var->vartype, var->vartypmod, var->varcollid, 0);
	query->targetList =
		list_make1(makeTargetEntry(reinterpret_cast<Expr *>(column), 1, pstrdup("value"), false));
	SubLink *link = makeNode(SubLink);
	link->subLinkType = ARRAY_SUBLINK;
	link->subselect = reinterpret_cast<Node *>(query);
	link->location = -1;
	return reinterpret_cast<Expr *>(link);
}

// (SELECT u.1 AS a, NULL AS b, … FROM ROWS FROM (unnest ($1), …) u), with the columns of what it stands for.
RangeTblEntry *Shipping::array_entry(const RangeTblEntry *rte, const NeededColumns &needed,
									 const ShippedItem *item) {
	RangeTblEntry *functions = makeNode(RangeTblEntry);
	functions->rtekind = RTE_FUNCTION;
	functions->inFromCl = true;
	List *names = NIL;
	int number = 0;
	foreach_ptr (Var, var, needed.vars) {
		Param *array = makeNode(Param);
		array->paramkind = PARAM_EXEC;
		array->paramid = item->first_placeholder + number++;
		array->paramtype = get_array_type(var->vartype);
		array->paramtypmod = -1;
		array->paramcollid = var->varcollid;
		array->location = -1;
		FuncExpr *call = makeNode(FuncExpr);
		call->funcid = F_UNNEST_ANYARRAY;
		call->funcresulttype = var->vartype;
		call->funcretset = true;
		call->funcformat = COERCE_EXPLICIT_CALL;
		call->funccollid = call->inputcollid = get_typcollation(var->vartype);
		call->args = list_make1(array);
		call->location = -1;
		RangeTblFunction *function = makeNode(RangeTblFunction);
		function->funcexpr = reinterpret_cast<Node *>(call);
		function->funccolcount = 1;
		functions->functions = lappend(functions->functions, function);
		names = lappend(names, makeString(psprintf("c%d", number)));
	}
	functions->eref = makeAlias("u", names);
	functions->alias = makeAlias("u", static_cast<List *>(copyObjectImpl(names)));

	Query *query = makeNode(Query);
	query->commandType = CMD_SELECT;
	query->querySource = QSRC_ORIGINAL;
	query->canSetTag = true;
	query->rtable = list_make1(functions);
	RangeTblRef *ref = makeNode(RangeTblRef);
	ref->rtindex = 1;
	query->jointree = makeFromExpr(list_make1(ref), nullptr);
	List *columns = NIL;
	for (int i = 1; i <= list_length(rte->eref->colnames); i++) {
		Expr *value = reinterpret_cast<Expr *>(makeNullConst(INT4OID, -1, InvalidOid));
		number = 0;
		foreach_ptr (Var, var, needed.vars) {
			number++;
			if (var->varattno != i)
				continue;
			const Oid collation = get_typcollation(var->vartype);
			value = reinterpret_cast<Expr *>(makeVar(1, number, var->vartype, -1, collation, 0));
			if (var->varcollid != collation && OidIsValid(var->varcollid)) {
				CollateExpr *collate = makeNode(CollateExpr);
				collate->arg = value;
				collate->collOid = var->varcollid;
				collate->location = -1;
				value = reinterpret_cast<Expr *>(collate);
			}
		}
		char *name = psprintf("_s%d", i);
		columns = lappend(columns, makeString(name));
		query->targetList = lappend(query->targetList, makeTargetEntry(value, i, pstrdup(name), false));
	}
	if (query->targetList == NIL)
		query->targetList = list_make1(constant_column());

	RangeTblEntry *entry = makeNode(RangeTblEntry);
	entry->rtekind = RTE_SUBQUERY;
	entry->subquery = query;
	entry->eref = makeAlias(rte->eref->aliasname, columns);
	entry->alias = makeAlias(rte->eref->aliasname, NIL);
	entry->inFromCl = true;
	return entry;
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
	if (item->rows > max_shipped_rows)
		return false;

	if (removes)
		remove_conditions(level, reinterpret_cast<Node *>(level->jointree), item->own);
	NeededColumns needed = columns_needed(level, item->rtindex);
	if (needed.failed)
		return false;
	foreach_ptr (Var, var, needed.vars)
		if (!column_can_be_shipped(var))
			return false;
	if (needed.vars == NIL) { // only how many rows there are
		for (int i = 1; i <= list_length(rte->eref->colnames) && needed.vars == NIL; i++) {
			Oid type, collation;
			int32 typmod;
			if (strVal(list_nth(rte->eref->colnames, i - 1))[0] == '\0')
				continue;
			if (rte->rtekind == RTE_RELATION)
				get_atttypetypmodcoll(rte->relid, i, &type, &typmod, &collation);
			else if (rte->rtekind == RTE_SUBQUERY) {
				auto *expr = reinterpret_cast<Node *>(
					list_nth_node(TargetEntry, rte->subquery->targetList, i - 1)->expr);
				type = exprType(expr), typmod = exprTypmod(expr), collation = exprCollation(expr);
			} else
				return false;
			Var *var = makeVar(item->rtindex, i, type, typmod, collation, 0);
			if (column_can_be_shipped(var))
				needed.vars = list_make1(var);
		}
		if (needed.vars == NIL)
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
	cte->ctematerialized = CTEMaterializeAlways;
	cte->ctequery = reinterpret_cast<Node *>(query);
	cte->cterefcount = list_length(needed.vars);
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
	number = 0;
	foreach_ptr (Var, var, needed.vars) {
		const Param *param = add_placeholder(array_of_column(cte, var, ++number));
		if (number == 1)
			shipped->first_placeholder = param->paramid;
	}
	RangeTblEntry *place = rt_fetch(item->rtindex, level->rtable);
	shipped->original = static_cast<RangeTblEntry *>(copyObjectImpl(rte));
	shipped->conditions = removes ? static_cast<List *>(copyObjectImpl(item->own)) : NIL;
	shipped->cte = cte;
	shipped->rows = item->rows;
	*place = *array_entry(rte, needed, shipped);
	current_run->shipped = lappend(current_run->shipped, shipped);
	ctes_ = lappend(ctes_, cte);

	const double cost = item->rows * row_cost(list_length(needed.vars));
	const bool fetched = rte->rtekind == RTE_RELATION && is_sharded_table(rte->relid);
	shipping_cost_ +=
		cost * (fetched + kSentToNode * list_length(all_nodes()) + kUsedByGroup * colocation_->group_count);
	pulling_cost_ += fetched ? cost : 0;
	return true;
}

// --- what to send ---

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
		if (read.sharded || read.coordinator)
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

bool Shipping::choose() {
	top_ = new (palloc0(sizeof(JoinGraph))) JoinGraph();
	if (!read_join_graph(original_, top_))
		return false;
	colocation_ = largest_group(work_);
	if (colocation_ == nullptr || !visit_level(work_, 0))
		return false;
	*work_ = *lift_sub_queries(work_);
	return analyze() || ship_others_of_group();
}

bool Shipping::pays_off(const Fragment *fragment) const {
	return always_ship || shipping_cost_ + fragment->rows * row_cost(list_length(fragment->columns)) <
							  kWorthwhile * pulling_cost_;
}

// Puts sub-queries that stay above the fragment back where they were. False when others than the fragment
// itself, or sub-queries that stay above it, need what was to be sent.
bool fill_above_fragment(Query *query, int first_fragment) {
	for (int i = first_fragment + 1; i < list_length(current_run->fragments); i++)
		if (static_cast<Fragment *>(list_nth(current_run->fragments, i))->placeholders != NIL)
			return false;
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

bool ship_small_sides(Query *query) {
	if (max_shipped_rows == 0 || query->setOperations != nullptr || query->rowMarks != NIL ||
		query->jointree == nullptr || query->hasRecursive)
		return false;
	auto *original = static_cast<Query *>(copyObjectImpl(query));
	decorrelate_aggregates(original);
	flatten(original);
	auto *work = static_cast<Query *>(copyObjectImpl(original));
	Shipping shipping(original, work);
	if (!shipping.choose())
		return false;
	const int fragments = list_length(current_run->fragments);
	const int range_tables = list_length(current_run->range_tables);
	Fragment *fragment = nullptr;
	if (run_on_shards(work, &shipping.analysis) && fill_above_fragment(work, fragments))
		fragment = fragment_of_entry(linitial_node(RangeTblEntry, work->rtable));
	if (fragment == nullptr || !shipping.pays_off(fragment)) {
		current_run->fragments = list_truncate(current_run->fragments, fragments);
		current_run->range_tables = list_truncate(current_run->range_tables, range_tables);
		return false;
	}
	if (shipping.ctes() != NIL)
		fragment->scan.strategy = psprintf("%s, small sides sent along", fragment->scan.strategy);
	work->cteList = list_concat(static_cast<List *>(copyObjectImpl(original->cteList)), shipping.ctes());
	work->hasSubLinks = true;
	forget_unread_ctes(work);
	foreach_node (CommonTableExpr, cte, work->cteList)
		cut_into_fragments(reinterpret_cast<Query *>(cte->ctequery));
	*query = *work;
	return true;
}

namespace {

const ShippedItem *shipped_item(const RangeTblEntry *rte) {
	if (rte->rtekind != RTE_SUBQUERY || list_length(rte->subquery->rtable) != 1)
		return nullptr;
	auto *entry = linitial_node(RangeTblEntry, rte->subquery->rtable);
	if (entry->rtekind != RTE_FUNCTION)
		return nullptr;
	auto *call = reinterpret_cast<FuncExpr *>(linitial_node(RangeTblFunction, entry->functions)->funcexpr);
	if (!IsA(call, FuncExpr) || call->args == NIL ||
		!is_placeholder(static_cast<Node *>(linitial(call->args))))
		return nullptr;
	const int number = linitial_node(Param, call->args)->paramid;
	for (const PlannerRun *run = current_run; run != nullptr; run = run->outer)
		foreach_ptr (ShippedItem, item, run->shipped)
			if (item->first_placeholder == number)
				return item;
	return nullptr;
}

bool restore(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (!IsA(node, Query))
		return walk_expression(node, restore, static_cast<void *>(nullptr));
	restore_shipped(reinterpret_cast<Query *>(node));
	return false;
}

} // namespace

void restore_shipped(Query *query) {
	foreach_node (RangeTblEntry, rte, query->rtable) {
		const ShippedItem *item = shipped_item(rte);
		if (item == nullptr)
			continue;
		*rte = *static_cast<RangeTblEntry *>(copyObjectImpl(item->original));
		foreach_ptr (Node, condition, item->conditions)
			query->jointree->quals =
				make_and_qual(query->jointree->quals, static_cast<Node *>(copyObjectImpl(condition)));
	}
	walk_query(query, restore, static_cast<void *>(nullptr), 0);
}

} // namespace shardext

// Normalising query trees and printing them through PostgreSQL's own deparser.
//
// pg_get_querydef() was made for stored views; trees that come out of the rewriter need care before it prints
// them right, which is what the first half of this file does.
#include "shardext/sql/deparse.hpp"

#include "shardext/sql/barrier.hpp"
#include "shardext/sql/grouping_columns.hpp"
#include "shardext/core/sql_text.hpp"
#include "shardext/pg/compat.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/pg/transmission_modes.hpp"
#include "shardext/sql/pushable.hpp"
#include "shardext/sql/relation_query.hpp"

extern "C" {
#include "catalog/pg_collation.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "optimizer/prep.h"
#include "parser/parse_coerce.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "utils/guc.h"
#include "utils/ruleutils.h"
}

namespace shardext {

namespace {

// --- lifting ---

struct LiftContext {
	List *lifted;
};

// Parameters, functions that do not exist on the nodes, and constants that are OIDs of this server's objects.
bool means_something_here_only(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (IsA(node, Param) || has_type_of_coordinator(node))
		return true;
	if (exprInputCollation(node) >= FirstNormalObjectId ||
		(IsA(node, CollateExpr) && reinterpret_cast<CollateExpr *>(node)->collOid >= FirstNormalObjectId))
		return true;
	bool needs_settings = false;
	if (check_functions_in_node(
			node,
			+[](Oid function, void *settings) {
				return !function_is_pushable(function, static_cast<bool *>(settings));
			},
			&needs_settings))
		return true;
	if (IsA(node, Const)) {
		switch (reinterpret_cast<Const *>(node)->consttype) {
		case REGCLASSOID:
		case REGTYPEOID:
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGROLEOID:
		case REGNAMESPACEOID:
			return true;
		default:
			return false;
		}
	}
	return walk_expression(node, means_something_here_only, static_cast<void *>(nullptr));
}

// Reading a value of a domain, or of a type made of domains, runs checks that users have written. So such
// constants are not put into the text, which is parsed with the extension's rights.
bool reading_runs_code_of_users(Oid type) {
	if (type < FirstGenbkiObjectId)
		return false;
	const Oid element = get_element_type(type);
	return get_typtype(OidIsValid(element) ? element : type) != TYPTYPE_ENUM;
}

// True for an expression whose value the coordinator works out once, before the tasks run.
bool is_lifted(Node *node) {
	if (IsA(node, Param))
		return reinterpret_cast<Param *>(node)->paramkind == PARAM_EXTERN ||
			   reinterpret_cast<Param *>(node)->paramkind == PARAM_EXEC;
	if (IsA(node, SQLValueFunction))
		return true;
	if (IsA(node, Const))
		return reading_runs_code_of_users(reinterpret_cast<Const *>(node)->consttype);
	if (!(IsA(node, FuncExpr) || IsA(node, OpExpr) || IsA(node, CoerceViaIO) || IsA(node, RelabelType) ||
		  IsA(node, ArrayCoerceExpr) || IsA(node, MinMaxExpr) || IsA(node, ScalarArrayOpExpr)))
		return false;
	if (contain_var_clause(node) || contain_agg_clause(node) || contain_window_function(node) ||
		contain_subplans(node) || contain_volatile_functions(node) || expression_returns_set(node))
		return false;
	if (exprType(node) == RECORDOID) // what it is made of, only the function in FROM can tell
		return false;
	// Immutable expressions of constants may stay text; the planner of the node folds them.
	return contain_mutable_functions(node) || means_something_here_only(node, nullptr);
}

Node *lift(Node *node, LiftContext *context) {
	if (node == nullptr)
		return nullptr;
	if (IsA(node, Query))
		return reinterpret_cast<Node *>(mutate_query(reinterpret_cast<Query *>(node), lift, context, 0));
	if (is_lifted(node) && !depends_on_row(node)) {
		int number = 0;
		for (int i = 0; i < list_length(context->lifted); i++)
			if (equal(list_nth(context->lifted, i), node))
				number = i + 1;
		if (number == 0) {
			context->lifted = lappend(context->lifted, copyObjectImpl(node));
			number = list_length(context->lifted);
		}
		return make_lifted_param(number, exprType(node), exprTypmod(node), exprCollation(node));
	}
	return mutate_expression(node, lift, context);
}

// --- normalising ---

// Puts the tested value in place of CaseTestExpr, not below what has a test value of its own.
Node *insert_test_value(Node *node, Node *value) {
	if (node == nullptr)
		return nullptr;
	if (IsA(node, CaseTestExpr))
		return static_cast<Node *>(copyObjectImpl(value));
	if (IsA(node, CaseExpr) && reinterpret_cast<CaseExpr *>(node)->arg != nullptr) {
		auto *copy = static_cast<CaseExpr *>(copyObjectImpl(node));
		copy->arg = reinterpret_cast<Expr *>(insert_test_value(reinterpret_cast<Node *>(copy->arg), value));
		return reinterpret_cast<Node *>(copy);
	}
	if (IsA(node, ArrayCoerceExpr)) {
		auto *copy = static_cast<ArrayCoerceExpr *>(copyObjectImpl(node));
		copy->arg = reinterpret_cast<Expr *>(insert_test_value(reinterpret_cast<Node *>(copy->arg), value));
		return reinterpret_cast<Node *>(copy);
	}
	return mutate_expression(node, insert_test_value, value);
}

// CASE a WHEN true … in the planner's form, as CASE WHEN a ….
Node *spell_out_case(CaseExpr *choice) {
	bool simplified = false;
	foreach_node (CaseWhen, when, choice->args)
		simplified = simplified || !IsA(when->expr, OpExpr);
	if (choice->arg == nullptr || !simplified)
		return reinterpret_cast<Node *>(choice);
	foreach_node (CaseWhen, when, choice->args)
		when->expr = reinterpret_cast<Expr *>(
			insert_test_value(reinterpret_cast<Node *>(when->expr), reinterpret_cast<Node *>(choice->arg)));
	choice->arg = nullptr;
	return reinterpret_cast<Node *>(choice);
}

// The planner makes a RelabelType of COLLATE, which is printed as a cast alone.
Node *spell_out_collation(RelabelType *cast) {
	const Oid collation = cast->resultcollid;
	const Oid inside = exprCollation(reinterpret_cast<Node *>(cast->arg));
	if (!OidIsValid(collation) || !OidIsValid(inside) || collation == inside)
		return reinterpret_cast<Node *>(cast);
	cast->resultcollid = inside;
	CollateExpr *collate = makeNode(CollateExpr);
	collate->arg = reinterpret_cast<Expr *>(cast);
	collate->collOid = collation;
	collate->location = -1;
	return reinterpret_cast<Node *>(collate);
}

// The planner simplifies expressions to forms that the deparser cannot print, or prints as something else.
Node *spell_out(Node *node, void *) {
	if (node == nullptr)
		return nullptr;
	if (IsA(node, Query))
		return reinterpret_cast<Node *>(
			mutate_query(reinterpret_cast<Query *>(node), spell_out, static_cast<void *>(nullptr), 0));
	Node *result = mutate_expression(node, spell_out, static_cast<void *>(nullptr));
	if (IsA(result, CaseExpr))
		return spell_out_case(reinterpret_cast<CaseExpr *>(result));
	if (IsA(result, RelabelType))
		return spell_out_collation(reinterpret_cast<RelabelType *>(result));
	return result;
}

// Gives every output column of a query its own name, so that ORDER BY t.id cannot mean an output named id.
void make_output_names_unique(Query *query) {
	int number = 0;
	foreach_node (TargetEntry, entry, query->targetList) {
		number++;
		if (!entry->resjunk)
			entry->resname = psprintf("_c%d", number);
	}
}

List *output_names(Query *query) {
	List *names = NIL;
	foreach_node (TargetEntry, entry, query->targetList)
		if (!entry->resjunk)
			names = lappend(names, makeString(entry->resname));
	return names;
}

struct NormaliseContext {
	bool top;
};

// A join's alias hides the tables below it, to whose columns planning has resolved references. Without it
// the deparser finds a name for each column.
bool forget_join_alias(Node *node, void *) {
	if (node == nullptr || IsA(node, Query))
		return false;
	if (IsA(node, JoinExpr))
		reinterpret_cast<JoinExpr *>(node)->alias = nullptr;
	return walk_expression(node, forget_join_alias, static_cast<void *>(nullptr));
}

struct CteReaders {
	List *names; // of common table expressions that are read
	int level;	 // nesting below the query that defines them
};

bool find_read_ctes(Node *node, CteReaders *readers) {
	if (node == nullptr)
		return false;
	if (IsA(node, RangeTblEntry)) {
		auto *rte = reinterpret_cast<RangeTblEntry *>(node);
		if (rte->rtekind == RTE_CTE && static_cast<int>(rte->ctelevelsup) == readers->level)
			readers->names = list_append_unique(readers->names, makeString(rte->ctename));
		return false;
	}
	if (IsA(node, Query)) {
		readers->level++;
		walk_query(reinterpret_cast<Query *>(node), find_read_ctes, readers, QTW_EXAMINE_RTES_BEFORE);
		readers->level--;
		return false;
	}
	return walk_expression(node, find_read_ctes, readers);
}

} // namespace

// A WITH query that nobody reads, or only others of that kind, is not run; its tables may not exist on the
// node.
void forget_unread_ctes(Query *query) {
	if (query->cteList == NIL)
		return;
	CteReaders readers{NIL, 0};
	walk_query(query, find_read_ctes, &readers, QTW_EXAMINE_RTES_BEFORE | QTW_IGNORE_CTE_SUBQUERIES);
	for (int known = -1; known != list_length(readers.names);) {
		known = list_length(readers.names);
		foreach_node (CommonTableExpr, cte, query->cteList)
			if (list_member(readers.names, makeString(cte->ctename)))
				find_read_ctes(cte->ctequery, &readers);
	}
	List *used = NIL;
	foreach_node (CommonTableExpr, cte, query->cteList)
		if (list_member(readers.names, makeString(cte->ctename)) ||
			reinterpret_cast<Query *>(cte->ctequery)->commandType != CMD_SELECT ||
			reinterpret_cast<Query *>(cte->ctequery)->hasModifyingCTE)
			used = lappend(used, cte);
	query->cteList = used;
}

namespace {

// A sub-query with WITH is not merged into the query around it; that must not change with the last one gone.
// (Merged, equal outputs of it become equal expressions, which PostgreSQL does not tell apart in grouping
// sets.)
void keep_apart(Query *query, CommonTableExpr *cte) {
	Query *nothing = makeNode(Query);
	nothing->commandType = CMD_SELECT;
	nothing->jointree = makeFromExpr(NIL, nullptr);
	Const *null = makeNullConst(TEXTOID, -1, DEFAULT_COLLATION_OID);
	nothing->targetList =
		list_make1(makeTargetEntry(reinterpret_cast<Expr *>(null), 1, pstrdup("nothing"), false));
	CommonTableExpr *kept = makeNode(CommonTableExpr);
	kept->ctename = cte->ctename;
	kept->ctequery = reinterpret_cast<Node *>(nothing);
	kept->location = -1;
	kept->ctecolnames = list_make1(makeString(pstrdup("nothing")));
	kept->ctecoltypes = list_make1_oid(TEXTOID);
	kept->ctecoltypmods = list_make1_int(-1);
	kept->ctecolcollations = list_make1_oid(DEFAULT_COLLATION_OID);
	query->cteList = list_make1(kept);
}

} // namespace

bool forget_all_unread_ctes(Node *node, void *is_inner) {
	if (node == nullptr)
		return false;
	if (!IsA(node, Query))
		return walk_expression(node, forget_all_unread_ctes, is_inner);
	auto *query = reinterpret_cast<Query *>(node);
	// From the inside out: what only unread queries read is unread as well.
	walk_query(query, forget_all_unread_ctes, static_cast<void *>(query), 0);
	List *all = query->cteList;
	forget_unread_ctes(query);
	if (is_inner != nullptr && all != NIL && query->cteList == NIL)
		keep_apart(query, linitial_node(CommonTableExpr, all));
	return false;
}

namespace {

// GROUP BY (- 2) would be read as a position.
void fold_constant_groups(Query *query) {
	foreach_node (TargetEntry, entry, query->targetList) {
		auto *expr = reinterpret_cast<Node *>(entry->expr);
		if (entry->ressortgroupref != 0 && !IsA(expr, Const) && !depends_on_row(expr) &&
			!checkExprHasSubLink(expr) && !contain_agg_clause(expr) && !contain_window_function(expr) &&
			!contain_volatile_functions(expr) && !expression_returns_set(expr))
			entry->expr = reinterpret_cast<Expr *>(eval_const_expressions(nullptr, expr));
	}
}

bool fold_all_constant_groups(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (!IsA(node, Query))
		return walk_expression(node, fold_all_constant_groups, static_cast<void *>(nullptr));
	walk_query(reinterpret_cast<Query *>(node), fold_all_constant_groups, static_cast<void *>(nullptr), 0);
	fold_constant_groups(reinterpret_cast<Query *>(node));
	return false;
}

struct NamedEntries {
	const Query *query;
	Relids in_from; // its range table entries that have a name in the text
	int level;		// nesting below the query
};

// A rule's NEW and OLD have become columns of other tables, which keep the rule's names for them.
bool forget_names_of_rules(Node *node, NamedEntries *named) {
	if (node == nullptr)
		return false;
	if (IsA(node, Query)) {
		named->level++;
		walk_query(reinterpret_cast<Query *>(node), forget_names_of_rules, named, 0);
		named->level--;
		return false;
	}
	auto *var = reinterpret_cast<Var *>(node);
	if (!IsA(node, Var))
		return walk_expression(node, forget_names_of_rules, named);
	const int entry = static_cast<int>(var->varnosyn);
	if (static_cast<int>(var->varlevelsup) == named->level && entry > 0 &&
		entry <= list_length(named->query->rtable) && entry != named->query->resultRelation &&
		rt_fetch(entry, named->query->rtable)->rtekind != RTE_JOIN && !bms_is_member(entry, named->in_from)) {
		var->varnosyn = var->varno;
		var->varattnosyn = var->varattno;
	}
	return false;
}

bool normalise(Node *node, NormaliseContext *context);

void normalise_query(Query *query, bool top) {
	NormaliseContext below{false};
	walk_query(query, normalise, &below, 0);

	forget_join_alias(reinterpret_cast<Node *>(query->jointree), nullptr);
	foreach_node (RangeTblEntry, rte, query->rtable)
		if (rte->rtekind == RTE_JOIN)
			rte->alias = nullptr;
	// Entries that rewriting has added to FROM are not marked as being there.
	Relids in_from = get_relids_in_jointree(reinterpret_cast<Node *>(query->jointree), false);
	NamedEntries named{query, in_from, 0};
	walk_query(query, forget_names_of_rules, &named, 0);
	int rtindex = 0;
	foreach_node (RangeTblEntry, rte, query->rtable) {
		rtindex++;
		if (bms_is_member(rtindex, in_from) && rtindex != query->resultRelation)
			rte->inFromCl = true;
		if (rte->rtekind == RTE_RELATION && rte->securityQuals != NIL && query->resultRelation != rtindex) {
			group_by_implied_columns(query, rtindex);
			put_filters_behind_barrier(query, rtindex);
		} else if (rte->rtekind == RTE_RELATION && rte->securityQuals != NIL) {
			// The target of UPDATE or DELETE: filters are conditions. Callers have made sure nothing leaks.
			foreach_ptr (Node, filter, rte->securityQuals)
				query->jointree->quals = make_and_qual(filter, query->jointree->quals);
			rte->securityQuals = NIL;
		}
		if (rte->rtekind == RTE_FUNCTION)
			wrap_column_list(rte);
		if (rte->rtekind == RTE_SUBQUERY) {
			Query *sub = rte->subquery;
			if (rte->security_barrier)
				put_view_behind_barrier(query, rtindex);
			if (sub->sortClause != NIL && sub->setOperations == nullptr) {
				make_output_names_unique(sub);
				rte->alias =
					makeAlias(rte->eref->aliasname, static_cast<List *>(copyObjectImpl(rte->eref->colnames)));
				rte->eref->colnames = output_names(sub);
			}
			// The columns of a set operation are called as those of its first branch, which may have been
			// renamed.
			if (sub->setOperations != nullptr)
				rte->alias =
					makeAlias(rte->eref->aliasname, static_cast<List *>(copyObjectImpl(rte->eref->colnames)));
			if (rte->alias == nullptr)
				rte->alias = makeAlias(rte->eref->aliasname, NIL);
		}
	}
	foreach_node (CommonTableExpr, cte, query->cteList) {
		auto *sub = reinterpret_cast<Query *>(cte->ctequery);
		if (IsA(sub, Query) && sub->commandType == CMD_SELECT && sub->sortClause != NIL &&
			sub->setOperations == nullptr) {
			make_output_names_unique(sub);
			cte->aliascolnames = static_cast<List *>(copyObjectImpl(cte->ctecolnames));
		}
		if (IsA(sub, Query) && sub->setOperations != nullptr && !cte->cterecursive)
			cte->aliascolnames = static_cast<List *>(copyObjectImpl(cte->ctecolnames));
	}
	if (top && query->commandType == CMD_SELECT && query->setOperations == nullptr)
		make_output_names_unique(query);
}

bool normalise(Node *node, NormaliseContext *context) {
	if (node == nullptr)
		return false;
	if (IsA(node, Query)) {
		normalise_query(reinterpret_cast<Query *>(node), false);
		return false;
	}
	return walk_expression(node, normalise, context);
}

bool forget_names(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (IsA(node, Var)) {
		auto *var = reinterpret_cast<Var *>(node);
		var->varnosyn = var->varno;
		var->varattnosyn = var->varattno;
		return false;
	}
	return walk_expression(node, forget_names, static_cast<void *>(nullptr));
}

} // namespace

void forget_syntactic_names(Node *node) {
	forget_names(node, nullptr);
}

Node *make_lifted_param(int number, Oid type, int32 typmod, Oid collation) {
	Param *param = makeNode(Param);
	param->paramkind = PARAM_EXTERN;
	param->paramid = number;
	param->paramtypmod = -1;
	param->location = -1;
	// The node must know the type: by its OID where that is the same everywhere, by a cast where it is not.
	param->paramtype = type < FirstGenbkiObjectId ? type : TEXTOID;
	param->paramcollid = type < FirstGenbkiObjectId ? collation : get_typcollation(TEXTOID);
	if (type < FirstGenbkiObjectId)
		return reinterpret_cast<Node *>(param);
	CoerceViaIO *cast = makeNode(CoerceViaIO);
	cast->arg = reinterpret_cast<Expr *>(param);
	cast->resulttype = type;
	cast->resultcollid = collation;
	cast->coerceformat = COERCE_EXPLICIT_CAST;
	cast->location = -1;
	(void)typmod;
	return reinterpret_cast<Node *>(cast);
}

namespace {

#ifdef USE_ASSERT_CHECKING
struct ParamTypes {
	Oid *types;
	int count;
};

bool note_param_types(Node *node, ParamTypes *found) {
	if (node == nullptr)
		return false;
	if (IsA(node, Query))
		return walk_query(reinterpret_cast<Query *>(node), note_param_types, found, 0);
	if (IsA(node, Param) && reinterpret_cast<Param *>(node)->paramkind == PARAM_EXTERN &&
		reinterpret_cast<Param *>(node)->paramid <= found->count)
		found->types[reinterpret_cast<Param *>(node)->paramid - 1] =
			reinterpret_cast<Param *>(node)->paramtype;
	return walk_expression(node, note_param_types, found);
}

// Parses and analyzes a text again, as a node would, and compares the result with the tree it came from.
void check_text(const Query *query, const char *text) {
	Oid types[1600];
	int count = 0;
	for (const char *p = text; (p = strchr(p, '$')) != nullptr; p++)
		count = std::max(count, atoi(p + 1));
	count = std::min(count, 1600);
	for (int i = 0; i < count; i++)
		types[i] = UNKNOWNOID;
	ParamTypes context{types, count};
	note_param_types(reinterpret_cast<Node *>(const_cast<Query *>(query)), &context);
	List *raw = raw_parser(text, RAW_PARSE_DEFAULT);
	Assert(list_length(raw) == 1);
	Query *again = parse_analyze_fixedparams(linitial_node(RawStmt, raw), text, types, count, nullptr);
	Assert(again->commandType == query->commandType);
	List *expected = query->commandType == CMD_SELECT ? query->targetList : query->returningList;
	List *got = query->commandType == CMD_SELECT ? again->targetList : again->returningList;
	int position = 0;
	foreach_node (TargetEntry, entry, expected) {
		if (entry->resjunk)
			continue;
		Assert(position < list_length(got));
		const Oid type =
			exprType(reinterpret_cast<Node *>(list_nth_node(TargetEntry, got, position++)->expr));
		const Oid wanted = exprType(reinterpret_cast<Node *>(entry->expr));
		Assert(type == wanted || wanted == UNKNOWNOID);
	}
	Assert(list_length(again->groupClause) <= list_length(query->groupClause));
	Assert((again->groupClause == NIL) == (query->groupClause == NIL));
	// The parser leaves out what a sort names twice.
	Assert(list_length(again->sortClause) <= list_length(query->sortClause));
	Assert((again->sortClause == NIL) == (query->sortClause == NIL));
	Assert((again->limitCount == nullptr) == (query->limitCount == nullptr));
	Assert(again->hasAggs == query->hasAggs);
	Assert(list_length(again->cteList) == list_length(query->cteList));
}
#endif

} // namespace

char *deparse_qualified(Query *query, [[maybe_unused]] bool whole) {
	const int level = begin_transmission_modes();
	set_config_option("search_path", "", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	char *text = pg_get_querydef(query, false);
#ifdef USE_ASSERT_CHECKING
	if (whole)
		check_text(query, text);
#endif
	end_transmission_modes(level);
	core::fold_white_space(text);
	return text;
}

DeparsedQuery deparse_for_shards(const Query *query, List *lifted, bool whole) {
	auto *copy = static_cast<Query *>(copyObjectImpl(query));
	// Before anything is lifted out of the query: what is not read must not ask for parameters.
	forget_all_unread_ctes(reinterpret_cast<Node *>(copy), nullptr);
	fold_all_constant_groups(reinterpret_cast<Node *>(copy), nullptr);
	copy = reinterpret_cast<Query *>(spell_out(reinterpret_cast<Node *>(copy), nullptr));
	LiftContext context{lifted};
	copy = reinterpret_cast<Query *>(lift(reinterpret_cast<Node *>(copy), &context));
	normalise_query(copy, true);
	DeparsedQuery result;
	result.pieces = splice_relations(deparse_qualified(copy, whole));
	result.lifted = context.lifted;
	return result;
}

} // namespace shardext

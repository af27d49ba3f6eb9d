// UPDATE, DELETE and MERGE of any form: a SELECT of the rows to change with their new values, for Shard
// Change.
//
// The source has two levels. The inner one is the statement's own FROM and WHERE; it returns the rows'
// identity and the columns that the outer one computes new values from. (PostgreSQL makes one of them where
// it can.)
#include "shardext/planner/write_parts.hpp"

#include "shardext/pg/compat.hpp"
#include "shardext/pg/merge.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/planner/new_row.hpp"
#include "shardext/planner/user_triggers.hpp"
#include "shardext/sql/relation_query.hpp"

extern "C" {
#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/rel.h"
#include "utils/relcache.h"
}

namespace shardext {

namespace {

class ChangePlanner {
public:
	ChangePlanner(Query *query, const PlanningContext &context, const char *reason, const Conflict *conflict);
	PlannedWrite run();

private:
	Expr *action_number();
	void add_action(CmdType command, List *targets, int number);
	void add_conflict_keys();
	void add_old_row();
	void add_row_for_triggers();
	void add_missing_values(ChangeAction *action);
	bool fires_before(CmdType command) const;
	NewRow new_row(const ChangeAction *action) const;
	List *checks_of_rows() const;
	void add_multi_sub_queries();
	void add_returning();
	Query *inner_query();
	Query *source_query();
	Node *from_inner(Node *expr) { return read_through(expr, &inner_); }
	int add_output(Node *expr, bool junk = false);
	Var *old_column(AttrNumber number) const;
	int place_of_new(const Var *column);
	int place_of_value(Node *value, int action);
	bool is_merge() const { return query_->commandType == CMD_MERGE; }

	Query *query_;
	const PlanningContext &context_;
	const Conflict *conflict_;
	RangeTblEntry *target_;
	const DistributedTable *table_;
	ChangePlan plan_;
	ReturningContext inner_;	 // what the inner query returns
	ReturningContext returning_; // what RETURNING reads
	List *returning_list_ = NIL;
	List *outputs_ = NIL; // TargetEntry of the outer query
	NewRow old_row_;
	UserTriggers triggers_;
};

ChangePlanner::ChangePlanner(Query *query, const PlanningContext &context, const char *reason,
							 const Conflict *conflict)
	: query_(query), context_(context), conflict_(conflict),
	  target_(rt_fetch(query->resultRelation, query->rtable)),
	  table_(find_distributed_table(target_->relid)), inner_{query, target_->relid},
	  returning_{query, target_->relid}, old_row_{query->resultRelation, target_->relid, NIL, NIL} {
	inner_.whole_rows = returning_.whole_rows = true;
	plan_.relid = target_->relid;
	plan_.colocation_id = table_->colocation->id;
	plan_.key_attnum = table_->key_attnum;
	plan_.once = is_merge();
	plan_.reason = reason;
	plan_.sets_tag = query->canSetTag;
	plan_.shared = context.shares_rows;
	plan_.late = context.late;
	triggers_ = user_triggers(target_->relid);
	plan_.triggers = plan_triggers(triggers_, query);
	if (conflict != nullptr) {
		plan_.proposed = conflict->proposed;
		plan_.proposed_token = conflict->token;
		plan_.proposed_columns = conflict->proposed_columns;
	}
	if (plan_.triggers.before_rows)
		move_checks_behind_triggers(query, fires_before(CMD_INSERT), fires_before(CMD_UPDATE),
									&plan_.triggers);
}

// (Rows that an upsert proposes have been through their triggers.)
bool ChangePlanner::fires_before(CmdType command) const {
	return triggers_.before_row(command) && (conflict_ == nullptr || command != CMD_INSERT);
}

// The position (from 0) of a new output of the source.
int ChangePlanner::add_output(Node *expr, bool junk) {
	const int number = list_length(outputs_) + 1;
	outputs_ = lappend(
		outputs_, makeTargetEntry(reinterpret_cast<Expr *>(expr), number, psprintf("_c%d", number), junk));
	return number - 1;
}

Var *ChangePlanner::old_column(AttrNumber number) const {
	Oid type, collation;
	int32 typmod;
	get_atttypetypmodcoll(target_->relid, number, &type, &typmod, &collation);
	return makeVar(query_->resultRelation, number, type, typmod, collation, 0);
}

Expr *int_constant(int value, bool isnull = false) {
	return reinterpret_cast<Expr *>(
		makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(value), isnull, true));
}

CaseExpr *make_case() {
	CaseExpr *result = makeNode(CaseExpr);
	result->defresult = reinterpret_cast<Expr *>(makeNullConst(INT4OID, -1, InvalidOid));
	result->casetype = INT4OID;
	result->location = -1;
	return result;
}

void add_arm(CaseExpr *choice, Node *condition, Expr *value) {
	CaseWhen *arm = makeNode(CaseWhen);
	arm->expr = reinterpret_cast<Expr *>(condition);
	arm->result = value;
	arm->location = -1;
	choice->args = lappend(choice->args, arm);
}

// Which action of MERGE a row meets: the first one of its kind whose condition is true.
Expr *ChangePlanner::action_number() {
	if (!is_merge())
		return int_constant(0);
	CaseExpr *matched = make_case(), *unmatched = make_case();
	int number = 0;
	foreach_node (MergeAction, action, query_->mergeActionList) {
		Node *condition = action->qual != nullptr ? static_cast<Node *>(copyObjectImpl(action->qual))
												  : makeBoolConst(true, false);
		if (IsA(condition, List))
			condition = reinterpret_cast<Node *>(make_ands_explicit(reinterpret_cast<List *>(condition)));
		const bool nothing = action->commandType == CMD_NOTHING;
		add_arm(is_matched_action(action) ? matched : unmatched, condition, int_constant(number, nothing));
		number++;
	}
	// (A CASE without arms is none.)
	for (CaseExpr *choice : {matched, unmatched})
		if (choice->args == NIL)
			add_arm(choice, makeBoolConst(false, false), int_constant(0, true));
	CaseExpr *choice = make_case();
	NullTest *found = makeNode(NullTest);
	found->arg = reinterpret_cast<Expr *>(
		makeVar(query_->resultRelation, SelfItemPointerAttributeNumber, TIDOID, -1, InvalidOid, 0));
	found->nulltesttype = IS_NOT_NULL;
	found->location = -1;
	add_arm(choice, reinterpret_cast<Node *>(found), reinterpret_cast<Expr *>(matched));
	choice->defresult = reinterpret_cast<Expr *>(unmatched);
	return reinterpret_cast<Expr *>(choice);
}

// A value is worked out only for rows that meet its action.
Node *only_for(int number, Node *value) {
	return value_when(
		kChangeAction + 1, number, value,
		reinterpret_cast<Node *>(makeNullConst(exprType(value), exprTypmod(value), exprCollation(value))));
}

bool is_simple(const Node *node) {
	return IsA(node, Const) || IsA(node, Var);
}

// Where a new value of an action is to be found. Several actions of wide tables would soon have more columns
// than a query may have: constants are none, and actions share columns.
int ChangePlanner::place_of_value(Node *value, int action) {
	if (!is_merge())
		return add_output(value);
	if (!is_simple(value))
		return add_output(only_for(action, value));
	if (plan_.triggers.before_rows) // which may change the value of each column
		return add_output(value);
	if (IsA(value, Const) && query_->withCheckOptions == NIL) {
		plan_.constants = lappend(plan_.constants, value);
		return -list_length(plan_.constants);
	}
	foreach_node (TargetEntry, entry, outputs_)
		if (entry->resno > kChangeFirst && !entry->resjunk && equal(entry->expr, value))
			return entry->resno - 1;
	return add_output(value);
}

void ChangePlanner::add_action(CmdType command, List *targets, int number) {
	auto *action = new (palloc0(sizeof(ChangeAction))) ChangeAction();
	action->command = command;
	plan_.actions = lappend(plan_.actions, action);
	Bitmapset *assigned = nullptr;
	bool moves = false;
	foreach_node (TargetEntry, entry, targets) {
		if (entry->resjunk)
			continue;
		Node *value = from_inner(reinterpret_cast<Node *>(entry->expr));
		action->attnums = lappend_int(action->attnums, entry->resno);
		action->places = lappend_int(action->places, place_of_value(value, number));
		assigned = bms_add_member(assigned, entry->resno);
		moves = moves || (command == CMD_UPDATE && entry->resno == table_->key_attnum);
	}
	if (command == CMD_DELETE)
		plan_.keeps_key = false;
	if (command == CMD_INSERT && fires_before(CMD_INSERT))
		add_missing_values(action);
	if (command != CMD_UPDATE)
		return;
	Relation relation = RelationIdGetRelation(target_->relid);
	TupleDesc desc = RelationGetDescr(relation);
	Bitmapset *keys = RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_KEY);
	for (int i = 1; i <= desc->natts; i++) {
		Form_pg_attribute attribute = TupleDescAttr(desc, i - 1);
		if (attribute->attisdropped || attribute->attgenerated != '\0')
			continue;
		if (bms_is_member(i, assigned)) {
			if (bms_is_member(i - FirstLowInvalidHeapAttributeNumber, keys))
				plan_.keeps_key = false;
		} else if (moves) {
			action->unchanged = lappend_int(action->unchanged, i);
			action->places = lappend_int(
				action->places, place_of_value(from_inner(reinterpret_cast<Node *>(old_column(i))), number));
		}
	}
	RelationClose(relation);
	if (fires_before(CMD_UPDATE)) {
		action->attnums = list_concat(action->attnums, action->unchanged);
		action->unchanged = NIL;
		add_missing_values(action);
	}
}

// BEFORE ROW triggers may give a value to any column.
void ChangePlanner::add_missing_values(ChangeAction *action) {
	foreach_node (TargetEntry, column, columns_of_relation(target_->relid, query_->resultRelation)) {
		auto *var = reinterpret_cast<Var *>(column->expr);
		if (!IsA(var, Var) || get_attgenerated(target_->relid, column->resno) != '\0' ||
			list_member_int(action->attnums, column->resno))
			continue;
		action->attnums = lappend_int(action->attnums, column->resno);
		action->places =
			lappend_int(action->places, add_output(action->command == CMD_UPDATE
													   ? from_inner(reinterpret_cast<Node *>(var))
													   : reinterpret_cast<Node *>(makeNullConst(
															 var->vartype, var->vartypmod, var->varcollid))));
	}
}

// Triggers get the row as it was.
void ChangePlanner::add_row_for_triggers() {
	bool wanted = false;
	const ListCell *cell;
	foreach (cell, plan_.triggers.commands) {
		const auto command = static_cast<CmdType>(lfirst_int(cell));
		wanted = wanted || (command != CMD_INSERT && triggers_.row(command));
	}
	if (!wanted)
		return;
	foreach_node (TargetEntry, column, columns_of_relation(target_->relid, query_->resultRelation)) {
		auto *node = reinterpret_cast<Node *>(column->expr);
		plan_.old_row = lappend_int(plan_.old_row, IsA(node, Var) ? add_output(from_inner(node)) : -1);
	}
}

// The sub-queries of one action of several are told apart from those of the others.
bool renumber_multi(Node *node, int *action) {
	if (node == nullptr)
		return false;
	constexpr int kPerAction = 256;
	if (IsA(node, Param) && reinterpret_cast<Param *>(node)->paramkind == PARAM_MULTIEXPR)
		reinterpret_cast<Param *>(node)->paramid += *action * kPerAction << 16;
	if (IsA(node, SubLink) && reinterpret_cast<SubLink *>(node)->subLinkType == MULTIEXPR_SUBLINK)
		reinterpret_cast<SubLink *>(node)->subLinkId += *action * kPerAction;
	if (IsA(node, Query))
		return false;
	return walk_expression(node, renumber_multi, action);
}

// SET (a, b) = (SELECT …): the sub-queries stand behind all values.
void ChangePlanner::add_multi_sub_queries() {
	auto add = [this](List *targets) {
		foreach_node (TargetEntry, entry, targets)
			if (entry->resjunk && IsA(entry->expr, SubLink))
				add_output(from_inner(reinterpret_cast<Node *>(entry->expr)), true);
	};
	if (is_merge()) {
		foreach_node (MergeAction, action, query_->mergeActionList)
			add(action->targetList);
	} else {
		add(query_->targetList);
	}
}

void ChangePlanner::add_conflict_keys() {
	plan_.conflict_clause = conflict_->clause;
	foreach_ptr (List, key, conflict_->keys) {
		List *columns = NIL;
		foreach_ptr (Node, part, key)
			columns = lappend_int(columns, add_output(from_inner(part)));
		plan_.conflict_keys = lappend(plan_.conflict_keys, columns);
	}
}

// The old row, for checks and for the columns of the new one that do not change.
void ChangePlanner::add_old_row() {
	Relation relation = RelationIdGetRelation(target_->relid);
	TupleDesc desc = RelationGetDescr(relation);
	for (int i = 1; i <= desc->natts; i++) {
		Form_pg_attribute attribute = TupleDescAttr(desc, i - 1);
		if (attribute->attisdropped || attribute->attgenerated != '\0')
			continue;
		const int position = add_output(from_inner(reinterpret_cast<Node *>(old_column(i))));
		old_row_.attnums = lappend_int(old_row_.attnums, i);
		old_row_.columns = lappend_int(old_row_.columns, position + 1);
	}
	RelationClose(relation);
}

NewRow ChangePlanner::new_row(const ChangeAction *action) const {
	NewRow row{query_->resultRelation, target_->relid, list_copy(action->attnums), NIL};
	for (int i = 0; i < list_length(action->attnums); i++)
		row.columns = lappend_int(row.columns, list_nth_int(action->places, i) + 1);
	for (int i = 0; action->command == CMD_UPDATE && i < list_length(old_row_.attnums); i++) {
		if (list_member_int(action->attnums, list_nth_int(old_row_.attnums, i)))
			continue;
		row.attnums = lappend_int(row.attnums, list_nth_int(old_row_.attnums, i));
		row.columns = lappend_int(row.columns, list_nth_int(old_row_.columns, i));
	}
	return row;
}

// All checks, in the order in which PostgreSQL makes them.
List *ChangePlanner::checks_of_rows() const {
	List *result = NIL;
	const List *checks = query_->withCheckOptions;
	int number = 0;
	foreach_ptr (ChangeAction, action, plan_.actions)
		if (conflict_ != nullptr && action->command == CMD_INSERT) // rows are proposed before they conflict
			result = add_checks_of_row(result, checks, new_row(action), {WCO_RLS_INSERT_CHECK});
	foreach_ptr (ChangeAction, action, plan_.actions) {
		const int own = is_merge() ? number : -1;
		number++;
		auto add = [&](const NewRow &row, std::initializer_list<WCOKind> kinds) {
			result = add_checks_of_row(result, checks, row, kinds, own, kChangeAction + 1);
		};
		if (action->command == CMD_DELETE)
			add(old_row_, {WCO_RLS_MERGE_DELETE_CHECK});
		if (action->command == CMD_UPDATE) {
			add(old_row_, {kViewConflictCheck, WCO_RLS_CONFLICT_CHECK, WCO_RLS_MERGE_UPDATE_CHECK});
			add(new_row(action), {WCO_RLS_UPDATE_CHECK, WCO_VIEW_CHECK});
		}
		if (action->command == CMD_INSERT && conflict_ == nullptr)
			add(new_row(action), {WCO_RLS_INSERT_CHECK});
		if (action->command == CMD_INSERT)
			add(new_row(action), {WCO_VIEW_CHECK});
	}
	return result;
}

// Which output holds what a column of the target will be; of a row that is deleted, what it was.
int ChangePlanner::place_of_new(const Var *column) {
	const auto *action = static_cast<ChangeAction *>(linitial(plan_.actions));
	for (int i = 0; i < list_length(action->attnums); i++)
		if (list_nth_int(action->attnums, i) == column->varattno)
			return list_nth_int(action->places, i);
	if (action->command == CMD_INSERT)
		return add_output(
			reinterpret_cast<Node *>(makeNullConst(column->vartype, column->vartypmod, column->varcollid)));
	return add_output(from_inner(reinterpret_cast<Node *>(old_column(column->varattno))));
}

void ChangePlanner::add_returning() {
	returning_list_ = read_returning(query_->returningList, &returning_);
	plan_.returning = returning_list_ != NIL;
	if (plan_.returning)
		need_one_column(&returning_.columns);
	foreach_node (TargetEntry, entry, returning_.columns) {
		auto *var = reinterpret_cast<Var *>(entry->expr);
		auto *node = reinterpret_cast<Node *>(var);
		if (IsA(var, Var) && var->varno == query_->resultRelation && plan_.late) {
			plan_.outputs = lappend_int(plan_.outputs, -1 - place_of_new(var));
		} else if (IsA(var, Var) && var->varno == query_->resultRelation) {
			plan_.outputs = lappend_int(plan_.outputs, list_length(plan_.returned));
			plan_.returned = lappend_int(plan_.returned, var->varattno);
		} else {
			plan_.outputs = lappend_int(plan_.outputs, -1 - add_output(from_inner(node)));
		}
		plan_.output_types = lappend_oid(plan_.output_types, exprType(node));
		plan_.output_typmods = lappend_int(plan_.output_typmods, exprTypmod(node));
	}
}

Query *ChangePlanner::inner_query() {
	auto *inner = static_cast<Query *>(copyObjectImpl(query_));
	inner->commandType = CMD_SELECT;
	inner->resultRelation = 0;
	inner->targetList = inner_.columns;
	inner->returningList = NIL;
	inner->withCheckOptions = NIL;
	inner->override = OVERRIDING_NOT_SET;
	// The right to write is checked for the whole statement.
	rt_fetch(query_->resultRelation, inner->rtable)->requiredPerms &= ACL_SELECT;
	inner->cteList = NIL; // one level up, for the new values to see them, too
	if (is_merge())
		merge_to_join(inner, query_);
	inner->hasSubLinks = query_->hasSubLinks;
	return inner;
}

Query *ChangePlanner::source_query() {
	Query *inner = inner_query();
	Query *outer = query_over_query(inner, "old");
	outer->targetList = outputs_;
	outer->cteList = static_cast<List *>(copyObjectImpl(query_->cteList));
	outer->hasModifyingCTE = query_->hasModifyingCTE;
	outer->hasRecursive = query_->hasRecursive;
	outer->hasRowSecurity = query_->hasRowSecurity;
	outer->hasSubLinks = query_->hasSubLinks;
	outer->hasTargetSRFs = query_->hasTargetSRFs;
	int level = -1;
	raise_cte_levels(reinterpret_cast<Node *>(inner), &level);
	return outer;
}

PlannedWrite ChangePlanner::run() {
	// The row's identity and its action come first.
	auto identity = [this](AttrNumber column, Oid type) {
		return query_->commandType == CMD_INSERT
				   ? reinterpret_cast<Expr *>(makeNullConst(type, -1, InvalidOid))
				   : reinterpret_cast<Expr *>(
						 makeVar(query_->resultRelation, column, type, -1, InvalidOid, 0));
	};
	inner_.columns =
		list_make3(makeTargetEntry(identity(SelfItemPointerAttributeNumber, TIDOID), kChangeRowId + 1,
								   pstrdup("row_id"), false),
				   makeTargetEntry(identity(MinTransactionIdAttributeNumber, XIDOID), kChangeXmin + 1,
								   pstrdup("row_xmin"), false),
				   makeTargetEntry(action_number(), kChangeAction + 1, pstrdup("action"), false));
	add_output(reinterpret_cast<Node *>(makeVar(1, kChangeRowId + 1, TIDOID, -1, InvalidOid, 0)));
	add_output(reinterpret_cast<Node *>(makeVar(1, kChangeXmin + 1, XIDOID, -1, InvalidOid, 0)));
	add_output(reinterpret_cast<Node *>(makeVar(1, kChangeAction + 1, INT4OID, -1, InvalidOid, 0)));
	int number = 0;
	if (is_merge()) {
		foreach_node (MergeAction, action, query_->mergeActionList) {
			renumber_multi(reinterpret_cast<Node *>(action->targetList), &number);
			add_action(action->commandType, action->targetList, number++);
		}
	} else {
		add_action(query_->commandType, query_->targetList, 0);
	}
	if (conflict_ != nullptr)
		add_conflict_keys();
	if (query_->withCheckOptions != NIL && query_->commandType != CMD_INSERT)
		add_old_row();
	add_row_for_triggers();
	add_returning();
	add_multi_sub_queries();
	Query *source = source_query();
	if (query_->withCheckOptions != NIL) {
		foreach_node (TargetEntry, entry, outputs_)
			plan_.first_check += !entry->resjunk;
		source = select_with_checks(source, checks_of_rows(), &plan_.checks);
	}
	plan_.source = plan_source(source, context_);
	auto *permissions = static_cast<RangeTblEntry *>(copyObjectImpl(target_));
	permissions->securityQuals = NIL;
	current_run->range_tables = lappend(current_run->range_tables, permissions);
	return {make_shard_change(plan_), returning_.columns, returning_list_};
}

} // namespace

bool raise_cte_levels(Node *node, int *level) {
	if (node == nullptr)
		return false;
	if (IsA(node, RangeTblEntry)) {
		auto *rte = reinterpret_cast<RangeTblEntry *>(node);
		if (rte->rtekind == RTE_CTE && static_cast<int>(rte->ctelevelsup) >= *level)
			rte->ctelevelsup++;
		return false;
	}
	if (!IsA(node, Query))
		return walk_expression(node, raise_cte_levels, level);
	++*level;
	walk_query(reinterpret_cast<Query *>(node), raise_cte_levels, level, QTW_EXAMINE_RTES_BEFORE);
	--*level;
	return false;
}

PlannedWrite plan_change(Query *query, const PlanningContext &context, const char *reason,
						 const Conflict *conflict) {
	return ChangePlanner(query, context, reason, conflict).run();
}

} // namespace shardext

// Choosing shard groups and writing the nodes' statements.
#include "shardext/executor/tasks.hpp"

#include "shardext/executor/row_ids.hpp"
#include "shardext/executor/sent_rows.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/row_stream.hpp"
#include "shardext/sharding/routing.hpp"

extern "C" {
#include "executor/executor.h"
#include "utils/array.h"
}

namespace shardext {

bool explain_all_tasks = false;

GroupSet all_groups(const ColocationGroup *colocation) {
	GroupSet groups;
	groups.size = groups.count = colocation->group_count;
	groups.member = static_cast<bool *>(palloc(sizeof(bool) * (groups.size + 1)));
	memset(groups.member, true, groups.size);
	return groups;
}

void restrict_groups(GroupSet *groups, const ColocationGroup *colocation, KeyPin::Kind kind, Datum value,
					 Oid type, bool isnull) {
	if (kind == KeyPin::GroupIds)
		return;
	auto *allowed = static_cast<bool *>(palloc0(sizeof(bool) * (groups->size + 1)));
	if (kind == KeyPin::IsNull) {
		allowed[group_of_key(colocation, 0, true)] = true;
	} else if (kind == KeyPin::RowId) {
		ItemPointerData tid;
		const int group =
			isnull ? groups->size : split_row_id(reinterpret_cast<ItemPointer>(DatumGetPointer(value)), &tid);
		if (group < groups->size)
			allowed[group] = true;
	} else if (kind == KeyPin::Equal) {
		if (!isnull)
			allowed[group_of_value(colocation, value, type, false)] = true;
	} else if (!isnull) {
		ArrayType *array = DatumGetArrayTypeP(value);
		int16 length;
		bool by_value;
		char align;
		get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &align);
		Datum *elements;
		bool *nulls;
		int count;
		deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, align, &elements, &nulls, &count);
		for (int i = 0; i < count; i++)
			if (!nulls[i])
				allowed[group_of_value(colocation, elements[i], ARR_ELEMTYPE(array), false)] = true;
	}
	groups->count = 0;
	for (int i = 0; i < groups->size; i++) {
		groups->member[i] = groups->member[i] && allowed[i];
		groups->count += groups->member[i];
	}
	pfree(allowed);
}

List *nodes_of_groups(const ColocationGroup *colocation, const GroupSet &groups) {
	List *ids = NIL;
	for (int i = 0; i < groups.size; i++)
		if (groups.member[i])
			ids = list_append_unique_int(ids, colocation->groups[i].node_id);
	return ids;
}

void keep_at_least_one(GroupSet *groups) {
	if (groups->count == 0 && groups->size > 0) {
		groups->member[0] = true;
		groups->count = 1;
	}
}

namespace {

// Calls body(node, positions, count) for each node that has members of the set, in the order of node ids.
template <class F>
TaskSet for_each_node(const ColocationGroup *colocation, const GroupSet &groups, F &&make_sql) {
	TaskSet set{};
	set.group_count = groups.count;
	set.tasks = static_cast<Task *>(palloc0(sizeof(Task) * (groups.count + 1)));
	auto *done = static_cast<bool *>(palloc0(sizeof(bool) * (groups.size + 1)));
	auto *positions = static_cast<int *>(palloc0(sizeof(int) * (groups.size + 1)));
	for (int i = 0; i < groups.size; i++) {
		if (!groups.member[i] || done[i])
			continue;
		int count = 0;
		for (int j = i; j < groups.size; j++)
			if (groups.member[j] && colocation->groups[j].node_id == colocation->groups[i].node_id) {
				positions[count++] = j;
				done[j] = true;
			}
		Task *task = &set.tasks[set.count++];
		task->node = find_node(colocation->groups[i].node_id);
		if (task->node == nullptr)
			ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR),
					errmsg("shard group " INT64_FORMAT " is on a node that does not exist",
						   colocation->groups[i].id));
		task->group_count = count;
		task->first_group = colocation->groups[positions[0]].id;
		task->sql = make_sql(task->node, positions, count);
	}
	return set;
}

} // namespace

TaskSet make_tasks(const ColocationGroup *colocation, const GroupSet &groups, const SqlPieces *pieces,
				   const List *sent, const char *suffix) {
	const bool has_suffix = suffix != nullptr && suffix[0] != '\0';
	return for_each_node(colocation, groups, [&](const NodeInfo *node, const int *positions, int count) {
		StringInfoData sql;
		initStringInfo(&sql);
		append_sent_rows(&sql, sent, node);
		if (has_suffix)
			appendStringInfoString(&sql, "SELECT * FROM (");
		const bool wrapped = count > 1 || sent != NIL; // the text may have a WITH of its own
		for (int i = 0; i < count; i++) {
			// Arms are sub-selects: they may have ORDER BY, LIMIT or FOR UPDATE of their own.
			if (wrapped)
				appendStringInfoString(&sql, i > 0 ? " UNION ALL SELECT * FROM (" : "SELECT * FROM (");
			const bool has_own = append_sent_to_group(&sql, sent, node, positions[i]);
			if (has_own)
				appendStringInfoString(&sql, "SELECT * FROM (");
			append_shard_sql(&sql, pieces, colocation->groups[positions[i]].id, node->is_local());
			if (has_own)
				appendStringInfoString(&sql, ") p");
			if (wrapped)
				appendStringInfo(&sql, ") g%d", i);
		}
		if (has_suffix)
			appendStringInfo(&sql, ") u %s", suffix);
		return sql.data;
	});
}

TaskSet make_write_tasks(const ColocationGroup *colocation, const GroupSet &groups, const SqlPieces *pieces,
						 bool returning) {
	return for_each_node(colocation, groups, [&](const NodeInfo *node, const int *positions, int count) {
		StringInfoData sql;
		initStringInfo(&sql);
		if (count == 1) {
			append_shard_sql(&sql, pieces, colocation->groups[positions[0]].id, node->is_local());
			return sql.data;
		}
		for (int i = 0; i < count; i++) {
			appendStringInfo(&sql, "%s g%d AS (", i == 0 ? "WITH" : ",", i);
			append_shard_sql(&sql, pieces, colocation->groups[positions[i]].id, node->is_local());
			appendStringInfoString(&sql, returning ? ")" : " RETURNING 1)");
		}
		if (returning) {
			for (int i = 0; i < count; i++)
				appendStringInfo(&sql, "%s SELECT * FROM g%d", i == 0 ? "" : " UNION ALL", i);
		} else {
			for (int i = 0; i < count; i++)
				appendStringInfo(&sql, "%s (SELECT count(*) FROM g%d)", i == 0 ? " SELECT" : " +", i);
		}
		return sql.data;
	});
}

namespace {

bool has_exec_param(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (IsA(node, Param))
		return reinterpret_cast<Param *>(node)->paramkind == PARAM_EXEC;
	return walk_expression(node, has_exec_param, static_cast<void *>(nullptr));
}

} // namespace

bool parameters_used(List *lifted, List *pins) {
	foreach_ptr (ExprState, expr, lifted)
		if (has_exec_param(reinterpret_cast<Node *>(expr->expr), nullptr))
			return true;
	foreach_ptr (ExprState, expr, pins)
		if (has_exec_param(reinterpret_cast<Node *>(expr->expr), nullptr))
			return true;
	return false;
}

namespace {

// What the node itself measures: its EXPLAIN of the task's statement.
void explain_remote_plan(const Task &task, ExplainState *es) {
	if (task.node->is_local() || strchr(task.sql, '$') != nullptr)
		return; // parameters are known to the scan only
	StringInfoData sql;
	initStringInfo(&sql);
	appendStringInfo(&sql, "EXPLAIN (ANALYZE %s, VERBOSE %s, COSTS %s, TIMING %s, BUFFERS %s, SUMMARY %s) %s",
					 es->analyze ? "on" : "off", es->verbose ? "on" : "off", es->costs ? "on" : "off",
					 es->analyze && es->timing ? "on" : "off", es->buffers && es->analyze ? "on" : "off",
					 es->analyze && es->summary ? "on" : "off", task.sql);
	List *lines = query_strings(task.node, sql.data);
	ExplainOpenGroup("Remote Plan", "Remote Plan", true, es);
	if (es->format == EXPLAIN_FORMAT_TEXT) {
		foreach_ptr (char, line, lines) {
			appendStringInfoSpaces(es->str, es->indent * 2);
			appendStringInfo(es->str, "  %s\n", line);
		}
	} else {
		StringInfoData all;
		initStringInfo(&all);
		foreach_ptr (char, line, lines)
			appendStringInfo(&all, "%s\n", line);
		ExplainPropertyText("Text", all.data, es);
	}
	ExplainCloseGroup("Remote Plan", "Remote Plan", true, es);
}

// A task's text may name hundreds of shard groups: by default the first one's part is shown.
const char *shown_sql(const ScanPlan &plan, const ColocationGroup *colocation, const Task &task,
					  ExplainedWrite write) {
	if (explain_all_tasks || task.group_count == 1)
		return task.sql;
	GroupSet first = all_groups(colocation);
	first.count = 1;
	for (int g = 0; g < first.size; g++)
		first.member[g] = colocation->groups[g].id == task.first_group;
	const TaskSet set = write.writes
							? make_write_tasks(colocation, first, plan.pieces, write.returning)
							: make_tasks(colocation, first, plan.pieces, expected_rows(plan), plan.suffix);
	return set.count > 0 ? set.tasks[0].sql : task.sql;
}

// Pins whose values are known without executing anything (constants, parameters of the statement).
void restrict_by_known_pins(const ScanPlan &plan, GroupSet *groups, const ColocationGroup *colocation,
							List *pins, ExprContext *context, bool *all_known, bool only_plain = false) {
	int pin = 0;
	const ListCell *cell;
	foreach (cell, plan.pin_kinds) {
		const auto kind = static_cast<KeyPin::Kind>(lfirst_int(cell));
		auto *expr = static_cast<ExprState *>(list_nth(pins, pin++));
		auto *node = reinterpret_cast<Node *>(expr->expr);
		if (kind == KeyPin::GroupIds)
			continue;
		// Values from elsewhere in the plan are not there yet; without the statement's parameters nothing but
		// constants is.
		const bool known = kind == KeyPin::IsNull || IsA(node, Const) ||
						   (context != nullptr && context->ecxt_param_list_info != nullptr &&
							(IsA(node, Param) || !only_plain) && !parameters_used(NIL, list_make1(expr)));
		if (!known) {
			*all_known = false;
			continue;
		}
		bool isnull = true;
		Datum value = kind == KeyPin::IsNull ? 0 : ExecEvalExpr(expr, context, &isnull);
		restrict_groups(groups, colocation, kind, value, exprType(node), isnull);
	}
}

} // namespace

List *possible_nodes(const ScanPlan &plan, List *pins, ExprContext *context) {
	const ColocationGroup *colocation = find_colocation_group(plan.colocation_id);
	if (colocation == nullptr)
		return NIL;
	GroupSet groups = all_groups(colocation);
	bool all_known = true;
	// Evaluating more than parameters might raise an error for a scan that is never begun.
	restrict_by_known_pins(plan, &groups, colocation, pins, context, &all_known, true);
	keep_at_least_one(&groups);
	return nodes_of_groups(colocation, groups);
}

void explain_tasks(const ScanPlan &plan, const TaskSet *tasks, List *pins, List *, ExprContext *context,
				   ExplainState *es, ExplainedWrite write) {
	ExplainPropertyText("Strategy", plan.strategy, es);
	if (plan.reason != nullptr && plan.reason[0] != '\0')
		ExplainPropertyText("Reason", plan.reason, es);
	ColocationGroup *colocation = find_colocation_group(plan.colocation_id);
	if (colocation == nullptr)
		return;
	explain_sent(plan, colocation, es);
	TaskSet chosen{};
	bool all_known = true;
	if (tasks == nullptr) {
		GroupSet groups = all_groups(colocation);
		restrict_by_known_pins(plan, &groups, colocation, pins, context, &all_known);
		if (!write.writes)
			keep_at_least_one(&groups);
		chosen = write.writes ? make_write_tasks(colocation, groups, plan.pieces, write.returning)
							  : make_tasks(colocation, groups, plan.pieces, expected_rows(plan), plan.suffix);
		tasks = &chosen;
	}
	if (!all_known)
		ExplainPropertyText("Shard Groups", "chosen at execution", es);
	else
		ExplainPropertyInteger("Shard Groups", nullptr, tasks->group_count, es);
	ExplainPropertyInteger("Tasks", nullptr, tasks->count, es);
	const int shown = explain_all_tasks ? tasks->count : std::min(tasks->count, 1);
	ExplainOpenGroup("Tasks Shown", "Tasks Shown", false, es);
	for (int i = 0; i < shown; i++) {
		ExplainOpenGroup("Task", nullptr, true, es);
		ExplainPropertyText("Node", tasks->tasks[i].node->name, es);
		ExplainPropertyText("Remote SQL", shown_sql(plan, colocation, tasks->tasks[i], write), es);
		if (tasks->tasks[i].group_count > 1 && !explain_all_tasks)
			ExplainPropertyInteger("More Shard Groups in Task", nullptr, tasks->tasks[i].group_count - 1, es);
		if (es->analyze && !plan.locks_rows && !write.writes)
			explain_remote_plan(tasks->tasks[i], es);
		ExplainCloseGroup("Task", nullptr, true, es);
	}
	ExplainCloseGroup("Tasks Shown", "Tasks Shown", false, es);
}

} // namespace shardext

// PostgreSQL's hooks: "is it ours?", then pass on.
#include "shardext/hooks/hooks.hpp"

#include "shardext/cluster/create_table.hpp"
#include "shardext/cluster/shards.hpp"
#include "shardext/commands/definition_watch.hpp"
#include "shardext/commands/maintenance.hpp"
#include "shardext/commands/truncate_triggers.hpp"
#include "shardext/commands/utility.hpp"
#include "shardext/executor/pending_rows.hpp"
#include "shardext/executor/statement_scans.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/pg/statement_snapshot.hpp"
#include "shardext/planner/estimate.hpp"
#include "shardext/planner/plan_statement.hpp"
#include "shardext/planner/sizes.hpp"
#include "shardext/planner/statistics.hpp"
#include "shardext/remote/local_stream.hpp"
#include "shardext/remote/node_wait.hpp"
#include "shardext/transaction/snapshot_use.hpp"
#include "shardext/transaction/two_phase.hpp"

extern "C" {
#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"
#include "optimizer/planner.h"
#include "replication/walsender.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/portal.h"

// libpq/auth.h wants the headers of Kerberos, which need not be there.
struct Port;
typedef void (*ClientAuthentication_hook_type)(struct Port *, int);
extern PGDLLIMPORT ClientAuthentication_hook_type ClientAuthentication_hook;
}

namespace shardext {

namespace {

planner_hook_type previous_planner = nullptr;
set_rel_pathlist_hook_type previous_pathlist = nullptr;
get_relation_info_hook_type previous_relation_info = nullptr;
create_upper_paths_hook_type previous_upper_paths = nullptr;
get_relation_stats_hook_type previous_relation_stats = nullptr;
ProcessUtility_hook_type previous_utility = nullptr;
ExecutorStart_hook_type previous_executor_start = nullptr;
object_access_hook_type previous_object_access = nullptr;
ClientAuthentication_hook_type previous_authentication = nullptr;

PlannedStmt *call_planner(Query *query, const char *text, int options, ParamListInfo params) {
	return previous_planner ? previous_planner(query, text, options, params)
							: standard_planner(query, text, options, params);
}

PlannedStmt *on_planner(Query *query, const char *text, int options, ParamListInfo params) {
	return gate([&] {
		if (!statement_is_distributed(query) || checks_changing_foreign_key(query)) {
			check_reference_targets(query);
			return plan_other_statement(query, text, options, params, call_planner);
		}
		return plan_distributed_statement(query, text, options, params, call_planner);
	});
}

void on_rel_pathlist(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte) {
	gate([&] {
		if (previous_pathlist)
			previous_pathlist(root, rel, rti, rte);
		if (!checks_changing_foreign_key(root->parse))
			add_shard_paths(root, rel, rti, rte);
	});
}

void on_upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input, RelOptInfo *output,
					void *extra) {
	gate([&] {
		if (previous_upper_paths)
			previous_upper_paths(root, stage, input, output, extra);
		if (stage == UPPERREL_GROUP_AGG && current_run != nullptr && current_run->distributed)
			correct_group_counts(root, input, output);
	});
}

void on_relation_info(PlannerInfo *root, Oid relid, bool inhparent, RelOptInfo *rel) {
	gate([&] {
		if (previous_relation_info)
			previous_relation_info(root, relid, inhparent, rel);
		if (is_sharded_table(relid)) {
			const RelationSize size = estimated_size(relid);
			rel->tuples = size.tuples;
			rel->pages = static_cast<BlockNumber>(size.pages);
		}
	});
}

bool on_relation_stats(PlannerInfo *root, RangeTblEntry *rte, AttrNumber attnum, VariableStatData *data) {
	return gate([&] {
		if (previous_relation_stats && previous_relation_stats(root, rte, attnum, data))
			return true;
		return find_fragment_statistics(root, rte, attnum, data);
	});
}

void on_executor_start(QueryDesc *query, int flags) {
	gate([&] {
		empty_shards_for_triggers();
		if (previous_executor_start)
			previous_executor_start(query, flags);
		else
			standard_ExecutorStart(query, flags);
		if (pending_rows != nullptr && (flags & EXEC_FLAG_EXPLAIN_ONLY) == 0 && send_rows_for(query))
			show_own_writes(query);
		if (query->estate != nullptr && (flags & EXEC_FLAG_EXPLAIN_ONLY) == 0 && has_scans(query->estate))
			prepare_scans(query, ActivePortal != nullptr && ActivePortal->name[0] != '\0');
		note_statement_with_snapshot();
	});
}

// A utility statement on its way to PostgreSQL.
struct UtilityCall {
	PlannedStmt *statement;
	const char *text;
	bool read_only_tree;
	ProcessUtilityContext context;
	ParamListInfo params;
	QueryEnvironment *environment;
	DestReceiver *receiver;
	QueryCompletion *completion;
};

void pass_on(void *argument) {
	const auto *call = static_cast<UtilityCall *>(argument);
	const auto next = previous_utility != nullptr ? previous_utility : standard_ProcessUtility;
	next(call->statement, call->text, call->read_only_tree, call->context, call->params, call->environment,
		 call->receiver, call->completion);
}

// COMMIT PREPARED and ROLLBACK PREPARED; else nullptr.
const TransactionStmt *end_of_prepared(Node *statement) {
	if (!IsA(statement, TransactionStmt))
		return nullptr;
	const auto *end = reinterpret_cast<TransactionStmt *>(statement);
	const bool is_end = end->kind == TRANS_STMT_COMMIT_PREPARED || end->kind == TRANS_STMT_ROLLBACK_PREPARED;
	return is_end && IsTransactionState() && extension_exists() ? end : nullptr;
}

void on_utility(PlannedStmt *statement, const char *text, bool read_only_tree, ProcessUtilityContext context,
				ParamListInfo params, QueryEnvironment *environment, DestReceiver *receiver,
				QueryCompletion *completion) {
	gate([&] {
		// Hooks may replace parts of the tree; a cached one is copied first, as PostgreSQL itself does.
		if (read_only_tree &&
			(IsA(statement->utilityStmt, CopyStmt) || IsA(statement->utilityStmt, VacuumStmt)))
			statement = static_cast<PlannedStmt *>(copyObjectImpl(statement));
		note_utility_with_snapshot(statement->utilityStmt);
		if (pending_rows != nullptr &&
			(IsA(statement->utilityStmt, CopyStmt) || IsA(statement->utilityStmt, TruncateStmt)))
			send_all_pending_rows();
		if (IsA(statement->utilityStmt, CopyStmt) || IsA(statement->utilityStmt, TruncateStmt))
			empty_shards_for_triggers();
		if (before_utility(statement, text, params, completion) == UtilityAction::Handled)
			return;
		UtilityCall call{statement, text, read_only_tree, context, params, environment, receiver, completion};
		if (IsA(statement->utilityStmt, ConstraintsSetStmt))
			// Deferred constraints of local shards fire here.
			with_changed_errors(name_user_table, [&] { pass_on(&call); });
		else if (const TransactionStmt *end = end_of_prepared(statement->utilityStmt))
			end_prepared_by_user(end->gid, end->kind == TRANS_STMT_COMMIT_PREPARED, pass_on, &call);
		else if (IsA(statement->utilityStmt, VacuumStmt))
			run_vacuum(reinterpret_cast<VacuumStmt *>(statement->utilityStmt), pass_on, &call);
		else if (context != PROCESS_UTILITY_SUBCOMMAND && changes_definitions(statement->utilityStmt)) {
			if (!run_concurrent_index(statement->utilityStmt, context == PROCESS_UTILITY_TOPLEVEL, pass_on,
									  &call))
				watch_definitions(statement->utilityStmt, text, pass_on, &call);
		} else
			pass_on(&call);
		after_utility(statement);
	});
}

void on_object_access(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *argument) {
	gate([&] {
		if (previous_object_access)
			previous_object_access(access, class_id, object_id, sub_id, argument);
		if (access == OAT_DROP && class_id == RelationRelationId && sub_id == 0 && extension_exists())
			forget_table(object_id);
		if (access == OAT_DROP && extension_exists())
			note_object_drop(class_id, object_id, sub_id);
		if (access == OAT_POST_ALTER && class_id == RelationRelationId && !may_change_shards() &&
			!(static_cast<ObjectAccessPostAlter *>(argument)->is_internal && is_being_vacuumed(object_id)) &&
			is_local_shard(object_id))
			refuse_to_change_shard(object_id);
	});
}

void on_client_authentication(struct Port *port, int status) {
	gate([&] {
		if (previous_authentication)
			previous_authentication(port, status);
		if (!am_walsender)
			accept_verdicts();
	});
}

} // namespace

void install_hooks() {
	initialize_truncate_triggers();
	previous_planner = planner_hook;
	planner_hook = on_planner;
	previous_pathlist = set_rel_pathlist_hook;
	set_rel_pathlist_hook = on_rel_pathlist;
	previous_upper_paths = create_upper_paths_hook;
	create_upper_paths_hook = on_upper_paths;
	previous_relation_info = get_relation_info_hook;
	get_relation_info_hook = on_relation_info;
	previous_relation_stats = get_relation_stats_hook;
	get_relation_stats_hook = on_relation_stats;
	previous_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = on_executor_start;
	previous_utility = ProcessUtility_hook;
	ProcessUtility_hook = on_utility;
	previous_object_access = object_access_hook;
	object_access_hook = on_object_access;
	previous_authentication = ClientAuthentication_hook;
	ClientAuthentication_hook = on_client_authentication;
}

} // namespace shardext

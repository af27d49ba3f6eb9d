// Streams over this server's own shards, without libpq and without a second transaction.
#include "shardext/remote/local_stream.hpp"

#include "shardext/pg/border.hpp"
#include "shardext/pg/compat.hpp"
#include "shardext/pg/transmission_modes.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "catalog/pg_authid_d.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "parser/analyze.h"
#include "rewrite/rewriteHandler.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
}

namespace shardext {

// Errors name the table that the user knows, and the shard group.
void name_user_table(ErrorData *error) {
	int64 group_id = 0;
	if (error->schema_name == nullptr)
		return;
	error->schema_name = user_schema_of(error->schema_name, &group_id);
	if (group_id != 0)
		error->context = psprintf("%s%snode \"local\", shard group " INT64_FORMAT,
								  error->context != nullptr ? error->context : "",
								  error->context != nullptr ? "\n" : "", group_id);
}

namespace {

class LocalStream final : public RowStream {
public:
	bool next(TupleTableSlot *slot) override;
	uint64 affected_rows() const override { return affected_; }
	void close() override;

	QueryDesc *query = nullptr;
	Snapshot snapshot = nullptr;
	bool done = false;

private:
	bool advance(TupleTableSlot *slot);

	uint64 affected_ = 0;
};

// Permissions were decided on the distributed table; the shard itself is only storage.
bool clear_required_permissions(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (IsA(node, Query)) {
		auto *query = reinterpret_cast<Query *>(node);
		clear_permission_checks(query);
		return walk_query(query, clear_required_permissions, static_cast<void *>(nullptr), 0);
	}
	return walk_expression(node, clear_required_permissions, static_cast<void *>(nullptr));
}

ParamListInfo make_param_list(const StatementParams &params) {
	if (params.count == 0)
		return nullptr;
	ParamListInfo list = makeParamList(params.count);
	for (int i = 0; i < params.count; i++) {
		list->params[i].value = params.values[i];
		list->params[i].isnull = params.nulls[i];
		list->params[i].pflags = PARAM_FLAG_CONST;
		list->params[i].ptype = params.types[i];
	}
	return list;
}

// Utility statements (CREATE TABLE …) go through PostgreSQL's own ProcessUtility.
void run_utility(PlannedStmt *statement, const char *sql) {
	ProcessUtility(statement, sql, false, PROCESS_UTILITY_QUERY, nullptr, nullptr, None_Receiver, nullptr);
	CommandCounterIncrement();
}

// Rules would be applied with the extension's rights.
void check_rules(Query *query) {
	foreach_node (RangeTblEntry, rte, query->rtable) {
		if (rte->rtekind != RTE_RELATION)
			continue;
		Relation relation = RelationIdGetRelation(rte->relid);
		const bool has_rules = relation != nullptr && relation->rd_rules != nullptr;
		if (relation != nullptr)
			RelationClose(relation);
		if (has_rules)
			ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("shard \"%s\" on node \"local\" has rules", get_rel_name(rte->relid)),
					errhint("Drop the rules: shards are storage of their distributed table."));
	}
}

bool check_rules_below(Node *node, void *) {
	if (node == nullptr)
		return false;
	if (IsA(node, Query)) {
		check_rules(reinterpret_cast<Query *>(node));
		return walk_query(reinterpret_cast<Query *>(node), check_rules_below, static_cast<void *>(nullptr),
						  0);
	}
	return walk_expression(node, check_rules_below, static_cast<void *>(nullptr));
}

List *plan_statement(RawStmt *raw, const StatementRequest &request, ParamListInfo params) {
	// Names of shards and types are looked up with the extension's rights. Nothing of a user's runs
	// meanwhile: constants whose reading would are parameters, and there are no rules.
	Oid user;
	int context;
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, context | SECURITY_LOCAL_USERID_CHANGE);
	Query *query = parse_analyze_fixedparams(raw, request.sql, request.params.types, request.params.count,
											 request.environment);
	List *queries = list_make1(query);
	if (query->commandType != CMD_UTILITY) {
		check_rules_below(reinterpret_cast<Node *>(query), nullptr);
		queries = pg_rewrite_query(query);
	}
	SetUserIdAndSecContext(user, context);
	foreach_node (Query, query, queries)
		clear_required_permissions(reinterpret_cast<Node *>(query), nullptr);
	return pg_plan_queries(queries, request.sql, 0, params);
}

// A shard that somebody has altered must not be read as if it were as before.
void check_result(TupleDesc got, TupleDesc wanted) {
	if (wanted == nullptr)
		return;
	bool same = got->natts == wanted->natts;
	for (int i = 0; same && i < wanted->natts; i++)
		same = TupleDescAttr(got, i)->atttypid == TupleDescAttr(wanted, i)->atttypid ||
			   TupleDescAttr(got, i)->atttypid == getBaseType(TupleDescAttr(wanted, i)->atttypid);
	if (!same)
		ereport(ERROR, errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("a shard on node \"local\" does not match its distributed table"));
}

bool LocalStream::next(TupleTableSlot *slot) {
	bool found = false;
	if (!done)
		with_changed_errors(name_user_table, [&] { found = advance(slot); });
	return found;
}

bool LocalStream::advance(TupleTableSlot *slot) {
	PushActiveSnapshot(snapshot);
	MemoryContext old = MemoryContextSwitchTo(query->estate->es_query_cxt);
	ResetPerTupleExprContext(query->estate);
	TupleTableSlot *row = ExecProcNode(query->planstate);
	// Statements without rows do all their work in one call; others skip what nobody wants.
	while (!TupIsNull(row) && slot == nullptr)
		row = ExecProcNode(query->planstate);
	MemoryContextSwitchTo(old);
	if (!TupIsNull(row)) {
		slot_getallattrs(row);
		ExecClearTuple(slot);
		for (int i = 0; i < slot->tts_tupleDescriptor->natts; i++) {
			slot->tts_values[i] = row->tts_values[i];
			slot->tts_isnull[i] = row->tts_isnull[i];
		}
		ExecStoreVirtualTuple(slot);
		rows++;
		PopActiveSnapshot();
		return true;
	}
	affected_ = query->estate->es_processed;
	done = true;
	ExecutorFinish(query);
	PopActiveSnapshot();
	if (query->operation != CMD_SELECT || query->plannedstmt->hasModifyingCTE)
		CommandCounterIncrement();
	return false;
}

void LocalStream::close() {
	if (query == nullptr)
		return;
	if (!done && query->operation != CMD_SELECT)
		next(nullptr);
	if (!done)
		ExecutorFinish(query);
	ExecutorEnd(query);
	UnregisterSnapshot(snapshot);
	FreeQueryDesc(query);
	query = nullptr;
}

} // namespace

RowStream *open_local_stream(const StatementRequest &request) {
	auto *stream = new (palloc0(sizeof(LocalStream))) LocalStream();
	stream->node_name = "local";
	stream->done = true;

	const int level = NewGUCNestLevel();
	set_config_option("search_path", "", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	set_parsing_modes();
	ParamListInfo params = make_param_list(request.params);
	foreach_node (RawStmt, raw, pg_parse_query(request.sql)) {
		foreach_node (PlannedStmt, plan, plan_statement(raw, request, params)) {
			if (plan->commandType == CMD_UTILITY) {
				run_utility(plan, request.sql);
				continue;
			}
			const bool writes = plan->commandType != CMD_SELECT || plan->hasModifyingCTE;
			PushCopiedSnapshot(ActiveSnapshotSet() ? GetActiveSnapshot() : GetTransactionSnapshot());
			if (writes)
				UpdateActiveSnapshotCommandId();
			stream->snapshot = RegisterSnapshot(GetActiveSnapshot());
			stream->query = CreateQueryDesc(plan, request.sql, GetActiveSnapshot(), InvalidSnapshot,
											None_Receiver, params, request.environment, 0);
			ExecutorStart(stream->query, 0);
			stream->done = false;
			check_result(stream->query->tupDesc, request.result);
			PopActiveSnapshot();
		}
	}
	AtEOXact_GUC(true, level);
	return stream;
}

} // namespace shardext

// ANALYZE: statistics of the shards' rows for the coordinator's planner.
//
// Statistics of shards cannot be merged, so rows are sampled: each shard gives whole pages in proportion to
// its size, and a reservoir keeps as many rows as PostgreSQL would look at.
#include "shardext/commands/analyze.hpp"

#include "shardext/executor/tasks.hpp"
#include "shardext/pg/column_statistics.hpp"
#include "shardext/pg/compat.hpp"
#include "shardext/pg/scan.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/planner/statistics.hpp"
#include "shardext/remote/row_stream.hpp"
#include "shardext/sql/deparse.hpp"
#include "shardext/sql/relation_query.hpp"

extern "C" {
#include "access/table.h"
#include "catalog/pg_authid_d.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "commands/vacuum.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/sampling.h"
#include "utils/snapmgr.h"
}

namespace shardext {

namespace {

// More pages are read than needed, so that the rows of one page do not make up too much of the sample.
constexpr double kOversampling = 3;
// When a table has grown or shrunk enough to be analyzed again, as autovacuum sees it by default.
constexpr double kChangedRows = 50;
constexpr double kChangedFraction = 0.1;

// A uniform sample of rows that go by (source: Vitter's algorithm R).
class Reservoir {
public:
	explicit Reservoir(int size) : size_(size) {
		rows_ = static_cast<HeapTuple *>(palloc0(sizeof(HeapTuple) * size));
		sampler_random_init_state(seed(), &random_);
	}
	void add(TupleTableSlot *slot) {
		int64 place = seen_++;
		if (place >= size_) {
			place = static_cast<int64>(sampler_random_fract(&random_) * seen_);
			if (place >= size_)
				return;
		}
		if (rows_[place] != nullptr)
			heap_freetuple(rows_[place]);
		rows_[place] = ExecCopySlotHeapTuple(slot);
	}
	HeapTuple *rows() const { return rows_; }
	int count() const { return static_cast<int>(std::min<int64>(seen_, size_)); }

private:
	static uint32 seed() {
		uint32 value = 0;
		(void)pg_strong_random(&value, sizeof value);
		return value;
	}

	int size_;
	int64 seen_ = 0;
	HeapTuple *rows_;
	pg_prng_state random_;
};

// Runs a statement for every shard on its node, as a superuser where that is this server.
void analyze_shards(const DistributedTable *table) {
	SqlBuilder builder;
	builder.relation(table->relid);
	SqlPieces *name = builder.finish();
	List *statements = NIL;
	foreach_ptr (NodeInfo, node, all_nodes()) {
		StringInfoData sql;
		initStringInfo(&sql);
		for (int g = 0; g < table->colocation->group_count; g++)
			if (table->colocation->groups[g].node_id == node->id)
				appendStringInfo(&sql, "%s%s", sql.len > 0 ? ", " : "ANALYZE ",
								 shard_sql(name, table->colocation->groups[g].id, node->is_local()));
		if (sql.len == 0)
			continue;
		auto *statement = static_cast<NodeStatement *>(palloc(sizeof(NodeStatement)));
		*statement = {node, sql.data};
		statements = lappend(statements, statement);
	}
	Oid user;
	int context;
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, context | SECURITY_LOCAL_USERID_CHANGE);
	run_statements(statements, Scope::Autocommit);
	SetUserIdAndSecContext(user, context);
}

// SELECT of all columns of a shard, of some of its pages when not all are needed.
SqlPieces *sample_query(Oid relid, double percent) {
	Query *query = query_over_relation(relid, columns_of_relation(relid, 1), NIL);
	SqlBuilder builder;
	builder.append(deparse_for_shards(query).pieces);
	if (percent < 100)
		builder.text(psprintf(" TABLESAMPLE system (%g)", percent));
	return builder.finish();
}

void read_sample(const DistributedTable *table, Relation relation, double percent, Reservoir *reservoir) {
	const ColocationGroup *colocation = table->colocation;
	const TaskSet tasks =
		make_tasks(colocation, all_groups(colocation), sample_query(table->relid, percent), NIL, nullptr);
	// Dropped columns are NULLs of a type that can be sent.
	TupleDesc desc = CreateTupleDescCopy(RelationGetDescr(relation));
	for (int i = 0; i < desc->natts; i++)
		if (TupleDescAttr(desc, i)->attisdropped)
			TupleDescInitEntry(desc, i + 1, nullptr, INT4OID, -1, 0);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	TupleTableSlot *row = MakeSingleTupleTableSlot(RelationGetDescr(relation), &TTSOpsVirtual);
	List *streams = NIL;
	for (int i = 0; i < tasks.count; i++) {
		StatementRequest request{};
		request.node = tasks.tasks[i].node;
		request.sql = tasks.tasks[i].sql;
		request.result = desc;
		request.scope = Scope::Autocommit;
		streams = lappend(streams, open_stream(request));
	}
	foreach_ptr (RowStream, stream, streams) {
		while (stream->next(slot)) {
			CHECK_FOR_INTERRUPTS();
			ExecClearTuple(row);
			memcpy(row->tts_values, slot->tts_values, sizeof(Datum) * desc->natts);
			memcpy(row->tts_isnull, slot->tts_isnull, sizeof(bool) * desc->natts);
			ExecStoreVirtualTuple(row);
			reservoir->add(row);
		}
		stream->close();
	}
	ExecDropSingleTupleTableSlot(slot);
	ExecDropSingleTupleTableSlot(row);
}

bool may_analyze(Oid relid) {
	return pg_class_ownercheck(relid, GetUserId()) || pg_database_ownercheck(MyDatabaseId, GetUserId());
}

bool asks_for_analyze(const VacuumStmt *statement) {
	if (!statement->is_vacuumcmd)
		return true;
	foreach_node (DefElem, option, statement->options)
		if (strcmp(option->defname, "analyze") == 0)
			return defGetBoolean(option);
	return false;
}

List *all_sharded_tables() {
	List *result = NIL;
	scan_table(shardext_table("tables"), InvalidOid, 0, F_OIDEQ, 0, [&](HeapTuple tuple, TupleDesc desc) {
		const Oid relid = DatumGetObjectId(column(tuple, desc, 1));
		if (is_sharded_table(relid) && may_analyze(relid))
			result = lappend_oid(result, relid);
	});
	return result;
}

} // namespace

void analyze_table(Oid relid, List *attnums) {
	Relation relation = table_open(relid, ShareUpdateExclusiveLock);
	const DistributedTable *table = find_distributed_table(relid);
	if (table == nullptr || !table->is_sharded()) { // it was when somebody looked
		table_close(relation, NoLock);
		return;
	}
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "shardext analyze", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	PushActiveSnapshot(GetTransactionSnapshot());
	analyze_shards(table);
	forget_size(relid);
	const double rows = estimated_rows(relid);
	// Types' analysis and extended statistics may call functions of the owner.
	Oid user;
	int user_context;
	GetUserIdAndSecContext(&user, &user_context);
	SetUserIdAndSecContext(relation->rd_rel->relowner, user_context | SECURITY_RESTRICTED_OPERATION);
	const int level = NewGUCNestLevel();
	ColumnAnalysis analysis(relation, attnums);
	const int wanted = analysis.wanted_rows();
	Reservoir reservoir(wanted);
	read_sample(table, relation, rows > 0 ? std::min(100.0, 100.0 * kOversampling * wanted / rows) : 100,
				&reservoir);
	analysis.store(reservoir.rows(), reservoir.count(), std::max<double>(rows, reservoir.count()));
	AtEOXact_GUC(false, level);
	SetUserIdAndSecContext(user, user_context);
	// What the statistics were made from, for those who look at pg_class and for the next automatic run.
	note_relation_size(relation, static_cast<BlockNumber>(estimated_size(relid).pages),
					   reservoir.count() > 0 ? rows : 0);
	PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	table_close(relation, NoLock);
	CacheInvalidateRelcacheByRelid(relid);
	CommandCounterIncrement();
}

List *tables_to_analyze() {
	List *result = NIL;
	const ListCell *cell;
	foreach (cell, all_sharded_tables()) {
		const Oid relid = lfirst_oid(cell);
		forget_size(relid);
		const double rows = estimated_rows(relid);
		HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
		if (!HeapTupleIsValid(tuple))
			continue;
		const double known = std::max(0.0f, reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->reltuples);
		ReleaseSysCache(tuple);
		if (std::abs(rows - known) > kChangedRows + kChangedFraction * known)
			result = lappend_oid(result, relid);
	}
	return result;
}

void analyze_named_tables(VacuumStmt *statement) {
	if (!asks_for_analyze(statement))
		return;
	if (statement->rels == NIL) {
		const ListCell *cell;
		foreach (cell, all_sharded_tables())
			analyze_table(lfirst_oid(cell), NIL);
		return;
	}
	foreach_node (VacuumRelation, named, statement->rels) {
		const Oid relid =
			OidIsValid(named->oid) ? named->oid : RangeVarGetRelid(named->relation, NoLock, true);
		if (!OidIsValid(relid) || !is_sharded_table(relid) || !may_analyze(relid))
			continue;
		List *attnums = NIL;
		foreach_node (String, name, named->va_cols)
			attnums = lappend_int(attnums, get_attnum(relid, strVal(name)));
		analyze_table(relid, attnums);
	}
}

} // namespace shardext

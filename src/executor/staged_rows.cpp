// Staging tables beside shards.
#include "shardext/executor/staged_rows.hpp"

#include "shardext/sql/shard_sql.hpp"

extern "C" {
#include "catalog/pg_authid_d.h"
#include "miscadmin.h"
}

namespace shardext {

namespace {

const char *new_name() {
	static uint32 number = 0;
	return psprintf("shardext_stage_%d_%u", MyProcPid, number++);
}

const char *column_list(Oid relid, List *attnums) {
	StringInfoData columns;
	initStringInfo(&columns);
	const ListCell *cell;
	foreach (cell, attnums)
		appendStringInfo(&columns, "%s%s", columns.len > 0 ? ", " : "",
						 quote_identifier(get_attname(relid, lfirst_int(cell), false)));
	return columns.data;
}

} // namespace

StagedRows::StagedRows(Oid relid, List *attnums)
	: relid_(relid), attnums_(attnums), colocation_(find_distributed_table(relid)->colocation),
	  name_(new_name()), columns_(column_list(relid, attnums)),
	  used_(static_cast<bool *>(palloc0(sizeof(bool) * colocation_->group_count))),
	  writer_(relid, attnums, nullptr, name_) {}

// The staging table's qualified name.
const char *StagedRows::table(int group) const {
	SqlBuilder builder;
	builder.schema_of(relid_);
	builder.text(".");
	builder.identifier(name_);
	return shard_sql(builder.finish(), colocation_->groups[group].id, false);
}

// Users may not create tables in the schemas of shards on node local.
void StagedRows::run(List *statements) {
	Oid user;
	int context;
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, context | SECURITY_LOCAL_USERID_CHANGE);
	run_statements(statements, Scope::Write);
	SetUserIdAndSecContext(user, context);
}

void StagedRows::add(const Datum *values, const bool *nulls, const int *groups, int count) {
	List *statements = NIL;
	for (int r = 0; r < count; r++) {
		const int g = groups[r];
		if (used_[g])
			continue;
		used_[g] = true;
		SqlBuilder shard;
		shard.relation(relid_);
		auto *statement = static_cast<NodeStatement *>(palloc(sizeof(NodeStatement)));
		statement->node = find_node(colocation_->groups[g].node_id);
		statement->sql = psprintf("CREATE UNLOGGED TABLE %s AS SELECT %s FROM %s WITH NO DATA", table(g),
								  columns_, shard_sql(shard.finish(), colocation_->groups[g].id, false));
		statements = lappend(statements, statement);
	}
	run(statements);
	const int width = list_length(attnums_);
	for (int r = 0; r < count; r++)
		writer_.add(values + r * width, nulls + r * width);
}

void StagedRows::finish() {
	writer_.finish();
}

const char *StagedRows::select(int group) const {
	return psprintf("SELECT %s FROM %s ORDER BY ctid", columns_, table(group));
}

void StagedRows::drop() {
	List *statements = NIL;
	for (int g = 0; g < colocation_->group_count; g++) {
		if (!used_[g])
			continue;
		auto *statement = static_cast<NodeStatement *>(palloc(sizeof(NodeStatement)));
		statement->node = find_node(colocation_->groups[g].node_id);
		statement->sql = psprintf("DROP TABLE %s", table(g));
		statements = lappend(statements, statement);
	}
	run(statements);
}

} // namespace shardext

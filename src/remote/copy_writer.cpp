// COPY streams to shards.
#include "shardext/remote/copy_writer.hpp"

#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/session_settings.hpp"
#include "shardext/sharding/routing.hpp"
#include "shardext/sql/shard_sql.hpp"

extern "C" {
#include "access/table.h"
#include "commands/copy.h"
#include "commands/defrem.h"
#include "parser/parse_relation.h"
#include "utils/snapmgr.h"
}

namespace shardext {

namespace {

constexpr int kFlushBytes = 256 * 1024;

} // namespace

CopyWriter::CopyWriter(Oid relid, List *attnums, const NodeInfo *only_node, const char *table_name)
	: relid_(relid), attnums_(list_copy(attnums)), only_node_(only_node),
	  table_name_(table_name != nullptr ? table_name : get_rel_name(relid)) {
	table_ = find_distributed_table(relid);
	colocation_ = table_->colocation;
	columns_ = list_length(attnums);
	context_ = CurrentMemoryContext;
	row_context_ = AllocSetContextCreate(context_, "shardext copy row", ALLOCSET_DEFAULT_SIZES);
	List *types = NIL;
	for (int i = 0; i < columns_; i++) {
		const AttrNumber attnum = list_nth_int(attnums, i);
		types = lappend_oid(types, get_atttype(relid, attnum));
		if (attnum == table_->key_attnum)
			key_position_ = i;
	}
	format_ = new (palloc(sizeof(CopyFormat))) CopyFormat(types);
	buffers_ = static_cast<Buffer *>(palloc0(sizeof(Buffer) * (colocation_->group_count + 1)));
}

void CopyWriter::append_row(Buffer *buffer, const Datum *values, const bool *nulls) {
	if (!buffer->used) {
		MemoryContext old = MemoryContextSwitchTo(context_);
		if (buffer->data.data == nullptr)
			initStringInfo(&buffer->data);
		else
			resetStringInfo(&buffer->data);
		MemoryContextSwitchTo(old);
		buffer->used = true;
		format_->begin(&buffer->data);
	}
	format_->row(&buffer->data, values, nulls);
}

void CopyWriter::add(const Datum *values, const bool *nulls) {
	int group = 0;
	if (table_->is_sharded()) {
		const bool isnull = key_position_ < 0 || nulls[key_position_];
		MemoryContextReset(row_context_);
		MemoryContext old = MemoryContextSwitchTo(row_context_);
		group = group_of_key(colocation_, isnull ? 0 : values[key_position_], isnull);
		MemoryContextSwitchTo(old);
		if (only_node_ != nullptr && colocation_->groups[group].node_id != only_node_->id)
			return;
	}
	append_row(&buffers_[group], values, nulls);
	rows_++;
	if (buffers_[group].data.len >= kFlushBytes)
		flush(group);
}

namespace {

char *copy_statement(Oid relid, const char *table_name, List *attnums, int64 group_id,
					 const CopyFormat *format) {
	StringInfoData sql;
	initStringInfo(&sql);
	SqlBuilder target;
	target.schema_of(relid);
	target.text(".");
	target.identifier(table_name);
	appendStringInfoString(&sql, "COPY ");
	append_shard_sql(&sql, target.finish(), group_id, false);
	const char *separator = " (";
	const ListCell *cell;
	foreach (cell, attnums) {
		appendStringInfo(&sql, "%s%s", separator,
						 quote_identifier(get_attname(relid, lfirst_int(cell), false)));
		separator = ", ";
	}
	if (attnums != NIL)
		appendStringInfoChar(&sql, ')');
	appendStringInfo(&sql, " FROM STDIN%s", format->options());
	return sql.data;
}

} // namespace

void CopyWriter::send(const NodeInfo *node, int group) {
	Buffer *buffer = &buffers_[group];
	Connection *c = connect_to_node(node);
	finish_everything(c);
	enter_transaction(c, Scope::Write);
	if (!format_->binary())
		send_session_settings(c);
	start_copy(c, copy_statement(relid_, table_name_, attnums_, colocation_->groups[group].id, format_));
	const CopyChunk chunk = {c, &buffer->data};
	PG_TRY();
	{
		put_copy_data(&chunk, 1);
		end_copy(c);
	}
	PG_CATCH();
	{
		leave_copy(c);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

namespace {

// CopyFrom() asks for bytes through a callback without an argument.
const char *local_data = nullptr;
int local_left = 0;

int give_local_data(void *out, int, int maxread) {
	const int n = std::min(maxread, local_left);
	memcpy(out, local_data, n);
	local_data += n;
	local_left -= n;
	return n;
}

} // namespace

void CopyWriter::send_local(int group) {
	Buffer *buffer = &buffers_[group];
	const char *schema =
		shard_schema_name(colocation_->groups[group].id, get_namespace_name(get_rel_namespace(relid_)));
	const Oid shard = get_relname_relid(table_name_, get_namespace_oid(schema, false));
	Relation relation = table_open(shard, RowExclusiveLock);
	List *names = NIL;
	const ListCell *cell;
	foreach (cell, attnums_)
		names = lappend(names, makeString(get_attname(relid_, lfirst_int(cell), false)));
	List *options = NIL;
	if (format_->binary())
		options = list_make1(
			makeDefElem(pstrdup("format"), reinterpret_cast<Node *>(makeString(pstrdup("binary"))), -1));
	ParseState *pstate = make_parsestate(nullptr);
	ParseNamespaceItem *item =
		addRangeTableEntryForRelation(pstate, relation, RowExclusiveLock, nullptr, false, false);
	(void)item;
	local_data = buffer->data.data;
	local_left = buffer->data.len;
	PushActiveSnapshot(GetTransactionSnapshot());
	CopyFromState state =
		BeginCopyFrom(pstate, relation, nullptr, nullptr, false, give_local_data, names, options);
	with_changed_errors(
		[](ErrorData *error) {
			int64 group_id = 0;
			if (error->schema_name != nullptr)
				error->schema_name = user_schema_of(error->schema_name, &group_id);
		},
		[&] { CopyFrom(state); });
	EndCopyFrom(state);
	PopActiveSnapshot();
	table_close(relation, NoLock);
	CommandCounterIncrement();
}

void CopyWriter::flush(int group) {
	Buffer *buffer = &buffers_[group];
	if (!buffer->used)
		return;
	format_->end(&buffer->data);
	buffer->used = false;
	if (!table_->is_sharded()) {
		foreach_ptr (NodeInfo, node, all_nodes())
			if (!node->is_local() && (only_node_ == nullptr || only_node_->id == node->id))
				send(node, group);
		return;
	}
	const NodeInfo *node = find_node(colocation_->groups[group].node_id);
	if (node->is_local())
		send_local(group);
	else
		send(node, group);
}

void CopyWriter::finish() {
	for (int g = 0; g < colocation_->group_count; g++)
		flush(g);
}

} // namespace shardext

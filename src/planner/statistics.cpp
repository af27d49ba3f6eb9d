// Sizes of distributed tables, asked from the nodes.
#include "shardext/planner/statistics.hpp"

#include "shardext/catalog/metadata.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/remote/row_stream.hpp"
#include "shardext/sql/shard_sql.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_statistic.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/hsearch.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
}

namespace shardext {

namespace {

constexpr int kKeepSeconds = 60;

struct SizeEntry {
	Oid relid; // hash key
	TimestampTz asked_at;
	RelationSize size;
};

HTAB *sizes = nullptr;

SizeEntry *entry_of(Oid relid) {
	if (sizes == nullptr) {
		HASHCTL control{};
		control.keysize = sizeof(Oid);
		control.entrysize = sizeof(SizeEntry);
		control.hcxt = TopMemoryContext;
		sizes = hash_create("shardext table sizes", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	bool found;
	auto *entry = static_cast<SizeEntry *>(hash_search(sizes, &relid, HASH_ENTER, &found));
	if (!found)
		entry->asked_at = 0;
	return entry;
}

// What a node knows of the shards it holds: rows scaled to the present size, as PostgreSQL's own planner
// does.
RelationSize ask_node(const NodeInfo *node, const DistributedTable *table) {
	StringInfoData sql;
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT pg_catalog.sum(CASE WHEN c.relpages > 0 AND c.reltuples > 0 THEN "
								 "c.reltuples / c.relpages * (s.size / 8192.0) "
								 "ELSE s.size / 100.0 END)::text, pg_catalog.sum(s.size / 8192.0)::text FROM "
								 "pg_catalog.pg_class c JOIN "
								 "pg_catalog.pg_namespace n ON n.oid = c.relnamespace, LATERAL (SELECT "
								 "pg_catalog.pg_relation_size(c.oid)::float8 AS size) s "
								 "WHERE n.nspname IN (");
	const char *schema = get_namespace_name(get_rel_namespace(table->relid));
	const char *name = get_rel_name(table->relid);
	if (schema == nullptr || name == nullptr)
		return {0, 0}; // dropped meanwhile: not everybody who asks holds a lock
	const char *separator = "";
	for (int g = 0; g < table->colocation->group_count; g++)
		if (table->colocation->groups[g].node_id == node->id) {
			appendStringInfo(&sql, "%s%s", separator,
							 quote_literal_cstr(shard_schema_name(table->colocation->groups[g].id, schema)));
			separator = ", ";
		}
	if (separator[0] == '\0')
		return {0, 0};
	appendStringInfo(&sql, ") AND c.relname = %s", quote_literal_cstr(name));
	List *answer = query_strings(node, sql.data, 2);
	auto number = [&](int n) {
		const char *text = n < list_length(answer) ? static_cast<char *>(list_nth(answer, n)) : nullptr;
		return text != nullptr ? strtod(text, nullptr) : 0.0;
	};
	return {number(0), number(1)};
}

} // namespace

RelationSize estimated_size(Oid relid) {
	const TimestampTz now = GetCurrentTimestamp();
	SizeEntry *entry = entry_of(relid);
	if (entry->asked_at != 0 && now - entry->asked_at < kKeepSeconds * USECS_PER_SEC)
		return entry->size;
	const DistributedTable *table = find_distributed_table(relid);
	RelationSize total{0, 0};
	if (table == nullptr)
		return total;
	foreach_ptr (NodeInfo, node, all_nodes()) {
		const RelationSize part = ask_node(node, table);
		total.tuples += part.tuples;
		total.pages += part.pages;
	}
	entry = entry_of(relid); // asking may have changed the table
	// A table that looks empty is asked for again soon: it may be about to be filled.
	entry->asked_at = total.tuples > 0 ? now : 0;
	entry->size = total;
	return total;
}

void forget_size(Oid relid) {
	entry_of(relid)->asked_at = 0;
}

double estimated_rows(Oid relid) {
	return estimated_size(relid).tuples;
}

double known_rows(const RangeTblEntry *rte) {
	if (rte->rtekind != RTE_RELATION)
		return -1;
	if (is_sharded_table(rte->relid))
		return estimated_rows(rte->relid);
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(rte->relid));
	if (!HeapTupleIsValid(tuple))
		return -1;
	const auto *form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
	// That of a table with children is of its own rows alone.
	const bool partial = rte->inh && form->relhassubclass && form->relkind != RELKIND_PARTITIONED_TABLE;
	const double rows = partial ? -1 : form->reltuples;
	ReleaseSysCache(tuple);
	return rows;
}

HeapTuple find_column_statistics(const RangeTblEntry *rte, AttrNumber column) {
	if (rte->rtekind != RTE_RELATION || column <= 0)
		return nullptr;
	const bool inherits = rte->inh && has_subclass(rte->relid);
	return SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(rte->relid), Int16GetDatum(column),
						   BoolGetDatum(inherits));
}

double known_distinct(const RangeTblEntry *rte, AttrNumber column, double rows) {
	HeapTuple tuple = find_column_statistics(rte, column);
	if (!HeapTupleIsValid(tuple))
		return -1;
	const double distinct = reinterpret_cast<Form_pg_statistic>(GETSTRUCT(tuple))->stadistinct;
	ReleaseSysCache(tuple);
	return distinct > 0 ? distinct : distinct < 0 && rows > 0 ? -distinct * rows : -1;
}

bool may_read_column(Oid relid, AttrNumber column) {
	return pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		   pg_attribute_aclcheck(relid, column, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

} // namespace shardext

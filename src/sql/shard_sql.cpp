// SQL text with holes for the schemas of distributed tables.
#include "shardext/sql/shard_sql.hpp"

#include "shardext/core/sql_text.hpp"
#include "shardext/pg/transmission_modes.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "nodes/value.h"
#include "parser/parser.h"
#include "utils/varlena.h"
}

namespace shardext {

char *shard_schema_name(int64 group_id, const char *schema_name) {
	if (strcmp(schema_name, "public") == 0)
		return psprintf("shardext_" INT64_FORMAT, group_id);
	char *name = psprintf("shardext_" INT64_FORMAT "_%s", group_id, schema_name);
	if (strlen(name) < NAMEDATALEN)
		return name;
	// Too long for an identifier: keep what fits and tell apart by a hash of the whole.
	const uint32 hash = hash_bytes(reinterpret_cast<const unsigned char *>(schema_name), strlen(schema_name));
	const int keep = pg_mbcliplen(name, strlen(name), NAMEDATALEN - 1 - 9);
	return psprintf("%.*s_%08x", keep, name, hash);
}

namespace {

// A hole: 'h' fills in the task's own group, 'r' the reference table's group.
List *make_hole(const DistributedTable *table, const char *schema_name) {
	const int64 group = table->is_sharded() ? 0 : table->colocation->groups[0].id;
	return list_make2(makeFloat(psprintf(INT64_FORMAT, group)), makeString(pstrdup(schema_name)));
}

bool collect_range_vars(Node *node, List **range_vars) {
	if (node == nullptr)
		return false;
	if (IsA(node, RangeVar)) {
		auto *rv = reinterpret_cast<RangeVar *>(node);
		if (rv->schemaname != nullptr && rv->location >= 0)
			*range_vars = lappend(*range_vars, rv);
		return false;
	}
	return raw_walk(node, collect_range_vars, range_vars);
}

const DistributedTable *find_named_table(const RangeVar *name) {
	const Oid schema = get_namespace_oid(name->schemaname, true);
	const Oid relid = OidIsValid(schema) ? get_relname_relid(name->relname, schema) : InvalidOid;
	return OidIsValid(relid) ? find_distributed_table(relid) : nullptr;
}

} // namespace

SqlPieces *splice_relations(const char *sql) {
	List *range_vars = NIL;
	const int level = begin_transmission_modes();
	foreach_node (RawStmt, raw, raw_parser(sql, RAW_PARSE_DEFAULT))
		collect_utility_or_query(raw->stmt, collect_range_vars, &range_vars);
	end_transmission_modes(level);

	const int found = list_length(range_vars);
	auto *locations = static_cast<size_t *>(palloc(sizeof(size_t) * (found + 1)));
	auto *cuts = static_cast<core::Cut *>(palloc(sizeof(core::Cut) * (found + 1)));
	size_t count = 0;
	foreach_ptr (RangeVar, rv, range_vars)
		if (find_named_table(rv) != nullptr)
			locations[count++] = rv->location;
	count = core::cut_identifiers(sql, locations, count, cuts);

	SqlPieces *pieces = NIL;
	core::walk_pieces(
		strlen(sql), cuts, count,
		[&](size_t begin, size_t end) {
			pieces = lappend(pieces, makeString(pnstrdup(sql + begin, end - begin)));
		},
		[&](size_t hole) {
			foreach_ptr (RangeVar, rv, range_vars)
				if (static_cast<size_t>(rv->location) == cuts[hole].begin) {
					pieces = lappend(pieces, make_hole(find_named_table(rv), rv->schemaname));
					break;
				}
		});
	return pieces;
}

void append_shard_sql(StringInfo out, const SqlPieces *pieces, int64 group_id, bool node_is_local) {
	const ListCell *cell;
	foreach (cell, pieces) {
		auto *piece = static_cast<Node *>(lfirst(cell));
		if (IsA(piece, String)) {
			appendStringInfoString(out, strVal(piece));
			continue;
		}
		auto *hole = reinterpret_cast<List *>(piece);
		const int64 reference_group = strtoll(castNode(Float, linitial(hole))->fval, nullptr, 10);
		if (list_length(hole) == 1) {
			appendStringInfo(out, INT64_FORMAT, group_id);
			continue;
		}
		const char *schema_name = strVal(lsecond(hole));
		if (reference_group != 0 && node_is_local)
			appendStringInfoString(out, quote_identifier(schema_name)); // the table itself is the copy
		else
			appendStringInfoString(out, quote_identifier(shard_schema_name(
											reference_group ? reference_group : group_id, schema_name)));
	}
}

char *shard_sql(const SqlPieces *pieces, int64 group_id, bool node_is_local) {
	StringInfoData out;
	initStringInfo(&out);
	append_shard_sql(&out, pieces, group_id, node_is_local);
	return out.data;
}

// --- SqlBuilder ---

void SqlBuilder::text(const char *s) {
	if (buffer_.data == nullptr)
		initStringInfo(&buffer_);
	appendStringInfoString(&buffer_, s);
}

void SqlBuilder::identifier(const char *name) {
	text(quote_identifier(name));
}

void SqlBuilder::literal(const char *value) {
	text(quote_literal_cstr(value));
}

void SqlBuilder::flush() {
	if (buffer_.data != nullptr) {
		pieces_ = lappend(pieces_, makeString(buffer_.data));
		buffer_ = {};
	}
}

void SqlBuilder::group_id() {
	flush();
	pieces_ = lappend(pieces_, list_make1(makeFloat(pstrdup("0"))));
}

void SqlBuilder::schema_of(Oid relid) {
	const char *schema_name = get_namespace_name(get_rel_namespace(relid));
	const DistributedTable *table = find_distributed_table(relid);
	if (table == nullptr) {
		identifier(schema_name);
		return;
	}
	flush();
	pieces_ = lappend(pieces_, make_hole(table, schema_name));
}

void SqlBuilder::relation(Oid relid) {
	schema_of(relid);
	text(".");
	identifier(get_rel_name(relid));
}

void SqlBuilder::append(const SqlPieces *pieces) {
	flush();
	pieces_ = list_concat(pieces_, static_cast<List *>(copyObjectImpl(pieces)));
}

SqlPieces *SqlBuilder::finish() {
	flush();
	SqlPieces *result = pieces_;
	pieces_ = NIL;
	return result;
}

} // namespace shardext

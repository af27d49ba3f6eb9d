// SQL text with holes for the schemas of distributed tables.
#include "shardext/sql/shard_sql.hpp"

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

struct Found {
	List *range_vars = NIL; // of RangeVar *
};

bool collect_range_vars(Node *node, Found *found) {
	if (node == nullptr)
		return false;
	if (IsA(node, RangeVar)) {
		auto *rv = reinterpret_cast<RangeVar *>(node);
		if (rv->schemaname != nullptr && rv->location >= 0)
			found->range_vars = lappend(found->range_vars, rv);
		return false;
	}
	return raw_walk(node, collect_range_vars, found);
}

int by_location(const ListCell *a, const ListCell *b) {
	return static_cast<RangeVar *>(lfirst(a))->location - static_cast<RangeVar *>(lfirst(b))->location;
}

// Length of the identifier at the start of s, as written (quoted or not).
int identifier_length(const char *s) {
	if (*s != '"') {
		int n = 0;
		while (s[n] != '\0' && s[n] != '.' && !isspace(static_cast<unsigned char>(s[n])))
			n++;
		return n;
	}
	int n = 1;
	while (s[n] != '\0') {
		if (s[n] == '"') {
			if (s[n + 1] != '"')
				return n + 1;
			n++;
		}
		n++;
	}
	return n;
}

} // namespace

SqlPieces *splice_relations(const char *sql) {
	Found found;
	foreach_node (RawStmt, raw, raw_parser(sql, RAW_PARSE_DEFAULT))
		collect_utility_or_query(raw->stmt, collect_range_vars, &found);
	list_sort(found.range_vars, by_location);

	SqlPieces *pieces = NIL;
	int done = 0;
	int last_location = -1;
	foreach_ptr (RangeVar, rv, found.range_vars) {
		if (rv->location == last_location)
			continue; // a multi-assignment's RangeVar is visited twice
		last_location = rv->location;
		const Oid schema = get_namespace_oid(rv->schemaname, true);
		const Oid relid = OidIsValid(schema) ? get_relname_relid(rv->relname, schema) : InvalidOid;
		const DistributedTable *table = OidIsValid(relid) ? find_distributed_table(relid) : nullptr;
		if (table == nullptr)
			continue;
		pieces = lappend(pieces, makeString(pnstrdup(sql + done, rv->location - done)));
		pieces = lappend(pieces, make_hole(table, rv->schemaname));
		done = rv->location + identifier_length(sql + rv->location);
	}
	return lappend(pieces, makeString(pstrdup(sql + done)));
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

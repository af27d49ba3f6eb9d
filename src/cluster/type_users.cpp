// Types and the tables that are made of them.
#include "shardext/cluster/type_users.hpp"

#include "shardext/catalog/metadata.hpp"
#include "shardext/catalog/metadata_sql.hpp"
#include "shardext/pg/compat.hpp"

extern "C" {
#include "access/xact.h"
#include "catalog/pg_class.h"
}

namespace shardext {

namespace {

List *lost_columns = NIL; // OIDs of tables
LocalTransactionId lost_columns_in = InvalidLocalTransactionId;

} // namespace

Oid table_that_uses(Oid type) {
	const char *found = query_metadata(psprintf(
		"WITH RECURSIVE used (classid, objid) AS (SELECT 'pg_type'::regclass::oid, %u::oid UNION "
		"SELECT n.classid, n.objid FROM used u, LATERAL ("
		"SELECT d.classid, d.objid FROM pg_depend d WHERE d.refclassid = u.classid AND d.refobjid = u.objid "
		"AND d.deptype IN ('n', 'a', 'i') AND d.classid IN ('pg_type'::regclass, 'pg_class'::regclass) UNION "
		"ALL "
		"SELECT 'pg_type'::regclass, t.oid FROM pg_type t WHERE u.classid = 'pg_class'::regclass AND "
		"t.typrelid = u.objid) n) "
		"SELECT t.relid::oid FROM used u JOIN shardext.tables t ON u.classid = 'pg_class'::regclass AND "
		"t.relid = u.objid LIMIT 1",
		type));
	return found != nullptr ? static_cast<Oid>(strtoul(found, nullptr, 10)) : InvalidOid;
}

void note_dropped_column(Oid relid) {
	if (get_rel_relkind(relid) == RELKIND_COMPOSITE_TYPE)
		relid = table_that_uses(get_rel_type_id(relid));
	if (!OidIsValid(relid) || find_distributed_table(relid) == nullptr)
		return;
	if (lost_columns_in != MyProc_lxid())
		lost_columns = NIL;
	lost_columns_in = MyProc_lxid();
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	lost_columns = list_append_unique_oid(lost_columns, relid);
	MemoryContextSwitchTo(old);
}

void check_dropped_columns() {
	if (lost_columns_in != MyProc_lxid() || lost_columns == NIL)
		return;
	List *relids = lost_columns;
	lost_columns = NIL;
	const ListCell *cell;
	foreach (cell, relids)
		if (const char *name = get_rel_name(lfirst_oid(cell)))
			ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("dropping a column is not supported on distributed table \"%s\" yet", name),
					errhint("Use undistribute_table(), change the table, and distribute it again."));
}

} // namespace shardext

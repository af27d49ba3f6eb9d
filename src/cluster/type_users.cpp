// Types and the tables that are made of them.
#include "shardext/cluster/type_users.hpp"

#include "shardext/catalog/metadata.hpp"
#include "shardext/catalog/metadata_sql.hpp"
#include "shardext/pg/compat.hpp"

extern "C" {
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "utils/syscache.h"
}

namespace shardext {

namespace {

List *lost_columns = NIL; // OIDs of tables
LocalTransactionId lost_columns_in = InvalidLocalTransactionId;

Oid table_that_uses_types(const char *types) {
	const char *found = query_metadata(psprintf(
		"WITH RECURSIVE used (classid, objid) AS (SELECT 'pg_type'::regclass::oid, oid FROM pg_type WHERE %s "
		"UNION "
		"SELECT n.classid, n.objid FROM used u, LATERAL ("
		"SELECT d.classid, d.objid FROM pg_depend d WHERE d.refclassid = u.classid AND d.refobjid = u.objid "
		"AND d.deptype IN ('n', 'a', 'i') AND d.classid IN ('pg_type'::regclass, 'pg_class'::regclass) UNION "
		"ALL "
		"SELECT 'pg_type'::regclass, t.oid FROM pg_type t WHERE u.classid = 'pg_class'::regclass AND "
		"t.typrelid = u.objid) n) "
		"SELECT t.relid::oid FROM used u JOIN shardext.tables t ON u.classid = 'pg_class'::regclass AND "
		"t.relid = u.objid LIMIT 1",
		types));
	return found != nullptr ? static_cast<Oid>(strtoul(found, nullptr, 10)) : InvalidOid;
}

} // namespace

Oid table_that_uses(Oid type) {
	return table_that_uses_types(psprintf("oid = %u", type));
}

Oid table_that_uses_schema(Oid schema) {
	// Row types of the schema's own tables are no reason.
	return table_that_uses_types(psprintf("typnamespace = %u AND typelem = 0 AND (typrelid = 0 OR (SELECT "
										  "relkind = 'c' FROM pg_class c WHERE c.oid = "
										  "typrelid))",
										  schema));
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

void note_dropped_constraint(Oid constraint) {
	HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	if (!HeapTupleIsValid(tuple))
		return;
	const auto *form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
	// Foreign keys go with the table that they reference, on the nodes as well.
	const Oid relid = form->contype == CONSTRAINT_FOREIGN || form->contype == CONSTRAINT_TRIGGER
						  ? InvalidOid
						  : form->conrelid;
	ReleaseSysCache(tuple);
	if (OidIsValid(relid))
		note_dropped_column(relid);
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
					errmsg("dropping a column or constraint is not supported on distributed table \"%s\" yet",
						   name),
					errhint("Use undistribute_table(), change the table, and distribute it again."));
}

} // namespace shardext

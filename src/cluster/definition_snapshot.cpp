// Reading a table's definition from the catalogs.
#include "shardext/cluster/definition_snapshot.hpp"

#include "shardext/cluster/table_definition.hpp"
#include "shardext/pg/scan.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/reloptions.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_statistic_ext.h"
#include "commands/comment.h"
#include "rewrite/rewriteHandler.h"
#include "utils/ruleutils.h"
}

namespace shardext {

namespace {

const char *copied(const char *text) {
	return text != nullptr ? pstrdup(text) : nullptr;
}

// Returns reloptions or attoptions, copied.
List *options_of(int cache, HeapTuple tuple, AttrNumber attnum) {
	bool isnull;
	const Datum options = SysCacheGetAttr(cache, tuple, attnum, &isnull);
	return isnull ? NIL : static_cast<List *>(copyObjectImpl(untransformRelOptions(options)));
}

List *options_of_relation(Oid relid) {
	HeapTuple tuple = OidIsValid(relid) ? SearchSysCache1(RELOID, ObjectIdGetDatum(relid)) : nullptr;
	if (!HeapTupleIsValid(tuple))
		return NIL;
	List *options = options_of(RELOID, tuple, Anum_pg_class_reloptions);
	ReleaseSysCache(tuple);
	return options;
}

// Reads what a tuple descriptor does not have. An int4 that is -1 by default before version 17, an int2 that
// is null since.
void read_attribute(Oid relid, AttrNumber attnum, int *statistics_target, List **options) {
	HeapTuple tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(attnum));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for attribute %d of relation %u", attnum, relid);
	bool isnull;
	const Datum target = SysCacheGetAttr(ATTNUM, tuple, Anum_pg_attribute_attstattarget, &isnull);
	*statistics_target = isnull ? -1 : DatumGetInt32(target);
	if (options != nullptr)
		*options = options_of(ATTNUM, tuple, Anum_pg_attribute_attoptions);
	ReleaseSysCache(tuple);
}

const char *default_text(Relation relation, AttrNumber attnum) {
	const int level = begin_printing_definitions();
	Node *expression = build_column_default(relation, attnum);
	const char *text = expression != nullptr ? deparse_expression(expression, NIL, false, false) : nullptr;
	end_printing_definitions(level);
	return text;
}

void read_columns(TableDefinition *definition, Relation relation) {
	const Oid relid = RelationGetRelid(relation);
	const TupleDesc desc = RelationGetDescr(relation);
	const Bitmapset *with_default = columns_set_to_default(relid);
	definition->column_count = desc->natts;
	definition->columns =
		static_cast<ColumnDefinition *>(palloc0(sizeof(ColumnDefinition) * (desc->natts + 1)));
	for (int i = 0; i < desc->natts; i++) {
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		ColumnDefinition *column = &definition->columns[i];
		column->number = attribute->attnum;
		column->dropped = attribute->attisdropped;
		column->name = pstrdup(NameStr(attribute->attname));
		if (column->dropped)
			continue;
		column->type = attribute->atttypid;
		column->typmod = attribute->atttypmod;
		column->collation = attribute->attcollation;
		column->not_null = attribute->attnotnull;
		column->generated = attribute->attgenerated;
		column->storage = attribute->attstorage;
		column->compression = attribute->attcompression;
		read_attribute(relid, attribute->attnum, &column->statistics_target, &column->options);
		if (bms_is_member(attribute->attnum, with_default))
			column->set_default = default_text(relation, attribute->attnum);
		column->comment = copied(GetComment(relid, RelationRelationId, attribute->attnum));
	}
}

template <class T> int by_oid(const ListCell *a, const ListCell *b) {
	const Oid x = static_cast<T *>(lfirst(a))->oid, y = static_cast<T *>(lfirst(b))->oid;
	return x < y ? -1 : x > y ? 1 : 0;
}

void read_constraints(TableDefinition *definition) {
	scan_table(ConstraintRelationId, ConstraintRelidTypidNameIndexId, Anum_pg_constraint_conrelid, F_OIDEQ,
			   ObjectIdGetDatum(definition->relid), [&](HeapTuple tuple, TupleDesc) {
				   const auto *form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
				   if (form->contype == CONSTRAINT_TRIGGER)
					   return;
				   auto *constraint =
					   static_cast<ConstraintDefinition *>(palloc0(sizeof(ConstraintDefinition)));
				   constraint->oid = form->oid;
				   constraint->name = pstrdup(NameStr(form->conname));
				   constraint->kind = form->contype;
				   constraint->index = form->conindid;
				   constraint->referenced = form->confrelid;
				   constraint->valid = form->convalidated;
				   constraint->deferrable = form->condeferrable;
				   constraint->deferred = form->condeferred;
				   constraint->comment = copied(GetComment(form->oid, ConstraintRelationId, 0));
				   definition->constraints = lappend(definition->constraints, constraint);
			   });
	list_sort(definition->constraints, by_oid<ConstraintDefinition>);
}

void read_indexes(TableDefinition *definition, Relation relation) {
	const ListCell *cell;
	foreach (cell, RelationGetIndexList(relation)) {
		const Oid oid = lfirst_oid(cell);
		HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(oid));
		if (!HeapTupleIsValid(tuple))
			continue; // is being dropped
		const auto *form = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
		auto *index = static_cast<IndexDefinition *>(palloc0(sizeof(IndexDefinition)));
		index->oid = oid;
		index->name = get_rel_name(oid);
		index->valid = form->indisvalid;
		index->clustered = form->indisclustered;
		index->replica_identity = form->indisreplident;
		index->constraint = get_index_constraint(oid);
		index->options = options_of_relation(oid);
		for (int i = 1; i <= form->indnatts; i++) {
			int target;
			read_attribute(oid, i, &target, nullptr);
			index->statistics_targets = lappend_int(index->statistics_targets, target);
		}
		index->comment = copied(GetComment(oid, RelationRelationId, 0));
		ReleaseSysCache(tuple);
		definition->indexes = lappend(definition->indexes, index);
	}
	list_sort(definition->indexes, by_oid<IndexDefinition>);
}

void read_statistics(TableDefinition *definition, Relation relation) {
	const ListCell *cell;
	foreach (cell, RelationGetStatExtList(relation)) {
		HeapTuple tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(lfirst_oid(cell)));
		if (!HeapTupleIsValid(tuple))
			continue;
		auto *statistics = static_cast<StatisticsDefinition *>(palloc0(sizeof(StatisticsDefinition)));
		statistics->oid = lfirst_oid(cell);
		statistics->name =
			pstrdup(NameStr(reinterpret_cast<Form_pg_statistic_ext>(GETSTRUCT(tuple))->stxname));
		bool isnull;
		const Datum target = SysCacheGetAttr(STATEXTOID, tuple, Anum_pg_statistic_ext_stxstattarget, &isnull);
		statistics->target = isnull ? -1 : DatumGetInt32(target);
		statistics->comment = copied(GetComment(statistics->oid, StatisticExtRelationId, 0));
		ReleaseSysCache(tuple);
		definition->statistics = lappend(definition->statistics, statistics);
	}
	list_sort(definition->statistics, by_oid<StatisticsDefinition>);
}

} // namespace

TableDefinition *read_definition(const DistributedTable *table) {
	Relation relation = table_open(table->relid, NoLock);
	const Form_pg_class form = relation->rd_rel;
	auto *definition = static_cast<TableDefinition *>(palloc0(sizeof(TableDefinition)));
	definition->relid = table->relid;
	definition->schema = get_namespace_name(form->relnamespace);
	definition->name = pstrdup(NameStr(form->relname));
	definition->key = table->key_attnum;
	definition->persistence = form->relpersistence;
	definition->access_method = form->relam;
	definition->options = options_of_relation(table->relid);
	definition->toast_options = options_of_relation(form->reltoastrelid);
	definition->replica_identity = form->relreplident;
	definition->comment = copied(GetComment(table->relid, RelationRelationId, 0));
	read_columns(definition, relation);
	read_constraints(definition);
	read_indexes(definition, relation);
	read_statistics(definition, relation);
	table_close(relation, NoLock);
	return definition;
}

Oid table_of_object(Oid class_id, Oid object_id, int sub_id) {
	Oid relid = InvalidOid;
	if (class_id == RelationRelationId) {
		if (sub_id > 0)
			return object_id;
		return get_rel_relkind(object_id) == RELKIND_INDEX ? IndexGetRelation(object_id, true) : InvalidOid;
	}
	if (class_id == ConstraintRelationId) {
		HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(object_id));
		if (HeapTupleIsValid(tuple)) {
			relid = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple))->conrelid;
			ReleaseSysCache(tuple);
		}
	} else if (class_id == StatisticExtRelationId) {
		HeapTuple tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(object_id));
		if (HeapTupleIsValid(tuple)) {
			relid = reinterpret_cast<Form_pg_statistic_ext>(GETSTRUCT(tuple))->stxrelid;
			ReleaseSysCache(tuple);
		}
	}
	return relid;
}

const ConstraintDefinition *find_constraint(const TableDefinition *definition, Oid oid) {
	foreach_ptr (ConstraintDefinition, constraint, definition->constraints)
		if (constraint->oid == oid)
			return constraint;
	return nullptr;
}

const IndexDefinition *find_index(const TableDefinition *definition, Oid oid) {
	foreach_ptr (IndexDefinition, index, definition->indexes)
		if (index->oid == oid)
			return index;
	return nullptr;
}

} // namespace shardext

// Parts of one statement that touch what others write.
//
// In PostgreSQL every part sees the rows as they were before the statement, a row is changed by one part
// only, and foreign keys are checked when all is done. Where a part reads or changes rows that another one
// changes, or a foreign key ties what they write together, both give up running on the shards as they are:
// rows are read and locked first, and changed at the end of the statement.
#include "shardext/planner/write_parts.hpp"

#include "shardext/pg/walk.hpp"

extern "C" {
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/rel.h"
#include "utils/relcache.h"
}

namespace shardext {

namespace {

struct TableReads {
	Oid relid;
	int count;
};

bool count_reads(Node *node, TableReads *reads) {
	if (node == nullptr)
		return false;
	if (!IsA(node, Query))
		return walk_expression(node, count_reads, reads);
	auto *query = reinterpret_cast<Query *>(node);
	int position = 0;
	foreach_node (RangeTblEntry, rte, query->rtable) {
		position++;
		const bool only_written = position == query->resultRelation && query->commandType == CMD_INSERT;
		if (rte->rtekind == RTE_RELATION && rte->relid == reads->relid && !only_written)
			reads->count++;
	}
	return walk_query(query, count_reads, reads, 0);
}

// What the query itself reads, without the WITH queries before it.
int own_reads_of(Query *query, Oid relid) {
	List *ctes = query->cteList;
	query->cteList = NIL;
	const int count = reads_of(query, relid);
	query->cteList = ctes;
	return count;
}

bool reads_group(Node *node, int32 *colocation_id) {
	if (node == nullptr)
		return false;
	if (!IsA(node, Query))
		return walk_expression(node, reads_group, colocation_id);
	foreach_node (RangeTblEntry, rte, reinterpret_cast<Query *>(node)->rtable)
		if (rte->rtekind == RTE_RELATION && is_sharded_table(rte->relid) &&
			find_distributed_table(rte->relid)->colocation->id == *colocation_id)
			return true;
	return walk_query(reinterpret_cast<Query *>(node), reads_group, colocation_id, 0);
}

struct CorrelatedReads {
	const Query *except; // the part that is looked at for others
	int32 colocation_id;
};

// A sub-query that needs values of the rows around it, and tables of a colocation group.
bool find_correlated(Node *node, CorrelatedReads *reads) {
	if (node == nullptr || node == reinterpret_cast<const Node *>(reads->except))
		return false;
	if (!IsA(node, Query))
		return walk_expression(node, find_correlated, reads);
	if (contain_vars_of_level(node, 1) && reads_group(node, &reads->colocation_id))
		return true;
	return walk_query(reinterpret_cast<Query *>(node), find_correlated, reads, 0);
}

// A part whose rows are taken from where the other one has been before.
bool is_fed_by(const WritePart *part, const WritePart *other) {
	return other->cte != nullptr && reads_of_cte(part->query, other->cte) > 0;
}

bool is_insert(const WritePart *part) {
	return part->query->commandType == CMD_INSERT;
}

// A part that changes rows which another one that writes reads or changes. (The rows that an INSERT at the
// end of the statement inserts have been read before.)
void mind_shared_rows(const List *parts, WritePart *writer) {
	foreach_ptr (WritePart, part, parts) {
		if (part == writer || (is_insert(part) && part->cte == nullptr) ||
			own_reads_of(part->query, writer->relid) == 0 || (is_insert(writer) && is_fed_by(writer, part)))
			continue;
		writer->shares_rows = writer->late = true;
		part->shares_rows = true;
	}
}

// True for a part that may give one of the columns a new value (DELETE: none).
bool sets_columns(const WritePart *part, const AttrNumber *columns, int count) {
	const CmdType command = part->query->commandType;
	if (command != CMD_UPDATE)
		return command != CMD_DELETE;
	for (int i = 0; i < count; i++)
		foreach_node (TargetEntry, entry, part->query->targetList)
			if (!entry->resjunk && entry->resno == columns[i])
				return true;
	return false;
}

// How a foreign key orders what a part on the referring table and one on the other table change.
struct KeyOrder {
	bool referred_first = false; // there are new rows that may refer to new ones
	bool referring_first = false;
};

KeyOrder order_of(const WritePart *referring, const WritePart *referred) {
	KeyOrder order;
	Relation relation = RelationIdGetRelation(referring->relid);
	foreach_ptr (ForeignKeyCacheInfo, key, RelationGetFKeyList(relation)) {
		if (key->confrelid != referred->relid || referring->relid == referred->relid)
			continue;
		const CmdType removal = referred->query->commandType;
		const bool gives = sets_columns(referred, key->confkey, key->nkeys);
		order.referred_first |= gives && sets_columns(referring, key->conkey, key->nkeys);
		order.referring_first |= referring->query->commandType != CMD_INSERT &&
								 (removal == CMD_DELETE || (gives && removal != CMD_INSERT));
	}
	RelationClose(relation);
	return order;
}

// What is referred to comes first and goes last. (The main part comes last by itself.)
void mind_foreign_keys(const List *parts, WritePart *writer) {
	foreach_ptr (WritePart, part, parts)
		if (part != writer &&
			(order_of(part, writer).referring_first || order_of(writer, part).referred_first))
			writer->shares_rows = writer->late = true;
}

// Where others come at the end of the statement, the main part may have to wait for them.
void mind_late_parts(const List *parts, WritePart *main) {
	foreach_ptr (WritePart, part, parts)
		if (part != main && part->late && can_be_late(main->query) &&
			(order_of(part, main).referring_first || order_of(main, part).referred_first))
			main->shares_rows = main->late = true;
}

} // namespace

int reads_of(Query *query, Oid relid) {
	TableReads reads{relid, 0};
	count_reads(reinterpret_cast<Node *>(query), &reads);
	return reads.count;
}

bool can_be_late(const Query *query) {
	if (query->onConflict != nullptr)
		return false;
	Relation relation = RelationIdGetRelation(rt_fetch(query->resultRelation, query->rtable)->relid);
	TupleDesc desc = RelationGetDescr(relation);
	bool known = true;
	foreach_node (Var, var, pull_vars_of_level(reinterpret_cast<Node *>(query->returningList), 0)) {
		if (static_cast<int>(var->varno) != query->resultRelation)
			continue;
		if (var->varattno < 0)
			known = known && var->varattno == TableOidAttributeNumber;
		for (int i = 0; i < desc->natts && query->commandType != CMD_DELETE; i++)
			if (TupleDescAttr(desc, i)->attgenerated != '\0' &&
				(var->varattno == 0 || var->varattno == i + 1))
				known = false;
	}
	RelationClose(relation);
	return known;
}

List *find_write_parts(Query *query) {
	List *parts = NIL;
	auto add = [&](Query *write, const CommonTableExpr *cte) {
		const Oid relid = write->commandType != CMD_SELECT && write->resultRelation > 0
							  ? rt_fetch(write->resultRelation, write->rtable)->relid
							  : InvalidOid;
		if (OidIsValid(relid) && is_sharded_table(relid))
			parts =
				lappend(parts, new (palloc0(sizeof(WritePart))) WritePart{write, cte, relid, false, false});
	};
	foreach_node (CommonTableExpr, cte, query->cteList)
		add(reinterpret_cast<Query *>(cte->ctequery), cte);
	add(query, nullptr);
	foreach_ptr (WritePart, writer, parts) {
		if (writer->cte == nullptr)
			continue;
		mind_shared_rows(parts, writer);
		mind_foreign_keys(parts, writer);
		const bool others_read = reads_of(query, writer->relid) > reads_of(writer->query, writer->relid);
		CorrelatedReads correlated{writer->query, find_distributed_table(writer->relid)->colocation->id};
		if (!writer->late && find_correlated(reinterpret_cast<Node *>(query), &correlated))
			writer->shares_rows = writer->late = true;
		// Keys that it gives up may be wanted by what is inserted.
		foreach_ptr (WritePart, part, parts)
			if (part != writer && is_insert(part) && part->relid == writer->relid)
				writer->late = false;
		writer->late = writer->late && can_be_late(writer->query);
		// Then others read before: their scans must not wait for values.
		if (!writer->late && others_read && (writer->shares_rows || writer->cte->cterefcount > 0))
			current_run->simple_scans = true;
	}
	foreach_ptr (WritePart, main, parts)
		if (main->cte == nullptr)
			mind_late_parts(parts, main);
	return parts;
}

} // namespace shardext

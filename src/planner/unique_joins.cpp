// Joins on unique keys.
#include "shardext/planner/unique_joins.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/join_graph.hpp"

extern "C" {
#include "access/genam.h"
#include "utils/rel.h"
#include "utils/relcache.h"
}

namespace shardext {

namespace {

struct Equality {
	Var *of_rel, *of_other;
	Oid op; // of_rel op of_other
};

struct Equalities {
	int relid;
	List *list = NIL;
};

bool find_equalities(Node *node, Equalities *found) {
	if (node == nullptr || IsA(node, Query))
		return false;
	auto *op = reinterpret_cast<OpExpr *>(node);
	if (!IsA(node, OpExpr) || list_length(op->args) != 2)
		return IsA(node, BoolExpr) && reinterpret_cast<BoolExpr *>(node)->boolop != AND_EXPR
				   ? false
				   : walk_expression(node, find_equalities, found);
	auto *left = reinterpret_cast<Var *>(strip_relabels(static_cast<Node *>(linitial(op->args))));
	auto *right = reinterpret_cast<Var *>(strip_relabels(static_cast<Node *>(lsecond(op->args))));
	if (!IsA(left, Var) || !IsA(right, Var) || left->varlevelsup != 0 || right->varlevelsup != 0 ||
		left->varno == right->varno || !op_mergejoinable(op->opno, left->vartype))
		return false;
	auto *equality = static_cast<Equality *>(palloc(sizeof(Equality)));
	if (left->varno == found->relid)
		*equality = {left, right, op->opno};
	else if (right->varno == found->relid && OidIsValid(get_commutator(op->opno)))
		*equality = {right, left, get_commutator(op->opno)};
	else
		return false;
	found->list = lappend(found->list, equality);
	return false;
}

// Adds what amounts to a foreign key of table `other`, when the query compares all columns of the index with
// columns of it.
void add_unique_join(PlannerInfo *root, Index relid, int other, Form_pg_index index, List *equalities) {
	ForeignKeyOptInfo *key = makeNode(ForeignKeyOptInfo);
	key->con_relid = other;
	key->ref_relid = relid;
	for (int i = 0; i < index->indnkeyatts; i++) {
		const AttrNumber column = index->indkey.values[i];
		bool found = false;
		foreach_ptr (Equality, equality, equalities) {
			if (equality->of_other->varno != other || equality->of_rel->varattno != column || column <= 0)
				continue;
			key->conkey[key->nkeys] = equality->of_other->varattno;
			key->confkey[key->nkeys] = column;
			key->conpfeqop[key->nkeys] = equality->op;
			found = true;
			break;
		}
		if (!found)
			return;
		key->nkeys++;
	}
	root->fkey_list = lappend(root->fkey_list, key);
}

} // namespace

void note_unique_joins(PlannerInfo *root, Oid relid, RelOptInfo *rel) {
	if (root->parse->jointree == nullptr || list_length(root->parse->rtable) < 2)
		return;
	Equalities found{static_cast<int>(rel->relid)};
	find_equalities(reinterpret_cast<Node *>(root->parse->jointree), &found);
	if (list_length(found.list) < 2)
		return;
	Bitmapset *others = nullptr;
	foreach_ptr (Equality, equality, found.list)
		others = bms_add_member(others, equality->of_other->varno);
	Relation relation = RelationIdGetRelation(relid);
	const ListCell *cell;
	foreach (cell, RelationGetIndexList(relation)) {
		HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
		if (!HeapTupleIsValid(tuple))
			continue;
		auto index = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
		const bool partial = !heap_attisnull(tuple, Anum_pg_index_indpred, nullptr);
		if (index->indisunique && index->indisvalid && !partial && index->indnkeyatts >= 2)
			for (int other = -1; (other = bms_next_member(others, other)) >= 0;)
				add_unique_join(root, rel->relid, other, index, found.list);
		ReleaseSysCache(tuple);
	}
	RelationClose(relation);
}

} // namespace shardext

// Joins on several columns, described to the planner as foreign keys.
//
// PostgreSQL's get_foreign_key_join_selectivity() does the rest: it knows equalities through third tables,
// outer joins and constants. Its entries are made ready for use here, as match_foreign_keys_to_quals() leaves
// them.
#include "shardext/planner/join_keys.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/planner/fragment.hpp"
#include "shardext/planner/join_graph.hpp"
#include "shardext/planner/statistics.hpp"

extern "C" {
#include "parser/parsetree.h"
}

namespace shardext {

namespace {

// The planner looks at each entry for each join that it considers.
constexpr int kMaxEntries = 4 * kMaxJoinItems;
// Statistics are of a sample: only clearly more values than the key has rows show that some have no partner.
constexpr double kTolerance = 1.2;

// Columns of two tables that are equal in a join of the two.
struct Equality {
	AttrNumber columns[2]; // the first is of the table with the lower number
	EquivalenceClass *ec;
	EquivalenceMember *members[2]; // of the class
	RestrictInfo *clause;		   // where there is no class: the condition of an outer join
};

struct Table {
	RelOptInfo *rel;
	RangeTblEntry *rte;
	List *keys; // int lists: columns that are unique together
};

class JoinKeys {
public:
	explicit JoinKeys(PlannerInfo *root) : root_(root), real_keys_(list_copy(root->fkey_list)) {}
	void add_all();

private:
	bool find_tables();
	void read_class(EquivalenceClass *ec);
	void read_outer_joins(int table);
	void add_equality(int one, int other, const Equality &equality);
	void add_pair(int one, int other);
	List *key_found(int con, int ref, List *equalities) const;
	bool has_fewer_rows(int con, int ref, List *equalities) const;
	bool has_foreign_key(int one, int other) const;
	bool is_half_joined(int one, int other) const;
	void add_entry(int con, int ref, List *equalities);

	int position_of(const Var *var) const {
		for (int i = 0; i < count_; i++)
			if (tables_[i].rel->relid == static_cast<Index>(var->varno))
				return i;
		return -1;
	}
	double distinct_values_of(int table, AttrNumber column) const {
		return known_distinct(tables_[table].rte, column, tables_[table].rel->tuples);
	}
	// A list for each pair of tables, the first of which has the lower number.
	List *&equalities_of(int one, int other) { return equalities_[one * count_ + other]; }

	PlannerInfo *root_;
	List *real_keys_;
	Table tables_[kMaxJoinItems];
	int count_ = 0;
	List **equalities_ = nullptr;
	int entries_ = 0;
};

// --- what is unique ---

List *keys_of_indexes(const RelOptInfo *rel) {
	List *keys = NIL;
	foreach_node (IndexOptInfo, index, rel->indexlist) {
		// (Statistics know by themselves when one column is unique.)
		if (!index->unique || !index->immediate || index->indpred != NIL || index->indexprs != NIL ||
			index->nkeycolumns < 2)
			continue;
		List *key = NIL;
		for (int i = 0; i < index->nkeycolumns; i++)
			key = lappend_int(key, index->indexkeys[i]);
		keys = lappend(keys, key);
	}
	return keys;
}

List *keys_of(const RelOptInfo *rel, RangeTblEntry *rte) {
	List *key = NIL;
	if (rte->rtekind == RTE_RELATION)
		return keys_of_indexes(rel);
	if (rte->rtekind == RTE_SUBQUERY && rte->subquery != nullptr)
		key = grouped_columns(rte->subquery, rte->subquery->targetList);
	else if (const Fragment *fragment = fragment_of_entry(rte))
		key = fragment->unique_columns;
	return key != NIL ? list_make1(key) : NIL;
}

// --- which columns are equal ---

Var *column_of(Node *expr) {
	auto *var = reinterpret_cast<Var *>(strip_relabels(expr));
	return var != nullptr && IsA(var, Var) && var->varlevelsup == 0 && var->varattno > 0 ? var : nullptr;
}

void JoinKeys::add_equality(int one, int other, const Equality &equality) {
	auto *copy = static_cast<Equality *>(palloc(sizeof(Equality)));
	*copy = equality;
	if (one > other) {
		std::swap(one, other);
		std::swap(copy->columns[0], copy->columns[1]);
		std::swap(copy->members[0], copy->members[1]);
	}
	equalities_of(one, other) = lappend(equalities_of(one, other), copy);
}

void JoinKeys::read_class(EquivalenceClass *ec) {
	if (ec->ec_has_volatile)
		return;
	EquivalenceMember *members[kMaxJoinItems] = {}; // the first one of each table
	AttrNumber columns[kMaxJoinItems];
	foreach_node (EquivalenceMember, member, ec->ec_members) {
		const Var *var = column_of(reinterpret_cast<Node *>(member->em_expr));
		const int table = member->em_is_child || var == nullptr ? -1 : position_of(var);
		if (table < 0 || members[table] != nullptr)
			continue;
		members[table] = member;
		columns[table] = var->varattno;
		for (int other = 0; other < count_; other++)
			if (other != table && members[other] != nullptr)
				add_equality(table, other,
							 {{columns[table], columns[other]}, ec, {member, members[other]}, nullptr});
	}
}

// Equalities of outer joins belong to no class.
void JoinKeys::read_outer_joins(int table) {
	foreach_node (RestrictInfo, info, tables_[table].rel->joininfo) {
		auto *op = reinterpret_cast<OpExpr *>(info->clause);
		if (!IsA(op, OpExpr) || list_length(op->args) != 2 || info->mergeopfamilies == NIL ||
			info->parent_ec != nullptr)
			continue;
		const Var *left = column_of(static_cast<Node *>(linitial(op->args)));
		const Var *right = column_of(static_cast<Node *>(lsecond(op->args)));
		if (left == nullptr || right == nullptr || position_of(left) != table)
			continue; // seen from its left side
		const int other = position_of(right);
		if (other >= 0 && other != table)
			add_equality(table, other, {{left->varattno, right->varattno}, nullptr, {}, info});
	}
}

// --- what follows ---

// The equalities that cover a unique key of `ref`, when all rows of `con` may have a partner there.
List *JoinKeys::key_found(int con, int ref, List *equalities) const {
	foreach_ptr (List, key, tables_[ref].keys) {
		List *used = NIL;
		const ListCell *cell;
		foreach (cell, key)
			foreach_ptr (Equality, equality, equalities)
				if (equality->columns[ref > con] == lfirst_int(cell)) {
					if (distinct_values_of(con, equality->columns[con > ref]) <=
						kTolerance * tables_[ref].rel->tuples)
						used = lappend(used, equality);
					break;
				}
		if (list_length(used) == list_length(key))
			return used;
	}
	return NIL;
}

// True when the columns of `ref` that are compared have more combinations of values than it has rows, as far
// as their statistics tell.
bool JoinKeys::has_fewer_rows(int con, int ref, List *equalities) const {
	double combinations = 1;
	foreach_ptr (Equality, equality, equalities)
		combinations *= std::max(0.0, distinct_values_of(ref, equality->columns[ref > con]));
	return list_length(equalities) > 1 && tables_[ref].rel->tuples > 0 &&
		   combinations >= tables_[ref].rel->tuples;
}

bool JoinKeys::has_foreign_key(int one, int other) const {
	const Index a = tables_[one].rel->relid, b = tables_[other].rel->relid;
	foreach_node (ForeignKeyOptInfo, key, real_keys_)
		if (key->nkeys > 1 &&
			((key->con_relid == a && key->ref_relid == b) || (key->con_relid == b && key->ref_relid == a)))
			return true;
	return false;
}

// A foreign key would say that every row finds a partner, which is what such joins ask.
bool JoinKeys::is_half_joined(int one, int other) const {
	const Index a = tables_[one].rel->relid, b = tables_[other].rel->relid;
	foreach_node (SpecialJoinInfo, join, root_->join_info_list)
		if ((join->jointype == JOIN_SEMI || join->jointype == JOIN_ANTI) &&
			((bms_is_member(a, join->syn_lefthand) && bms_is_member(b, join->syn_righthand)) ||
			 (bms_is_member(b, join->syn_lefthand) && bms_is_member(a, join->syn_righthand))))
			return true;
	return false;
}

void JoinKeys::add_entry(int con, int ref, List *equalities) {
	if (list_length(equalities) > INDEX_MAX_KEYS)
		return;
	ForeignKeyOptInfo *entry = makeNode(ForeignKeyOptInfo);
	entry->con_relid = tables_[con].rel->relid;
	entry->ref_relid = tables_[ref].rel->relid;
	foreach_ptr (Equality, equality, equalities) {
		const int i = entry->nkeys++;
		entry->conkey[i] = equality->columns[con > ref];
		entry->confkey[i] = equality->columns[ref > con];
		if (equality->ec != nullptr) {
			entry->eclass[i] = equality->ec;
			entry->fk_eclass_member[i] = equality->members[con > ref];
			entry->nmatched_ec++;
			entry->nconst_ec += equality->ec->ec_has_const;
		} else {
			entry->rinfos[i] = list_make1(equality->clause);
			entry->nmatched_rcols++;
			entry->nmatched_ri++;
		}
	}
	root_->fkey_list = lappend(root_->fkey_list, entry);
	entries_++;
}

void JoinKeys::add_pair(int one, int other) {
	List *equalities = equalities_of(one, other);
	if (equalities == NIL || has_foreign_key(one, other) || is_half_joined(one, other))
		return;
	// The larger one comes first as the side whose key is found: fewer rows are expected then.
	int con = one, ref = other;
	if (tables_[con].rel->tuples > tables_[ref].rel->tuples)
		std::swap(con, ref);
	if (List *key = key_found(con, ref, equalities); key != NIL)
		add_entry(con, ref, key);
	else if (List *other_key = key_found(ref, con, equalities); other_key != NIL)
		add_entry(ref, con, other_key);
	else if (has_fewer_rows(con, ref, equalities))
		add_entry(con, ref, equalities);
}

// The base relations; false when there is nothing to join, or too much to look at all pairs.
bool JoinKeys::find_tables() {
	for (int i = 1; i < root_->simple_rel_array_size; i++) {
		RelOptInfo *rel = root_->simple_rel_array[i];
		if (rel == nullptr || rel->reloptkind != RELOPT_BASEREL)
			continue;
		if (count_ == kMaxJoinItems)
			return false;
		RangeTblEntry *rte = planner_rt_fetch(i, root_);
		tables_[count_++] = {rel, rte, keys_of(rel, rte)};
	}
	return count_ > 1;
}

void JoinKeys::add_all() {
	if (!find_tables())
		return;
	equalities_ = static_cast<List **>(palloc0(count_ * count_ * sizeof(List *)));
	foreach_node (EquivalenceClass, ec, root_->eq_classes)
		read_class(ec);
	for (int i = 0; i < count_; i++)
		read_outer_joins(i);
	for (int i = 0; i < count_; i++)
		for (int j = i + 1; j < count_ && entries_ < kMaxEntries; j++)
			add_pair(i, j);
}

} // namespace

List *grouped_columns(const Query *query, List *columns) {
	if (query->setOperations != nullptr || query->groupingSets != NIL || query->hasTargetSRFs ||
		query->hasDistinctOn)
		return NIL;
	List *result = NIL;
	foreach_node (SortGroupClause, clause,
				  query->distinctClause != NIL ? query->distinctClause : query->groupClause) {
		int position = 0, found = 0;
		foreach_node (TargetEntry, entry, columns) {
			position++;
			if (entry->ressortgroupref == clause->tleSortGroupRef && !entry->resjunk)
				found = position;
		}
		if (found == 0)
			return NIL;
		result = lappend_int(result, found);
	}
	return result;
}

void add_join_keys(PlannerInfo *root) {
	if (list_member_ptr(current_run->keyed, root))
		return;
	current_run->keyed = lappend(current_run->keyed, root);
	JoinKeys(root).add_all();
}

} // namespace shardext

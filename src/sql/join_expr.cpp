// Joins with everything the deparser wants to know of them.
#include "shardext/sql/join_expr.hpp"

#include "shardext/pg/walk.hpp"

extern "C" {
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
}

namespace shardext {

namespace {

int index_of(Node *side) {
	return IsA(side, RangeTblRef) ? reinterpret_cast<RangeTblRef *>(side)->rtindex
								  : reinterpret_cast<JoinExpr *>(side)->rtindex;
}

void add_columns(Query *query, Node *side, RangeTblEntry *join, List **numbers) {
	const int rtindex = index_of(side);
	List *names = NIL, *vars = NIL;
	// Dropped columns are NULLs here, so that positions are column numbers.
	expandRTE(rt_fetch(rtindex, query->rtable), rtindex, 0, -1, true, &names, &vars);
	int number = 0;
	foreach_ptr (Node, name, names) {
		auto *var = static_cast<Node *>(list_nth(vars, number++));
		if (!IsA(var, Const)) {
			join->eref->colnames = lappend(join->eref->colnames, copyObjectImpl(name));
			join->joinaliasvars = lappend(join->joinaliasvars, var);
			*numbers = lappend_int(*numbers, number);
		}
	}
}

} // namespace

JoinExpr *make_join(Query *query, JoinType type, Node *larg, Node *rarg, Node *quals) {
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	rte->rtekind = RTE_JOIN;
	rte->jointype = type;
	rte->eref = makeAlias("unnamed_join", NIL);
	rte->inFromCl = true;
	add_columns(query, larg, rte, &rte->joinleftcols);
	add_columns(query, rarg, rte, &rte->joinrightcols);
	query->rtable = lappend(query->rtable, rte);
	JoinExpr *join = makeNode(JoinExpr);
	join->jointype = type;
	join->larg = larg;
	join->rarg = rarg;
	join->quals = quals;
	join->rtindex = list_length(query->rtable);
	return join;
}

Node *from_as_join(Query *query) {
	Node *whole = nullptr;
	foreach_ptr (Node, part, query->jointree->fromlist)
		whole = whole == nullptr
					? part
					: reinterpret_cast<Node *>(make_join(query, JOIN_INNER, whole, part, nullptr));
	return whole;
}

} // namespace shardext

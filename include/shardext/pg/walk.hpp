// Walkers and list loops in C++ form: typed context, no casts at the call sites.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
}

// A loop over a PostgreSQL list of pointers / of nodes of one type. The list is evaluated once; elements may
// be appended meanwhile.
#undef foreach_ptr
#undef foreach_node
#define foreach_ptr(type, var, list)                                                                         \
	for (shardext::ListLoop var##__loop{list}; var##__loop.more();)                                          \
		if (auto *var = static_cast<type *>(var##__loop.next()); true)
#define foreach_node(type, var, list) foreach_ptr (type, var, list)

namespace shardext {

struct ListLoop {
	const List *list;
	int position = 0;
	bool more() const { return position < list_length(list); }
	void *next() { return list_nth(list, position++); }
};

// PostgreSQL before 16 declares walkers as bool (*)(); one cast, here.
template <class C> bool walk_expression(Node *node, bool (*walker)(Node *, C *), C *context) {
	return expression_tree_walker(node, reinterpret_cast<bool (*)()>(reinterpret_cast<void *>(walker)),
								  context);
}

template <class C> bool walk_query(Query *query, bool (*walker)(Node *, C *), C *context, int flags) {
	return query_tree_walker(query, reinterpret_cast<bool (*)()>(reinterpret_cast<void *>(walker)), context,
							 flags);
}

template <class C>
bool walk_query_or_expression(Node *node, bool (*walker)(Node *, C *), C *context, int flags) {
	return query_or_expression_tree_walker(
		node, reinterpret_cast<bool (*)()>(reinterpret_cast<void *>(walker)), context, flags);
}

template <class C> Node *mutate_expression(Node *node, Node *(*mutator)(Node *, C *), C *context) {
	return expression_tree_mutator(node, reinterpret_cast<Node *(*)()>(reinterpret_cast<void *>(mutator)),
								   context);
}

template <class C> Query *mutate_query(Query *query, Node *(*mutator)(Node *, C *), C *context, int flags) {
	return query_tree_mutator(query, reinterpret_cast<Node *(*)()>(reinterpret_cast<void *>(mutator)),
							  context, flags);
}

template <class C> bool walk_plan_state(PlanState *node, bool (*walker)(PlanState *, C *), C *context) {
	return planstate_tree_walker(node, reinterpret_cast<bool (*)()>(reinterpret_cast<void *>(walker)),
								 context);
}

template <class C> bool raw_walk(Node *node, bool (*walker)(Node *, C *), C *context) {
	return raw_expression_tree_walker(node, reinterpret_cast<bool (*)()>(reinterpret_cast<void *>(walker)),
									  context);
}

// Visits the relation names of a raw statement: a query through PostgreSQL's raw walker, the utility
// statements that shardext sends to shards (which that walker does not know) member by member.
template <class C> void collect_utility_or_query(Node *stmt, bool (*walker)(Node *, C *), C *context) {
	switch (nodeTag(stmt)) {
	case T_AlterTableStmt: {
		auto *alter = reinterpret_cast<AlterTableStmt *>(stmt);
		walker(reinterpret_cast<Node *>(alter->relation), context);
		foreach_ptr (AlterTableCmd, command, alter->cmds)
			if (command->def != nullptr && IsA(command->def, Constraint))
				walker(reinterpret_cast<Node *>(reinterpret_cast<Constraint *>(command->def)->pktable),
					   context);
		break;
	}
	case T_IndexStmt:
		walker(reinterpret_cast<Node *>(reinterpret_cast<IndexStmt *>(stmt)->relation), context);
		break;
	case T_CreateStatsStmt:
		foreach_ptr (Node, relation, reinterpret_cast<CreateStatsStmt *>(stmt)->relations)
			walker(relation, context);
		break;
	default:
		walker(stmt, context);
	}
}

} // namespace shardext

// USING expressions on their way to the shards.
#include "shardext/commands/conversion.hpp"

#include "shardext/cluster/dependencies.hpp"
#include "shardext/cluster/table_definition.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/table.h"
#include "nodes/pathnodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "utils/ruleutils.h"
}

namespace shardext {

namespace {

// Replaces what has one value for the whole statement, such as now(), by this value.
Node *fold_stable_parts(Node *expression) {
	PlannerInfo *root = makeNode(PlannerInfo);
	root->glob = makeNode(PlannerGlobal);
	return estimate_expression_value(root, expression);
}

} // namespace

Conversion *conversion_of(Oid relid, const AlterTableCmd *command, const char *text) {
	const auto *definition = reinterpret_cast<ColumnDef *>(command->def);
	const AttrNumber attnum = get_attnum(relid, command->name);
	if (definition->raw_default == nullptr || attnum <= 0)
		return nullptr;
	Relation relation = table_open(relid, NoLock);
	ParseState *state = make_parsestate(nullptr);
	state->p_sourcetext = text;
	ParseNamespaceItem *item =
		addRangeTableEntryForRelation(state, relation, AccessShareLock, nullptr, false, true);
	addNSItemToQuery(state, item, false, true, true);
	auto *raw = static_cast<Node *>(copyObjectImpl(definition->raw_default));
	Node *expression = transformExpr(state, raw, EXPR_KIND_ALTER_COL_TRANSFORM);
	assign_expr_collations(state, expression);
	expression = fold_stable_parts(expression);
	if (const char *reason = why_not_on_nodes(expression); reason != nullptr)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot convert column \"%s\" of distributed table \"%s\" by this expression",
					   command->name, RelationGetRelationName(relation)),
				errdetail_internal("%s", reason));

	auto *conversion = static_cast<Conversion *>(palloc0(sizeof(Conversion)));
	conversion->column = attnum;
	conversion->dependencies = expression_dependency_statements(relid, expression);
	const int level = begin_printing_definitions();
	conversion->expression = deparse_expression(
		expression, deparse_context_for(RelationGetRelationName(relation), relid), false, false);
	end_printing_definitions(level);
	free_parsestate(state);
	table_close(relation, NoLock);
	return conversion;
}

} // namespace shardext

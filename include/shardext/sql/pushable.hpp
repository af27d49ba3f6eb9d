// What may run on a node instead of on the coordinator.
#pragma once
#include "shardext/catalog/metadata.hpp"

namespace shardext {

// Parameters of the plan from this number on are placeholders: values that the planner has seen to, which are
// there when tasks start.
constexpr int kFirstPlaceholder = 1000000;

struct Pushability {
	bool ok = true;
	const char *reason = nullptr; // why not, for EXPLAIN and debugging
	bool needs_settings = false;  // depends on session settings such as the time zone
	bool plan_params = false; // set by the caller: parameters of the plan are values, as those of a statement
};

// Looks at every expression of a query or an expression tree (sub-queries included): functions, operators,
// types, collations, system columns, whole rows. Stable functions without column arguments count as pushable,
// because lift_parameters() evaluates them on the coordinator. Relations are not judged here, except that row
// types of tables do not travel.
void check_pushable(Node *node, Pushability *result);

// True for an expression that has columns of any query level, or other values that may change from row to
// row, such as those of sub-queries.
bool depends_on_row(Node *node);

// True for a function that gives the same answer on a node as here.
bool function_is_pushable(Oid function, bool *needs_settings);

// True for a value of a type that does not exist on the nodes.
bool has_type_of_coordinator(Node *node);

// False when EXECUTE on a function has been revoked from PUBLIC.
bool may_be_called_by_everybody(Oid function);

// regclass and the like: their values are OIDs of one server's objects.
bool is_object_identifier_type(Oid type);

// True when the objects of a user type exist on the nodes because a distributed table uses the type.
bool type_is_on_nodes(Oid type);

} // namespace shardext

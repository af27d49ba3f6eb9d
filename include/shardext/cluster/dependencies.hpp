// What a table needs on a node before its shards can be made there.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "catalog/objectaddress.h"
}

namespace shardext {

// SQL statements (char *), in the order to run them, that create on a node what the table's columns, checks,
// generated columns, indexes and statistics objects depend on: schemas, extensions, types, collations,
// functions, operators, text search objects. They do nothing where the object exists, and fail where it
// exists with a different definition. Raises an error when something cannot be created on a node.
List *table_dependency_statements(Oid relid);

// The same for the functions, operators and types of an expression that is evaluated on the shards once.
List *expression_dependency_statements(Oid relid, Node *expression);

// The statement that creates one object on a node. Errors name `relid`, the table that needs it.
char *object_creation_statement(const ObjectAddress *object, Oid relid);

// Raises the error that the table cannot be distributed because of an object it depends on.
[[noreturn]] void refuse_dependency(const ObjectAddress *object, Oid relid, const char *detail,
									const char *hint);

} // namespace shardext

// Changes of types that columns of distributed tables are made of.
#pragma once
#include "shardext/pg/postgres.hpp"

namespace shardext {

// An enum, domain or composite type at one moment.
struct TypeDefinition;

// Reads the definition of a type into the current memory context.
TypeDefinition *read_type(Oid type);

// Makes the type on every node that has it what it is here, by the difference to what it was. `relid` is a
// table that uses it. Raises an error when nodes cannot follow.
void follow_type(const TypeDefinition *before, Oid relid);

Oid oid_of_type(const TypeDefinition *definition);

} // namespace shardext

// How large distributed tables are. The coordinator's own table is empty, so the planner is told.
#pragma once
#include "shardext/pg/postgres.hpp"

namespace shardext {

// An estimate of a distributed table's rows. The nodes are asked for what they know of the shards; the answer
// is kept in this backend for a minute.
double estimated_rows(Oid relid);

// Sets the size of a distributed table in the planner's description of it.
struct RelationSize {
	double tuples;
	double pages;
};
RelationSize estimated_size(Oid relid);

// Makes the nodes be asked again.
void forget_size(Oid relid);

} // namespace shardext

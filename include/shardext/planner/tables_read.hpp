// Which tables a query reads.
#pragma once
#include "shardext/catalog/metadata.hpp"

namespace shardext {

struct TablesRead {
	const ColocationGroup *colocation; // whose tables are looked for; nullptr: any
	bool sharded = false, of_group = false, coordinator = false;
};

TablesRead tables_of(Node *node, const ColocationGroup *colocation);

// The colocation group with the most rows, or nullptr when there are no sharded tables.
const ColocationGroup *largest_group(Query *query);

} // namespace shardext

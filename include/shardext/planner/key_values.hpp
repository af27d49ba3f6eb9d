// Conditions that say "the key is one of these", in other forms than IN.
#pragma once
#include "shardext/catalog/metadata.hpp"

extern "C" {
#include "nodes/primnodes.h"
}

namespace shardext {

// The values that an OR of conditions allows for the distribution column, as an array expression, or nullptr
// when it allows others as well: key = 1 OR key = 2 AND …, (key, x) IN ((1, 2), (3, 4)). `is_key` tells
// whether an expression is the key.
Expr *key_values_of_or(Node *condition, const ColocationGroup *colocation,
					   bool (*is_key)(Node *, const void *), const void *context);

} // namespace shardext

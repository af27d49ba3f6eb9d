// Named points at which tests can make something go wrong: a branch on a flag where none is armed.
#pragma once
#include "shardext/pg/postgres.hpp"

namespace shardext {

extern char *fault_setting; // "point=action[,…]"; actions: error, crash, sleep
void hit_fault_point(const char *name);

inline void fault_point(const char *name) {
	if (fault_setting != nullptr && fault_setting[0] != '\0')
		hit_fault_point(name);
}

} // namespace shardext

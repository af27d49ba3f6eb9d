// Fault points, armed by the setting shardext.fault_points (superusers only).
#include "shardext/transaction/fault_points.hpp"

#include <csignal>
#include <unistd.h>

namespace shardext {

char *fault_setting = nullptr;

void hit_fault_point(const char *name) {
	const size_t length = strlen(name);
	for (const char *p = fault_setting; p != nullptr && *p != '\0';) {
		if (strncmp(p, name, length) == 0 && p[length] == '=') {
			const char *action = p + length + 1;
			if (strncmp(action, "crash", 5) == 0)
				kill(MyProcPid, SIGKILL);
			else if (strncmp(action, "sleep", 5) == 0)
				pg_usleep(2000000L);
			else if (strncmp(action, "error", 5) == 0)
				ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("fault point \"%s\"", name));
		}
		p = strchr(p, ',');
		if (p != nullptr)
			p++;
	}
}

} // namespace shardext

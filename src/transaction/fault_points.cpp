// Fault points, armed by the setting shardext.fault_points (superusers only).
#include "shardext/transaction/fault_points.hpp"

#include <csignal>
#include <unistd.h>

extern "C" {
#include "utils/wait_event.h"
}

namespace shardext {

char *fault_setting = nullptr;

namespace {

// pg_stat_activity shows it as it shows pg_sleep(): tests can tell that the point has been reached.
void sleep_visibly() {
	pgstat_report_wait_start(WAIT_EVENT_PG_SLEEP);
	pg_usleep(2000000L);
	pgstat_report_wait_end();
}

} // namespace

void hit_fault_point(const char *name) {
	const size_t length = strlen(name);
	for (const char *p = fault_setting; p != nullptr && *p != '\0';) {
		if (strncmp(p, name, length) == 0 && p[length] == '=') {
			const char *action = p + length + 1;
			if (strncmp(action, "crash", 5) == 0)
				kill(MyProcPid, SIGKILL);
			else if (strncmp(action, "sleep", 5) == 0)
				sleep_visibly();
			else if (strncmp(action, "error", 5) == 0)
				ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("fault point \"%s\"", name));
		}
		p = strchr(p, ',');
		if (p != nullptr)
			p++;
	}
}

} // namespace shardext

// Finding deadlocks over several servers, and ending them.
#include "shardext/transaction/deadlocks.hpp"

#include "shardext/pg/border.hpp"
#include "shardext/pg/compat.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/transaction/observed_waits.hpp"

extern "C" {
#include "storage/procarray.h"
#include "utils/backend_status.h"
}

namespace shardext {

namespace {

using core::WaitGraph;

// The participant's name in the graph.
std::string name_of(const Participant &who) {
	if (who.backend != 0)
		return "backend " + std::to_string(who.backend);
	if (who.gid != nullptr)
		return std::string("prepared ") + who.gid;
	return "node " + std::to_string(who.node_id) + " session " + std::to_string(who.pid);
}

// The participant in a message; processes without more are this server's.
char *describe(const Participant &who) {
	if (who.backend != 0)
		return psprintf("process %d", who.backend);
	if (who.gid != nullptr)
		return psprintf("prepared transaction \"%s\" on node \"%s\"", who.gid, who.node_name);
	return psprintf("process %d of node \"%s\"", who.pid, who.node_name);
}

const ObservedWait *observed(const List *waits, const WaitGraph::Wait &wait) {
	return static_cast<const ObservedWait *>(list_nth(waits, wait.label));
}

// Like PostgreSQL's own detail of a deadlock: one line for each wait.
char *describe_circle(const List *waits, const std::vector<WaitGraph::Wait> &circle) {
	StringInfoData text;
	initStringInfo(&text);
	for (const WaitGraph::Wait &step : circle) {
		const ObservedWait *wait = observed(waits, step);
		char *waiter = describe(wait->waiter);
		waiter[0] = static_cast<char>(pg_toupper(waiter[0]));
		appendStringInfo(&text, "%s%s waits for %s; blocked by %s.", text.len > 0 ? "\n" : "", waiter,
						 wait->what, describe(wait->blocker));
	}
	return text.data;
}

// The statements of the circle's backends, for the server's log only.
void append_statements(StringInfo text, const List *waits, const std::vector<WaitGraph::Wait> &circle) {
	for (const WaitGraph::Wait &step : circle) {
		const ObservedWait *wait = observed(waits, step);
		if (wait->waiter.backend != 0)
			appendStringInfo(text, "\nProcess %d: %s", wait->waiter.backend,
							 pgstat_get_backend_current_activity(wait->waiter.backend, false));
	}
}

// Ends the wait with which a circle begins.
void break_circle(const List *waits, const std::vector<WaitGraph::Wait> &circle) {
	const ObservedWait *victim = observed(waits, circle.front());
	PGPROC *proc = BackendPidGetProc(victim->waiter.backend);
	if (proc == nullptr)
		return;
	StringInfoData text;
	initStringInfo(&text);
	appendStringInfoString(&text, describe_circle(waits, circle));
	char *detail = pstrdup(text.data);
	append_statements(&text, waits, circle);
	ereport(LOG,
			errmsg("deadlock over several servers: process %d is the youngest and gives way",
				   victim->waiter.backend),
			errdetail_internal("%s", text.data));
	pass_verdict(slot_of_process(proc), victim->waiter.backend, victim->since, detail);
}

// Neither raises nor calls anything that does: it is full of C++ objects.
WaitGraph make_graph(const List *waits) {
	WaitGraph graph;
	for (int i = 0; i < list_length(waits); i++) {
		const auto *wait = static_cast<const ObservedWait *>(list_nth(waits, i));
		const int waiter = graph.add(name_of(wait->waiter)), blocker = graph.add(name_of(wait->blocker));
		graph.add_wait(waiter, blocker, wait->identity, i);
		if (wait->since != 0)
			graph.set_victim(waiter, wait->started);
	}
	return graph;
}

} // namespace

bool somebody_waits_for_long() {
	bool found = false;
	List *work = published_work(MyDatabaseId);
	foreach_ptr (BackendWork, backend, work) {
		found = found || backend->waits_since != 0;
		pfree(backend->sessions);
		pfree(backend);
	}
	list_free(work);
	return found;
}

bool DeadlockSearch::first_look(NodePoll *poll) {
	MemoryContext old = MemoryContextSwitchTo(context_);
	waits_ = observe_waits(poll);
	MemoryContextSwitchTo(old);
	circles_ = make_graph(waits_).deadlocks();
	return !circles_.empty();
}

int DeadlockSearch::second_look(NodePoll *poll) {
	const List *again = observe_waits(poll);
	int broken = 0;
	{
		const WaitGraph graph = make_graph(again);
		std::erase_if(circles_, [&](const auto &circle) { return !graph.contains(circle); });
	}
	for (const auto &circle : circles_) {
		break_circle(waits_, circle);
		broken++;
	}
	return broken;
}

} // namespace shardext

// The view shardext_stat_activity: the sessions of all servers, and who waits for whom.
#include "shardext/catalog/metadata.hpp"
#include "shardext/monitor/cluster_rows.hpp"
#include "shardext/monitor/text_rows.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/pg/transmission_modes.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/transaction/wait_queries.hpp"

extern "C" {
#include "storage/proc.h"
#include "storage/procarray.h"
}

using namespace shardext;

namespace {

// Columns of the question, and of the view up to kNodeName.
enum Column {
	kDatname,
	kPid,
	kLeaderPid,
	kUsename,
	kApplicationName,
	kClientAddr,
	kClientPort,
	kBackendStart,
	kXactStart,
	kQueryStart,
	kStateChange,
	kWaitEventType,
	kWaitEvent,
	kState,
	kBackendXid,
	kBackendXmin,
	kQueryId,
	kQuery,
	kBackendType,
	kNodeName,
	kGlobalId,
	kCoordinatorPid,
	kBlockedBy,
	kColumns
};
constexpr int kBlockers = kNodeName;			 // in the question: process ids in the way
constexpr int kPreparedBlockers = kNodeName + 1; // gids in the way, as an array's text

char *activity_query() {
	return psprintf(
		"WITH %s SELECT a.datname, a.pid, a.leader_pid, a.usename, a.application_name, a.client_addr, "
		"a.client_port, a.backend_start, a.xact_start, a.query_start, a.state_change, a.wait_event_type, "
		"a.wait_event, a.state, a.backend_xid, a.backend_xmin, a.query_id, a.query, a.backend_type, "
		"(SELECT pg_catalog.string_agg(DISTINCT w.blocker::pg_catalog.text, ' ') FROM waits w WHERE w.pid = "
		"a.pid "
		"AND w.blocker <> 0), "
		"(SELECT pg_catalog.string_agg(DISTINCT w.gid, E'\\n') FROM waits w WHERE w.pid = a.pid AND w.gid IS "
		"NOT NULL) "
		"FROM pg_catalog.pg_stat_activity a WHERE a.datname = pg_catalog.current_database() "
		"AND a.application_name IS DISTINCT FROM 'shardext monitor' ORDER BY a.backend_start, a.pid",
		kWaitQueries);
}

// Adds a text to a list unless it is there.
List *add_new(List *list, char *text) {
	foreach_ptr (char, known, list)
		if (strcmp(known, text) == 0)
			return list;
	return lappend(list, text);
}

// Calls body for each part of a text.
template <class F> void for_each_part(const char *text, const char *separator, F &&body) {
	if (text == nullptr)
		return;
	char *rest = pstrdup(text), *state = nullptr;
	for (char *part = strtok_r(rest, separator, &state); part != nullptr;
		 part = strtok_r(nullptr, separator, &state))
		body(part);
}

// Who is in the way of one session: global ids.
List *direct_blockers(const ServerRows *server, int row) {
	List *ids = NIL;
	for_each_part(server->cell(row, kBlockers), " ",
				  [&](char *pid) { ids = add_new(ids, global_id(server->node, pid)); });
	for_each_part(server->cell(row, kPreparedBlockers), "\n",
				  [&](char *gid) { ids = add_new(ids, global_id(server->node, gid)); });
	return ids;
}

// Who is in the way of a backend of this server, here and through its sessions on nodes: where those work for
// a backend of this server, it is named instead.
List *backend_blockers(List *servers, List *work, const ServerRows *here, int row) {
	List *ids = direct_blockers(here, row);
	const int32 pid = atoi(here->cell(row, kPid));
	const auto add_owner = [&](const BackendWork *owner, const NodeInfo *node, char *what) {
		if (owner == nullptr)
			ids = add_new(ids, global_id(node, what));
		else if (owner->pid != pid)
			ids = add_new(ids, global_id(here->node, psprintf("%d", owner->pid)));
	};
	foreach_ptr (ServerRows, server, servers)
		for (int i = 0; !server->node->is_local() && i < server->count; i++) {
			const BackendWork *owner = owner_of_session(work, server->node->id, atoi(server->cell(i, kPid)));
			if (owner == nullptr || owner->pid != pid)
				continue;
			for_each_part(server->cell(i, kBlockers), " ", [&](char *blocker) {
				add_owner(owner_of_session(work, server->node->id, atoi(blocker)), server->node, blocker);
			});
			for_each_part(server->cell(i, kPreparedBlockers), "\n",
						  [&](char *gid) { add_owner(owner_of_prepared(work, gid), server->node, gid); });
		}
	return ids;
}

// What pg_stat_activity hides of sessions that are not the user's.
void hide_activity(char **values) {
	values[kLeaderPid] = nullptr;
	for (int i = kClientAddr; i < kNodeName; i++)
		values[i] = nullptr;
	values[kQuery] = pstrdup("<insufficient privilege>");
}

void add_server(TextRows *rows, List *servers, List *work, const ServerRows *server) {
	const bool here = server->node->is_local();
	for (int i = 0; i < server->count; i++) {
		char *values[kColumns] = {};
		memcpy(values, &server->cells[i * server->columns], sizeof(char *) * kNodeName);
		values[kNodeName] = pstrdup(server->node->name);
		values[kGlobalId] = global_id(server->node, values[kPid]);
		values[kCoordinatorPid] = here ? values[kPid] : nullptr;
		if (here) { // PostgreSQL has hidden what is to be hidden
			values[kBlockedBy] = array_text(backend_blockers(servers, work, server, i));
			rows->add(values);
			continue;
		}
		values[kBlockedBy] = array_text(direct_blockers(server, i));
		const BackendWork *owner = owner_of_session(work, server->node->id, atoi(values[kPid]));
		PGPROC *proc = owner != nullptr ? BackendPidGetProc(owner->pid) : nullptr;
		const Oid role = proc != nullptr ? proc->roleId : InvalidOid;
		if (owner != nullptr)
			values[kCoordinatorPid] = psprintf("%d", owner->pid);
		if (OidIsValid(role)) // the user it works for; the node's login is the same for all
			values[kUsename] = GetUserNameFromId(role, true);
		if (!may_see_activity(role))
			hide_activity(values);
		rows->add(values);
	}
}

} // namespace

SHARDEXT_SQL_FUNCTION(shardext_activity) {
	TextRows rows(fcinfo);
	const int level = begin_transmission_modes();
	List *servers = ask_all_servers(activity_query());
	List *work = published_work(MyDatabaseId);
	foreach_ptr (ServerRows, server, servers)
		add_server(&rows, servers, work, server);
	end_transmission_modes(level);
	return 0;
}

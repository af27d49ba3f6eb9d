// Cancelling and ending sessions of any server by their global ids.
#include "shardext/catalog/metadata.hpp"
#include "shardext/monitor/cluster_rows.hpp"
#include "shardext/pg/border.hpp"
#include "shardext/remote/sessions.hpp"

extern "C" {
#include "catalog/pg_authid.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/acl.h"
#include "utils/fmgrprotos.h"
}

using namespace shardext;

namespace {

struct SessionName {
	const NodeInfo *node;
	int32 pid;
};

SessionName parse_global_id(const char *id) {
	const char *colon = strrchr(id, ':'); // a node's name may contain one
	const NodeInfo *node = colon != nullptr ? find_node_by_name(pnstrdup(id, colon - id)) : nullptr;
	if (node == nullptr)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid global id: \"%s\"", id),
				errhint("A global id is the name of a node, a colon and a process id, as in "
						"shardext_stat_activity.global_id."));
	char *end = nullptr;
	errno = 0;
	const long pid = strtol(colon + 1, &end, 10);
	if (strncmp(colon + 1, "shardext_", 9) == 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("\"%s\" is a prepared transaction, not a session", colon + 1),
				errhint("The transaction that has prepared it, or the recovery, ends it."));
	if (end == colon + 1 || *end != '\0' || errno != 0 || pid <= 0 || pid > PG_INT32_MAX)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid global id: \"%s\"", id));
	return {node, static_cast<int32>(pid)};
}

// PostgreSQL's rules for signalling the backend that a node's session works for. A session that works for
// nobody here is a stranger's: its rights are not known, so it counts as a superuser's.
void check_rights(const SessionName &session, const char *what) {
	const BackendWork *owner = owner_of_session(published_work(MyDatabaseId), session.node->id, session.pid);
	PGPROC *proc = owner != nullptr ? BackendPidGetProc(owner->pid) : nullptr;
	const Oid role = proc != nullptr ? proc->roleId : InvalidOid;
	if ((!OidIsValid(role) || superuser_arg(role)) && !superuser())
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("must be a superuser to %s superuser process", what));
	if (OidIsValid(role) && !has_privs_of_role(GetUserId(), role) &&
		!has_privs_of_role(GetUserId(), ROLE_PG_SIGNAL_BACKEND))
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("must be a member of the role whose process is being signaled or member of "
					   "pg_signal_backend"));
}

} // namespace

SHARDEXT_SQL_FUNCTION(shardext_cancel_backend) {
	const SessionName session = parse_global_id(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	if (session.node->is_local())
		return DirectFunctionCall1(pg_cancel_backend, Int32GetDatum(session.pid));
	check_rights(session, "cancel");
	const char *answer =
		ask_node(session.node, psprintf("SELECT pg_catalog.pg_cancel_backend(%d)", session.pid));
	PG_RETURN_BOOL(answer != nullptr && strcmp(answer, "t") == 0);
}

SHARDEXT_SQL_FUNCTION(shardext_terminate_backend) {
	const SessionName session = parse_global_id(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	const int64 timeout = PG_GETARG_INT64(1);
	if (session.node->is_local())
		return DirectFunctionCall2(pg_terminate_backend, Int32GetDatum(session.pid), Int64GetDatum(timeout));
	check_rights(session, "terminate");
	const char *answer =
		ask_node(session.node, psprintf("SELECT pg_catalog.pg_terminate_backend(%d, " INT64_FORMAT ")",
										session.pid, timeout));
	PG_RETURN_BOOL(answer != nullptr && strcmp(answer, "t") == 0);
}

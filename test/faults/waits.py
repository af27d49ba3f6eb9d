"""Tests about who waits for whom: deadlocks while a node hangs, prepared transactions as holders, views, cancelling."""

import os
import signal
import subprocess
import time

import psycopg2

from cluster import TABLE_ROWS, check, failure, run
from tests import Background, ids_by_node, wait_until

SHOWN = "SELECT blocked_by FROM shardext_stat_activity WHERE global_id = 'local:%d'"


def pid_of(connection):
    return run(connection, "SELECT pg_backend_pid()")[0][0]


def connect_as(cluster, user):
    """Opens a connection of another user."""
    connection = psycopg2.connect(host="127.0.0.1", port=cluster.ports["coordinator"], user=user, dbname="app")
    connection.autocommit = True
    cluster.connections.append(connection)
    return connection


def wait_until_blocked(cluster, connection_pid, by):
    """Waits until the view says by whom a backend is blocked."""
    watcher = cluster.connect()
    wait_until(lambda: run(watcher, SHOWN % connection_pid) == [([by],)], 10, f"{connection_pid} is not blocked by {by}")
    watcher.close()


def change(session, account):
    run(session, f"UPDATE account SET amount = amount WHERE id = {account}")


def server_processes(cluster, server):
    """Returns the process ids of a server: its postmaster and its children."""
    (data,) = cluster.ask("SHOW data_directory", server)[0]
    with open(os.path.join(data, "postmaster.pid"), encoding="ascii") as file:
        postmaster = int(file.readline())
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(postmaster)], capture_output=True, text=True, check=False)
    return [postmaster] + [int(pid) for pid in listed.stdout.split()]


def deadlock_while_a_node_hangs(cluster):
    """Somebody waits for a node that hangs; a deadlock of others is still found, soon."""
    ids = ids_by_node(cluster)
    run(cluster.connect(), "CREATE TABLE IF NOT EXISTS waits_local (id int PRIMARY KEY, n int)")
    older, younger, stuck = cluster.connect(), cluster.connect(), cluster.connect()
    run(older, "INSERT INTO waits_local VALUES (1, 1) ON CONFLICT DO NOTHING")
    run(stuck, f"SELECT * FROM account WHERE id = {ids['w2']}")
    for session in (older, younger):
        run(session, "BEGIN")
        run(session, "SELECT now()")
    change(older, ids["w1"])
    run(younger, "UPDATE waits_local SET n = n + 1")
    processes = server_processes(cluster, "node2")
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        Background(stuck, f"SELECT * FROM account WHERE id = {ids['w2']}")
        time.sleep(1.5)  # the detector knows of this wait
        first = Background(older, "UPDATE waits_local SET n = n + 1")
        second = Background(younger, f"UPDATE account SET amount = amount WHERE id = {ids['w1']}")
        error = second.finish(8)
        check(error is not None and error.pgcode == "40P01", f"{error}")
        check('on node "w1"; blocked by process' in str(error), f"the detail: {error}")
        check(first.finish(5) is None, f"the other one: {first.error}")
    finally:
        for pid in reversed(processes):
            os.kill(pid, signal.SIGCONT)


def prepared_holder_is_waited_for(cluster):
    """A prepared transaction that nobody decides: who waits for it is not disturbed, and sees its name."""
    ids = ids_by_node(cluster)
    (shard,) = cluster.ask(f"SELECT shard FROM shardext_shard_of('account', '{ids['w1']}')")[0]
    node, waiter = cluster.connect("node1"), cluster.connect()
    gid = "shardext_1_1_1_0"  # of another cluster, so that our recovery leaves it alone
    for sql in ("BEGIN", f"UPDATE {shard} SET amount = amount WHERE id = {ids['w1']}", f"PREPARE TRANSACTION '{gid}'"):
        run(node, sql)
    try:
        statement = Background(waiter, f"UPDATE account SET amount = amount WHERE id = {ids['w1']}")
        wait_until_blocked(cluster, waiter.info.backend_pid, f"w1:{gid}")
        time.sleep(2.5)  # two and a half looks of the detector
        check(statement.is_alive(), f"the wait was disturbed: {statement.error}")
        held = cluster.ask(f"SELECT bool_and(granted), bool_or(relation = 'account'::regclass) FROM shardext_locks WHERE gid = '{gid}'")
        check(held == [(True, True)], f"its locks: {held}")
        error = failure(cluster.connect(), f"SELECT shardext_cancel_backend('w1:{gid}')")
        check("is a prepared transaction" in str(error), f"{error}")
    finally:
        run(node, f"ROLLBACK PREPARED '{gid}'")
    check(statement.finish(5) is None, f"afterwards: {statement.error}")


def sessions_are_cancelled_by_global_id(cluster):
    """A node's session and its backend by global id, with PostgreSQL's rights; a node that is down is left out."""
    ids = ids_by_node(cluster)
    admin = cluster.connect()
    for sql in ("CREATE ROLE waits_user LOGIN", "CREATE ROLE waits_other LOGIN"):
        run(admin, sql)
    run(admin, "GRANT SELECT, UPDATE ON account TO waits_user, waits_other")
    holder, waiter, other = cluster.connect(), connect_as(cluster, "waits_user"), connect_as(cluster, "waits_other")
    run(holder, "BEGIN")
    change(holder, ids["w1"])

    def waiting():
        statement = Background(waiter, f"UPDATE account SET amount = amount WHERE id = {ids['w1']}")
        wait_until_blocked(cluster, waiter.info.backend_pid, f"local:{holder.info.backend_pid}")
        return statement

    statement = waiting()
    sql = "SELECT global_id, usename, coordinator_pid, query FROM shardext_stat_activity WHERE node_name = 'w1' AND blocked_by <> '{}'"
    ((node_id, user, pid, query),) = run(admin, sql)
    check((user, pid) == ("waits_user", waiter.info.backend_pid) and query.startswith("UPDATE"), f"{(user, pid, query)}")
    ((same_id, _, _, hidden),) = run(other, sql)
    check((same_id, hidden) == (node_id, "<insufficient privilege>"), f"another user sees: {hidden}")
    for name in (node_id, f"local:{waiter.info.backend_pid}"):
        error = failure(other, f"SELECT shardext_cancel_backend('{name}')")
        check(error.pgcode == "42501", f"{name}: {error}")
    error = failure(other, f"SELECT shardext_cancel_backend('local:{holder.info.backend_pid}')")
    check(error.pgcode == "42501", f"a superuser's: {error}")
    check(run(admin, f"SELECT shardext_cancel_backend('{node_id}')") == [(True,)], "cancelled on the node")
    error = statement.finish(5)
    check(error is not None and error.pgcode == "57014", f"{error}")
    statement = waiting()
    check(run(admin, f"SELECT shardext_cancel_backend('local:{waiter.info.backend_pid}')") == [(True,)], "cancelled here")
    error = statement.finish(5)
    check(error is not None and error.pgcode == "57014", f"{error}")
    check(run(other, "SELECT count(*) > 0 FROM shardext_locks") == [(True,)], "locks for everybody")
    run(holder, "ROLLBACK")
    change(waiter, ids["w1"])
    ((node_id,),) = run(admin, f"SELECT global_id FROM shardext_stat_activity WHERE coordinator_pid = {pid_of(waiter)} AND node_name = 'w1'")
    check(run(admin, f"SELECT shardext_terminate_backend('{node_id}', 5000)") == [(True,)], "ended on the node")
    check(run(waiter, "SELECT count(*) > 0 FROM account") == [(True,)], "the session afterwards")
    cluster.kill("node2")
    try:
        nodes = run(admin, "SELECT DISTINCT node_name FROM shardext_stat_activity ORDER BY 1")
        check(nodes == [("local",), ("w1",)], f"with a node down: {nodes}")
        check(any('node "w2" cannot be asked' in notice for notice in admin.notices), f"{admin.notices}")
        error = failure(admin, "SELECT shardext_cancel_backend('w2:1')")
        check(error.pgcode.startswith("08"), f"{error}")
    finally:
        cluster.up("node2")
    for sql in ("REVOKE ALL ON account FROM waits_user, waits_other", "DROP ROLE waits_user, waits_other"):
        run(admin, sql)


def node_sessions(cluster):
    """Returns the sessions of coordinators on the nodes."""
    sql = "SELECT pid FROM pg_stat_activity WHERE application_name = 'shardext'"
    return {server: {pid for (pid,) in cluster.ask(sql, server)} for server in ("node1", "node2")}


def unwanted_rows_keep_the_session(cluster):
    """A statement whose rows are not read to the end is ended on the nodes, their sessions go on."""
    session = cluster.connect()
    run(session, "SELECT count(*) FROM big")
    before = node_sessions(cluster)
    for rows in (1, 5000):
        run(session, "BEGIN")
        run(session, "DECLARE pairs CURSOR FOR SELECT a.k, a.v, b.v FROM big a JOIN big b ON a.k = b.k")
        run(session, f"FETCH {rows} FROM pairs")
        run(session, "CLOSE pairs")
        check(run(session, "SELECT count(*) FROM account") == [(TABLE_ROWS,)], "the next statement")
        run(session, "COMMIT")
    check(run(session, "SELECT true FROM big a JOIN big b ON a.k = b.k AND a.v < b.v LIMIT 1") == [(True,)], "LIMIT")
    check(node_sessions(cluster) == before, f"sessions: {before}, then {node_sessions(cluster)}")
    session.close()


TESTS = {
    test.__name__: test
    for test in (
        deadlock_while_a_node_hangs,
        prepared_holder_is_waited_for,
        sessions_are_cancelled_by_global_id,
        unwanted_rows_keep_the_session,
    )
}

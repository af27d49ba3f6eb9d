"""The fault tests: each is a function that is given the cluster, and leaves it whole."""

import itertools
import os
import signal
import socket
import threading
import time

import psycopg2

from cluster import TABLE_ROWS, check, failure, lost, run

SLOW = "SELECT count(*) FROM big a JOIN big b ON a.k = b.k AND a.v * 7 % 1000 >= b.v % 3"

COMMIT_POINTS = ("before-begin", "before-prepare", "after-prepare", "after-commit-log", "before-commit-prepared")

_numbers = itertools.count(1000)


def set_up(cluster):
    """Makes the tables that the tests use."""
    connection = cluster.connect()
    for sql in (
        "SET shardext.shard_count = 4",
        "CREATE TABLE account (id int PRIMARY KEY, amount int NOT NULL)",
        "SELECT create_distributed_table('account', 'id')",
        f"INSERT INTO account SELECT n, 100 FROM generate_series(1, {TABLE_ROWS}) n",
        "CREATE TABLE log (id int PRIMARY KEY, n int)",
        "SELECT create_distributed_table('log', 'id')",
        "CREATE TABLE ref (id int PRIMARY KEY, v int)",
        "SELECT create_reference_table('ref')",
        "CREATE TABLE local_log (n int)",
        "CREATE TABLE big (k int, v int)",
        "SELECT create_distributed_table('big', 'k')",
        # Few keys with many rows each: their join keeps every node busy for a long time.
        "INSERT INTO big SELECT n % 8, n FROM generate_series(1, 80000) n",
    ):
        run(connection, sql)
    connection.close()


def ids_by_node(cluster):
    """Returns an account on each node."""
    rows = cluster.ask(
        f"SELECT DISTINCT ON (s.node) s.node, n FROM generate_series(1, {TABLE_ROWS}) n, "
        "LATERAL shardext_shard_of('account', n::text) s ORDER BY s.node, n"
    )
    return dict(rows)


def busy_nodes(cluster):
    """Returns how many nodes run a statement for the coordinator."""
    busy = 0
    for server in ("node1", "node2"):
        sql = "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'shardext' AND state = 'active'"
        busy += cluster.ask(sql, server)[0][0]
    return busy


def wait_until(condition, limit, message):
    """Waits until a condition holds; fails after the limit, in seconds."""
    until = time.monotonic() + limit
    while not condition():
        check(time.monotonic() < until, message)
        time.sleep(0.02)


class Background(threading.Thread):
    """A statement that runs meanwhile."""

    def __init__(self, connection, sql):
        super().__init__(daemon=True)
        self.connection, self.sql = connection, sql
        self.error = None
        self.start()

    def run(self):
        try:
            run(self.connection, self.sql)
        except psycopg2.Error as error:
            self.error = error

    def finish(self, limit):
        """Waits for the end and returns the error, if there was one."""
        self.join(limit)
        check(not self.is_alive(), f"after {limit} s there is no answer: {self.sql}")
        return self.error


# --- nodes that are down ------------------------------------------------------------------------


def node_down_before_query(cluster):
    ids = ids_by_node(cluster)
    session, fresh = cluster.connect(), cluster.connect()
    run(session, "SELECT count(*) FROM account")
    cluster.kill("node2")
    try:
        for connection in (session, fresh, session):
            error = failure(connection, "SELECT count(*) FROM account")
            check(error.pgcode.startswith("08"), f"SQLSTATE {error.pgcode}: {error}")
            check('"w2"' in str(error), f"the error does not name the node: {error}")
            rows = run(connection, f"SELECT amount FROM account WHERE id = {ids['w1']}")
            check(rows == [(100,)], f"the other node's shards: {rows}")
            run(connection, f"UPDATE account SET amount = amount WHERE id = {ids['w1']}")
            check(run(connection, "SELECT count(*) FROM ref") is not None, "reference table")
        error = failure(session, "INSERT INTO ref VALUES (1, 1)")
        check(error.pgcode.startswith("08"), f"SQLSTATE {error.pgcode}: {error}")
        error = failure(session, "UPDATE account SET amount = amount + 1")
        check(error.pgcode.startswith("08"), f"SQLSTATE {error.pgcode}: {error}")
        states = dict(run(session, "SELECT node_name, state FROM shardext_nodes"))
        check(states == {"local": "ok", "w1": "ok", "w2": "unreachable"}, f"states: {states}")
        check(run(session, "SELECT count(*) FROM shardext_tables")[0][0] == 4, "shardext_tables")
    finally:
        cluster.up("node2")
    for connection in (session, fresh):
        rows = run(connection, "SELECT count(*), sum(amount) FROM account")
        check(rows == [(TABLE_ROWS, TABLE_ROWS * 100)], f"afterwards: {rows}")
        connection.close()


def node_restart_inside_transaction(cluster):
    ids = ids_by_node(cluster)
    session = cluster.connect()
    run(session, "BEGIN")
    run(session, f"UPDATE account SET amount = amount + 1 WHERE id = {ids['w1']}")
    run(session, f"UPDATE account SET amount = amount - 1 WHERE id = {ids['w2']}")
    cluster.control("restart", "node2")
    error = failure(session, "COMMIT")
    check(error.pgcode is not None and (error.pgcode[:2] == "08" or error.pgcode == "57P01"), f"SQLSTATE {error.pgcode}: {error}")
    rows = run(session, "SELECT count(*), sum(amount), min(amount) FROM account")
    check(rows == [(TABLE_ROWS, TABLE_ROWS * 100, 100)], f"afterwards: {rows}")
    session.close()


def node_killed_during_scatter(cluster):
    session = cluster.connect()
    query = Background(session, SLOW)
    wait_until(lambda: busy_nodes(cluster) == 2, 10, "the nodes do not run the query")
    cluster.kill("node2")
    try:
        error = query.finish(10)
        check(error is not None, "no error")
        check(error.pgcode is not None and error.pgcode[:2] in ("08", "57"), f"SQLSTATE {error.pgcode}: {error}")
        check("w2" in str(error), f"the error does not name the node: {error}")
    finally:
        cluster.up("node2")
    wait_until(lambda: busy_nodes(cluster) == 0, 3, "the other node still runs the query")
    check(run(session, "SELECT count(*) FROM account") == [(TABLE_ROWS,)], "the session afterwards")
    session.close()


def node_killed_between_prepare_and_commit_prepared(cluster):
    number = next(_numbers)
    session = cluster.connect()
    run(session, "SET shardext.fault_points = 'before-commit-prepared=sleep'")
    run(session, "BEGIN")
    write_everywhere(session, number)
    commit = Background(session, "COMMIT")
    wait_until(lambda: len(cluster.prepared()) == 2, 10, "nothing is prepared")
    cluster.kill("node2")
    try:
        error = commit.finish(20)
        check(error is None, f"COMMIT has been decided, but failed: {error}")
        run(session, "SET shardext.fault_points = ''")
        check(run(session, f"SELECT v FROM ref WHERE id = {number}") == [(number,)], "the reference table's own copy")
    finally:
        cluster.up("node2")
    session.close()
    cluster.wait_until_recovered()
    check(effects(cluster, number) == WHOLE, f"acknowledged, but {effects(cluster, number)}")


def node_killed_before_prepare(cluster):
    number = next(_numbers)
    session = cluster.connect()
    run(session, "SET shardext.fault_points = 'before-prepare=sleep'")
    run(session, "BEGIN")
    write_everywhere(session, number)
    commit = Background(session, "COMMIT")
    time.sleep(0.5)
    cluster.kill("node2")
    try:
        error = commit.finish(20)
        check(error is not None, "COMMIT succeeded without a node")
        check(error.pgcode is not None and error.pgcode.startswith("08"), f"SQLSTATE {error.pgcode}: {error}")
    finally:
        cluster.up("node2")
    session.close()
    cluster.wait_until_recovered()
    check(effects(cluster, number) == NOTHING, f"rolled back, but {effects(cluster, number)}")


# --- cancelling and ending ------------------------------------------------------------------------


def ended_during_scatter(cluster, how, sql_state, message):
    """Runs the slow query, ends it by a function of PostgreSQL, and checks that the nodes stop as well."""
    session = cluster.connect()
    (pid,) = run(session, "SELECT pg_backend_pid()")[0]
    query = Background(session, SLOW)
    wait_until(lambda: busy_nodes(cluster) == 2, 10, "the nodes do not run the query")
    cluster.ask(f"SELECT {how}({pid})")
    error = query.finish(5)
    check(error is not None, "no error")
    check(error.pgcode == sql_state and message in str(error), f"SQLSTATE {error.pgcode}: {error}")
    wait_until(lambda: busy_nodes(cluster) == 0, 2, "the nodes still run the query after 2 s")
    return session


def cancel_during_scatter(cluster):
    session = ended_during_scatter(cluster, "pg_cancel_backend", "57014", "due to user request")
    check(run(session, "SELECT count(*) FROM account") == [(TABLE_ROWS,)], "the session afterwards")
    session.close()


def cancel_inside_transaction(cluster):
    session = cluster.connect()
    (pid,) = run(session, "SELECT pg_backend_pid()")[0]
    run(session, "BEGIN")
    run(session, "UPDATE account SET amount = amount + 1")
    run(session, "SAVEPOINT s")
    query = Background(session, SLOW)
    wait_until(lambda: busy_nodes(cluster) == 2, 10, "the nodes do not run the query")
    cluster.ask(f"SELECT pg_cancel_backend({pid})")
    error = query.finish(5)
    check(error is not None and error.pgcode == "57014", f"{error}")
    wait_until(lambda: busy_nodes(cluster) == 0, 2, "the nodes still run the query after 2 s")
    run(session, "ROLLBACK")
    check(run(session, "SELECT count(*) FROM account") == [(TABLE_ROWS,)], "the session afterwards")
    session.close()


def statement_timeout_during_scatter(cluster):
    session = cluster.connect()
    run(session, "SET statement_timeout = 500")
    query = Background(session, SLOW)
    error = query.finish(5)
    check(error is not None and error.pgcode == "57014", f"{error}")
    wait_until(lambda: busy_nodes(cluster) == 0, 2, "the nodes still run the query after 2 s")
    check(run(session, "SELECT count(*) FROM account") == [(TABLE_ROWS,)], "the session afterwards")
    session.close()


def terminated_during_scatter(cluster):
    # psycopg2 gives no SQLSTATE when the connection is closed at once
    ended_during_scatter(cluster, "pg_terminate_backend", None, "due to administrator command").close()


def client_gone_during_scatter(cluster):
    # Shut down the client's end of the socket: the coordinator notices when it is asked to look.
    session = cluster.connect()
    run(session, "SET client_connection_check_interval = 200")
    Background(session, SLOW)
    wait_until(lambda: busy_nodes(cluster) == 2, 10, "the nodes do not run the query")
    duplicate = socket.socket(fileno=os.dup(session.fileno()))
    duplicate.shutdown(socket.SHUT_RDWR)
    duplicate.close()
    wait_until(lambda: busy_nodes(cluster) == 0, 4, "the nodes still run the query 4 s after the client has gone")


def terminated_inside_transaction(cluster):
    number = next(_numbers)
    session = cluster.connect()
    (pid,) = run(session, "SELECT pg_backend_pid()")[0]
    run(session, "BEGIN")
    write_everywhere(session, number)
    cluster.ask(f"SELECT pg_terminate_backend({pid})")
    check(lost(failure(session, "COMMIT")), "COMMIT")
    wait_until(lambda: effects(cluster, number) == NOTHING, 10, f"rolled back, but {effects(cluster, number)}")
    run(cluster.connect(), "UPDATE account SET amount = amount")  # nothing holds a lock


def backend_killed_inside_transaction(cluster):
    number = next(_numbers)
    session = cluster.connect()
    (pid,) = run(session, "SELECT pg_backend_pid()")[0]
    run(session, "BEGIN")
    write_everywhere(session, number)
    os.kill(pid, signal.SIGKILL)
    check(lost(failure(session, "COMMIT")), "COMMIT")
    wait_until(lambda: effects(cluster, number) == NOTHING, 10, f"rolled back, but {effects(cluster, number)}")


# --- every step of a commit -------------------------------------------------------------------------

WHOLE = {"log": 2, "ref": 1, "local": 1}
NOTHING = {"log": 0, "ref": 0, "local": 0}


def write_everywhere(session, number):
    """Writes on both nodes and on the coordinator; moves money between the nodes."""
    run(session, "UPDATE account SET amount = amount + CASE WHEN id % 2 = 0 THEN 1 ELSE -1 END")
    run(session, f"INSERT INTO ref VALUES ({number}, {number})")
    run(session, f"INSERT INTO local_log VALUES ({number})")
    ids = run(session, "SELECT DISTINCT ON (s.node) n FROM generate_series(1, 40) n, "
              "LATERAL shardext_shard_of('account', n::text) s ORDER BY s.node, n")
    for (key,) in ids:
        run(session, f"INSERT INTO log VALUES ({number * 100 + key}, {number}) ON CONFLICT (id) DO NOTHING")


def effects(cluster, number):
    """Returns how much of a transaction is to be seen."""
    rows = cluster.ask(
        f"SELECT (SELECT count(*) FROM log WHERE n = {number}), (SELECT count(*) FROM ref WHERE id = {number}), "
        f"(SELECT count(*) FROM local_log WHERE n = {number})"
    )
    return dict(zip(("log", "ref", "local"), rows[0]))


def commit_with_fault(cluster, fault):
    """Commits a transaction over all servers with a fault armed; returns the error, and what is to be seen then."""
    number = next(_numbers)
    session = cluster.connect()
    run(session, f"SET shardext.fault_points = '{fault}'")
    error = None
    try:
        run(session, "BEGIN")
        write_everywhere(session, number)
        run(session, "COMMIT")
    except psycopg2.Error as caught:
        error = caught
    cluster.wait_until_recovered()
    seen = effects(cluster, number)
    check(seen in (WHOLE, NOTHING), f"{fault}: half of the transaction is there: {seen}")
    check(error is not None or seen == WHOLE, f"{fault}: COMMIT was acknowledged, but nothing is there")
    return session, error, seen


def crash_at(point):
    """Makes the test of a crash at a fault point."""

    def test(cluster):
        _, error, seen = commit_with_fault(cluster, f"{point}=crash")
        check(error is not None and lost(error), f"{error}")
        decided = point == "before-commit-prepared"
        check(seen == (WHOLE if decided else NOTHING), f"the decision was {decided}, seen is {seen}")
        left = cluster.ask("SELECT count(*) FROM shardext.commit_log")[0][0]
        check(left <= 1, f"{left} rows are left in the commit log")

    return test


def error_at(point):
    """Makes the test of an error at a fault point."""

    def test(cluster):
        session, error, seen = commit_with_fault(cluster, f"{point}=error")
        check(error is not None and error.pgcode == "XX000", f"{error}")
        check(seen == NOTHING, f"after an error: {seen}")
        run(session, "ROLLBACK")
        run(session, "SET shardext.fault_points = ''")
        check(run(session, "SELECT sum(amount) FROM account") == [(TABLE_ROWS * 100,)], "the session afterwards")
        session.close()

    return test


def one_phase(action):
    """Makes the test of a fault before the COMMIT of a transaction that wrote on one node only."""

    def test(cluster):
        key = next(_numbers) * 100
        session = cluster.connect()
        run(session, f"SET shardext.fault_points = 'before-commit-one-phase={action}'")
        error = failure(session, f"INSERT INTO log VALUES ({key}, 0)")
        check(lost(error) if action == "crash" else error.pgcode == "XX000", f"{error}")
        check(cluster.ask(f"SELECT count(*) FROM log WHERE id = {key}") == [(0,)], "the row is there")
        if action == "error":
            run(session, "SET shardext.fault_points = ''")
            run(session, f"INSERT INTO log VALUES ({key}, 0)")
            check(cluster.ask(f"SELECT count(*) FROM log WHERE id = {key}") == [(1,)], "the row is not there")
        session.close()

    return test


def coordinator_killed_after_prepare(cluster):
    """The whole coordinator goes down before the decision, and comes back."""
    number = next(_numbers)
    session = cluster.connect()
    run(session, "SET shardext.fault_points = 'after-prepare=sleep'")
    run(session, "BEGIN")
    write_everywhere(session, number)
    commit = Background(session, "COMMIT")
    wait_until(lambda: len(cluster.prepared()) == 2, 10, "nothing is prepared")
    cluster.kill("coordinator")
    error = commit.finish(10)
    check(error is not None and lost(error), f"{error}")
    cluster.up("coordinator")
    cluster.wait_until_recovered()
    check(effects(cluster, number) == NOTHING, f"not decided, but {effects(cluster, number)}")


def coordinator_killed_after_commit(cluster):
    """The whole coordinator goes down after the decision, and comes back."""
    number = next(_numbers)
    session = cluster.connect()
    run(session, "SET shardext.fault_points = 'before-commit-prepared=sleep'")
    run(session, "BEGIN")
    write_everywhere(session, number)
    commit = Background(session, "COMMIT")
    sql = f"SELECT count(*) FROM local_log WHERE n = {number}"
    wait_until(lambda: cluster.ask(sql) == [(1,)], 10, "the coordinator does not commit")
    cluster.kill("coordinator")
    error = commit.finish(10)
    check(error is None or lost(error), f"{error}")  # the decision is durable: it may be acknowledged
    cluster.up("coordinator")
    cluster.wait_until_recovered()
    check(effects(cluster, number) == WHOLE, f"decided, but {effects(cluster, number)}")


def commit_log_is_emptied(cluster):
    """Rows leave the commit log once all nodes have acknowledged."""
    session, error, _ = commit_with_fault(cluster, "before-commit-prepared=sleep")
    check(error is None, f"{error}")
    session.close()
    cluster.control("restart", "coordinator")  # its worker looks at once
    wait_until(
        lambda: cluster.ask("SELECT count(*) FROM shardext.commit_log") == [(0,)], 10, "rows stay in the commit log"
    )


def automatic_analyze(cluster):
    """The worker brings statistics of a table that has been filled, also when a node was down meanwhile."""
    connection = cluster.connect()
    for sql in (
        "ALTER SYSTEM SET shardext.analyze_naptime = 1",
        "SELECT pg_reload_conf()",
        "CREATE TABLE filled (k int, v text)",
        "SELECT create_distributed_table('filled', 'k')",
    ):
        run(connection, sql)
    cluster.kill("node2")
    time.sleep(1.5)  # the worker looks, and finds that a node does not answer
    cluster.up("node2")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            run(connection, "INSERT INTO filled SELECT n, 'v' || n % 7 FROM generate_series(1, 5000) n")
            break
        except psycopg2.Error:
            connection = cluster.connect()
            time.sleep(0.2)
    sql = "SELECT n_distinct FROM pg_stats WHERE tablename = 'filled' AND attname = 'v'"
    while not cluster.ask(sql) and time.monotonic() < deadline:
        time.sleep(0.2)
    check(cluster.ask(sql) == [(7.0,)], f"statistics of the worker: {cluster.ask(sql)}")
    rows = cluster.ask("SELECT reltuples FROM pg_class WHERE relname = 'filled'")[0][0]
    check(4000 <= rows <= 6000, f"rows of the table: {rows}")
    for sql in ("ALTER SYSTEM RESET shardext.analyze_naptime", "SELECT pg_reload_conf()", "DROP TABLE filled"):
        run(connection, sql)
    connection.close()


TESTS = {
    test.__name__: test
    for test in (
        node_down_before_query,
        node_restart_inside_transaction,
        node_killed_during_scatter,
        node_killed_before_prepare,
        node_killed_between_prepare_and_commit_prepared,
        cancel_during_scatter,
        cancel_inside_transaction,
        statement_timeout_during_scatter,
        terminated_during_scatter,
        client_gone_during_scatter,
        terminated_inside_transaction,
        backend_killed_inside_transaction,
        coordinator_killed_after_prepare,
        coordinator_killed_after_commit,
        commit_log_is_emptied,
        automatic_analyze,
    )
}
for _point in COMMIT_POINTS:
    TESTS["crash_" + _point.replace("-", "_")] = crash_at(_point)
for _point in COMMIT_POINTS[:-1]:  # after the decision there is no error, see crash
    TESTS["error_" + _point.replace("-", "_")] = error_at(_point)
TESTS["crash_before_commit_one_phase"] = one_phase("crash")
TESTS["error_before_commit_one_phase"] = one_phase("error")

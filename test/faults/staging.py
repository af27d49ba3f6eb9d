"""Tests about staging tables: whatever ends a statement that has made some, nothing of them is left on any node."""

from cluster import check, failure, lost, run
from tests import Background, busy_nodes, wait_until

SETTINGS = ("SET shardext.always_ship = on", "SET shardext.max_shipped_rows = 10")
JOIN = "SELECT count(*), sum(s.n), max(length(s.t)) FROM big b JOIN staged_side s ON s.id = b.v"
SLOW_JOIN = "SELECT count(*) FROM big a JOIN big b ON a.k = b.k JOIN staged_side s ON s.id = a.v AND a.v * 7 % 1000 >= b.v % 3"
ROWS = 60000
WHOLE = [(ROWS, ROWS * 2, 32)]
NODES = ("node1", "node2")


def session_of(cluster, fault=None):
    """Opens a session that stages, with a fault point armed if one is named."""
    if not cluster.ask("SELECT 1 FROM pg_class WHERE relname = 'staged_side'"):
        # More than one chunk of a COPY.
        connection = cluster.connect()
        run(connection, f"CREATE TABLE staged_side AS SELECT n AS id, 2 AS n, md5(n::text) AS t FROM generate_series(1, {ROWS}) n")
        run(connection, "ANALYZE staged_side")
        connection.close()
    session = cluster.connect()
    for sql in SETTINGS:
        run(session, sql)
    if fault is not None:
        run(session, f"SET shardext.fault_points = '{fault}'")
    return session


def check_nothing_left(cluster):
    """Checks that sessions of the nodes have ended their transactions, and that there are no tables."""

    def transactions():
        sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'shardext' AND state <> 'idle'"
        return sum(cluster.ask(sql, node)[0][0] for node in NODES)

    wait_until(lambda: transactions() == 0, 10, "a transaction stays on a node")
    for node in NODES:
        left = cluster.ask("SELECT relname FROM pg_class WHERE relnamespace = 'shardext_node'::regnamespace", node)
        check(left == [], f"{node} has {left}")


def stages(cluster):
    """The other tests mean something: the plan stages rows, and the tables are there while a statement runs."""
    session = session_of(cluster, "after-staging=sleep")
    plan = "\n".join(line for (line,) in run(session, f"EXPLAIN {JOIN}"))
    check("Staged on Nodes: s" in plan, plan)
    query = Background(session, JOIN)
    locked = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND locktype = 'relation'"
    wait_until(lambda: all(cluster.ask(locked, node)[0][0] > 0 for node in NODES), 5, "no node has a new table")
    check(query.finish(20) is None, "the statement failed")
    check_nothing_left(cluster)
    check(run(session, JOIN) == WHOLE, "the join")
    session.close()


def fails_at(point):
    """An error on the coordinator, outside and inside a transaction with a savepoint."""

    def test(cluster):
        session = session_of(cluster, f"{point}=error")
        failure(session, JOIN)
        check_nothing_left(cluster)
        run(session, "BEGIN")
        run(session, "UPDATE account SET amount = amount + 1")
        run(session, "SAVEPOINT a")
        failure(session, JOIN)
        run(session, "ROLLBACK TO a")
        run(session, "RESET shardext.fault_points")
        check(run(session, JOIN) == WHOLE, "the join after the error")
        run(session, "UPDATE account SET amount = amount - 1")
        run(session, "COMMIT")
        check_nothing_left(cluster)
        check(run(session, JOIN) == WHOLE, "the join in the end")
        session.close()

    test.__name__ = f"staging_fails_{point.replace('-', '_')}"
    return test


def crashes_at(point):
    """The coordinator's backend dies."""

    def test(cluster):
        session = session_of(cluster, f"{point}=crash")
        run(session, "BEGIN")
        run(session, "UPDATE account SET amount = amount + 1")
        check(lost(failure(session, JOIN)), "the session")
        cluster.wait_until_recovered()
        check_nothing_left(cluster)

    test.__name__ = f"staging_crashes_{point.replace('-', '_')}"
    return test


def cancelled_while_staging(cluster):
    for transaction in (False, True):
        session = session_of(cluster, "during-staging=sleep")
        (pid,) = run(session, "SELECT pg_backend_pid()")[0]
        if transaction:
            run(session, "BEGIN")
            run(session, "UPDATE account SET amount = amount")
            run(session, "SAVEPOINT a")
        query = Background(session, JOIN)
        wait_until(lambda: busy_nodes(cluster) > 0, 10, "no COPY")
        cluster.ask(f"SELECT pg_cancel_backend({pid})")
        error = query.finish(15)
        check(error is not None and error.pgcode == "57014", f"{error}")
        if transaction:
            run(session, "ROLLBACK TO a")
            run(session, "RESET shardext.fault_points")
            check(run(session, JOIN) == WHOLE, "the join after the error")
            run(session, "COMMIT")
        check_nothing_left(cluster)
        session.close()


def cancelled_while_joining(cluster):
    session = session_of(cluster)
    (pid,) = run(session, "SELECT pg_backend_pid()")[0]
    for sql in ("SELECT 1", "BEGIN ISOLATION LEVEL REPEATABLE READ"):
        run(session, sql)
        query = Background(session, SLOW_JOIN)
        wait_until(lambda: busy_nodes(cluster) == 2, 20, "the nodes do not run the query")
        cluster.ask(f"SELECT pg_cancel_backend({pid})")
        error = query.finish(10)
        check(error is not None and error.pgcode == "57014", f"{error}")
        check_nothing_left(cluster)
    run(session, "ROLLBACK")
    session.close()


def node_killed_while_staging(cluster):
    session = session_of(cluster, "during-staging=sleep")
    query = Background(session, JOIN)
    wait_until(lambda: busy_nodes(cluster) > 0, 10, "no COPY")
    cluster.kill("node2")
    try:
        error = query.finish(20)
        check(error is not None and error.pgcode is not None and error.pgcode.startswith("08"), f"{error}")
    finally:
        cluster.up("node2")
    check_nothing_left(cluster)
    run(session, "RESET shardext.fault_points")
    check(run(session, JOIN) == WHOLE, "the join afterwards")
    session.close()


def node_refuses_table(cluster):
    """An error of one node while the other one is made ready."""
    session = session_of(cluster)
    cluster.ask("ALTER SCHEMA shardext_node RENAME TO away", "node2")
    try:
        error = failure(session, JOIN)
        check(error.pgcode == "3F000" and '"w2"' in str(error), f"{error.pgcode}: {error}")
        run(session, "BEGIN")
        run(session, "UPDATE account SET amount = amount")
        run(session, "SAVEPOINT a")
        failure(session, JOIN)
        run(session, "ROLLBACK TO a")
        run(session, "COMMIT")
    finally:
        cluster.ask("ALTER SCHEMA away RENAME TO shardext_node", "node2")
    check_nothing_left(cluster)
    check(run(session, JOIN) == WHOLE, "the join afterwards")
    session.close()


def commits_after_staging(cluster):
    """A node that only got rows is no writer; one that has written can still be prepared."""
    session = session_of(cluster)
    ids = dict(run(session, "SELECT DISTINCT ON (s.node) s.node, n FROM generate_series(1, 40) n, "
                   "LATERAL shardext_shard_of('account', n::text) s ORDER BY s.node, n"))
    for level in ("READ COMMITTED", "REPEATABLE READ"):
        # One writer and no write on the coordinator: the node's own COMMIT, which this fault stops.
        for written, fault in ((["w1"], "before-commit-one-phase=error"), (["w1", "w2"], "before-prepare=error")):
            run(session, "RESET shardext.fault_points")
            run(session, f"BEGIN ISOLATION LEVEL {level}")
            check(run(session, JOIN) == WHOLE, "the first join")
            for node in written:
                run(session, f"UPDATE account SET amount = amount WHERE id = {ids[node]}")
            check(run(session, JOIN) == WHOLE, "the second join")
            run(session, f"SET LOCAL shardext.fault_points = '{fault}'")
            check("fault point" in str(failure(session, "COMMIT")), "another way to commit")
            run(session, "RESET shardext.fault_points")
            run(session, f"BEGIN ISOLATION LEVEL {level}")
            check(run(session, JOIN) == WHOLE, "the join")
            for node in written:
                run(session, f"UPDATE account SET amount = amount WHERE id = {ids[node]}")
            check(run(session, JOIN) == WHOLE, "the join after the write")
            run(session, "COMMIT")
            check_nothing_left(cluster)
        run(session, "SET shardext.fault_points = 'before-commit-one-phase=error,before-prepare=error'")
        run(session, f"BEGIN ISOLATION LEVEL {level}")
        check(run(session, JOIN) == WHOLE, "the join that only reads")
        run(session, "COMMIT")
        check_nothing_left(cluster)
    session.close()


TESTS = {
    test.__name__: test
    for test in (
        stages,
        *(fails_at(point) for point in ("during-staging", "after-staging")),
        *(crashes_at(point) for point in ("during-staging", "after-staging")),
        cancelled_while_staging,
        cancelled_while_joining,
        node_killed_while_staging,
        node_refuses_table,
        commits_after_staging,
    )
}

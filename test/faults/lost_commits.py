"""Transactions on one node whose COMMIT gets no answer: what the client is told is what has happened."""

import random
import subprocess
import threading
import time

import psycopg2

from cluster import check, run

WRITERS = 4
ROUNDS = 5


def write(cluster, writer, over, told):
    """Inserts a row after the other, and notes for each what was said of it."""
    number, connection = 0, None
    while not over.is_set():
        number += 1
        key = writer * 1_000_000 + number
        try:
            if connection is None or connection.closed:
                connection = cluster.connect()
            run(connection, f"INSERT INTO lost_commits VALUES ({key})")
            told[key] = None
        except psycopg2.Error as error:
            told[key] = error.pgcode
            time.sleep(0.02)
    connection.close()


def kill_sessions(cluster, node):
    """Kills a process of the node, so that all of them are restarted."""
    pid = cluster.ask("SELECT pid FROM pg_stat_activity WHERE application_name = 'shardext' LIMIT 1", node)
    if pid:
        subprocess.run(["kill", "-9", str(pid[0][0])], check=False)


def end_sessions(cluster, node):
    cluster.ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'shardext'", node)


def restart(cluster, node):
    cluster.kill(node)
    cluster.up(node)


def told_and_done(action):
    """Makes the test for a way to lose connections."""

    def test(cluster):
        session = cluster.connect()
        run(session, "DROP TABLE IF EXISTS lost_commits")
        run(session, "CREATE TABLE lost_commits (id int)")
        run(session, "SELECT create_distributed_table('lost_commits', 'id')")
        over, told = threading.Event(), {}
        writers = [threading.Thread(target=write, args=(cluster, n, over, told)) for n in range(1, WRITERS + 1)]
        for thread in writers:
            thread.start()
        for _ in range(ROUNDS):
            time.sleep(random.uniform(0.2, 0.6))
            try:
                action(cluster, random.choice(("node1", "node2")))
            except psycopg2.OperationalError:
                pass  # the node was not up yet
        over.set()
        for thread in writers:
            thread.join()
        cluster.wait_until_recovered()
        there = [row[0] for row in cluster.ask("SELECT id FROM lost_commits")]
        run(session, "DROP TABLE lost_commits")
        session.close()
        check(len(there) == len(set(there)), "a row is there twice")
        unknown = [key for key, code in told.items() if code == "08007"]
        check(not unknown, f"not known: {len(unknown)} of {len(told)}")
        promised = {key for key, code in told.items() if code is None}
        check(len(promised) > ROUNDS, f"only {len(promised)} rows were written")
        check(set(there) == promised, f"lost {sorted(promised - set(there))[:5]}, there against all words {sorted(set(there) - promised)[:5]}")

    test.__doc__ = f"{action.__name__.replace('_', ' ')}: no row is lost or there in spite of an error."
    return test


TESTS = {f"lost_commits_{action.__name__}": told_and_done(action) for action in (end_sessions, kill_sessions, restart)}

"""The cluster under test: connections, killing and starting servers, and the rule that every commit obeys."""

import os
import re
import subprocess
import time

import psycopg2
from psycopg2 import extensions, extras

# Waits can be interrupted by the time limit of a test.
extensions.set_wait_callback(extras.wait_select)

TABLE_ROWS = 40
RECOVERY_LIMIT = 30  # seconds


class Cluster:
    """A coordinator and two nodes, started by test/tools/cluster."""

    def __init__(self, tool, place):
        self.tool = tool
        self.place = place
        with open(os.path.join(place, "env"), encoding="ascii") as file:
            env = dict(re.findall(r"(\w+)='?([^' \n]*)'?", file.read()))
        self.ports = {"coordinator": env["PGPORT"], "node1": env["NODE1_PORT"], "node2": env["NODE2_PORT"]}
        self.connections = []  # open ones, to be closed after each test

    def connect(self, server="coordinator"):
        """Opens a connection in autocommit mode; waits while the server recovers."""
        until = time.monotonic() + RECOVERY_LIMIT
        while True:
            try:
                connection = psycopg2.connect(
                    host="127.0.0.1", port=self.ports[server], user="postgres", dbname="app", connect_timeout=10
                )
                break
            except psycopg2.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
        connection.autocommit = True
        self.connections.append(connection)
        return connection

    def ask(self, sql, server="coordinator"):
        """Asks for rows on a connection of its own; again while the server ends all sessions after a crash."""
        for attempt in range(100):
            connection = self.connect(server)
            try:
                return run(connection, sql)
            except psycopg2.OperationalError:
                if attempt == 99 or not connection.closed:
                    raise
                time.sleep(0.1)
            finally:
                connection.close()
                self.connections.remove(connection)
        return None

    def control(self, command, server):
        """Lets test/tools/cluster do something to a server."""
        subprocess.run([self.tool, command, self.place, server], check=True, timeout=120, stdout=subprocess.DEVNULL)

    def kill(self, server):
        self.control("kill", server)

    def up(self, server):
        self.control("up", server)

    def clean_up(self):
        """Brings all servers up and ends every session that a test has left."""
        self.control("up", "all")
        self.ask(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        for connection in self.connections:
            connection.close()
        self.connections = []

    # --- what is true after every test ---

    def prepared(self):
        """Returns the prepared transactions of all servers."""
        return [(s, gid) for s in self.ports for (gid,) in self.ask("SELECT gid FROM pg_prepared_xacts", s)]

    def wait_until_recovered(self):
        """Waits until no server holds a prepared transaction."""
        until = time.monotonic() + RECOVERY_LIMIT
        while True:
            try:
                left = self.prepared()
            except psycopg2.OperationalError:
                left = ["unknown: a server is starting"]  # it was killed a moment ago
            if not left:
                return
            check(time.monotonic() < until, f"prepared transactions stay: {left}")
            time.sleep(0.2)

    def copies_of(self, reference):
        """Returns the contents of a reference table on the coordinator and on each node."""
        (name,) = self.ask(f"SELECT shard FROM shardext_shards WHERE table_name = '{reference}'::regclass AND node = 'w1'")[0]
        names = {"coordinator": reference, "node1": name, "node2": name}
        return {s: self.ask(f"SELECT * FROM {names[s]} ORDER BY 1", s) for s in self.ports}

    def check_everything(self):
        """Checks that nothing is left hanging and that all copies are the same."""
        self.wait_until_recovered()
        copies = self.copies_of("ref")
        check(
            copies["coordinator"] == copies["node1"] == copies["node2"],
            f"the copies of the reference table differ: {copies}",
        )
        (total,) = self.ask("SELECT sum(amount) FROM account")[0]
        check(total == TABLE_ROWS * 100, f"the sum of all accounts is {total}")
        for server in ("node1", "node2"):
            idle = self.ask(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'shardext' AND state LIKE 'idle in%'",
                server,
            )
            check(idle[0][0] == 0, f"transactions stay open on {server}")


class TimeUp(BaseException):
    """A test has taken longer than it may."""


def run(connection, sql):
    """Runs a statement and returns its rows, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description is not None else None


def failure(connection, sql):
    """Runs a statement that must fail and returns the error."""
    try:
        rows = run(connection, sql)
    except psycopg2.Error as error:
        return error
    raise Failure(f"no error: {sql} ({rows})")


def lost(error):
    """True when an error means that the connection is gone."""
    return error.pgcode is None or error.pgcode.startswith("57P") or error.pgcode.startswith("08")


class Failure(Exception):
    """A test has found something wrong."""


def check(condition, message):
    """Fails the test unless the condition holds."""
    if not condition:
        raise Failure(message)

#!/usr/bin/env python3
"""A walk over fault points: every message to and from nodes and every step of a commit goes wrong in every way.

First each scenario runs undisturbed, to count its points. Then it runs once for each point and action, and its outcome
is checked: all or nothing, as the client was told; nothing hangs and nothing stays behind. As a test of the suite it takes
a sample; by hand (make walk) it takes all, on a cluster that test/tools/cluster has started:

    test/faults/walk.py --tool test/tools/cluster --cluster DIR [--only cursor[:12[:cut]]] [--seconds 60] [--seed 1]
"""

import argparse
import collections
import os
import random
import signal
import sys
import threading
import time

import psycopg2

from cluster import Cluster, Failure, check, lost, run
from scenarios import BASE, RESET, ROWS, SET_UP, UNTOUCHED, Scenarios, WrongRead, names, one_node, run_scenario

# node1 and node2: the backend is stopped at the point while that node is killed and started again; "away": it goes on
# before the node is back.
ACTIONS = ("error", "cancel", "terminate", "cut", "crash", "node1", "node2", "node1-away", "node2-away")
LIMIT = 12.0  # seconds for a scenario
SETTLED_WITHIN = 10.0  # seconds until nothing of it is left

Point = collections.namedtuple("Point", "scenario number name decided count")


def stopped(pid):
    """True when a process is stopped by a signal."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] == "T"
    except FileNotFoundError:
        return False


class Walk:
    """The tables, the points and what is true after each of them."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.watchers = {}  # a connection to each server, for looking
        self.slowest = 0.0
        for sql in SET_UP:
            run(self.watcher("coordinator"), sql)
        placed = dict(self.look(f"SELECT n, node FROM generate_series(1, 200) n, shardext_shard_of('walk', n::text)"))
        first = [n for n in range(1, ROWS + 1) if placed[n] == "w1"]
        second = [n for n in range(1, ROWS + 1) if placed[n] == "w2"]
        moved = next(n for n in range(ROWS + 1, 200) if placed[n] == "w2")
        self.scenarios = Scenarios(first[0], second[0], first[1], moved)
        copy = self.look("SELECT shard FROM shardext_shards WHERE table_name = 'walk_everywhere'::regclass AND node = 'w1'")[0][0]
        self.copies = {"coordinator": "walk_everywhere", "node1": copy, "node2": copy}
        self.whole = {}  # scenario -> what it leaves

    def watcher(self, server):
        connection = self.watchers.get(server)
        if connection is None or connection.closed:
            connection = self.watchers[server] = self.cluster.connect(server)
        return connection

    def look(self, sql, server="coordinator"):
        """Asks a server, again while it recovers."""
        until = time.monotonic() + 30
        while True:
            try:
                return run(self.watcher(server), sql)
            except psycopg2.OperationalError:
                if time.monotonic() > until:
                    raise
                if not self.watchers[server].closed:
                    time.sleep(0.05)

    def reset(self):
        until = time.monotonic() + 30
        while True:
            try:
                connection = self.watcher("coordinator")
                run(connection, "ROLLBACK")
                run(connection, "SET lock_timeout = '5s'")
                for sql in RESET:
                    run(connection, sql)
                return
            except psycopg2.Error:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def state(self):
        """Returns all that scenarios change, as the servers have it."""
        servers = self.cluster.ports
        return (
            self.look("SELECT id, v FROM walk ORDER BY id"),
            self.look("SELECT v FROM walk_here"),
            [self.look(f"SELECT v FROM {self.copies[server]}", server) for server in servers],
            [self.look("SELECT relname FROM pg_class WHERE relname = 'walk_new'", server) for server in servers],
        )

    def session(self, scenario):
        """Opens a session. It has connections to the nodes already, but for scenarios that make them."""
        connection = self.cluster.connect()
        if not scenario.startswith("first_"):
            run(connection, "SELECT count(*) FROM walk")
            run(connection, "SELECT 1")
        return connection

    # --- counting ---

    def points(self, scenario):
        """Runs a scenario undisturbed; returns its points."""
        self.reset()
        connection = self.session(scenario)
        run(connection, "SET shardext.fault_points = '0=none'")
        _, error = run_scenario(self.scenarios, scenario, connection)
        check(error is None, f"{scenario} fails undisturbed: {error}")
        trace = run(connection, "SHOW shardext.fault_trace")[0][0].split()
        connection.close()
        self.cluster.connections.remove(connection)
        check(len(trace) > 3, f"{scenario} passes no points: {trace}")
        self.whole[scenario] = self.state()
        decided = trace.index("before-commit-prepared") + 1 if "before-commit-prepared" in trace else len(trace) + 1
        return [Point(scenario, number, name, decided, len(trace)) for number, name in enumerate(trace, 1)]

    # --- a point ---

    def outage(self, pid, node, away):
        """Kills and starts a node while a backend is stopped; with away, the backend goes on meanwhile."""
        until = time.monotonic() + LIMIT
        while not stopped(pid):
            if self.over.is_set() or time.monotonic() > until:
                return  # the point has not been reached this time
            time.sleep(0.005)
        self.cluster.kill(node)
        if away:
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.1)
        self.cluster.up(node)
        if not away:
            os.kill(pid, signal.SIGCONT)

    def visit(self, point, action):
        """Lets one point go wrong and checks what comes of it."""
        self.reset()
        connection = self.session(point.scenario)
        pid = connection.info.backend_pid
        node, _, away = action.partition("-")
        self.over = threading.Event()
        what = "stop" if node in self.cluster.ports else action
        run(connection, f"SET shardext.fault_points = '{point.number}={what}'")
        helper = None
        if what == "stop":
            helper = threading.Thread(target=self.outage, args=(pid, node, away != ""))
            helper.start()
        watchdog = threading.Timer(LIMIT, lambda: os.kill(pid, signal.SIGABRT))
        watchdog.start()
        start = time.monotonic()
        try:
            session, error = run_scenario(self.scenarios, point.scenario, connection)
        finally:
            took = time.monotonic() - start
            watchdog.cancel()
            self.over.set()
            if helper is not None:
                helper.join()
        check(took < LIMIT, f"hung for {LIMIT} s")
        if helper is None:
            self.slowest = max(self.slowest, took)
        if not connection.closed:
            try:
                self.check_session(connection)
            except psycopg2.OperationalError as late:
                check(action == "terminate" and connection.closed, f"the session afterwards: {late}")
        connection.close()
        if connection in self.cluster.connections:
            self.cluster.connections.remove(connection)
        self.check_settled()
        self.check_outcome(point, action, session, error)

    def check_session(self, connection):
        """The session goes on."""
        run(connection, "ROLLBACK")
        run(connection, "SET shardext.fault_points = ''")
        run(connection, "BEGIN")
        run(connection, "SET LOCAL lock_timeout = '5s'")
        run(connection, "UPDATE walk SET v = v")
        run(connection, "ROLLBACK")
        rows = run(connection, "SELECT count(*) FROM walk_source")
        check(rows == [(ROWS,)], f"the session afterwards reads {rows}")

    def leftovers(self):
        """Returns what of a scenario is still to be seen on the servers."""
        found = []
        for server in self.cluster.ports:
            found += [(server, row) for row in self.look("SELECT 'prepared', gid FROM pg_prepared_xacts", server)]
        for server in ("node1", "node2"):
            found += [(server, row) for row in self.look(
                "SELECT state, query FROM pg_stat_activity WHERE application_name = 'shardext' AND state <> 'idle'", server)]
            found += [(server, row) for row in self.look(
                "SELECT mode, relation::regclass::text FROM pg_locks JOIN pg_class c ON c.oid = relation "
                "WHERE pid <> pg_backend_pid() AND relname LIKE 'walk%'", server)]
        found += [("coordinator", row) for row in self.look(
            "SELECT mode, relation::regclass::text FROM pg_locks JOIN pg_class c ON c.oid = relation "
            "WHERE pid <> pg_backend_pid() AND relname LIKE 'walk%'")]
        return found

    def check_settled(self):
        until = time.monotonic() + SETTLED_WITHIN
        while found := self.leftovers():
            check(time.monotonic() < until, f"after {SETTLED_WITHIN} s there is still {found}")
            time.sleep(0.02)

    def check_outcome(self, point, action, session, error):
        state = self.state()
        nothing = (BASE, [], *UNTOUCHED)
        wholes = [self.whole[point.scenario]] + self.scenarios.other_outcomes(point.scenario)
        told = f"told {'commit' if session.committed else repr(error)}"
        check(state == nothing or state in wholes, f"half of it is there: {state}; {told}")
        if session.committed:
            check(state in wholes, f"COMMIT was reported, nothing is there")
            return
        check(error is not None, "neither an error nor a commit")
        is_lost = lost(error) and error.pgcode in (None, "57P01", "57P02", "57P03")
        if not is_lost and error.pgcode == "08007":
            raise Failure(f"the outcome is not known: {error}")
            return  # either is right
        if wholes == [nothing]:
            return  # a read
        if not is_lost:
            check(state == nothing, f"there in spite of {error.pgcode} {error}")
            self.check_error(action, error)
        elif not one_node(point.scenario):
            # The client has not been told; the decision is one of the points.
            if point.number < point.decided and not wholes[1:]:
                check(state == nothing, "not decided, but there")
            elif point.number >= point.decided:
                check(state in wholes, "decided, but not there")

    @staticmethod
    def check_error(action, error):
        """The error says what has happened."""
        expected = {
            "error": ("XX000",),
            "cancel": ("57014",),
            "cut": ("08006", "08003", "08000"),
        }.get(action, ("08006", "08003", "08000", "57P01", "08001"))
        check(error.pgcode in expected, f"SQLSTATE {error.pgcode}: {error}")

    def try_visit(self, point, action):
        """Visits a point; returns what is wrong, or None."""
        try:
            self.visit(point, action)
            return None
        except (Failure, WrongRead, psycopg2.Error) as problem:
            self.repair()
            return f"{type(problem).__name__}: {problem}".strip()

    def repair(self):
        for connection in self.watchers.values():
            connection.close()
        self.cluster.clean_up()
        self.cluster.control("restart", "coordinator")
        self.cluster.wait_until_recovered()


def actions_at(point, action):
    """The actions of a point. Servers take long to start: at each point, one of the ways in which they fail."""
    if action is not None:
        return [action]
    return [*ACTIONS[:5], ACTIONS[5 + point.number % 4]]


def take_walk(cluster, chosen=((None, None, None),), seconds=None, seed=1, say=lambda line: None):
    """Walks over the chosen (scenario, number, action), or all; returns how many were visited, and the problems."""
    walk = Walk(cluster)
    visits = []
    for name in names():
        wanted = [which for which in chosen if which[0] in (None, name)]
        if wanted:
            found = walk.points(name)
            say(f"{name}: {len(found)} points")
            visits += [
                (p, a) for _, number, action in wanted for p in found if number in (None, p.number) for a in actions_at(p, action)
            ]
    check(visits, "there are no such points")
    if seconds is not None:
        visits = sample(visits, seed)
    until = time.monotonic() + (seconds if seconds is not None else 1e9)
    done, problems = 0, []
    for point, what in visits:
        if time.monotonic() > until:
            break
        problem = walk.try_visit(point, what)
        done += 1
        if problem is not None:
            problems.append(f"{point.scenario}:{point.number}:{what} ({point.name.replace(':', ' ')}): {problem}")
            say("WRONG   " + problems[-1])
    say(f"slowest scenario: {walk.slowest:.1f} s")
    walk.reset()
    for name in ("walk", "walk_here", "walk_source", "walk_everywhere"):
        run(walk.watcher("coordinator"), f"DROP TABLE {name}")
    return done, len(visits), problems


def sample(visits, seed):
    """Orders visits so that each beginning has something of every action and scenario, and few restarts of servers."""
    rng = random.Random(seed)
    by_action = {action: [v for v in visits if v[1] == action] for action in ACTIONS}
    for some in by_action.values():
        rng.shuffle(some)
    order = []
    while any(by_action.values()):
        for action in ACTIONS:
            # A dead server takes ten times as long as a lost connection.
            share = 8 if action in ("error", "cancel", "terminate", "cut") else 1
            order += [by_action[action].pop() for _ in range(min(share, len(by_action[action])))]
    return order


def steps_that_went_wrong(cluster):
    """The points of the scenarios and actions that have found something once, all of them where there is time."""
    chosen = (
        ("one_node_write", None, "cancel"),
        ("two_nodes_and_coordinator", None, "error"),
        ("scatter_read", None, "error"),
        ("lenient_function", None, "error"),
    )
    _, _, problems = take_walk(cluster, chosen, seconds=20)
    check(not problems, "\n".join(problems))


def walk_sample(cluster):
    """A sample of the walk."""
    done, _, problems = take_walk(cluster, seconds=15)
    check(not problems, "\n".join(problems))
    check(done >= 30, f"only {done} points were visited")


TESTS = {test.__name__: test for test in (steps_that_went_wrong, walk_sample)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True, help="test/tools/cluster")
    parser.add_argument("--cluster", required=True, help="the cluster's directory")
    parser.add_argument("--only", help="scenario[:number[:action]]")
    parser.add_argument("--seconds", type=float, help="a sample that takes so long")
    parser.add_argument("--seed", default=1)
    arguments = parser.parse_args()
    chosen = (arguments.only or "").split(":") + ["", ""]
    chosen = (chosen[0] or None, int(chosen[1]) if chosen[1] else None, chosen[2] or None)
    start = time.monotonic()
    cluster = Cluster(arguments.tool, arguments.cluster)
    done, all_visits, problems = take_walk(
        cluster, (chosen,), arguments.seconds, arguments.seed, lambda line: print(line, flush=True)
    )
    print(f"points x actions: {all_visits}, visited: {done}, right: {done - len(problems)} ({time.monotonic() - start:.0f} s)")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Random SERIALIZABLE transactions over few rows, on two nodes and the coordinator, in shards and in a local table. What each of
them has read and written is recorded; afterwards the graph of their dependencies must have no cycle, so that they could have run
one after the other. By hand, for as long as you like: histories.py --tool TOOL --cluster DIRECTORY [--seconds N] [--seed N]."""

import argparse
import collections
import itertools
import random
import sys
import threading
import time

import psycopg2

from cluster import Cluster, Failure, check, run

CLIENTS = 6
KEYS = 8  # of each table; half of the rows exist at the beginning
TABLES = ("item", "detail", "note")
SET_UP = """
    SET shardext.shard_count = 6;
    CREATE TABLE item (id int PRIMARY KEY, writer int, before int);
    CREATE TABLE detail (id int PRIMARY KEY, writer int, before int);
    CREATE TABLE note (id int PRIMARY KEY, writer int, before int);
    SELECT create_distributed_table('item', 'id'), create_distributed_table('detail', 'id');
    CREATE FUNCTION serial_same(i int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$ BEGIN RETURN i; END $$
"""
# One shard group of each node goes to the coordinator, which has none of its own when there are nodes.
SHARDS_HERE = """
DO $$
DECLARE place record;
BEGIN
    FOR place IN SELECT DISTINCT ON (node) node, shard_group FROM shardext_shards
                 WHERE table_name = 'item'::regclass ORDER BY node, shard_group LOOP
        EXECUTE format('CREATE SCHEMA shardext_%1$s', place.shard_group);
        EXECUTE format('CREATE TABLE shardext_%1$s.item (LIKE item INCLUDING ALL)', place.shard_group);
        EXECUTE format('CREATE TABLE shardext_%1$s.detail (LIKE detail INCLUDING ALL)', place.shard_group);
        UPDATE shardext.placements SET node_id = 0 WHERE shard_group_id = place.shard_group;
    END LOOP;
END $$"""


class Transaction:
    """What one transaction has seen and done. A row's version has the number of its writer; 0: it was there before."""

    def __init__(self, number):
        self.number = number
        self.reads = {}  # (table, id): the version that was seen, unless it was its own
        self.writes = {}  # (table, id): the version before

    def saw(self, table, key, writer):
        if writer != self.number:
            self.reads.setdefault((table, key), set()).add(writer)


def read_one(connection, rng, transaction):
    table, key = rng.choice(TABLES), rng.randrange(KEYS)
    rows = run(connection, f"SELECT writer FROM {table} WHERE id = {key}")
    transaction.saw(table, key, rows[0][0] if rows else 0)


def read_all(connection, rng, transaction):
    table = rng.choice(TABLES)
    found = dict(run(connection, f"SELECT id, writer FROM {table}"))
    for key in range(KEYS):
        transaction.saw(table, key, found.get(key, 0))


def read_two(connection, rng, transaction):
    keys = rng.sample(range(KEYS), 2)
    rows = run(
        connection,
        "SELECT n, i.writer, d.writer FROM unnest(%s) n LEFT JOIN item i ON i.id = n LEFT JOIN detail d ON d.id = n"
        % f"ARRAY[{keys[0]}, {keys[1]}]",
    )
    for key, item, detail in rows:
        transaction.saw("item", key, item or 0)
        transaction.saw("detail", key, detail or 0)


def write(connection, rng, transaction):
    table, key, me = rng.choice(TABLES), rng.randrange(KEYS), transaction.number
    value = rng.choice((str(me), f"serial_same({me})"))  # pushed down; row by row
    rows = run(
        connection,
        f"UPDATE {table} SET writer = {value}, before = CASE WHEN writer = {me} THEN before ELSE writer END "
        f"WHERE id = {key} RETURNING before",
    )
    if not rows:
        transaction.saw(table, key, 0)
        rows = run(connection, f"INSERT INTO {table} VALUES ({key}, {me}, 0) RETURNING before")
    transaction.writes[(table, key)] = rows[0][0]


class Client(threading.Thread):
    """Runs transactions, one after the other."""

    def __init__(self, history, number):
        super().__init__(daemon=True)
        self.history, self.rng, self.problem = history, random.Random(f"{history.seed} {number}"), None
        self.connection = history.cluster.connect()
        self.start()

    def one(self):
        transaction = Transaction(next(self.history.numbers))
        read_only = self.rng.random() < 0.2
        run(self.connection, f"BEGIN ISOLATION LEVEL {self.history.level}{' READ ONLY' if read_only else ''}")
        reads = (read_one, read_one, read_all, read_two)
        for _ in range(self.rng.randint(1, 4)):
            action = self.rng.choice(reads if read_only else reads + (write, write, write))
            action(self.connection, self.rng, transaction)
        run(self.connection, "COMMIT")
        return transaction

    def run(self):
        while not self.history.over.is_set():
            try:
                self.history.committed.append(self.one())
            except psycopg2.Error as error:
                self.history.failures[f"{error.pgcode} {str(error).splitlines()[0]}"] += 1
                if error.pgcode not in ("40001", "40P01", "23505"):
                    self.problem = error
                    return
                run(self.connection, "ROLLBACK")
            except Exception as error:  # a thread's own errors are not shown
                self.problem = error
                return


class History:
    """Clients that work on the same rows, and what they have done."""

    def __init__(self, cluster, level, seed):
        self.cluster, self.level, self.seed = cluster, level, seed
        self.numbers, self.over = itertools.count(1), threading.Event()
        self.committed, self.failures = [], collections.Counter()

    def work(self, seconds):
        clients = [Client(self, number) for number in range(CLIENTS)]
        time.sleep(seconds)
        self.over.set()
        for client in clients:
            client.join(20)
            check(not client.is_alive(), "a client hangs")
            check(client.problem is None, f"an error that should not be: {client.problem}")

    def dependencies(self):
        """Who must come before whom: {number: {number: why}}."""
        next_writer = {}  # (row, version): who wrote the next version
        for transaction in self.committed:
            for row, before in transaction.writes.items():
                check((row, before) not in next_writer, f"two transactions replaced version {before} of {row}")
                next_writer[(row, before)] = transaction.number
        known = {transaction.number for transaction in self.committed}
        edges = collections.defaultdict(dict)

        def follows(first, second, why):
            if first not in (0, second):
                edges[first][second] = why

        for transaction in self.committed:
            for row, before in transaction.writes.items():
                follows(before, transaction.number, f"wrote {row} after")
            for row, versions in transaction.reads.items():
                for version in versions:
                    check(version == 0 or version in known, f"{transaction.number} has read what {version} rolled back")
                    follows(version, transaction.number, f"read {row} of")
                    later = next_writer.get((row, version))
                    if later is not None and later != transaction.number:
                        follows(transaction.number, later, f"replaced {row} as read by")
        return edges

    def cycle(self):
        """A circle of dependencies, as text; None where there is none."""
        edges = self.dependencies()
        state, path = {}, []
        for start in list(edges):
            if start in state:
                continue
            stack = [(start, iter(edges[start]))]
            state[start] = "open"
            path = [start]
            while stack:
                at, rest = stack[-1]
                for following in rest:
                    if state.get(following) == "open":
                        circle = path[path.index(following) :] + [following]
                        return "; ".join(f"{b} {edges[a][b]} {a}" for a, b in itertools.pairwise(circle))
                    if following not in state:
                        state[following] = "open"
                        path.append(following)
                        stack.append((following, iter(edges.get(following, ()))))
                        break
                else:
                    state[at] = "done"
                    path.pop()
                    stack.pop()
        return None


def history(cluster, level, seconds, seed):
    """Makes the tables and runs clients; returns the history."""
    connection = cluster.connect()
    run(connection, SET_UP)
    run(connection, SHARDS_HERE)
    connection.close()
    connection = cluster.connect()
    for table in TABLES:
        run(connection, f"INSERT INTO {table} SELECT n, 0, 0 FROM generate_series(0, {KEYS - 1}, 2) n")
    work = History(cluster, level, seed)
    try:
        work.work(seconds)
    finally:
        run(connection, "DROP TABLE item, detail, note; DROP FUNCTION serial_same(int)")
        connection.close()
    return work


def serializable_histories(cluster):
    """Ten seconds in SERIALIZABLE. The same in REPEATABLE READ must have cycles: else the test would find nothing."""
    weak = history(cluster, "REPEATABLE READ", 3, seed=1)
    check(weak.cycle() is not None, "no cycle in REPEATABLE READ")
    strong = history(cluster, "SERIALIZABLE", 10, seed=1)
    check(len(strong.committed) > 100, f"hardly anything was done: {len(strong.committed)}, {strong.failures}")
    found = strong.cycle()
    check(found is None, f"a cycle: {found}")


TESTS = {test.__name__: test for test in (serializable_histories,)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True, help="test/tools/cluster")
    parser.add_argument("--cluster", required=True, help="the cluster's directory")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", default=time.time_ns())
    parser.add_argument("--level", default="SERIALIZABLE")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    try:
        work = history(Cluster(arguments.tool, arguments.cluster), arguments.level, arguments.seconds, arguments.seed)
        print(f"committed: {len(work.committed)}; failures: {dict(work.failures)}")
        found = work.cycle()
        print(f"FAILED: {found}" if found else "no cycle")
        return 1 if found else 0
    except Failure as found:
        print(f"FAILED: {found}")
        return 1


if __name__ == "__main__":
    sys.exit(main())

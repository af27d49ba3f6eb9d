#!/usr/bin/env python3
"""A bank under fire: clients move money row by row while servers are killed, connections cut and statements cancelled.

Whatever happens, no money and no account may be lost or made. As a test of the suite it takes 20 seconds; by hand, on a
cluster that test/tools/cluster has started, it takes as long as one likes:

    test/faults/bank.py --tool test/tools/cluster --cluster DIR [--seconds 300] [--seed 1] [--calm]
"""

import argparse
import collections
import itertools
import random
import sys
import threading
import time

import psycopg2

from cluster import Cluster, Failure, check, run

ACCOUNTS = 60
START = 1000  # on every account
CLIENTS = 8

_ids = itertools.count(1_000_000)  # new keys

SET_UP = (
    "DROP TABLE IF EXISTS bank, escrow",
    "SET shardext.shard_count = 6",
    # Rows keep their code; the distribution key changes.
    "CREATE TABLE bank (id int PRIMARY KEY, code int NOT NULL, amount int NOT NULL)",
    "SELECT create_distributed_table('bank', 'id')",
    "CREATE TABLE escrow (id int PRIMARY KEY, code int NOT NULL, amount int NOT NULL)",
    "SELECT create_distributed_table('escrow', 'id', 'none')",
    # Volatile, so that no statement that calls it runs on the shards as it is.
    "CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE plpgsql VOLATILE AS $$ BEGIN RETURN 1; END $$",
)

# One of the shards on each node goes to the coordinator, which has none of its own when there are nodes.
SHARDS_HERE = """
DO $$
DECLARE place record;
BEGIN
    FOR place IN SELECT DISTINCT ON (node) node, shard_group FROM shardext_shards
                 WHERE table_name = 'bank'::regclass ORDER BY node, shard_group LOOP
        EXECUTE format('CREATE SCHEMA shardext_%1$s', place.shard_group);
        EXECUTE format('CREATE TABLE shardext_%1$s.bank (LIKE bank INCLUDING ALL)', place.shard_group);
        UPDATE shardext.placements SET node_id = 0 WHERE shard_group_id = place.shard_group;
    END LOOP;
END $$"""


class Lost(Exception):
    """A statement has not found all of its rows: two nodes were read at different moments while a row moved."""


def change(connection, sql, rows):
    """Runs a statement that must change so many rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        if cursor.rowcount != rows:
            raise Lost(sql)


# --- what clients do: each a part of one transaction, which keeps the total ---


def two(rng):
    a, b = rng.sample(range(1, ACCOUNTS + 1), 2)
    return a, b, rng.randint(1, 50)


def transfer(connection, rng):
    a, b, n = two(rng)
    change(
        connection,
        f"UPDATE bank b SET amount = b.amount + v.plus * one() FROM (VALUES ({a}, {-n}), ({b}, {n})) v(code, plus) "
        "WHERE b.code = v.code",
        2,
    )


def merge(connection, rng):
    a, b, n = two(rng)
    change(
        connection,
        f"MERGE INTO bank b USING (VALUES ({a}, {-n}), ({b}, {n})) v(code, plus) ON b.code = v.code "
        "WHEN MATCHED THEN UPDATE SET amount = b.amount + v.plus * one()",
        2,
    )


def move(connection, rng):
    change(connection, f"UPDATE bank SET id = {next(_ids)} * one() WHERE code = {two(rng)[0]}", 1)


def move_and_pay(connection, rng):
    a, b, n = two(rng)
    change(
        connection,
        f"UPDATE bank b SET id = v.id, amount = b.amount + v.plus * one() "
        f"FROM (VALUES ({a}, {-n}, {next(_ids)}), ({b}, {n}, {next(_ids)})) v(code, plus, id) WHERE b.code = v.code",
        2,
    )


def replace(connection, rng):
    code = two(rng)[0]
    rows = run(connection, f"DELETE FROM bank WHERE code = {code} * one() RETURNING amount")
    if len(rows) != 1:
        raise Lost("DELETE")
    change(connection, f"INSERT INTO bank VALUES ({next(_ids)}, {code}, {rows[0][0]})", 1)


def put_aside(connection, rng):
    a, _, n = two(rng)
    change(
        connection,
        f"WITH u AS (UPDATE bank SET amount = amount - {n} * one() WHERE code = {a} RETURNING code) "
        f"INSERT INTO escrow SELECT {next(_ids)}, code, {n} FROM u",
        1,
    )


def pay_out(connection, rng):
    rows = run(connection, "SELECT id FROM escrow LIMIT 20")
    if rows:
        change(
            connection,
            f"WITH d AS (DELETE FROM escrow WHERE id = {rng.choice(rows)[0]} * one() RETURNING code, amount) "
            "UPDATE bank SET amount = bank.amount + d.amount FROM d WHERE bank.code = d.code",
            1,
        )


def pushed(connection, rng):
    a, b, n = two(rng)
    change(connection, f"UPDATE bank SET amount = amount - {n} WHERE code = {a}", 1)
    change(connection, f"UPDATE bank SET amount = amount + {n} WHERE code = {b}", 1)


def undone(connection, rng):
    run(connection, "SAVEPOINT s")
    try:
        a, b, n = two(rng)
        run(connection, f"UPDATE bank SET amount = amount + {n} * one() WHERE code IN ({a}, {b})")
        run(connection, f"UPDATE bank SET id = {next(_ids)} * one() WHERE code = {a}")
        run(connection, f"DELETE FROM bank WHERE code = {b} * one()")
    except psycopg2.Error as error:
        if connection.closed or error.pgcode in (None, "57P01"):
            raise
    run(connection, "ROLLBACK TO s")


ACTIONS = (transfer, transfer, merge, move, move_and_pay, replace, put_aside, pay_out, pushed, undone)


class Client(threading.Thread):
    """One who moves money until told to stop."""

    def __init__(self, bank, number):
        super().__init__(daemon=True)
        self.bank, self.rng = bank, random.Random(f"{bank.seed}/{number}")
        self.connection = None
        self.problem = None
        self.start()

    def connect(self):
        self.connection = psycopg2.connect(
            host="127.0.0.1", port=self.bank.cluster.ports["coordinator"], user="postgres", dbname="app"
        )
        self.connection.autocommit = True

    def transaction(self):
        level = self.rng.choice(("READ COMMITTED", "READ COMMITTED", "REPEATABLE READ"))
        run(self.connection, f"BEGIN ISOLATION LEVEL {level}")
        for _ in range(self.rng.randint(1, 3)):
            self.rng.choice(ACTIONS)(self.connection, self.rng)
        run(self.connection, self.rng.choice(("COMMIT", "COMMIT", "COMMIT", "ROLLBACK")))

    def run(self):
        while not self.bank.over.is_set():
            outcome = "done"
            start = time.monotonic()
            try:
                if self.connection is None or self.connection.closed:
                    self.connect()
                self.transaction()
            except Lost:
                outcome = "row not found"
            except psycopg2.Error as error:
                outcome = error.pgcode or "connection lost"
                if outcome in ("XX000", "23505", "42601", "0A000"):
                    self.problem = str(error)
            self.bank.count(outcome, time.monotonic() - start)
            self.roll_back()
        if self.connection is not None:
            self.connection.close()

    def roll_back(self):
        try:
            run(self.connection, "ROLLBACK")
        except psycopg2.Error:
            if self.connection is not None:
                self.connection.close()
            time.sleep(0.05)


class Bank:
    """The tables, the clients, and those who disturb them."""

    def __init__(self, cluster, seed):
        self.cluster, self.seed, self.rng = cluster, seed, random.Random(seed)
        self.mortals = ("node1", "node2", "coordinator")
        self.over = threading.Event()
        self.outcomes, self.longest, self.lock = collections.Counter(), 0.0, threading.Lock()

    def count(self, outcome, seconds):
        with self.lock:
            self.outcomes[outcome] += 1
            self.longest = max(self.longest, seconds)

    def set_up(self):
        connection = self.cluster.connect()
        for sql in SET_UP:
            run(connection, sql)
        run(connection, SHARDS_HERE)
        connection.close()
        connection = self.cluster.connect()  # that knows where the shards are now
        run(connection, f"INSERT INTO bank SELECT n, n, {START} FROM generate_series(1, {ACCOUNTS}) n")
        nodes = run(connection, "SELECT count(DISTINCT node) FROM shardext_shards WHERE table_name = 'bank'::regclass")
        check(nodes == [(3,)], f"nodes with shards: {nodes}")
        connection.close()

    # --- disturbances ---

    def kill_server(self):
        node = self.rng.choice(self.mortals)
        self.cluster.kill(node)
        time.sleep(self.rng.uniform(0, 0.5))
        self.cluster.up(node)

    def cut_connections(self):
        self.cluster.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'shardext' "
            "AND random() < 0.4",
            self.rng.choice(("node1", "node2")),
        )

    def cancel(self):
        self.cluster.ask(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' "
            "AND pid <> pg_backend_pid() AND random() < 0.4"
        )

    def disturb(self):
        self.rng.choice((self.kill_server, self.cut_connections, self.cut_connections, self.cancel, self.cancel))()

    # --- the whole ---

    def work(self, seconds, calm):
        """Lets clients work for a while; returns them."""
        until = time.monotonic() + seconds
        clients = [Client(self, number) for number in range(CLIENTS)]
        while time.monotonic() < until:
            time.sleep(self.rng.uniform(0.1, 1.5))
            if not calm:
                self.disturb()
        self.over.set()
        for client in clients:
            client.join(20)
            check(not client.is_alive(), "a client hangs")
        return clients

    def check_books(self):
        """Checks that everything is there, once, in its place, and open to be changed."""
        self.cluster.wait_until_recovered()
        connection = self.cluster.connect()
        (total,) = run(
            connection, "SELECT (SELECT sum(amount) FROM bank) + (SELECT coalesce(sum(amount), 0) FROM escrow)"
        )[0]
        codes = run(connection, "SELECT id, code FROM bank ORDER BY code")
        check([code for _, code in codes] == list(range(1, ACCOUNTS + 1)), f"the accounts: {codes}")
        check(total == ACCOUNTS * START, f"the total is {total}, not {ACCOUNTS * START}")
        for number, code in codes:
            check(run(connection, f"SELECT code FROM bank WHERE id = {number}") == [(code,)], f"account {code} is misplaced")
        run(connection, "SET lock_timeout = '5s'")
        change(connection, "UPDATE bank SET amount = amount * one()", ACCOUNTS)
        connection.close()

    def run(self, seconds, calm=False):
        self.set_up()
        clients = self.work(seconds, calm)
        self.check_books()
        for client in clients:
            check(client.problem is None, f"an error that should not be: {client.problem}")
        check(self.outcomes["done"] > seconds, f"hardly anything was done: {self.outcomes}")


def bank(cluster):
    """Twenty seconds of it."""
    Bank(cluster, seed=1).run(20)
    run(cluster.connect(), "DROP TABLE bank, escrow")


def bank_in_peace(cluster):
    """Without disturbances: nothing fails but for what concurrency explains."""
    peace = Bank(cluster, seed=2)
    peace.run(5, calm=True)
    explained = {"done", "row not found", "40001", "40P01"}
    check(set(peace.outcomes) <= explained, f"outcomes: {peace.outcomes}")
    run(cluster.connect(), "DROP TABLE bank, escrow")


TESTS = {test.__name__: test for test in (bank_in_peace, bank)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True, help="test/tools/cluster")
    parser.add_argument("--cluster", required=True, help="the cluster's directory")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", default=time.time_ns())
    parser.add_argument("--calm", action="store_true", help="without disturbances")
    arguments = parser.parse_args()
    work = Bank(Cluster(arguments.tool, arguments.cluster), arguments.seed)
    print(f"seed {arguments.seed}", flush=True)
    try:
        work.run(arguments.seconds, arguments.calm)
        return 0
    except Failure as found:
        print(f"FAILED: {found}")
        return 1
    finally:
        print(f"longest transaction: {work.longest:.1f} s; outcomes: {dict(work.outcomes)}")


if __name__ == "__main__":
    sys.exit(main())

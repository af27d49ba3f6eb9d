#!/usr/bin/env python3
"""A bank under fire: clients move money while servers and sessions are killed and statements cancelled; others read.

Whatever happens, no money and no account is lost or made, and no reader sees a part of a transfer. As a test of the
suite it takes 20 seconds; by hand (make soak), on a cluster that test/tools/cluster has started, as long as one likes:

    test/faults/bank.py --tool test/tools/cluster --cluster DIR [--seconds 1800] [--seed 1] [--calm]
                        [--consistent-reads off]

With consistent reads off, readers must see what is wrong, or the check cannot find anything.
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

from bank_actions import ACCOUNTS, ACTIONS, SET_UP, SHARDS_HERE, START, TOTAL, Lost, change
from bank_readers import ALL, READS, Wrong
from cluster import Cluster, Failure, check, run

WRITERS = 8
HANGS = 25.0  # seconds: longer than servers take to come back
RETRIES = ("40001", "40P01")
NEVER = ("XX000", "XX001", "23505", "42601", "0A000", "25P02", "25001")  # what concurrency and crashes do not explain


class Client(threading.Thread):
    """A session that does its work again and again until told to stop."""

    def __init__(self, bank, name):
        super().__init__(daemon=True, name=name)
        self.bank, self.rng = bank, random.Random(f"{bank.seed}/{name}")
        self.connection = None
        self.pid = None
        self.busy_since = None
        self.problem = None
        self.start()

    def connect(self):
        self.connection = psycopg2.connect(
            host="127.0.0.1", port=self.bank.cluster.ports["coordinator"], user="postgres", dbname="app", connect_timeout=10
        )
        self.connection.autocommit = True
        self.pid = self.connection.info.backend_pid
        run(self.connection, f"SET shardext.consistent_reads = {self.bank.consistent_reads}")

    def work(self):
        raise NotImplementedError

    def run(self):
        while not self.bank.over.is_set():
            start = self.busy_since = time.monotonic()
            try:
                if self.connection is None or self.connection.closed:
                    self.connect()
                outcome = self.work()
            except Lost:
                outcome = "row not found"
            except Wrong as wrong:
                outcome = "wrong"
                self.bank.note_wrong(str(wrong))
            except psycopg2.Error as error:
                outcome = error.pgcode or "connection lost"
                if outcome in NEVER:
                    self.problem = f"{self.name}: {outcome} {error}"
            self.bank.count(self, outcome, time.monotonic() - start)
            self.roll_back()
        if self.connection is not None:
            self.connection.close()

    def roll_back(self):
        try:
            run(self.connection, "ROLLBACK")
        except (psycopg2.Error, AttributeError):
            if self.connection is not None:
                self.connection.close()
            time.sleep(0.05)
        self.busy_since = None


class Writer(Client):
    def work(self):
        level = self.rng.choice(("READ COMMITTED", "READ COMMITTED", "REPEATABLE READ"))
        run(self.connection, f"BEGIN ISOLATION LEVEL {level}")
        for _ in range(self.rng.randint(1, 3)):
            self.rng.choice(ACTIONS)(self.connection, self.rng)
        end = self.rng.choice(("COMMIT", "COMMIT", "COMMIT", "ROLLBACK"))
        run(self.connection, end)
        return "committed" if end == "COMMIT" else "rolled back"


class Reader(Client):
    """Each one reads in its own way."""

    def work(self):
        self.bank.reads[self.name](self.connection, self.rng)
        return "read"


class Bank:
    """The tables, the clients, and those who disturb them."""

    def __init__(self, cluster, seed, consistent_reads="on"):
        self.cluster, self.seed, self.rng = cluster, seed, random.Random(seed)
        self.consistent_reads = consistent_reads
        self.reads = {read.__name__: read for read in READS}
        self.over = threading.Event()
        self.outcomes, self.longest, self.lock = collections.Counter(), 0.0, threading.Lock()
        self.disturbances = collections.Counter()
        self.wrong, self.hung = [], []

    def count(self, client, outcome, seconds):
        with self.lock:
            self.outcomes[outcome] += 1
            if outcome in RETRIES and isinstance(client, Reader):
                self.outcomes["retries of readers"] += 1
            self.longest = max(self.longest, seconds)

    def note_wrong(self, what):
        with self.lock:
            self.wrong.append(what)

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
        server = self.rng.choice(("node1", "node2", "coordinator"))
        self.cluster.kill(server)
        time.sleep(self.rng.uniform(0, 0.5))
        self.cluster.up(server)

    def kill_backend(self):
        """One process dies; the server ends all its sessions and recovers."""
        server = self.rng.choice(tuple(self.cluster.ports))
        rows = self.cluster.ask(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() "
            "ORDER BY random() LIMIT 1",
            server,
        )
        for (pid,) in rows:
            os.kill(pid, signal.SIGKILL)

    def cut_connections(self):
        self.cluster.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'shardext' "
            "AND random() < 0.4",
            self.rng.choice(("node1", "node2")),
        )

    def terminate(self):
        self.cluster.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' "
            "AND pid <> pg_backend_pid() AND random() < 0.2"
        )

    def cancel(self):
        self.cluster.ask(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' "
            "AND pid <> pg_backend_pid() AND random() < 0.4"
        )

    def disturb(self):
        what = self.rng.choice(
            (self.kill_server, self.kill_backend, self.cut_connections, self.cut_connections, self.terminate)
            + (self.cancel, self.cancel)
        )
        what()
        self.disturbances[what.__name__] += 1

    # --- the whole ---

    def look_for_hangs(self, clients):
        """Notes who has been at a transaction for too long, and what for; then cancels it."""
        for client in clients:
            since = client.busy_since
            if since is None or time.monotonic() - since < HANGS:
                continue
            rows = self.cluster.ask(
                f"SELECT state, wait_event_type, wait_event, left(query, 200) FROM pg_stat_activity WHERE pid = {client.pid}"
            )
            with self.lock:
                self.hung.append(f"{client.name}: {rows}")
            self.cluster.ask(f"SELECT pg_terminate_backend({client.pid})")
            client.busy_since = None

    def work(self, seconds, calm):
        """Lets clients work for a while; returns them."""
        until = time.monotonic() + seconds
        clients = [Writer(self, f"writer {number}") for number in range(WRITERS)]
        clients += [Reader(self, name) for name in self.reads]
        while time.monotonic() < until:
            time.sleep(self.rng.uniform(0.1, 1.5))
            if not calm:
                self.disturb()
            self.look_for_hangs(clients)
        self.over.set()
        for client in clients:
            client.join(HANGS)
            check(not client.is_alive(), f"{client.name} hangs")
        return clients

    def check_books(self):
        """Checks that everything is there, once, in its place, and open to be changed."""
        self.cluster.wait_until_recovered()
        connection = self.cluster.connect()
        (total,) = run(connection, ALL)[0]
        codes = run(connection, "SELECT id, code FROM bank ORDER BY code")
        check([code for _, code in codes] == list(range(1, ACCOUNTS + 1)), f"the accounts: {codes}")
        check(total == TOTAL, f"the total is {total}, not {TOTAL}")
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
        check(not self.hung, f"too long: {self.hung}")
        if self.consistent_reads == "on":
            check(not self.wrong, f"{len(self.wrong)} wrong reads: {self.wrong[:5]}")
        else:
            check(self.wrong, "no wrong reads, although nothing prevents them")
        check(self.outcomes["committed"] > seconds, f"hardly anything was done: {self.outcomes}")
        check(self.outcomes["read"] > seconds, f"hardly anything was read: {self.outcomes}")

    def drop(self):
        run(self.cluster.connect(), "DROP TABLE bank, escrow, pot")

    def report(self):
        counts = self.outcomes
        retries = sum(counts[state] for state in RETRIES)
        print(f"transactions: {counts['committed']} committed, {counts['rolled back']} rolled back")
        print(f"reads: {counts['read'] + counts['wrong']} checked, {len(self.wrong)} wrong")
        for wrong in self.wrong[:10]:
            print(f"    {wrong}")
        print(f"retries (40001, 40P01): {retries}, {counts['retries of readers']} of them by readers")
        print(f"survived: {dict(self.disturbances)}")
        print(f"hung: {len(self.hung)} {self.hung[:3]}; longest transaction: {self.longest:.1f} s")
        print(f"all outcomes: {dict(counts)}")


def bank(cluster):
    """Twenty seconds of it."""
    fire = Bank(cluster, seed=1)
    fire.run(20)
    fire.drop()


def bank_in_peace(cluster):
    """Without disturbances: nothing fails but for what concurrency explains."""
    peace = Bank(cluster, seed=2)
    peace.run(5, calm=True)
    explained = {"committed", "rolled back", "read", "row not found", "retries of readers", *RETRIES}
    check(set(peace.outcomes) <= explained, f"outcomes: {peace.outcomes}")
    peace.drop()


def bank_finds_wrong_reads(cluster):
    """Without consistent reads, readers see halves of transfers: so the tests above can fail."""
    for attempt in range(3):
        loose = Bank(cluster, seed=3 + attempt, consistent_reads="off")
        loose.set_up()
        loose.work(4, calm=True)
        loose.check_books()
        loose.drop()
        if loose.wrong:
            return
    raise Failure("no wrong reads, although nothing prevents them")


TESTS = {test.__name__: test for test in (bank_in_peace, bank_finds_wrong_reads, bank)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True, help="test/tools/cluster")
    parser.add_argument("--cluster", required=True, help="the cluster's directory")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", default=time.time_ns())
    parser.add_argument("--calm", action="store_true", help="without disturbances")
    parser.add_argument("--consistent-reads", choices=("on", "off"), default="on")
    arguments = parser.parse_args()
    work = Bank(Cluster(arguments.tool, arguments.cluster), arguments.seed, arguments.consistent_reads)
    print(f"seed {arguments.seed}", flush=True)
    failed = 0
    try:
        work.run(arguments.seconds, arguments.calm)
    except Failure as found:
        print(f"FAILED: {found}")
        failed = 1
    work.report()
    print(f"suite soak: {1 - failed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    sys.exit(main())

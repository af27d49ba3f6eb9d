#!/usr/bin/python3
"""Random SELECTs on a plain database and on distributed ones; both must give the same answers.

    fuzz.py --plain DSN --coordinator DSN --node DSN --node DSN [--seconds 60] [--seed X] [--layout L ...]
    fuzz.py ... --seed X --layout L --only N         one query again, as a failure names it
    fuzz.py --plain DSN --self-test                  plain against plain: finds queries that are not determined

Rounds of queries share tables, which are random as well.  README.md tells how queries are made.
"""

import argparse
import random
import re
import sys
import time
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "differential"))

import layouts
from cases import Step, make_case
from client import Client
from compare import differences
from layouts import Place, PlaceError
from psycopg2.extensions import make_dsn
from report import normalise
from schema import BECOME_ROLE, ROLE, Schema
from shrink import shrink, signature

ROUND = 150  # queries on the same tables
PLAIN_SECONDS = 1.5  # what takes PostgreSQL longer is left out
SHRINKS = 3  # so many failures of one cause are made smaller


class Side:
    """One of the two databases that are compared."""

    def __init__(self, place, limit, options=""):
        self.place, self.limit, self.options = place, limit, options
        self.client, self.secured = None, False

    def open(self):
        """Makes the database if need be, and connects."""
        self.place.client(self.limit).close()
        self.client = Client(make_dsn(self.place.dsn, options=self.options), self.limit)

    def run(self, statements):
        """Runs statements that must not fail; returns the text of the first failure."""
        for sql in statements:
            got = self.client.execute(Step(sql))
            if got.sqlstate or got.lost:
                return f"{got.describe()}\n     {sql[:600]}"
        return None

    def execute(self, steps):
        """Runs the steps of a case; returns their outcomes."""
        outcomes = []
        for step in steps:
            outcomes.append(self.client.execute(step))
            if outcomes[-1].lost:
                self.reopen()
                break
        self.tidy(outcomes)
        return outcomes

    def reopen(self):
        """Connects again after a crash, when the server has really come back: it cuts all connections first."""
        for _ in range(20):
            time.sleep(0.3)
            self.client.close()
            self.client.open()
            time.sleep(0.2)
            if not self.client.execute(Step(f"SET ROLE {ROLE}" if self.secured else "SELECT 1")).lost:
                return

    def tidy(self, outcomes):
        """Leaves a failed transaction, prepared statements and settings behind."""
        if any(o.sqlstate for o in outcomes) and not outcomes[-1].lost:
            for sql in ("ROLLBACK", "DEALLOCATE ALL", "CLOSE ALL", "DROP VIEW IF EXISTS made", "DROP FUNCTION IF EXISTS pg_temp.called", "RESET ALL"):
                self.client.execute(Step(sql))

    def close(self, tables):
        """Disconnects and drops the tables; returns an error text."""
        lost = self.client.lost or self.run(["RESET ROLE"]) or self.run([f"DROP TABLE IF EXISTS {table.name} CASCADE" for table in tables])
        self.client.close()
        self.place.ready = self.place.ready and not lost
        return self.place.clean() if self.place.ready else None


class Fuzzer:
    """Goes over rounds and queries."""

    def __init__(self, options):
        self.options = options
        self.passed = self.failed = self.errors = self.slow = self.empty = 0
        self.causes = {}
        self.until = time.monotonic() + options.seconds
        self.plain = Side(Place(f"{options.prefix}_plain", options.plain), 30, f"-c statement_timeout={int(PLAIN_SECONDS * 1000)}")
        self.places = {}

    # --- rounds ---------------------------------------------------------------------------------------

    def run(self):
        """Runs until the time is over, or the one query that was asked for."""
        if self.options.only is not None:
            self.round(self.options.only // ROUND, [self.options.only])
            return
        number = self.options.first // ROUND
        while time.monotonic() < self.until:
            self.round(number, range(number * ROUND, (number + 1) * ROUND))
            number += 1

    def rng(self, *what):
        """Returns a random generator of its own for everything that is to be repeatable."""
        return random.Random("/".join(str(w) for w in (self.options.seed, *what)))

    def round(self, number, queries):
        """Makes the tables of a round and runs its queries."""
        schema = Schema(self.rng("schema", number))
        self.variant, self.commands = schema.distribution(self.rng("variant", number))
        layout = self.options.layout[(number + self.rng("layout").randrange(100)) % len(self.options.layout)]
        self.where = f"{layout}"
        other = self.side(layout)
        other.options = " ".join(f"-c {setting}" for setting in self.planning(number)) if layout != "self" else ""
        try:
            self.plain.open()
            other.open()
        except PlaceError as error:
            self.fail("no database", str(error))
            self.until = 0
            return
        self.schema = schema
        self.plain.secured = other.secured = False
        if self.prepare(number, schema, layout, other):
            for query in queries:
                if time.monotonic() > self.until and self.options.only is None:
                    break
                self.query(query, schema, other)
        for side in (self.plain, other):
            error = side.close(schema.tables)
            if error:
                self.fail("clean-up", f"{self.where}: {error}")

    def planning(self, number):
        """Returns settings that make the planner of the distributed side do what small tables are not worth."""
        rng = self.rng("planning", number)
        always, rows = rng.choice(("on", "on", "off")), rng.choice((10_000, 10_000, 10_000, 20))
        return [f"shardext.always_ship={always}", f"shardext.max_shipped_rows={rows}"]

    def side(self, layout):
        """Returns the side to compare with, for a layout."""
        if layout not in self.places:
            if layout == "self":
                place = Place(f"{self.options.prefix}_self", self.options.plain)
            else:
                nodes = self.options.node if layouts.LAYOUTS[layout][0] == "nodes" else ()
                place = Place(f"{self.options.prefix}_{layouts.LAYOUTS[layout][0]}", self.options.coordinator, nodes, True)
                shared = next((s for s in self.places.values() if s.place.prefix == place.prefix), None)
                place = shared.place if shared else place
            self.places[layout] = Side(place, self.options.timeout)
        return self.places[layout]

    def prepare(self, number, schema, layout, other):
        """Creates, fills and distributes the tables; returns whether queries can follow."""
        error = self.plain.run(schema.setup())
        if error:
            self.fail("setup", f"plain side, round {number}: {error}")
            return False
        error = other.run(schema.setup(self.rng("order", number)))
        if error:
            self.fail("setup", f"{layout}, round {number}: {error}")
            return False
        for view in schema.views:  # now and then one is not valid SQL; then it is missing on both sides
            expected, got = (side.client.execute(Step(view)) for side in (self.plain, other))
            if differences(expected, got, {"nomessage"}):
                self.fail("setup", f"{layout}, round {number}: {got.describe()} instead of {expected.describe()}\n     {view}")
        if layout == "self":
            layouts.shuffle(other.client)
            names = list(layouts.SELF_LAYOUTS)
            self.commands, self.where = layouts.SELF_LAYOUTS[names[number % len(names)]], names[number % len(names)]
        else:
            self.where = f"{layout}, {self.variant}"
            self.commands = [layouts.shard_count(layouts.LAYOUTS[layout][1]).sql] + self.commands
            if self.rng("analyze", number).random() < 0.5:
                self.commands.append("ANALYZE")
                # Statistics decide what PostgreSQL compares while it plans, which may fail for want of a collation.
                self.plain.run(["ANALYZE"])
        for sql in self.commands:
            error = other.run([sql])
            if error:
                self.fail("distribute", f"{self.where}, round {number}: {error}\n     {self.tables(sql)}")
        if schema.policies:
            self.where += ", row security"
            self.plain.secured = other.secured = True
            error = self.plain.run(BECOME_ROLE) or other.run(BECOME_ROLE)
            if error:
                self.fail("setup", f"{self.where}, round {number}: {error}")
        return True

    # --- queries --------------------------------------------------------------------------------------

    def query(self, number, schema, other):
        """Makes and runs one query, and reports what differs."""
        case = make_case(self.rng("query", number), schema)
        if self.options.verbose:
            print(f"{number}: " + ";\n   ".join(step.sql for step in case.steps()))
        found, expected, got = self.compare(case, other)
        if found is None:
            self.slow += 1
        elif not found:
            self.count(case, expected)
            if got is not None and number % 20 == 0 and self.where[:4] != "self" and not expected.sqlstate:
                self.explain(number, case, other)
        else:
            self.report(number, case, other, found)

    def count(self, case, expected):
        """Counts a query that passed."""
        self.passed += 1
        self.errors += expected.sqlstate is not None
        self.empty += expected.rows is not None and not expected.rows
        if expected.sqlstate and self.options.list_errors:
            print(f"{expected.describe()}    {case.query()[:2000]}")

    def compare(self, case, other):
        """Runs a case on both sides; returns differences (None: too slow to tell) and the outcomes they are about."""
        steps = case.steps()
        wanted = self.plain.execute(steps)
        if any(o.sqlstate == "57014" for o in wanted):
            return None, None, None
        # Which parts of a query PostgreSQL plans without reading them depends on how it is written; those that it could
        # not plan tell nothing.
        if any(o.sqlstate == "0A000" and "could not implement" in (o.message or "") for o in wanted):
            return None, None, None
        given = other.execute(steps)
        last = max(i for i, step in enumerate(steps) if step.marks or i == 0)
        for step, expected, got in zip(steps, wanted, given):
            found = differences(expected, got, step.marks | {"nomessage", "anylength"})
            if found:
                return found, expected, got
            if expected.sqlstate:
                return [], expected, got
        for step, expected, got in list(zip(steps, wanted, given))[: last + 1][::-1]:
            if expected.rows is not None:
                return [], expected, got
        return [], wanted[0], given[0]

    def explain(self, number, case, other):
        """EXPLAIN must not fail where the query does not."""
        how, case.how = case.how, "select"
        verbose = "VERBOSE, " if number % 40 == 0 else ""
        got = other.execute([Step(f"EXPLAIN ({verbose}COSTS OFF) {case.query()}")])[0]
        case.how = how
        if got.sqlstate or got.lost:
            self.report(number, case, other, [("explain", f"EXPLAIN ({verbose}COSTS OFF): {got.describe()}")], False)

    # --- failures --------------------------------------------------------------------------------------

    def fail(self, kind, text):
        """Counts and prints a failure that is not a query's."""
        self.failed += 1
        self.causes[kind] = self.causes.get(kind, 0) + 1
        print(f"FAIL {kind}: {text}")

    def report(self, number, case, other, found, can_shrink=True):
        """Prints a query that differs, how to repeat it, and a smaller one."""
        self.failed += 1
        kind, text = found[0]
        if kind == "columns":
            cause = "columns: other names or types"
        elif kind == "sqlstate" and text.startswith(("SELECT", "FETCH", "EXECUTE")):
            cause = f"rows instead of {normalise(text[text.rfind('ERROR') :])}"
        else:
            cause = f"{kind}: {normalise(text)}"
        self.causes[cause] = self.causes.get(cause, 0) + 1
        layout = self.where.split(",")[0] if self.where[:4] != "self" else "self"
        print(f"FAIL {cause}\n     repeat with --seed {self.options.seed} --layout {layout} --only {number}   ({self.where})")
        for _, line in found:
            print(f"     {line[:600]}")
        many = self.causes[cause] > (SHRINKS * 5 if kind in ("rows", "order", "connection lost") else SHRINKS)
        if can_shrink and not many and self.options.shrink > 0:
            again = self.compare(case, other)[0]
            if again and signature(again) == signature(found):
                shrink(case, lambda c: self.compare(c, other)[0], signature(found), self.options.shrink)
                found = self.compare(case, other)[0] or [("unstable", "not every run of the smaller query differs")]
                print("     made smaller: " + "; ".join(line[:400] for _, line in found))
            else:
                print(f"     a second run {'passes' if not again else 'differs in another way: ' + again[0][1][:300]}")
        elif many and self.options.only is None:
            return
        statements = [step.sql for step in case.steps()]
        for sql in statements:
            print(f"     {sql};")
        print(self.tables(" ".join(statements)))

    def tables(self, text):
        """Returns the definitions of the tables and views that a text names, and how they are distributed."""
        wanted, views, found = text, [], []
        for view in reversed(self.schema.views):
            if re.search(rf"\b{view.split()[2]}\b", wanted):
                wanted += view
                views.insert(0, view)
        for spec in self.schema.tables:
            if spec.name in wanted if spec.name[0] == '"' else re.search(rf"\b{spec.name}\b", wanted):
                found += spec.create
                found += [c for c in self.commands if f"'{spec.name}'" in c]
                found += [c for c in self.schema.policies if f" {spec.name} " in c]
        return "\n".join("       " + " ".join(sql.split()) + ";" for sql in found + views)

    def summary(self):
        """Prints the causes, some numbers, and the line of a suite."""
        for side in {id(s.place): s for s in [self.plain, *self.places.values()]}.values():
            try:
                side.place.drop()
            except PlaceError as error:
                self.fail("clean-up", str(error))
        if self.causes:
            print("\nfailures by cause:")
            for cause, count in sorted(self.causes.items(), key=lambda c: -c[1]):
                print(f"{count:6}  {cause[:200]}")
        print(f"\nseed {self.options.seed}: of those passed, {self.errors} fail on both sides and {self.empty} have no rows; "
              f"{self.slow} were too slow for PostgreSQL")
        print(f"suite {self.options.suite}: {self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0


def parse_options():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plain", required=True, help="connection string of the server for the plain database")
    parser.add_argument("--coordinator", help="connection string of the server that has the extension")
    parser.add_argument("--node", action="append", default=[], help="connection string of a node; give it once a node")
    parser.add_argument("--seconds", type=float, default=60, help="how long to run")
    parser.add_argument("--seed", type=int, help="the seed; a random one when not given")
    parser.add_argument("--first", type=int, default=0, help="number of the query to begin with (its round is run from the start)")
    parser.add_argument("--only", type=int, help="run only the query of this number")
    parser.add_argument("--layout", "--layouts", nargs="+", help=" ".join(layouts.LAYOUTS) + "; default all, round by round")
    parser.add_argument("--self-test", action="store_true", help="compare plain with plain")
    parser.add_argument("--shrink", type=float, default=30, help="seconds to make a failing query smaller; 0: never")
    parser.add_argument("--timeout", type=float, default=15, help="seconds a statement may take")
    parser.add_argument("--prefix", default="fuzz", help="first part of the names of the databases")
    parser.add_argument("--suite", default="fuzz", help="name in the last line")
    parser.add_argument("--list-errors", action="store_true", help="print the errors that both sides agree on")
    parser.add_argument("--verbose", action="store_true", help="print every query")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1_000_000)
    if options.self_test:
        options.layout = ["self"]
    elif not options.coordinator:
        parser.error("--coordinator is missing")
    options.layout = options.layout or [l for l in layouts.LAYOUTS if options.node or layouts.LAYOUTS[l][0] == "local"]
    for layout in options.layout:
        if layout != "self" and layout not in layouts.LAYOUTS:
            parser.error(f"unknown layout {layout}; there are {' '.join(layouts.LAYOUTS)}")
    return options


def main():
    """Runs everything; returns the exit status."""
    options = parse_options()
    print(f"seed {options.seed}, layouts {' '.join(options.layout)}, {options.seconds:.0f} s")
    fuzzer = Fuzzer(options)
    fuzzer.run()
    return fuzzer.summary()


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main())

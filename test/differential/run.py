#!/usr/bin/python3
"""Runs the same statements on a plain and on a distributed database and compares what a client sees.

    run.py --plain DSN --coordinator DSN [--node DSN ...] [--layout L ...] [--only WORD ...]
           [--later] [--keep-going]
    run.py --plain DSN --self-test

Compared are rows, column names and types, command tags, SQLSTATEs, error messages and, at the end
of a case, the contents of every table.  README.md describes the files in cases/.  The plain side
runs once a case, the distributed one once for each layout.
"""

import argparse
import sys
import time
from pathlib import Path

import layouts
from case_file import Statement, read_cases
from compare import differences
from layouts import Place, PlaceError
from report import Report, one_line

HERE = Path(__file__).resolve().parent
EXTRA_VARIANT_LAYOUTS = ("local-4", "nodes-4")  # where variants of a case besides the default one run


class PlainRun:
    """What the plain database answers to a case: outcomes by statement, then the tables."""

    def __init__(self, place, case, limit):
        client = place.client(limit)
        self.setup = [client.execute(s) for s in case.setup]
        self.run = [client.execute(s) for s in case.run]
        self.tables = final_tables(client)
        client.close()
        place.clean()


def final_tables(client):
    """Leaves any transaction and role and reads every table; returns the outcomes by name."""
    for sql in ("ROLLBACK", "RESET ALL", "RESET SESSION AUTHORIZATION"):
        client.execute(Statement(sql, 0))
    return {name: client.execute(Statement(f"SELECT * FROM {name}", 0)) for name in layouts.tables_of(client)}


class Runner:
    """Goes over cases and layouts."""

    def __init__(self, options, report):
        self.options = options
        self.report = report

    def layout(self, case, plain, place, name, variant, prepare):
        """Runs a case in one layout; `prepare` does what comes between setup and statements."""
        where = f"{case.name} @ {name}" + ("" if variant == "default" else f" ({variant})")
        try:
            client = place.client(self.options.timeout)
        except PlaceError as error:
            return self.give_up(where, case, "no database", str(error))
        while place.complaints:
            self.report.fail(where, None, [("left behind", place.complaints.pop())])
        try:
            if self.setup(where, client, case, plain) and prepare(where, client):
                if self.statements(where, client, case, plain):
                    self.tables(where, client, plain)
        finally:
            place.ready = not client.lost
            client.close()
        if place.ready and (error := place.clean()) is not None:
            self.report.fail(where, None, [("clean-up", error)])

    def give_up(self, where, case, kind, text):
        """Counts one failure for a case that cannot run."""
        self.report.fail(where, None, [(kind, text)])
        self.report.not_run += len(case.run)

    def setup(self, where, client, case, plain):
        """Creates the tables of a case; any difference ends it."""
        for statement, expected in zip(case.setup, plain.setup):
            got = client.execute(statement)
            found = differences(expected, got, statement.marks)
            if expected.sqlstate:
                found = [("setup", f"fails on the plain side: {expected.describe()}")]
            if found:
                self.report.fail(f"{where}, setup line {statement.line}", statement, found)
                self.report.not_run += len(case.run)
                return False
        return True

    def distribute(self, case, variant, count):
        """Returns the step that turns the tables into distributed ones."""

        def step(where, client):
            for statement in [layouts.shard_count(count)] + case.distribute[variant]:
                got = client.execute(statement)
                if got.sqlstate or got.lost:
                    self.report.fail(f"{where}, distribute", statement, [("distribute", got.describe())])
                    self.report.not_run += len(case.run)
                    return False
            return True

        return step

    def statements(self, where, client, case, plain):
        """Runs the statements of a case; returns whether its tables are worth comparing."""
        diverged = False
        for nr, (statement, expected) in enumerate(zip(case.run, plain.run)):
            got = client.execute(statement)
            found = differences(expected, got, statement.marks)
            if not found:
                self.report.ok(statement)
            else:
                self.report.fail(f"{where}, line {statement.line}", statement, found, expected, got,
                                 follows=diverged or (client.lost and got.sqlstate in ("26000", "34000")))
            if got.hung or (found and not self.options.keep_going):
                self.report.not_run += len(case.run) - nr - 1
                return False
            if got.lost:
                client.open()
            diverged = expected.status != got.status
        return True

    def tables(self, where, client, plain):
        """Compares the contents of all tables after the last statement."""
        got = final_tables(client)
        for name in sorted(set(plain.tables) | set(got)):
            if name not in got or name not in plain.tables:
                self.report.fail(where, None, [("tables", f"table {name} is only on one side")])
                continue
            found = differences(plain.tables[name], got[name])
            if found:
                self.report.fail(where, None, [("contents", f"table {name}: {text}") for _, text in found])
            else:
                self.report.ok()


def wanted_layouts(options, case):
    """Yields (layout, variant) pairs for a case."""
    for name in options.layout or layouts.LAYOUTS:
        if name not in layouts.LAYOUTS:
            sys.exit(f"unknown layout {name}; there are {' '.join(layouts.LAYOUTS)}")
        if layouts.LAYOUTS[name][0] == "nodes" and not options.node:
            continue
        for variant in case.distribute:
            if variant == "default" or name in EXTRA_VARIANT_LAYOUTS:
                yield name, variant


def self_test(runner, case, plain, places):
    """Runs a case on a second plain database, with other plans and another order of rows."""
    for name, settings in layouts.SELF_LAYOUTS.items():

        def prepare(where, client):
            if name != "self-same":
                layouts.shuffle(client)
            for sql in settings:
                client.execute(Statement(sql, 0))
            return True

        runner.layout(case, plain, places["self"], name, "default", prepare)


def list_errors(case, plain):
    """Prints the statements that the plain side refuses, for a look whether that was meant."""
    for statement, outcome in zip(case.run, plain.run):
        if outcome.sqlstate:
            print(f"{case.name}, line {statement.line}: {one_line(statement.sql, 100)}\n     {outcome.describe()}")


def make_places(options):
    """Returns the databases by the kind of layout."""
    prefix = options.prefix
    places = {"plain": Place(f"{prefix}_plain", options.plain)}
    if options.self_test:
        places["self"] = Place(f"{prefix}_self", options.plain)
    else:
        places["local"] = Place(f"{prefix}_local", options.coordinator, extension=True)
        places["nodes"] = Place(f"{prefix}_nodes", options.coordinator, options.node, extension=True)
    return places


def parse_options():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plain", required=True, help="connection string of the server for the plain database")
    parser.add_argument("--coordinator", help="connection string of the server that has the extension")
    parser.add_argument("--node", action="append", default=[], help="connection string of a node; give it once a node")
    parser.add_argument("--layout", "--layouts", nargs="+", help=" ".join(layouts.LAYOUTS) + "; default all")
    parser.add_argument("--only", nargs="+", help="cases whose name contains one of these words")
    parser.add_argument("--exactly", help="the one case of this name")
    parser.add_argument("--cases", default=HERE / "cases", help="folder of the case files")
    parser.add_argument("--data", help="folder of the files that cases load with @data")
    parser.add_argument("--later", action="store_true", help="also the cases that need the general write path")
    parser.add_argument("--keep-going", action="store_true", help="go on with a case after its first failure")
    parser.add_argument("--self-test", action="store_true", help="compare plain with plain, to check the cases themselves")
    parser.add_argument("--timeout", type=float, default=15, help="seconds a statement may take")
    parser.add_argument("--prefix", default="diff", help="first part of the names of the databases")
    parser.add_argument("--suite", default="differential", help="name in the last line")
    parser.add_argument("--list-errors", action="store_true", help="print the statements that the plain side refuses")
    parser.add_argument("--times", action="store_true", help="print the seconds of each case")
    options = parser.parse_args()
    if not options.self_test and not options.coordinator:
        parser.error("--coordinator is missing")
    return options


def main():
    """Runs everything that was asked for; returns the exit status."""
    options = parse_options()
    report = Report(options.suite)
    runner = Runner(options, report)
    places = make_places(options)
    for case in read_cases(options.cases, options.later, options.only, options.exactly, options.data):
        started = time.monotonic()
        plain = PlainRun(places["plain"], case, options.timeout)
        if options.list_errors:
            list_errors(case, plain)
        if options.self_test:
            self_test(runner, case, plain, places)
        else:
            for name, variant in wanted_layouts(options, case):
                kind, count = layouts.LAYOUTS[name]
                runner.layout(case, plain, places[kind], name, variant, runner.distribute(case, variant, count))
        if options.times:
            print(f"{time.monotonic() - started:6.1f} s  {case.name}")
    for place in places.values():
        try:
            place.drop()
        except PlaceError as error:
            report.fail("end", None, [("clean-up", str(error))])
    return report.summary()


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main())

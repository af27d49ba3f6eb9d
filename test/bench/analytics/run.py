#!/usr/bin/python3
"""Runs the queries on a plain server and on distributed layouts, and compares answers, times, estimates and memory.

    run.py --plain DSN [--colocated DSN] [--spread DSN] [--load] [--scale S] [--shards N] [--layout L ...]
           [--queries 1-10,33] [--timeout SECONDS] [--repeat N] [--tsv FILE] [--findings FILE]

The DSN of a layout is its database on the coordinator, with its nodes; --load fills all databases, which must be
empty, first. Each query gets a connection of its own: EXPLAIN (which fills the caches), then the timed run or
runs, then EXPLAIN (ANALYZE) for the numbers of rows. Plain EXPLAIN (ANALYZE) tells how well the planner does at best.
"""

import argparse
import csv
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from psycopg2 import extensions

HERE = Path(__file__).resolve().parent
LAYOUTS = ("colocated", "spread")
FLOATS = (700, 701)  # the types real and double precision
TOLERANCE = 1e-9
LARGE = 0.10  # a table with more than this share of all bytes
WHOLE = 0.90  # a scan that brings more than this share of a table's rows is not filtered
SLOW = 100  # times the plain time

RAW_TEXT = extensions.new_type(tuple(extensions.string_types), "RAW_TEXT", lambda value, cursor: value)
RECOVERING = re.compile("starting up|recovery mode|shutting down|not yet accepting|refused|closed the connection")
SHARD = re.compile(r'\bshardext_\d+\.("?)(\w+)\1')


# --- connections ------------------------------------------------------------------------------------


def connect(dsn, patience=60):
    """Opens a connection that gives every value as text; waits for a server that recovers."""
    end = time.monotonic() + patience
    while True:
        try:
            connection = psycopg2.connect(dsn, connect_timeout=10)
            break
        except psycopg2.OperationalError as error:
            if time.monotonic() > end or not RECOVERING.search(str(error)):
                raise
            time.sleep(0.3)
    connection.autocommit = True
    extensions.register_type(RAW_TEXT, connection)
    return connection


def cut(connection):
    """Shuts the socket of a connection whose statement cannot be cancelled."""
    try:
        with socket.socket(fileno=os.dup(connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)
    except (OSError, psycopg2.Error):
        pass


@dataclass
class Answer:
    """What a statement gave, or why it did not."""

    columns: list = field(default_factory=list)  # (name, type) pairs
    rows: list = field(default_factory=list)
    seconds: float = 0.0
    error: str | None = None
    code: str | None = None

    @property
    def timed_out(self):
        return self.code == "57014"


def ask(connection, text, limit):
    """Runs one statement, cancelled after the limit; a connection that does not react is cut 30 s later."""
    timer = threading.Timer(limit + 30, cut, (connection,))
    timer.daemon = True
    timer.start()
    answer = Answer()
    began = time.monotonic()
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = {int(limit * 1000)}")
            began = time.monotonic()
            cursor.execute(text)
            if cursor.description is not None:
                answer.columns = [(c.name, c.type_code) for c in cursor.description]
                answer.rows = cursor.fetchall()
    except psycopg2.Error as error:
        answer.error = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        answer.code = error.pgcode
        if connection.closed:
            answer.code = "lost"
    finally:
        answer.seconds = time.monotonic() - began
        timer.cancel()
    return answer


# --- memory -----------------------------------------------------------------------------------------


class Memory:
    """The most private memory of a backend on this machine while the block runs, in MB; None when it cannot be seen.

    The kernel's high-water mark is started anew where it may be, and what is shared or of files is taken off.
    Besides, RssAnon is sampled.
    """

    def __init__(self, pid):
        self.status = f"/proc/{pid}/status"
        self.clear = f"/proc/{pid}/clear_refs"
        self.peak = None
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.sample, daemon=True)

    def read(self):
        """Returns the memory lines of the process, in kB."""
        try:
            with open(self.status, encoding="ascii", errors="replace") as lines:
                words = (line.split() for line in lines)
                return {w[0].rstrip(":"): int(w[1]) for w in words if w and w[0].startswith(("VmHWM", "Rss"))}
        except OSError:
            return {}

    def note(self, kilobytes):
        self.peak = max(self.peak or 0.0, kilobytes / 1024)

    def sample(self):
        while not self.done.wait(0.02):
            now = self.read()
            if "RssAnon" in now:
                self.note(now["RssAnon"])

    def __enter__(self):
        self.marked = False
        try:
            with open(self.clear, "w", encoding="ascii") as file:
                file.write("5")
            self.marked = True
        except OSError:
            pass
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.done.set()
        self.thread.join()
        now = self.read()
        if self.marked and "VmHWM" in now:
            self.note(now["VmHWM"] - now.get("RssFile", 0) - now.get("RssShmem", 0))


def is_local_backend(pid):
    """Tells whether a process of this machine is a backend (the server may be elsewhere)."""
    try:
        return b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


# --- answers ----------------------------------------------------------------------------------------


def same_value(one, other, kind):
    """Compares two values as text; floating-point ones up to the tolerance."""
    if one == other:
        return True
    if one is None or other is None or kind not in FLOATS:
        return False
    a, b = float(one), float(other)
    return abs(a - b) <= TOLERANCE * max(abs(a), abs(b))


def difference(plain, other):
    """Says in one line how two answers differ; None when they are equal."""
    if plain.columns != other.columns:
        return f"columns {plain.columns} and {other.columns}"
    if len(plain.rows) != len(other.rows):
        return f"{len(plain.rows)} rows on plain, {len(other.rows)} distributed"
    kinds = [kind for _, kind in plain.columns]
    for number, (a, b) in enumerate(zip(plain.rows, other.rows), 1):
        if not all(same_value(*pair) for pair in zip(a, b, kinds)):
            return f"row {number}: {a} on plain, {b} distributed"
    return None


# --- plans ------------------------------------------------------------------------------------------


@dataclass
class Scan:
    """One Shard Scan: what it asks, and how many rows it brought to the coordinator."""

    strategy: str
    tables: list
    sql: str
    rows: int
    share: float | None  # of the largest table in it
    whole: str | None  # the large table that it brings nearly whole
    reason: str  # why what is above it is not on the shards


@dataclass
class Plan:
    """What an EXPLAIN (ANALYZE) tells of a query's part on the server that was asked."""

    ratios: list = field(default_factory=list)  # (ratio, description) of scan and join nodes
    scans: list = field(default_factory=list)
    text: str = ""


def nodes_of(tree):
    """Yields the nodes of a plan, with whether a LIMIT may stop them early."""

    def walk(node, stopped):
        kind = node["Node Type"]
        yield node, stopped
        if kind == "Limit":
            stopped = True
        elif kind in ("Sort", "Incremental Sort", "Hash", "Aggregate", "Materialize", "SetOp", "WindowAgg"):
            stopped = stopped and kind in ("Incremental Sort", "WindowAgg", "Materialize")
        for child in node.get("Plans", []):
            # The sides of a merge join end when the other one does.
            early = stopped or kind == "Merge Join" or child.get("Parent Relationship") == "SubPlan"
            yield from walk(child, early)

    yield from walk(tree, False)


def is_counted(node):
    """Tells whether a node is a scan or a join."""
    kind = node["Node Type"]
    return kind == "Nested Loop" or (kind.endswith(("Scan", "Join")) and kind != "Bitmap Index Scan")


def describe(node):
    """Returns a node's name with what it works on."""
    words = [node.get("Custom Plan Provider", node["Node Type"])]
    words += [str(node[key]) for key in ("Join Type", "Relation Name", "Alias", "CTE Name", "Strategy") if key in node]
    words += [str(node[key]) for key in ("Hash Cond", "Merge Cond", "Join Filter") if key in node]
    tasks = node.get("Tasks Shown")
    if tasks:
        words.append(",".join(tables_of(tasks[0].get("Remote SQL", ""))))
    return " ".join(words)


def tables_of(remote_sql):
    """Returns the tables that a statement for a shard reads, each once."""
    return list(dict.fromkeys(name for _, name in SHARD.findall(remote_sql)))


def study(tree, sizes):
    """Reads a plan that has been executed. sizes: (rows, bytes) of each table."""
    plan = Plan()
    total = sum(size for _, size in sizes.values())
    for node, stopped in nodes_of(tree):
        loops = node.get("Actual Loops", 0)
        if loops == 0:
            continue
        if is_counted(node) and not stopped:
            estimated, actual = max(node["Plan Rows"], 1), max(node["Actual Rows"], 1)
            ratio = max(estimated / actual, actual / estimated)
            plan.ratios.append((ratio, f"{describe(node)}: estimated {estimated}, actual {actual}"))
        if node.get("Custom Plan Provider") != "Shard Scan":
            continue
        sql = (node.get("Tasks Shown") or [{}])[0].get("Remote SQL", "")
        tables = tables_of(sql)
        # A repeated scan keeps its rows, unless values from the row above it are in its statement: those of a restriction
        # by a join are not. So this is the most that can have moved.
        times = loops if re.search(r"\$\d", sql) and "restricted" not in node.get("Strategy", "") else 1
        rows = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * times
        largest = max(tables, key=lambda name: sizes.get(name, (0, 0))[0], default=None)
        share = rows / max(sizes[largest][0], 1) if largest in sizes else None
        whole = None
        if len(tables) == 1 and share is not None and share >= WHOLE and sizes[largest][1] > LARGE * total:
            whole = largest
        plan.scans.append(Scan(node.get("Strategy", "?"), tables, sql, rows, share, whole, node.get("Reason", "")))
    return plan


def sizes_of(connection):
    """Returns the rows and bytes of every table of the plain database."""
    names = ask(connection, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace", 60).rows
    query = " UNION ALL ".join(f"SELECT '{n}', count(*), pg_relation_size('{n}') FROM {n}" for (n,) in names)
    answer = ask(connection, query, 600)
    return {name: (int(rows), int(size)) for name, rows, size in answer.rows}


# --- loading ----------------------------------------------------------------------------------------


def psql(dsn, *arguments):
    """Runs psql with files and variables; its output is of no interest."""
    command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn, *arguments]
    environment = {**os.environ, "PGOPTIONS": "-c client_min_messages=warning"}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=HERE, env=environment)


def load(dsn, layout, scale, shards):
    """Fills an empty database, distributes its tables and gathers statistics wherever the rows are."""
    began = time.monotonic()
    psql(dsn, "-v", f"scale={scale}", "-f", "schema.sql", "-f", "generate.sql", "-f", "keys.sql")
    if layout == "plain":
        psql(dsn, "-c", "VACUUM ANALYZE")
    else:
        psql(dsn, "-c", f"SET shardext.shard_count = {shards}", "-f", f"{layout}.sql")
        connection = connect(dsn)
        nodes = ask(connection, "SELECT conninfo FROM shardext_nodes WHERE node_name <> 'local'", 60).rows
        connection.close()
        for (conninfo,) in nodes:
            psql(conninfo, "-c", "VACUUM ANALYZE")
        psql(dsn, "-c", "ANALYZE")
    print(f"loaded {layout} at scale {scale} in {time.monotonic() - began:.0f} s", flush=True)


# --- running ----------------------------------------------------------------------------------------


@dataclass
class Run:
    """One query on one layout, or on plain."""

    answer: Answer
    explained: str = ""
    plan: Plan | None = None
    memory: float | None = None
    explain_error: str | None = None


def terminate(dsn, pid):
    """Ends a backend whose connection is gone and that may still be at work."""
    try:
        connection = connect(dsn)
        ask(connection, f"SELECT pg_terminate_backend({pid})", 60)
        connection.close()
    except psycopg2.Error:
        pass


def run_query(dsn, text, options, sizes):
    """Runs a query on a connection of its own."""
    try:
        connection = connect(dsn)
    except psycopg2.OperationalError as error:
        return Run(Answer(error=str(error).strip().splitlines()[0], code="lost"))
    pid = connection.get_backend_pid()
    try:
        explained = ask(connection, "EXPLAIN " + text, options.timeout)
        run = Run(explained, "\n".join(row[0] for row in explained.rows))
        if explained.error is not None:
            return run
        with Memory(pid) as memory:
            for _ in range(options.repeat):
                answer = ask(connection, text, options.timeout)
                if run.answer is explained or answer.error is not None or answer.seconds < run.answer.seconds:
                    run.answer = answer
                if answer.error is not None:
                    break
        run.memory = memory.peak if is_local_backend(pid) else None
        if run.answer.error is None:
            analyzed = ask(connection, "EXPLAIN (ANALYZE, FORMAT JSON) " + text, 3 * options.timeout + 10)
            if analyzed.error is None:
                run.plan = study(json.loads(analyzed.rows[0][0])[0]["Plan"], sizes)
            else:
                run.explain_error = analyzed.error
        return run
    finally:
        if connection.closed:
            terminate(dsn, pid)
        connection.close()


def strategies(run):
    """Returns the strategies of a run as one text, each with its count; from the plain EXPLAIN when need be."""
    found = [s.strategy for s in run.plan.scans] if run.plan else re.findall(r"Strategy: (.*)", run.explained)
    return "; ".join(f"{name} x{found.count(name)}" if found.count(name) > 1 else name for name in dict.fromkeys(found))


def verdict(plain, run):
    """Returns one word for how a run ended, and the details."""
    if run.answer.error is not None:
        return ("timeout" if run.answer.timed_out else "LOST" if run.answer.code == "lost" else "ERROR"), run.answer.error
    if plain.answer.error is not None:
        return "no plain", plain.answer.error
    found = difference(plain.answer, run.answer)
    return ("equal", "") if found is None else ("DIFFERENT", found)


def within(ratios, limit=10):
    """Returns the share of estimates that are off by no more than the limit, as text."""
    return f"{100 * sum(r <= limit for r, _ in ratios) / len(ratios):.0f} %" if ratios else "-"


def megabytes(value):
    return "-" if value is None else f"{value:.0f}"


def record(name, layout, plain, run):
    """Returns the line of the TSV for one query on one layout."""
    state, detail = verdict(plain, run)
    ratios = sorted(run.plan.ratios, reverse=True) if run.plan else []
    scans = run.plan.scans if run.plan else []
    finished = run.answer.error is None
    return {
        "query": name,
        "layout": layout,
        "result": state,
        "rows": len(run.answer.rows) if finished else "",
        "plain_ms": f"{1000 * plain.answer.seconds:.1f}",
        "ms": f"{1000 * run.answer.seconds:.1f}",
        "ratio": f"{run.answer.seconds / max(plain.answer.seconds, 1e-6):.2f}" if plain.answer.error is None else "",
        "nodes": len(ratios),
        "within_10x": sum(r <= 10 for r, _ in ratios),
        "plain_nodes": len(plain.plan.ratios) if plain.plan else 0,
        "plain_within_10x": sum(r <= 10 for r, _ in plain.plan.ratios) if plain.plan else 0,
        "worst_ratio": f"{ratios[0][0]:.1f}" if ratios else "",
        "worst_node": ratios[0][1] if ratios else "",
        "moved_rows": sum(s.rows for s in scans),
        "scans": json.dumps([[s.strategy, ",".join(s.tables), s.rows, None if s.share is None else round(s.share, 4)] for s in scans]),
        "whole_tables": ",".join(s.whole for s in scans if s.whole),
        "reasons": "; ".join(dict.fromkeys(s.reason for s in scans if s.whole)),
        "strategies": strategies(run),
        "plain_mb": megabytes(plain.memory),
        "mb": megabytes(run.memory),
        "detail": detail or run.explain_error or "",
    }


def show(line):
    """Prints one line of the table."""
    print(
        f"{line['query']:5} {line['layout']:10} {line['result']:9} {line['rows']!s:>6} {line['plain_ms']:>9} {line['ms']:>10} "
        f"{line['ratio']:>7} {line['within_10x']:>3}/{line['nodes']:<3} {line['worst_ratio']:>9} {line['moved_rows']:>9} "
        f"{line['mb']:>5}  {line['strategies']}",
        flush=True,
    )
    if line["detail"]:
        print(f"      {line['detail']}", flush=True)


def summary(layout, lines):
    """Prints what all queries of a layout come to."""
    done = [x for x in lines if x["result"] in ("equal", "DIFFERENT")]
    plain = sum(float(x["plain_ms"]) for x in done)
    distributed = sum(float(x["ms"]) for x in done)
    print(f"\n{layout}: {len(lines)} queries, {len(done)} finish, {sum(x['result'] == 'equal' for x in lines)} equal")
    for state in ("DIFFERENT", "timeout", "ERROR", "LOST", "no plain"):
        names = [x["query"] for x in lines if x["result"] == state]
        if names:
            print(f"  {state}: {' '.join(names)}")
    if done:
        ratios = [float(x["ms"]) / float(x["plain_ms"]) for x in done]
        print(
            f"  time of those that finish: plain {plain / 1000:.2f} s, distributed {distributed / 1000:.2f} s, "
            f"ratio {distributed / plain:.2f} (median {statistics.median(ratios):.2f}, mean {statistics.geometric_mean(ratios):.2f})"
        )
        slowest = sorted(done, key=lambda x: float(x["ms"]) / float(x["plain_ms"]), reverse=True)[:5]
        print("  largest ratios: " + ", ".join(f"{x['query']} {x['ratio']}" for x in slowest))
        counted = sum(x["nodes"] for x in done)
        good = sum(x["within_10x"] for x in done)
        if counted:
            print(f"  estimates within 10x: {good} of {counted} scan and join nodes ({100 * good / counted:.0f} %)")
        print(f"  rows moved to the coordinator: {sum(x['moved_rows'] for x in done)}")
    slow = [x["query"] for x in lines if x["ratio"] and float(x["ratio"]) > SLOW]
    print(f"  more than {SLOW} times the plain time: {' '.join(slow) or 'none'}")
    memory = [(int(x["mb"]), x["query"]) for x in lines if x["mb"] != "-"]
    if memory:
        print(f"  most memory of a coordinator's backend: {max(memory)[0]} MB ({max(memory)[1]})")
    pulling = [x for x in lines if x["whole_tables"]]
    print(f"  pull a table of more than {LARGE:.0%} of the data unfiltered, and what EXPLAIN says why: {len(pulling)}")
    for line in pulling:
        print(f"    {line['query']} ({line['whole_tables']}): {line['reasons']}")


def write_finding(file, line, run, text):
    """Writes down a query that went wrong or took very long, with its plan."""
    bad = line["result"] not in ("equal", "no plain")
    slow = line["ratio"] and float(line["ratio"]) > SLOW
    if file is None or not (bad or slow):
        return
    file.write(f"## {line['query']} on {line['layout']}: {line['result']}, {line['ms']} ms, plain {line['plain_ms']} ms\n\n")
    if line["detail"]:
        file.write(line["detail"] + "\n\n")
    file.write(f"```sql\n{text}\n```\n\n```\n{run.explained}\n```\n\n")
    file.flush()


def chosen_queries(text):
    """Returns the query files that a list like 1-10,33 names; all of them for None."""
    files = sorted((HERE / "queries").glob("q*.sql"))
    if text is None:
        return files
    numbers = set()
    for part in text.replace("q", "").split(","):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return [f for f in files if int(f.stem[1:]) in numbers]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plain", required=True, metavar="DSN")
    for layout in LAYOUTS:
        parser.add_argument(f"--{layout}", metavar="DSN")
    parser.add_argument("--layout", action="append", choices=LAYOUTS, help="only this one (may be repeated)")
    parser.add_argument("--load", action="store_true", help="fill the databases first")
    parser.add_argument("--scale", type=float, default=0.01)
    parser.add_argument("--shards", type=int, default=8, help="shard groups of each table when loading")
    parser.add_argument("--queries", help="for example 1-10,33")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for each query")
    parser.add_argument("--repeat", type=int, default=1, help="the shortest of so many runs counts")
    parser.add_argument("--tsv", default="analytics.tsv")
    parser.add_argument("--findings", help="append what is wrong or very slow to this file, with plans")
    options = parser.parse_args()

    layouts = {name: getattr(options, name) for name in options.layout or LAYOUTS if getattr(options, name)}
    if options.load:
        load(options.plain, "plain", options.scale, options.shards)
        for layout, dsn in layouts.items():
            load(dsn, layout, options.scale, options.shards)

    connection = connect(options.plain)
    sizes = sizes_of(connection)
    connection.close()
    lines, plain_ratios, plain_memory = {layout: [] for layout in layouts}, [], 0.0
    findings = open(options.findings, "a", encoding="utf-8") if options.findings else None
    print(f"{'query':5} {'layout':10} {'result':9} {'rows':>6} {'plain ms':>9} {'ms':>10} {'ratio':>7} {'<=10x':>7} {'worst':>9} "
          f"{'moved':>9} {'MB':>5}  strategies")
    with open(options.tsv, "w", encoding="utf-8", newline="") as output:
        table = None
        for path in chosen_queries(options.queries):
            text = path.read_text().strip().rstrip(";")
            plain = run_query(options.plain, text, options, sizes)
            plain_ratios += plain.plan.ratios if plain.plan else []
            plain_memory = max(plain_memory, plain.memory or 0.0)
            for layout, dsn in layouts.items():
                run = run_query(dsn, text, options, sizes)
                line = record(path.stem, layout, plain, run)
                lines[layout].append(line)
                if table is None:
                    table = csv.DictWriter(output, line, delimiter="\t", lineterminator="\n")
                    table.writeheader()
                table.writerow(line)
                output.flush()
                show(line)
                write_finding(findings, line, run, text)
    for layout in layouts:
        summary(layout, lines[layout])
    print(
        f"\nplain: estimates within 10x: {within(plain_ratios)} of {len(plain_ratios)} scan and join nodes, "
        f"most memory of a backend {plain_memory:.0f} MB"
    )
    wrong = [x for found in lines.values() for x in found if x["result"] in ("DIFFERENT", "ERROR", "LOST")]
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

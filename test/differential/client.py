"""One database client that runs statements and records everything a client can see of each.

A statement that takes longer than the limit is cancelled, and when that does not help the
connection is cut, so that a hang becomes an Outcome like any other.
"""

import io
import os
import re
import socket
import threading
import time
from dataclasses import dataclass, field

import psycopg2
from psycopg2 import extensions

RAW_TEXT = extensions.new_type(tuple(extensions.string_types), "RAW_TEXT", lambda value, cursor: value)

RECOVERING = re.compile("starting up|recovery mode|shutting down|not yet accepting|refused|closed the connection")

ERROR_FIELDS = ("schema_name", "table_name", "column_name", "datatype_name", "constraint_name")


@dataclass
class Outcome:
    """What a client sees of one statement."""

    tag: str | None = None
    columns: list | None = None  # (name, type) pairs
    rows: list | None = None  # tuples of text or None
    lines: list | None = None  # of COPY TO STDOUT
    sqlstate: str | None = None
    message: str | None = None
    detail: str | None = None
    hint: str | None = None
    fields: dict = field(default_factory=dict)  # the object that an error names
    notices: list = field(default_factory=list)
    status: int = 0  # of the transaction, afterwards
    lost: bool = False  # the connection is gone
    hung: bool = False  # it had to be cut, because the statement could not be cancelled

    def describe(self, limit=3):
        """Returns one short line for reports."""
        if self.lost:
            return f"CONNECTION LOST: {self.message}"
        if self.sqlstate is not None:
            return f"ERROR {self.sqlstate}: {self.message}"
        rows = self.rows if self.rows is not None else self.lines
        if rows is None:
            return str(self.tag)
        shown = ", ".join(show_row(r) for r in rows[:limit])
        return f"{self.tag}: {shown}{', ...' if len(rows) > limit else ''}"


def show_row(row):
    """Returns a row as short text."""
    if isinstance(row, str):
        return row[:120]
    return "(" + ",".join("NULL" if v is None else v for v in row)[:160] + ")"


class Watchdog:
    """Cancels the statement of a connection after the limit, and cuts the line 5 s later."""

    def __init__(self, connection, limit):
        self.connection = connection
        self.timers = [threading.Timer(limit, self.cancel), threading.Timer(limit + 5, self.cut)]
        self.fired = False
        self.was_cut = False

    def __enter__(self):
        for timer in self.timers:
            timer.daemon = True
            timer.start()
        return self

    def __exit__(self, *unused):
        for timer in self.timers:
            timer.cancel()

    def cancel(self):
        self.fired = True
        try:
            self.connection.cancel()
        except psycopg2.Error:
            pass

    def cut(self):
        self.was_cut = True
        duplicate = socket.socket(fileno=os.dup(self.connection.fileno()))
        try:
            duplicate.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        duplicate.close()


class Client:
    """A connection in autocommit mode, plus a second one that knows the names of types."""

    def __init__(self, dsn, limit=15):
        self.dsn = dsn
        self.limit = limit
        self.type_names = {}
        self.lost = False  # at least once
        self.open()

    def open(self):
        """Opens the connections, also again after they were lost."""
        self.connection = open_connection(self.dsn)
        self.catalog = open_connection(self.dsn)

    def close(self):
        for connection in (self.connection, self.catalog):
            try:
                connection.close()
            except psycopg2.Error:
                pass

    def execute(self, statement):
        """Runs one statement of a case and returns its Outcome."""
        outcome = Outcome()
        del self.connection.notices[:]
        try:
            with self.connection.cursor() as cursor, Watchdog(self.connection, self.limit) as watchdog:
                try:
                    self.send(cursor, statement, outcome)
                except psycopg2.Error as error:
                    record_error(outcome, error)
                    outcome.hung = watchdog.was_cut
                    if watchdog.fired:
                        outcome.message = f"no answer within {self.limit} s; {outcome.message}"
        except psycopg2.Error as error:
            record_error(outcome, error)
        outcome.notices = list(self.connection.notices)
        outcome.lost = outcome.lost or self.connection.closed != 0
        self.lost = self.lost or outcome.lost
        if not outcome.lost:
            outcome.status = self.connection.info.transaction_status
        return outcome

    def send(self, cursor, statement, outcome):
        """Sends the statement and fills in its result."""
        if statement.copy_data is not None:
            cursor.copy_expert(statement.sql, io.StringIO(statement.copy_data))
            outcome.tag = f"COPY {cursor.rowcount}"
        elif statement.copies_out:
            sink = io.StringIO()
            cursor.copy_expert(statement.sql, sink)
            outcome.lines = sink.getvalue().splitlines()
            outcome.tag = f"COPY {cursor.rowcount}"
        else:
            cursor.execute(statement.sql)
            if cursor.description is not None:
                outcome.rows = cursor.fetchall()
                outcome.columns = [(c.name, self.type_of(c)) for c in cursor.description]
            outcome.tag = cursor.statusmessage

    def query(self, sql):
        """Runs a question of the runner's own on the second connection."""
        with self.catalog.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description is not None else None

    def type_of(self, column):
        """Returns the type of a result column with its modifiers, independent of OIDs."""
        oid = column.type_code
        if oid not in self.type_names:
            self.type_names[oid] = self.query(f"SELECT format_type({oid}, NULL)")[0][0]
        extra = [str(x) for x in (column.internal_size, column.precision, column.scale) if x is not None]
        return self.type_names[oid] + ("[" + ",".join(extra) + "]" if extra else "")


def open_connection(dsn, patience=30):
    """Opens a connection that hands out every value as the text the server sent; waits while a server recovers."""
    until = time.monotonic() + patience
    while True:
        try:
            connection = psycopg2.connect(dsn, connect_timeout=10)
            break
        except psycopg2.OperationalError as error:
            if time.monotonic() > until or not RECOVERING.search(str(error)):
                raise
            time.sleep(0.2)
    connection.autocommit = True
    extensions.register_type(RAW_TEXT, connection)
    return connection


def record_error(outcome, error):
    """Fills in what the server said about an error."""
    if error.pgcode is None:
        outcome.lost = True
        outcome.message = str(error).strip().split("\n")[0]
        return
    outcome.sqlstate = error.pgcode
    outcome.message = error.diag.message_primary
    outcome.detail = error.diag.message_detail
    outcome.hint = error.diag.message_hint
    outcome.fields = {f: getattr(error.diag, f) for f in ERROR_FIELDS if getattr(error.diag, f)}

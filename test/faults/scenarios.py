"""The transactions that the fault-point walk makes go wrong.

Rows of `walk` (id, v) are on both nodes, `walk_here` is a table of the coordinator, `walk_everywhere` a reference table. Each scenario begins with the
same rows. What it leaves behind when nothing goes wrong is found out by running it.
"""

import psycopg2

ROWS = 12
BASE = [(n, 0) for n in range(1, ROWS + 1)]
UNTOUCHED = ([[]] * 3, [[]] * 3)  # for each server: its copy of the reference table, new tables

SET_UP = (
    "DROP TABLE IF EXISTS walk, walk_here, walk_source, walk_everywhere",
    "SET shardext.shard_count = 4",
    "CREATE TABLE walk (id int PRIMARY KEY, v int NOT NULL)",
    "SELECT create_distributed_table('walk', 'id')",
    "CREATE TABLE walk_source (id int PRIMARY KEY, v int NOT NULL)",
    "SELECT create_distributed_table('walk_source', 'id')",
    f"INSERT INTO walk_source SELECT n + 100, n FROM generate_series(1, {ROWS}) n",
    "CREATE TABLE walk_here (v int NOT NULL)",
    "CREATE TABLE walk_everywhere (v int NOT NULL)",
    "SELECT create_reference_table('walk_everywhere')",
    # Both write on the two nodes that their keys are on. One lets an error end it, the other one goes on after any.
    """CREATE OR REPLACE FUNCTION walk_strict(a int, b int) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE walk SET v = v + 1 WHERE id = a;
        BEGIN
            UPDATE walk SET v = v + 10 WHERE id = b;
            PERFORM 1 / 0;
        EXCEPTION WHEN division_by_zero THEN
            UPDATE walk SET v = v + 100 WHERE id = b;
        END;
    END $$""",
    """CREATE OR REPLACE FUNCTION walk_lenient(a int, b int) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        BEGIN
            UPDATE walk SET v = v + 1 WHERE id = a;
            UPDATE walk SET v = v + 1 WHERE id = b;
        EXCEPTION WHEN OTHERS THEN
            INSERT INTO walk_here VALUES (1);
        END;
    END $$""",
)

# Brings the tables to where every scenario begins.
RESET = (
    "BEGIN",
    f"DELETE FROM walk WHERE id > {ROWS} OR v <> 0",
    f"INSERT INTO walk SELECT n, 0 FROM generate_series(1, {ROWS}) n ON CONFLICT DO NOTHING",
    "DELETE FROM walk_here",
    "DELETE FROM walk_everywhere",
    "DROP TABLE IF EXISTS walk_new",
    "COMMIT",
)


class WrongRead(Exception):
    """A statement has given rows that were never there together."""


class Session:
    """Runs a scenario's statements and keeps what the client was told about its transaction."""

    def __init__(self, connection):
        self.connection = connection
        self.committed = False  # reported to the client
        self.in_block = False
        self.deciding = False  # the statement that commits is under way

    def run(self, sql):
        """Runs a statement; outside of BEGIN … COMMIT it is a transaction of its own."""
        first = sql.split()[0]
        if first == "BEGIN":
            self.in_block = True
        self.deciding = first == "COMMIT" or not self.in_block
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            if self.deciding:
                self.committed = cursor.statusmessage != "ROLLBACK"
            return cursor.fetchall() if cursor.description is not None else None

    def expect(self, sql, rows):
        found = self.run(sql)
        if found != rows:
            raise WrongRead(f"{sql}: {found} instead of {rows}")


class Scenarios:
    """Scenarios are methods; a and b are keys on the first and on the second node, c is another one on the first."""

    def __init__(self, a, b, c, moved):
        self.a, self.b, self.c = a, b, c
        self.moved = moved  # a new key on the second node

    def one_node_write(self, s):
        s.run(f"UPDATE walk SET v = v + 1 WHERE id = {self.a}")

    def one_node_block(self, s):
        s.run("BEGIN")
        s.run(f"UPDATE walk SET v = v + 1 WHERE id = {self.a}")
        s.run(f"UPDATE walk SET v = v + 2 WHERE id = {self.c}")
        s.run("COMMIT")

    def two_node_write(self, s):
        s.run("UPDATE walk SET v = v + 1")

    def two_nodes_and_coordinator(self, s):
        s.run("BEGIN")
        s.run(f"UPDATE walk SET v = v + 1 WHERE id = {self.a}")
        s.run(f"UPDATE walk SET v = v - 1 WHERE id = {self.b}")
        s.run("INSERT INTO walk_here VALUES (1)")
        s.run("COMMIT")

    def first_scatter_read(self, s):
        self.scatter_read(s)

    def first_two_node_write(self, s):
        self.two_node_write(s)

    def scatter_read(self, s):
        s.expect("SELECT id, v FROM walk ORDER BY id", BASE)

    def joined_read(self, s):
        s.expect("SELECT count(*), (SELECT sum(v) FROM walk_source) FROM walk a JOIN walk b ON a.id = b.v + 1", [(12, 78)])

    def repeatable_read(self, s):
        s.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
        s.expect("SELECT sum(v) FROM walk", [(0,)])
        s.run(f"UPDATE walk SET v = v + 1 WHERE id IN ({self.a}, {self.b})")
        s.expect("SELECT sum(v) FROM walk", [(2,)])
        s.run("COMMIT")

    def savepoint_rolled_back(self, s):
        s.run("BEGIN")
        s.run(f"UPDATE walk SET v = v + 1 WHERE id = {self.a}")
        s.run("SAVEPOINT p")
        s.run("UPDATE walk SET v = v + 10")
        s.run("ROLLBACK TO p")
        s.run(f"UPDATE walk SET v = v + 100 WHERE id = {self.b}")
        s.run("COMMIT")

    def copy(self, s):
        s.run("BEGIN")
        s.run("COPY walk FROM PROGRAM 'for n in $(seq 101 112); do echo $n,1; done' (FORMAT csv)")
        s.run("COMMIT")

    def insert_select(self, s):
        s.run("INSERT INTO walk SELECT id + 1, v FROM walk_source")

    def moved_row(self, s):
        s.run(f"UPDATE walk SET id = {self.moved} WHERE id = {self.a}")

    def reference_table(self, s):
        s.run("BEGIN")
        s.run("INSERT INTO walk_everywhere VALUES (1)")
        s.run(f"UPDATE walk SET v = v + 1 WHERE id = {self.a}")
        s.run("COMMIT")

    def definition(self, s):
        s.run("BEGIN")
        s.run("CREATE TABLE walk_new (id int, v int)")
        s.run("SELECT create_distributed_table('walk_new', 'id')")
        s.run("INSERT INTO walk_new VALUES (1, 1), (2, 2), (3, 3), (4, 4)")
        s.run("COMMIT")

    def strict_function(self, s):
        s.run(f"SELECT walk_strict({self.a}, {self.b})")

    def lenient_function(self, s):
        s.run(f"SELECT walk_lenient({self.a}, {self.b})")

    def cursor(self, s):
        s.run("BEGIN")
        s.run("DECLARE c CURSOR FOR SELECT id, v FROM walk ORDER BY id")
        s.expect("FETCH 3 FROM c", BASE[:3])
        s.run("UPDATE walk SET v = v + 1")
        s.expect("FETCH ALL FROM c", BASE[3:])
        s.run("COMMIT")

    def other_outcomes(self, name):
        """What a committed scenario may have left instead, because it went on after an error."""
        if name == "lenient_function":
            return [(BASE, [(1,)], *UNTOUCHED)]
        return []


def names():
    """Returns the names of all scenarios, in the order in which they are written."""
    return [name for name, value in vars(Scenarios).items() if callable(value) and name[0] != "_" and name != "other_outcomes"]


def one_node(name):
    """True when a scenario commits on one node alone: a lost answer leaves the outcome unknown."""
    return name.startswith("one_node")


def run_scenario(scenarios, name, connection):
    """Runs a scenario; returns its session and its error, or None."""
    session = Session(connection)
    try:
        getattr(scenarios, name)(session)
    except psycopg2.Error as error:
        return session, error
    return session, None

"""The databases that cases run in, and the layouts in which tables are distributed.

A Place is one database (with its databases on the nodes) that is used for case after case.
Between cases its objects are dropped; after a crash or a failed clean-up it is made anew.
"""

import psycopg2
from psycopg2 import extensions

from case_file import Statement
from client import Client, Watchdog, open_connection

CREATE = "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"

PATIENCE = 60  # seconds for making and cleaning databases

# Roles of the cases.  They belong to the server, so they stay.
ROLES = ("diff_alice", "diff_bob", "diff_owner")

LAYOUTS = {
    "local-1": ("local", 1),
    "local-4": ("local", 4),
    "local-32": ("local", 32),
    "nodes-1": ("nodes", 1),
    "nodes-4": ("nodes", 4),
    "nodes-32": ("nodes", 32),
}

USER_TABLES = """
    SELECT format('%I.%I', n.nspname, c.relname)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND n.nspname !~ '^(pg_|shardext|information_schema)'
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
     ORDER BY 1"""

# Everything that a case may have created, as commands that drop it.
DROPS = """
    WITH own AS (SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^(pg_|shardext|information_schema)'),
    extension AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
    found AS (
      SELECT 1 AS nr, format('DROP SCHEMA %I CASCADE', nspname) AS command, 'pg_namespace'::regclass AS classid, oid AS objid
        FROM own WHERE nspname <> 'public'
      UNION ALL
      SELECT CASE WHEN relkind = 'S' THEN 3 ELSE 2 END,
             format('DROP %s IF EXISTS public.%I CASCADE', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                    WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, relname), 'pg_class'::regclass, c.oid
        FROM pg_class c JOIN own ON own.oid = relnamespace
       WHERE nspname = 'public' AND relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT relispartition
      UNION ALL
      SELECT 4, format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure), 'pg_proc'::regclass, p.oid
        FROM pg_proc p JOIN own ON own.oid = pronamespace WHERE nspname = 'public'
         AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')
      UNION ALL
      SELECT 3, format('DROP OPERATOR IF EXISTS %s CASCADE', o.oid::regoperator), 'pg_operator'::regclass, o.oid
        FROM pg_operator o JOIN own ON own.oid = oprnamespace WHERE nspname = 'public'
      UNION ALL
      SELECT 5, format('DROP %s IF EXISTS %s CASCADE', CASE typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, t.oid::regtype),
             'pg_type'::regclass, t.oid
        FROM pg_type t JOIN own ON own.oid = typnamespace LEFT JOIN pg_class c ON c.oid = typrelid
       WHERE nspname = 'public' AND (typtype IN ('d', 'e', 'r') OR c.relkind = 'c'))
    SELECT command FROM found WHERE (classid, objid) NOT IN (SELECT classid, objid FROM extension) ORDER BY nr, command"""


class PlaceError(Exception):
    """The database of a layout cannot be made."""


def with_dbname(dsn, dbname):
    """Returns the connection string for another database of the same server."""
    return extensions.make_dsn(dsn, dbname=dbname)


def run_all(dsn, commands):
    """Runs commands one by one on a connection of their own."""
    connection = open_connection(dsn)
    try:
        with connection.cursor() as cursor, Watchdog(connection, PATIENCE):
            for command in commands:
                cursor.execute(command)
    finally:
        connection.close()


class Place:
    """One database to run cases in; `nodes` are the servers that store its shards besides it."""

    def __init__(self, name, dsn, nodes=(), extension=False):
        self.prefix = name
        self.server = dsn
        self.number = 0
        self.nodes = nodes
        self.extension = extension
        self.ready = False
        self.complaints = []  # about databases that could not be dropped

    def client(self, limit):
        """Opens a client, making the database first when there is none that can be used."""
        if not self.ready:
            self.drop_quietly()
            self.make()
            self.ready = True
        return Client(self.dsn, limit)

    @property
    def name(self):
        """The name of the database; another one after each that could not be dropped."""
        return self.prefix + (f"_again{self.number}" if self.number else "")

    @property
    def dsn(self):
        """The connection string of the database."""
        return with_dbname(self.server, self.name)

    def drop_quietly(self):
        """Drops the database; when something holds on to it, leaves it and takes another name."""
        try:
            self.drop()
        except PlaceError as error:
            self.complaints.append(str(error))
            self.number += 1
            self.drop()

    def make(self):
        """Creates the database, and for a distributed one its nodes' databases and the extension."""
        try:
            run_all(self.server, [CREATE.format(self.name)] + [
                f"DO $$BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END$$" for role in ROLES])
            if self.extension:
                run_all(self.dsn, ["CREATE EXTENSION shardext"])
            for nr, node in enumerate(self.nodes, 1):
                run_all(node, [CREATE.format(f"{self.name}_{nr}")])
                conninfo = with_dbname(node, f"{self.name}_{nr}").replace("'", "''")
                run_all(self.dsn, [f"SELECT shardext_add_node('n{nr}', '{conninfo}')"])
        except psycopg2.Error as error:
            raise PlaceError(f"{self.name}: {first_line(error)}") from error

    def drop(self):
        """Drops the database and those on the nodes."""
        self.ready = False
        try:
            run_all(self.server, [f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)"])
            for nr, node in enumerate(self.nodes, 1):
                run_all(node, [f"DROP DATABASE IF EXISTS {self.name}_{nr} WITH (FORCE)"])
        except psycopg2.Error as error:
            raise PlaceError(f"{self.name}: {first_line(error)}") from error

    def clean(self):
        """Drops what a case has created; returns an error text when that does not work."""
        try:
            connection = open_connection(self.dsn)
            try:
                with connection.cursor() as cursor, Watchdog(connection, PATIENCE):
                    cursor.execute(DROPS)
                    for (command,) in cursor.fetchall():
                        cursor.execute(command)
            finally:
                connection.close()
        except psycopg2.Error as error:
            self.ready = False
            return f"{command_of(error)}{first_line(error)}"
        return None


def first_line(error):
    """Returns the first line of an error's text."""
    return str(error).strip().split("\n")[0]


def command_of(error):
    """Returns the text of the command that failed, when the error knows it."""
    query = getattr(error.cursor, "query", None)
    return query.decode() + ": " if query else ""


def tables_of(client):
    """Returns the qualified names of all tables of a case."""
    return [row[0] for row in client.query(USER_TABLES)]


def shard_count(count):
    """Returns the statement that chooses the number of shards of tables distributed from now on."""
    return Statement(f"SET shardext.shard_count = {count}", 0)


# Self-test: both sides are plain, but the second one stores its rows in another order and
# plans in another way.  Statements whose result is not determined show up as differences.

SHUFFLE_COLUMNS = """
    SELECT DISTINCT ON (c.oid) format('%I.%I', n.nspname, c.relname), format('%I', a.attname)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema)' AND attnum > 0 AND NOT attisdropped
       AND attidentity = '' AND attgenerated = '' ORDER BY c.oid, attnum"""

SELF_LAYOUTS = {
    "self-same": [],
    "self-shuffled": [],
    "self-other-plans": ["SET enable_hashagg = off", "SET enable_hashjoin = off", "SET enable_material = off"],
    "self-merge-plans": ["SET enable_sort = off", "SET enable_mergejoin = off", "SET enable_nestloop = off",
                         "SET enable_indexscan = off", "SET enable_bitmapscan = off"],
}


def shuffle(client):
    """Moves rows of every table to its end, in three passes that each choose by a hash."""
    client.query("SET session_replication_role = replica")
    for table, column in client.query(SHUFFLE_COLUMNS):
        for seed in (1, 2, 3):
            client.query(f"UPDATE {table} t SET {column} = {column} WHERE hashtextextended(t::text, {seed}) % 2 = 0")
    client.query("RESET session_replication_role")

"""What the writers of the bank do: each a part of a transaction, which keeps the total."""

import itertools

import psycopg2

from cluster import run

ACCOUNTS = 60
START = 1000  # on every account
TOTAL = ACCOUNTS * START

new_ids = itertools.count(1_000_000)  # new keys

SET_UP = (
    "DROP TABLE IF EXISTS bank, escrow, pot",
    "SET shardext.shard_count = 6",
    # Rows keep their code; the distribution key changes.
    "CREATE TABLE bank (id int PRIMARY KEY, code int NOT NULL, amount int NOT NULL)",
    "SELECT create_distributed_table('bank', 'id')",
    "CREATE TABLE escrow (id int PRIMARY KEY, code int NOT NULL, amount int NOT NULL)",
    "SELECT create_distributed_table('escrow', 'id', 'none')",
    "CREATE TABLE pot (amount int NOT NULL)",  # the coordinator's
    "INSERT INTO pot VALUES (0)",
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
    change(connection, f"UPDATE bank SET id = {next(new_ids)} * one() WHERE code = {two(rng)[0]}", 1)


def move_and_pay(connection, rng):
    a, b, n = two(rng)
    change(
        connection,
        f"UPDATE bank b SET id = v.id, amount = b.amount + v.plus * one() "
        f"FROM (VALUES ({a}, {-n}, {next(new_ids)}), ({b}, {n}, {next(new_ids)})) v(code, plus, id) WHERE b.code = v.code",
        2,
    )


def replace(connection, rng):
    code = two(rng)[0]
    rows = run(connection, f"DELETE FROM bank WHERE code = {code} * one() RETURNING amount")
    if len(rows) != 1:
        raise Lost("DELETE")
    change(connection, f"INSERT INTO bank VALUES ({next(new_ids)}, {code}, {rows[0][0]})", 1)


def put_aside(connection, rng):
    a, _, n = two(rng)
    change(
        connection,
        f"WITH u AS (UPDATE bank SET amount = amount - {n} * one() WHERE code = {a} RETURNING code) "
        f"INSERT INTO escrow SELECT {next(new_ids)}, code, {n} FROM u",
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


def by_key(connection, rng):
    """The keys are looked up first; who has moved meanwhile is not found."""
    a, b, n = two(rng)
    ids = run(connection, f"SELECT id FROM bank WHERE code IN ({a}, {b})")
    if len(ids) != 2:
        raise Lost("SELECT")
    change(connection, f"UPDATE bank SET amount = amount - {n} WHERE id = {ids[0][0]}", 1)
    change(connection, f"UPDATE bank SET amount = amount + {n} WHERE id = {ids[1][0]}", 1)


def to_the_pot(connection, rng):
    """Between the coordinator's table and an account."""
    a, _, n = two(rng)
    n = rng.choice((n, -n))
    change(connection, f"UPDATE pot SET amount = amount + {n}", 1)
    change(connection, f"UPDATE bank SET amount = amount - {n} WHERE code = {a}", 1)


def undone(connection, rng):
    run(connection, "SAVEPOINT s")
    try:
        a, b, n = two(rng)
        run(connection, f"UPDATE bank SET amount = amount + {n} * one() WHERE code IN ({a}, {b})")
        run(connection, f"UPDATE bank SET id = {next(new_ids)} * one() WHERE code = {a}")
        run(connection, f"DELETE FROM bank WHERE code = {b} * one()")
    except psycopg2.Error as error:
        if connection.closed or error.pgcode in (None, "57P01"):
            raise
    run(connection, "ROLLBACK TO s")


ACTIONS = (transfer, transfer, by_key, by_key, to_the_pot, merge, move, move_and_pay, replace, put_aside, pay_out, pushed, undone)

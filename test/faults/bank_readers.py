"""What the readers of the bank check: however they read, they see all of each transfer or nothing of it."""

import psycopg2

from bank_actions import ACCOUNTS, TOTAL
from cluster import run

BANK = "SELECT sum(amount) FROM bank"
ALL = f"SELECT ({BANK}) + (SELECT coalesce(sum(amount), 0) FROM escrow) + (SELECT amount FROM pot)"
ROWS = "SELECT amount FROM bank UNION ALL SELECT amount FROM escrow UNION ALL SELECT amount FROM pot"


class Wrong(Exception):
    """A reader has seen what never was."""


def one(connection, sql):
    return run(connection, sql)[0][0]


def expect(found, wanted, what):
    if found != wanted:
        raise Wrong(f"{what}: {found} instead of {wanted}")


def sum_of_all(connection, _):
    expect(one(connection, ALL), TOTAL, "sums in one statement")


def rows_of_all(connection, _):
    expect(one(connection, f"SELECT sum(amount) FROM ({ROWS}) r"), TOTAL, "rows in one statement")


def accounts(connection, _):
    """Every account is there once, whether it moves or not."""
    codes = sorted(code for (code,) in run(connection, "SELECT code FROM bank"))
    expect(codes, list(range(1, ACCOUNTS + 1)), "accounts")


def several_scans(connection, _):
    sums = run(connection, f"SELECT sum(a.amount), ({BANK}), ({BANK} WHERE code > 0) FROM bank a")[0]
    expect(len(set(sums)), 1, f"scans of a statement {sums}")


def repeatable(connection, _):
    run(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ")
    pot = one(connection, "SELECT amount FROM pot")
    bank = one(connection, BANK)
    total = one(connection, ALL)
    escrow = sum(amount for (amount,) in run(connection, "SELECT amount FROM escrow"))
    run(connection, "COMMIT")
    expect((pot + bank + escrow, total), (TOTAL, TOTAL), "REPEATABLE READ")


def by_key(connection, rng):
    """One statement for each key, each on one shard."""
    run(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ")
    keys = [key for (key,) in run(connection, "SELECT id FROM bank")]
    rng.shuffle(keys)
    found = [run(connection, f"SELECT amount FROM bank WHERE id = {key}") for key in keys]
    rest = one(connection, "SELECT (SELECT coalesce(sum(amount), 0) FROM escrow) + (SELECT amount FROM pot)")
    run(connection, "COMMIT")
    expect([len(rows) for rows in found], [1] * ACCOUNTS, "rows by key")
    expect(sum(rows[0][0] for rows in found) + rest, TOTAL, "REPEATABLE READ by key")


def after_a_write(connection, rng):
    run(connection, "BEGIN")
    run(connection, f"UPDATE bank SET amount = amount WHERE code = {rng.randint(1, ACCOUNTS)}")
    found = [one(connection, ALL), one(connection, f"SELECT sum(amount) FROM ({ROWS}) r")]
    run(connection, "ROLLBACK")
    expect(found, [TOTAL, TOTAL], "after a write")


def cursor(connection, _):
    run(connection, "BEGIN")
    run(connection, f"DECLARE c CURSOR FOR {ROWS}")
    rows = run(connection, "FETCH 5 FROM c") + run(connection, "FETCH ALL FROM c")
    run(connection, "COMMIT")
    expect(sum(amount for (amount,) in rows), TOTAL, "cursor")


def loop(connection, _):
    """Each statement of a function has snapshots of its own; the rows of a loop have one."""
    try:
        run(
            connection,
            f"""DO $$
            DECLARE total bigint; r record;
            BEGIN
                FOR i IN 1..3 LOOP
                    total := ({ALL});
                    IF total <> {TOTAL} THEN RAISE EXCEPTION 'value: %', total USING ERRCODE = 'ZZ001'; END IF;
                    total := 0;
                    FOR r IN {ROWS} LOOP total := total + r.amount; END LOOP;
                    IF total <> {TOTAL} THEN RAISE EXCEPTION 'loop: %', total USING ERRCODE = 'ZZ001'; END IF;
                END LOOP;
            END $$""",
        )
    except psycopg2.Error as error:
        if error.pgcode == "ZZ001":
            raise Wrong(f"PL/pgSQL {error.diag.message_primary} instead of {TOTAL}") from error
        raise


READS = (sum_of_all, rows_of_all, accounts, several_scans, repeatable, by_key, after_a_write, cursor, loop)

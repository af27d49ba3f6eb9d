"""The kinds of values that queries are made of: SQL type, literals, and whether equal values look equal.

`1.0` and `1.00` are equal numerics with two texts, so which of them GROUP BY, DISTINCT or LIMIT returns is not
determined.  Kinds with such values have a canonical form, an expression of the same kind that leaves one text.
"""

from dataclasses import dataclass

TEXTS = ("", "a", "A", "b", "B", "ab", "Ab", "aB", " a ", "ä", "Ä", "ß", "日本", "O'Brien", "back\\slash", '"q"',
         "50%", "x_y", "{a,b}", "(1,2)", "NULL", "a,b", "10", "9", "tab\there", "nl\nnl", "émile", "emile", "zoë", "a;b--c", "$1")
WORDS = ("a", "A", "b", "Ab", "ab", "c", "C", "")
MOODS = ("sad", "ok", "happy", "O'k")
DATES = ("2024-02-29", "2024-03-31", "2023-12-31", "2024-01-01", "2024-10-27", "2024-03-30", "1999-12-31")
TIMES = ("2024-02-29 12:00:00+00", "2024-03-31 00:30:00+00", "2024-03-31 01:30:00+00", "2023-12-31 23:59:59.999999+00",
         "2024-01-01 00:00:00+00", "2024-10-27 00:30:00+00", "2024-10-27 01:30:00+00", "1999-12-31 22:00:00-05")
INTERVALS = ("1 month", "30 days", "720 hours", "1 day", "24 hours", "-3 days 02:00", "00:00:00",
             "1 year 2 mons 3.5 secs", "-1 month")
JSONS = ('{"a": 1, "n": 2}', '{"n": 3, "b": [1, "x", null]}', '{}', '[]', '[1, 2, {"a": "x"}]', '"str"', "7", "null", "true",
         '{"a": {"b": {"c": "d\\"e"}}}', '{"a": null}', '{"a": "x", "k": [true, false]}', "{\"a\": \"O'Brien\"}")
PAIRS = ("(1,a)", "(1,b)", "(2,)", "(,a)", "(,)", '(3,"x,y")', '(2,"q""q")', "(1,A)")
RANGES = ("[1,5)", "[3,8)", "empty", "(,3)", "[7,)", "(,)", "[1,1]", "[4,5)")
UUIDS = tuple(f"{d}{d}{d}{d}{d}{d}{d}{d}-0000-4000-8000-00000000000{d}" for d in "0123456789abcdef"[::3])
BYTES = ("\\x", "\\x00", "\\xff00", "\\x61", "\\x6162", "\\xdeadbeef")
INTS = ("{1,2,3}", "{}", "{1,NULL}", "{3,2,1}", "{5}", "{2,2}", "{NULL}")
TEXTARRAYS = ("{a,b}", "{}", "{NULL,a}", '{"x y","q\\"q"}', "{A,a,B}", '{""}', "{NULL}")
NUMERICS = ("1", "1.0", "1.00", "0", "-0.0", "2.50", "2.5", "-3.125", "100", "1e2", "NaN", "12345678901234567890.5", "0.1", "7")
INETS = ("10.0.0.1", "10.0.0.0/8", "::1", "192.168.1.1/24", "10.0.0.1/32")
BITS = ("", "0", "1", "101", "0101", "11111111")
CLOCK = ("00:00:00", "12:30:00", "23:59:59.999999", "07:15:30")
VECTORS = ("a:1 b:2", "", "c", "a b c")
MULTIS = ("{[1,3),[5,8)}", "{}", "{(,)}", "{[4,6)}")
ZONED = ("12:30:00+00", "12:30:00+02", "00:00:00-05", "23:59:59.5+00")
MONEY = ("1.00", "-2.50", "0", "1000.25")
DEEP = ('("(1,a)","{1,2}",3)', '(,,)', '("(2,)",{},1)', '("(1,a)","{NULL}",)')
GRIDS = ("{{1,2},{3,4}}", "{}", "{1}", "{{1,NULL}}", "[0:1]={7,8}")
FLOATS = ("0", "0.25", "-0.5", "1.5", "2", "-2.25", "3.75", "100.5", "NaN", "Infinity", "-Infinity")


def quote(text):
    """Returns text as a string literal."""
    return "'" + text.replace("'", "''") + "'"


def from_list(values, sql):
    """Returns a maker of literals `'value'::type`."""
    return lambda rng: f"{quote(rng.choice(values))}::{sql}"


def text_literal(rng):
    """A string, sometimes written with E''."""
    value = rng.choice(WORDS if rng.random() < 0.5 else TEXTS)
    if rng.random() < 0.1:
        return "E" + quote(value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")) + "::text"
    return quote(value) + "::text"


def int_literal(rng):
    """A small integer; negative ones in parentheses, because of ^ and ::."""
    value = rng.choice((0, 1, 2, 3, 5, 7, 12, -1, -4, rng.randint(-5, 30)))
    text = str(value) if value >= 0 else f"({value})"
    return text if rng.random() < 0.8 else f"{text}::int"


def big_literal(rng):
    """An integer of eight bytes, often too large for four."""
    return f"'{rng.choice((0, 1, 3, 7, -2, 5000000000, -5000000001, 9007199254740993))}'::bigint"


def numeric_literal(rng):
    """A numeric, with digits behind the point that say nothing."""
    value = rng.choice(NUMERICS)
    return value if value[0].isdigit() and rng.random() < 0.4 and "." in value else f"'{value}'::numeric"


@dataclass(frozen=True)
class Kind:
    """A kind of values."""

    name: str
    sql: str
    literal: object  # rng -> SQL text
    simple: str  # the literal that a shrunken expression is left with
    canon: tuple | None = None  # what stands before and behind an expression in canonical form
    parent: str | None = None  # the kind that expressions of this one can stand for
    hashable: bool = True  # can be the distribution column
    minmax: bool = True


def kinds():
    """Returns all kinds by name."""
    found = [
        Kind("int", "integer", int_literal, "1"),
        Kind("small", "fz.small", lambda rng: f"{rng.randint(0, 9)}::fz.small", "1::fz.small", parent="int"),
        Kind("big", "bigint", big_literal, "1::bigint"),
        Kind("num", "numeric", numeric_literal, "1.5", ("trim_scale(", ")")),
        Kind("num2", "numeric(8,2)", lambda rng: f"{rng.randint(-40, 80) / 4:.2f}::numeric(8,2)", "1.50::numeric(8,2)",
             parent="num"),
        Kind("float", "double precision", from_list(FLOATS + ("-0",), "double precision"), "1.5::double precision",
             ("(", " + 0::double precision)")),
        Kind("flt", "double precision", from_list(FLOATS, "double precision"), "1.5::double precision", parent="float"),
        Kind("text", "text", text_literal, "'a'::text"),
        Kind("ci", "text COLLATE fz.ci", from_list(WORDS, "text"), "'a'::text COLLATE fz.ci",
             ("(lower(", ' COLLATE "C") COLLATE fz.ci)'), minmax=False),
        Kind("bool", "boolean", lambda rng: rng.choice(("true", "false", "true", "false", "NULL::boolean")), "true", minmax=False),
        Kind("date", "date", from_list(DATES, "date"), "'2024-01-01'::date"),
        Kind("tstz", "timestamp with time zone", from_list(TIMES, "timestamptz"), "'2024-01-01 00:00:00+00'::timestamptz"),
        Kind("ivl", "interval", from_list(INTERVALS, "interval"), "'1 day'::interval",
             ("(extract(epoch FROM ", ")::double precision * '1 second'::interval)")),
        Kind("mood", "mood", from_list(MOODS, "mood"), "'ok'::mood"),
        Kind("ints", "integer[]", from_list(INTS, "int[]"), "'{1}'::int[]"),
        Kind("texts", "text[]", from_list(TEXTARRAYS, "text[]"), "'{a}'::text[]"),
        Kind("json", "jsonb", from_list(JSONS, "jsonb"), "'{}'::jsonb", minmax=False),
        Kind("pair", "fz.pair", from_list(PAIRS, "fz.pair"), "'(1,a)'::fz.pair", minmax=False),
        Kind("range", "int4range", from_list(RANGES, "int4range"), "'[1,5)'::int4range", minmax=False),
        Kind("uuid", "uuid", from_list(UUIDS, "uuid"), f"'{UUIDS[0]}'::uuid", minmax=False),
        Kind("short", "smallint", lambda rng: f"{rng.randint(0, 12)}::smallint", "1::smallint", parent="int"),
        Kind("vchar", "character varying(20)", from_list(WORDS, "varchar(20)"), "'a'::varchar(20)", parent="text"),
        Kind("word", "fz.word", from_list(WORDS, "fz.word"), "'a'::fz.word", parent="text"),
        Kind("chars", "character(3)", from_list(("a", "A", "ab", "", "b", "abc"), "char(3)"), "'a'::char(3)"),
        Kind("real", "real", from_list(("0.25", "1.5", "-2", "NaN", "100"), "real"), "1.5::real"),
        Kind("stamp", "timestamp without time zone", from_list([t[:19] for t in TIMES], "timestamp"), "'2024-01-01'::timestamp"),
        Kind("clock", "time without time zone", from_list(CLOCK, "time"), "'12:30'::time"),
        Kind("inet", "inet", from_list(INETS, "inet"), "'10.0.0.1'::inet"),
        Kind("bits", "bit varying", from_list(BITS, "varbit"), "'101'::varbit", hashable=False, minmax=False),
        Kind("moods", "mood[]", from_list(("{sad,ok}", "{}", "{NULL,happy}", "{ok}"), "mood[]"), "'{ok}'::mood[]"),
        Kind("days", "daterange", from_list(("[2024-01-01,2024-02-01)", "empty", "(,2024-01-15)", "[2024-01-10,)"), "daterange"),
             "'empty'::daterange", minmax=False),
        Kind("vec", "tsvector", from_list(VECTORS, "tsvector"), "'a'::tsvector", hashable=False, minmax=False),
        Kind("multi", "int4multirange", from_list(MULTIS, "int4multirange"), "'{}'::int4multirange", minmax=False),
        Kind("name", "name", from_list(WORDS, "name"), "'a'::name", minmax=False),
        Kind("zoned", "time with time zone", from_list(ZONED, "timetz"), "'12:30+00'::timetz"),
        Kind("money", "money", from_list(MONEY, "money"), "'1'::money", hashable=False),
        Kind("oid", "oid", from_list(("0", "1", "7", "4294967295"), "oid"), "'1'::oid"),
        Kind("pairs", "fz.pair[]", from_list(('{"(1,a)"}', "{}", '{NULL,"(2,b)"}'), "fz.pair[]"), "'{}'::fz.pair[]", minmax=False),
        Kind("nums", "fz.nums", from_list(INTS, "fz.nums"), "'{1}'::fz.nums", parent="ints", minmax=False),
        Kind("deep", "fz.deep", from_list(DEEP, "fz.deep"), "'(,,)'::fz.deep", hashable=False, minmax=False),
        Kind("grid", "integer[]", from_list(GRIDS, "int[]"), "'{}'::int[]", minmax=False),
        Kind("bit4", "bit(4)", from_list(("0000", "1010", "1111"), "bit(4)"), "'1010'::bit(4)", hashable=False, minmax=False),
        Kind("bytes", "bytea", from_list(BYTES, "bytea"), "'\\x61'::bytea", minmax=False),
    ]
    return {kind.name: kind for kind in found}


KINDS = kinds()
BASE = [name for name, kind in KINDS.items() if kind.parent is None]


# What values of a kind may be compared with although they are of another type.
CROSS = {"int": ("bigint", "smallint", "numeric", "float8"), "short": ("int", "bigint"), "small": ("bigint", "int"),
         "big": ("numeric",), "num": ("float8",), "float": ("real", "numeric"), "date": ("timestamptz", "timestamp"),
         "tstz": ("date", "timestamp"), "stamp": ("date", "timestamptz"), "text": ("varchar", "name", "char(3)"),
         "chars": ("text", "varchar"), "vchar": ("text",)}
PAIRS_ACROSS = (("int", "big"), ("int", "num"), ("big", "num"), ("int", "float"), ("date", "tstz"), ("date", "stamp"),
                ("stamp", "tstz"), ("text", "ci"), ("text", "chars"), ("real", "float"), ("num", "float"))


def comparable(a, b):
    """Tells whether values of two kinds can be compared although they are of different types."""
    return (base(a), base(b)) in PAIRS_ACROSS or (base(b), base(a)) in PAIRS_ACROSS


def base(name):
    """Returns the kind that an expression of a kind counts as in expressions."""
    return KINDS[name].parent or name if name in KINDS else name


def fits(have, want):
    """Tells whether an expression of kind `have` can stand where `want` is expected."""
    return have == want or base(have) == want

"""Makes random tables, rows and views, and ways to distribute them.

Types, functions and one table lie in schemas of their own.  Columns of one name have one kind in every table,
so that USING and NATURAL work.
"""

from dataclasses import dataclass, field

from expressions import Scope
from kinds import KINDS
from queries import Queries
from sources import Relation, Seen

OBJECTS = """
CREATE SCHEMA fz;
CREATE SCHEMA "Other Schema";
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'O''k');
CREATE DOMAIN fz.small AS int CHECK (VALUE < 1000);
CREATE DOMAIN fz.word AS text CHECK (length(VALUE) < 40);
CREATE TYPE fz.pair AS (a int, b text);
CREATE DOMAIN fz.nums AS int[] CHECK (cardinality(VALUE) < 50);
CREATE TYPE fz.deep AS (p fz.pair, l int[], s fz.small);
CREATE COLLATION fz.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE FUNCTION is_even(n int) RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN RETURN n % 2 = 0; END';
CREATE FUNCTION fz.plus(a int, b int DEFAULT 7) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS 'SELECT a + b';
CREATE FUNCTION fz.label(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN ''<'' || coalesce($1, ''?'') || ''>''; END';
CREATE FUNCTION fz.few(n int) RETURNS TABLE (v int, w text) LANGUAGE sql STABLE
  AS 'SELECT i, ''w'' || i FROM generate_series(1, n % 4) i';
CREATE FUNCTION fz.vol(n int) RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN n; END';
CREATE FUNCTION fz.add(bigint, int) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT $1 + coalesce($2, 0)';
CREATE FUNCTION fz.same(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 % 3 = $2 % 3';
CREATE OPERATOR fz.=== (FUNCTION = fz.same, LEFTARG = int, RIGHTARG = int);
CREATE AGGREGATE fz.total(int) (SFUNC = fz.add, STYPE = bigint, INITCOND = 0);
""".strip().rstrip(";").split(";\n")

# Who reads when tables have policies.
ROLE = "fuzz_reader"
BECOME_ROLE = [f"DO $$BEGIN CREATE ROLE {ROLE}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$",
               f'GRANT USAGE ON SCHEMA fz, "Other Schema" TO {ROLE}',
               f'GRANT ALL ON ALL TABLES IN SCHEMA public, "Other Schema" TO {ROLE}', f"SET ROLE {ROLE}"]

# Functions that read tables, one way or the other.
TABLE_FUNCTIONS = [
    "CREATE FUNCTION fz.of_table(n int) RETURNS TABLE (v int, w text) LANGUAGE sql STABLE AS 'SELECT id, k::text FROM t1 WHERE id % 7 = n ORDER BY 1'",
    "CREATE FUNCTION fz.atomic(n int) RETURNS TABLE (v int, w text) LANGUAGE sql STABLE "
    "BEGIN ATOMIC SELECT a.id, b.k::text FROM t2 a JOIN t3 b ON b.id = a.id WHERE a.id < n ORDER BY 1; END",
    "CREATE FUNCTION fz.of_rows(n int) RETURNS TABLE (v int, w text) LANGUAGE plpgsql STABLE "
    "AS 'BEGIN RETURN QUERY SELECT id, k::text FROM t2 WHERE id BETWEEN n AND n + 2 ORDER BY 1; END'",
]
NAMES = {
    "int": ("i1", "i2", '"select"'), "small": ("d1",), "big": ("b1",), "num": ("n1", "n2"), "num2": ("m1",), "float": ("f2",),
    "flt": ("f1",), "text": ("t1", '"Weird Col"', "t2"), "ci": ("ci",), "bool": ("o1", "o2"), "date": ("e1",), "tstz": ("z1",),
    "ivl": ("v1",), "mood": ("mood",), "ints": ("ia",), "texts": ("ta",), "json": ("j1",), "pair": ("p1",), "range": ("r1",),
    "uuid": ("u1",), "bytes": ('"üñí"',), "short": ("s1",), "vchar": ("c1",), "word": ("w1",), "chars": ("h1",), "real": ("f4",),
    "stamp": ("y1",), "clock": ("x1",), "inet": ("a1",), "bits": ("l1",), "moods": ("ma",), "days": ("q1",),
    "vec": ("v2",), "multi": ("r2",), "name": ("a2",), "zoned": ("x2",), "money": ("m2",), "oid": ("g2",), "pairs": ("pa",),
    "nums": ("d2",), "deep": ("dp",), "grid": ("ga",), "bit4": ("l2",),
}
USUAL = ("int", "text", "num", "num2", "date", "tstz", "flt", "bool", "mood", "big", "ints", "json")
TABLES = ("t1", "t2", "t3", '"Other Schema"."Mixed Case"', "t5", "t6")
KEYS = ("int",) * 8 + ("big", "text", "text", "uuid", "num", "mood", "date", "tstz", "bool", "small", "ci", "bytes", "ivl", "pair",
                       "range", "float", "json", "ints", "short", "vchar", "word", "chars", "real", "stamp", "inet", "multi", "name", "zoned",
                       "oid", "nums", "grid")
VARIANTS = ("colocated", "colocated", "references", "local", "different", "mixed", "mixed")


@dataclass
class TableSpec:
    """One table: its definition and its rows as texts."""

    name: str
    columns: list  # (name, kind) as queries see them
    create: list = field(default_factory=list)
    insert: str = ""
    rows: list = field(default_factory=list)
    samples: dict = field(default_factory=dict)  # values of each column
    key: bool = False  # has a primary key (k, id)


class Schema:
    """Tables and views of one round."""

    def __init__(self, rng):
        self.rng = rng
        self.key = rng.choice(KEYS)
        self.tables = [self.table(nr, name) for nr, name in enumerate(TABLES)]
        self.relations = [self.relation(table) for table in self.tables]
        self.views = [self.view(nr) for nr in (1, 2, 3)]
        self.policies = self.row_security() if rng.random() < 0.2 else []

    # --- tables ---------------------------------------------------------------------------------------

    def table(self, nr, name):
        """Makes one table."""
        rng = self.rng
        unique = nr < 5  # the last table has rows that are equal
        kinds = rng.sample(USUAL, rng.randint(3, 6)) + rng.sample([kind for kind in NAMES if kind not in USUAL], rng.randint(2, 4))
        rng.shuffle(kinds)
        columns = [(rng.choice(NAMES[kind]), kind) for kind in kinds if kind != "json" or rng.random() < 0.6]
        columns.insert(rng.randint(0, len(columns)), ("k", self.key))
        if unique:
            columns.insert(rng.randint(0, 1), ("id", "int"))
        spec = TableSpec(name, columns)
        spec.key = unique and rng.random() < 0.25 and self.key != "pair"
        texts, filled = [], []
        dropped = rng.randint(0, len(columns) - 1) if rng.random() < 0.5 else -1
        for i, (column, kind) in enumerate(columns):
            if i == dropped:
                texts.append("gone text DEFAULT 'gone'")
            if column == "id" and rng.random() < 0.6:
                texts.append("id int GENERATED ALWAYS AS IDENTITY")
            else:
                texts.append(f"{column} {KINDS[kind].sql}")
            filled.append((column, kind))
        if unique and rng.random() < 0.5:
            texts.append("g1 int GENERATED ALWAYS AS (id % 7) STORED")
            spec.columns = columns + [("g1", "int")]
        if spec.key:
            texts.append("PRIMARY KEY (k, id)")
        spec.create.append(f"CREATE TABLE {name} (\n  " + ",\n  ".join(texts) + "\n)")
        names = ", ".join(column for column, _ in filled)
        spec.insert = f"INSERT INTO {name} ({names}) {'OVERRIDING SYSTEM VALUE ' if unique else ''}VALUES\n  "
        spec.rows = self.rows(spec, filled, unique)
        if dropped >= 0:
            spec.create.append(f"ALTER TABLE {name} DROP COLUMN gone")
        if rng.random() < 0.25:
            spec.create.append(f"ALTER TABLE {name} ADD COLUMN later text DEFAULT 'late'")
            spec.columns = spec.columns + [("later", "text")]
        if rng.random() < 0.4:
            simple = [c for c, kind in columns if kind not in ("json", "ints", "texts", "range", "moods", "days", "pairs", "grid")]
            spec.create.append(f"CREATE INDEX ON {name} ({rng.choice(simple)})")
        return spec

    def rows(self, spec, filled, unique):
        """Makes the rows of a table: some keys come often, some are NULL, some values are missing everywhere."""
        rng = self.rng
        count = 0 if rng.random() < 0.04 else rng.choice((8, 30, 40, 60, 80, 120, 200))
        hot = [KINDS[self.key].literal(rng) for _ in range(2)]
        found = []
        for nr in range(1, count + 1):
            values = []
            for column, kind in filled:
                if column == "id":
                    values.append(str(nr))
                elif column == "k":
                    values.append(self.key_value(spec, hot))
                elif rng.random() < 0.1:
                    values.append("NULL")
                else:
                    values.append(KINDS[kind].literal(rng))
            found.append("(" + ", ".join(values) + ")")
            for (column, _), value in zip(filled, values):
                spec.samples.setdefault(column, []).append(value)
            if not unique and rng.random() < 0.3:
                found.append(found[-1])
        return found

    def key_value(self, spec, hot):
        """A value of the distribution column."""
        r = self.rng.random()
        if r < 0.07 and not spec.key:
            return "NULL"
        value = self.rng.choice(hot) if r < 0.3 else KINDS[self.key].literal(self.rng)
        while spec.key and value.startswith("NULL"):
            value = KINDS[self.key].literal(self.rng)
        return value

    def relation(self, spec):
        """Returns a table as queries see it."""
        key = ["id"] if ("id", "int") in spec.columns else None
        return Relation(spec.name, spec.columns, key, max(1, len(spec.rows)), True, "k", spec.samples, ["k", "id"] if spec.key else None)

    def view(self, nr):
        """Makes a view over tables and the views before it."""
        queries = Queries(self.rng, self)
        queries.budget = 3
        box, key, rows = queries.query(None, 1, named=True, mode=None)
        name = f"v{nr}"
        option = " WITH (security_barrier)" if nr % 2 == 0 else ""
        columns = [(item.name, item.kind) for item in box.columns()]
        self.relations.append(Relation(name, columns, key, rows))
        return f"CREATE VIEW {name} ({', '.join(c for c, _ in columns)}){option} AS {box.sql()}"

    def row_security(self):
        """Statements that hide some rows of some tables from ROLE."""
        found = []
        everything, names = self.relations, [spec.name for spec in self.tables]
        self.relations = [r for r in everything if r.name in names]  # views are not there yet
        for spec in self.rng.sample(self.tables, 3):
            queries = Queries(self.rng, self)
            relation = next(r for r in self.relations if r.name == spec.name)
            seen = Seen(spec.name.split(".")[-1], relation)
            scope = Scope(seen.exprs(), None, relation.rows, relations=[seen], subqueries=int(self.rng.random() < 0.2))
            condition = queries.expressions.condition(scope).sql()
            found.append(f"ALTER TABLE {spec.name} ENABLE ROW LEVEL SECURITY")
            found.append(f"CREATE POLICY seen ON {spec.name} USING ({condition} OR {seen.alias}.k IS NULL)")
        self.relations = everything
        return found

    # --- statements -------------------------------------------------------------------------------------

    def setup(self, shuffled=None):
        """Returns the statements that make and fill the tables; `shuffled` is a random generator for another order of rows."""
        statements = list(OBJECTS)
        for spec in self.tables:
            create, *later = spec.create
            rows = list(spec.rows)
            if shuffled:
                shuffled.shuffle(rows)
            statements.append(create)
            if rows:
                statements.append(spec.insert + ",\n  ".join(rows))
            statements += later
        return statements + TABLE_FUNCTIONS + self.policies

    def distribution(self, rng):
        """Returns the name of a way to distribute the tables, and its statements."""
        variant = rng.choice(VARIANTS)
        statements = []
        for nr, spec in enumerate(self.tables):
            what = "k"
            if variant == "references" and nr in (1, 4):
                what = "reference"
            elif variant == "local" and nr in (2, 5):
                what = "local" if nr == 2 else "reference"
            elif variant == "different" or (variant == "mixed" and rng.random() < 0.5):
                what = rng.choice(("other", "other", "other", "reference", "local", "k") if variant == "mixed" else ("other",))
            statements += self.distribute(rng, spec, what, variant)
        return variant, statements

    def distribute(self, rng, spec, what, variant):
        """Returns the statement that distributes one table."""
        name = spec.name.replace("'", "''")
        if what == "local":
            return []
        if what == "reference":
            return [f"SELECT create_reference_table('{name}')"]
        column, relation = "k", next(r for r in self.relations if r.name == spec.name)
        if what == "other":
            allowed = [c for c, kind in spec.columns if c not in ("g1", "later") and KINDS[kind].hashable]
            allowed = ["k", "id"] if spec.key else allowed
            column = rng.choice([c for c in allowed if (c, "int") in spec.columns or c != "id"])
        relation.distribution, extra = column, ""
        if variant in ("mixed", "different") and rng.random() < 0.3:
            extra = rng.choice((", colocate_with => 'none'", f", shard_count => {rng.choice((1, 3, 7))}"))
        return [f"SELECT create_distributed_table('{name}', '{column.strip(chr(34))}'{extra})"]

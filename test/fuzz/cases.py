"""One test: a random query and the way it is put to a server, as statements that both sides run."""

import re
from dataclasses import dataclass, field

from kinds import KINDS, base
from queries import Queries
from tree import Param, SetOp, without

SETTINGS = (
    ("TimeZone", ("America/New_York", "Europe/Berlin", "Asia/Kolkata")), ("DateStyle", ("German", "SQL, DMY", "Postgres")),
    ("IntervalStyle", ("iso_8601", "sql_standard", "postgres_verbose")), ("bytea_output", ("escape",)),
    ("extra_float_digits", ("0",)), ("quote_all_identifiers", ("on",)), ("transform_null_equals", ("on",)), ("work_mem", ("64kB",)),
    ("search_path", ('"Other Schema", fz, public', "public, fz", "fz, public, pg_catalog")), ("join_collapse_limit", ("1",)),
    ("from_collapse_limit", ("1",)), ("enable_hashjoin", ("off",)), ("enable_mergejoin", ("off",)), ("enable_nestloop", ("off",)),
    ("enable_hashagg", ("off",)), ("enable_sort", ("off",)), ("enable_material", ("off",)), ("cursor_tuple_fraction", ("1",)),
    ("default_transaction_isolation", ("repeatable read",)),
    ("enable_indexscan", ("off",)), ("enable_incremental_sort", ("off",)), ("enable_memoize", ("off",)), ("geqo_threshold", ("2",)),
    ("force_parallel_mode", ("on",)), ("default_text_search_config", ("simple",)), ("row_security", ("off",)),
    ("constraint_exclusion", ("on",)), ("xmlbinary", ("hex",)), ("standard_conforming_strings", ("off",)),
)

PLPGSQL = """CREATE OR REPLACE FUNCTION pg_temp.made() RETURNS SETOF text LANGUAGE plpgsql AS $plpgsql$
DECLARE r record; BEGIN FOR r IN {} LOOP RETURN NEXT r::text; END LOOP; END $plpgsql$"""
FUNCTION = """CREATE OR REPLACE FUNCTION pg_temp.called({types}) RETURNS SETOF text LANGUAGE sql {how} AS $made$
SELECT q::text FROM ({query}) q $made$"""
CALLED = """CREATE OR REPLACE FUNCTION pg_temp.called({types}) RETURNS SETOF text LANGUAGE plpgsql AS $made$
BEGIN RETURN QUERY SELECT q::text FROM ({query}) q; END $made$"""
NOMESSAGE = frozenset(("nomessage",))


@dataclass
class Step:
    """One statement of a case, as the client takes it."""

    sql: str
    marks: frozenset = frozenset()
    copy_data: str | None = None
    copies_out: bool = False


@dataclass
class Case:
    """A query, settings and the way to run it, one of HOWS."""

    box: object
    how: str = "select"
    settings: list = field(default_factory=list)
    params: list = field(default_factory=list)
    runs: list = field(default_factory=list)  # for those with parameters: which of their values each run takes
    writes: list = field(default_factory=list)  # for written: statements before the query
    stable: str = "STABLE"  # for function

    @property
    def marks(self):
        """Errors count by their SQLSTATE; rows count in order when the order is total."""
        node = self.box.node
        ordered = getattr(node, "total", False) and node.order and (isinstance(node, SetOp) or self.all_ordered(node))
        return frozenset(("nomessage", "ordered") if ordered else ("nomessage",))

    @staticmethod
    def all_ordered(select):
        """Tells whether every column is in ORDER BY."""
        return all(any(order.what is item for order in select.order) for item in select.items)

    def query(self):
        """Returns the bare query; parameters show the values of the first run unless the case is prepared."""
        for param in self.params:
            param.shown = f"${param.number}" if self.how in PARAMETERS else self.value(param, self.runs[0])
        return self.box.sql()

    @staticmethod
    def value(param, run):
        text = param.values[(run + param.number) % len(param.values)]
        return f"({text})" if text[0] == "-" else text

    def steps(self):
        """Returns the statements in order."""
        query, marks = self.query(), self.marks
        found = [Step(f"SET {name} = {value}") for name, value in self.settings]
        if self.how == "prepare":
            types = ", ".join(KINDS[p.kind].sql for p in self.params)
            found.append(Step(f"PREPARE q{f' ({types})' if types else ''} AS {query}"))
            for run in self.runs:
                values = ", ".join(self.value(p, run) for p in self.params)
                found.append(Step(f"EXECUTE q{f'({values})' if values else ''}", marks))
            found.append(Step("DEALLOCATE q", marks))
        elif self.how in ("function", "called"):
            types = ", ".join(KINDS[p.kind].sql.removesuffix(" COLLATE fz.ci") for p in self.params)
            found.append(Step((FUNCTION if self.how == "function" else CALLED).format(types=types, how=self.stable, query=query)))
            for run in self.runs:
                found.append(Step(f"SELECT * FROM pg_temp.called({', '.join(self.value(p, run) for p in self.params)})", marks))
            found.append(Step("DROP FUNCTION pg_temp.called"))
        elif self.how == "cursor":
            found += [Step("BEGIN"), Step(f"DECLARE c NO SCROLL CURSOR FOR {query}", NOMESSAGE)]
            found += [Step("FETCH 3 FROM c", marks)] if "ordered" in marks else []
            found += [Step("FETCH ALL FROM c", marks), Step("ROLLBACK")]
        elif self.how == "scroll":
            found += [Step("BEGIN"), Step(f"DECLARE c SCROLL CURSOR FOR {query}", NOMESSAGE)]
            found += [Step("FETCH 3 FROM c", marks), Step("FETCH RELATIVE 2 FROM c", marks)] if "ordered" in marks else []
            found += [Step("MOVE ABSOLUTE 0 FROM c"), Step("FETCH ALL FROM c", marks), Step("FETCH BACKWARD ALL FROM c", marks)]
            found += [Step("FETCH ALL FROM c", marks), Step("ROLLBACK")]
        elif self.how == "hold":
            found += [Step("BEGIN"), Step(f"DECLARE c CURSOR WITH HOLD FOR {query}", NOMESSAGE), Step("COMMIT")]
            found += [Step("FETCH ALL FROM c", marks), Step("CLOSE c")]
        elif self.how == "view":
            found += [Step(f"CREATE TEMP VIEW made AS {query}"), Step("SELECT * FROM made", marks), Step("DROP VIEW made")]
        elif self.how == "count":
            found.append(Step(f"SELECT count(*) FROM ({query}) AS q", marks))
        elif self.how == "rows":
            found.append(Step(f"SELECT q FROM ({query}) AS q", marks))
        elif self.how == "written":
            found += [Step("BEGIN")] + [Step(sql) for sql in self.writes] + [Step(query, marks), Step("ROLLBACK")]
        elif self.how == "table":
            table = (f"CREATE TEMP TABLE made AS {query}", "SELECT * FROM made", "DROP TABLE made")
            found += [Step(sql, NOMESSAGE) for sql in table]
        elif self.how == "copy":
            found.append(Step(f"COPY ({query}) TO STDOUT", marks, copies_out=True))
        elif self.how == "plpgsql":
            found.append(Step(PLPGSQL.format(query)))
            found.append(Step("SELECT * FROM pg_temp.made()", marks))
        elif self.how == "transaction":
            found += [Step("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"), Step(query, marks), Step("ROLLBACK")]
        else:
            found.append(Step(query, marks))
        return found + ([Step("RESET ALL")] if self.settings else [])

    def reductions(self):
        """Ways to make the case simpler, the query last."""
        if self.how in PARAMETERS:
            yield [(self, "how", "select"), (self, "runs", self.runs[-1:])]
            for i in range(len(self.runs) if len(self.runs) > 1 else 0):
                yield [(self, "runs", without(self.runs, i))]
        elif self.how != "select":
            yield [(self, "how", "select")]
        for i in range(len(self.writes)):
            yield [(self, "writes", without(self.writes, i))]
        for i in range(len(self.settings)):
            yield [(self, "settings", without(self.settings, i))]
        for piece in self.box.walk():
            yield from piece.reductions()


PARAMETERS = ("prepare", "function", "called")
TEXTS = ("copy", "plpgsql", "function", "called", "rows")
HOWS = ("select",) * 30 + ("prepare",) * 12 + ("function", "called") * 3 + ("written",) * 4 + \
       ("cursor", "scroll", "hold", "transaction", "table", "view", "copy", "plpgsql", "count", "rows") * 2


def make_writes(rng, schema):
    """Changes of tables, which the query then sees."""
    found = []
    for table in rng.sample(schema.tables, rng.randint(1, 3)):
        names = dict(table.columns)
        where = f"id % {rng.randint(2, 4)} = 1" if "id" in names else f"{table.columns[0][0]} IS NOT NULL"
        free = [c for c, _ in table.columns if c not in ("id", "k", "g1") and c != getattr(table, "placed", None)]
        if rng.random() < 0.5:
            found.append(f"DELETE FROM {table.name} WHERE {where}")
        else:
            column = rng.choice(free)
            value = KINDS[names[column]].literal(rng) if rng.random() < 0.6 else "NULL"
            found.append(f"UPDATE {table.name} SET {column} = {value} WHERE {where}")
    return found


def make_case(rng, schema):
    """Makes a random case."""
    queries = Queries(rng, schema)
    how = rng.choice(HOWS)
    if how in PARAMETERS:
        queries.expressions.params = []
    case = Case(queries.top(how in ("table", "view", "function", "called")), how)
    # Tables cannot be locked in functions that PostgreSQL inlines (docs/limits.md).
    locks = re.search(r" FOR (UPDATE|SHARE|NO KEY|KEY)", " ".join([case.box.sql()] + schema.views))
    case.stable = "VOLATILE" if locks else rng.choice(("STABLE", "STABLE", "VOLATILE"))
    case.writes = make_writes(rng, schema) if how == "written" else []
    if how in TEXTS and any(base(item.kind) in ("float", "row") for item in case.box.columns()):
        case.how, case.params = "select", []  # floats may differ in the last digits, which nobody sees in a text
    used = [piece for piece in case.box.walk() if isinstance(piece, Param)]
    case.params = sorted(queries.expressions.params or [], key=lambda p: p.number) if used else []
    if how in PARAMETERS:
        case.runs = [rng.randint(0, 2) for _ in range(rng.choice((1, 2, 2, 3, 7)))]
        if rng.random() < 0.5:
            case.settings.append(("plan_cache_mode", rng.choice(("force_generic_plan", "force_custom_plan"))))
    if rng.random() < 0.3:
        for name, values in rng.sample(SETTINGS, rng.choice((1, 1, 2))):
            value = rng.choice(values)
            case.settings.append((name, value if name == "search_path" else f"'{value}'"))
    return case

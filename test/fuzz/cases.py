"""One test: a random query and the way it is put to a server, as statements that both sides run."""

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
)

PLPGSQL = """CREATE OR REPLACE FUNCTION pg_temp.made() RETURNS SETOF text LANGUAGE plpgsql AS $plpgsql$
DECLARE r record; BEGIN FOR r IN {} LOOP RETURN NEXT r::text; END LOOP; END $plpgsql$"""
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
    """A query, settings and the way to run it: select, prepare, cursor, transaction, table (CREATE TABLE AS), copy, plpgsql."""

    box: object
    how: str = "select"
    settings: list = field(default_factory=list)
    params: list = field(default_factory=list)
    runs: list = field(default_factory=list)  # for prepare: which of the parameters' values each EXECUTE takes

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
            param.shown = f"${param.number}" if self.how == "prepare" else self.value(param, self.runs[0])
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
        elif self.how == "cursor":
            found += [Step("BEGIN"), Step(f"DECLARE c NO SCROLL CURSOR FOR {query}", NOMESSAGE)]
            found += [Step("FETCH 3 FROM c", marks)] if "ordered" in marks else []
            found += [Step("FETCH ALL FROM c", marks), Step("ROLLBACK")]
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
        if self.how == "prepare":
            yield [(self, "how", "select"), (self, "runs", self.runs[-1:])]
            for i in range(len(self.runs) if len(self.runs) > 1 else 0):
                yield [(self, "runs", without(self.runs, i))]
        elif self.how != "select":
            yield [(self, "how", "select")]
        for i in range(len(self.settings)):
            yield [(self, "settings", without(self.settings, i))]
        for piece in self.box.walk():
            yield from piece.reductions()


def make_case(rng, schema):
    """Makes a random case."""
    queries = Queries(rng, schema)
    how = rng.choice(("select",) * 30 + ("prepare",) * 12 + ("cursor", "transaction", "table", "copy", "plpgsql") * 2)
    if how == "prepare":
        queries.expressions.params = []
    case = Case(queries.top(how == "table"), how)
    if how in ("copy", "plpgsql") and any(base(item.kind) in ("float", "row") for item in case.box.columns()):
        case.how = "select"  # floats may differ in the last digits, which nobody sees in a text
    used = [piece for piece in case.box.walk() if isinstance(piece, Param)]
    case.params = sorted(queries.expressions.params or [], key=lambda p: p.number) if used else []
    if how == "prepare":
        case.runs = [rng.randint(0, 2) for _ in range(rng.choice((1, 2, 2, 3, 7)))]
        if rng.random() < 0.5:
            case.settings.append(("plan_cache_mode", rng.choice(("force_generic_plan", "force_custom_plan"))))
    if rng.random() < 0.3:
        for name, values in rng.sample(SETTINGS, rng.choice((1, 1, 2))):
            value = rng.choice(values)
            case.settings.append((name, value if name == "search_path" else f"'{value}'"))
    return case

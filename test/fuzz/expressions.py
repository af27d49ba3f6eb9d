"""Makes random expressions of a wanted kind from the columns that can be seen.

A Scope is one level of a query: its columns and the scope around it.  In a grouped query the columns are the group
keys, and `inner` is the scope that aggregates may look into.
"""

import re
from dataclasses import dataclass, field

from kinds import BASE, CROSS, KINDS, base, fits
from templates import AGGREGATES, ANY, TEMPLATES, WINDOWS
from tree import Expr, Param

HOLE = re.compile(r"\{\{|\}\}|\{(=?\w+)\}")
ATOMIC = re.compile(r"^(\w+\.)?\w*\((?:[^()]|\([^()]*\))*\)$|^CASE (?:(?! END).)* END$", re.S)
FRAMES_ANY = ("", "", " RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING", " GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW",
              " GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE GROUP")
FRAMES_ROWS = ("", "", " ROWS BETWEEN 2 PRECEDING AND CURRENT ROW", " ROWS UNBOUNDED PRECEDING",
               " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW", " ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
               " ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING", " ROWS BETWEEN 2 FOLLOWING AND 5 FOLLOWING EXCLUDE TIES")
FRAMES_RANGE = {  # by the kind that the window is ordered by
    "int": ("2", "0", "10"), "big": ("3", "5000000000"), "num": ("1.5", "0"), "flt": ("0.75", "100"),
    "date": ("'1 month'::interval", "'3 days'::interval"), "tstz": ("'1 day'::interval", "'720 hours'::interval"),
    "stamp": ("'1 month'::interval",), "short": ("2",),
}


@dataclass
class Scope:
    """What expressions may be made of."""

    columns: list = field(default_factory=list)  # Expr
    key: list | None = None  # texts that together differ from row to row; None when rows may repeat
    rows: float = 1  # roughly
    outer: object = None
    inner: object = None  # of a grouped query: the scope below GROUP BY
    relations: list = field(default_factory=list)
    windows: object = None  # the Select that may hold window functions
    merged: list = field(default_factory=list)  # columns of the last USING
    using: str | None = None  # the alias of that USING
    subqueries: int = 2  # so deep may sub-queries go

    def of_kind(self, kind):
        return [column for column in self.columns if fits(column.kind, kind)]

    def from_inside(self, kind):
        """The columns that a sub-query may use: of group keys only those that are columns themselves."""
        return [c for c in self.of_kind(kind) if self.inner is None or isinstance(c.parts[0], str) and len(c.parts) == 1]

    def kinds(self):
        return sorted({base(column.kind) for column in self.columns if column.kind in KINDS})


class Expressions:
    """The generator; `self.queries` makes sub-queries."""

    def __init__(self, rng, queries):
        self.rng, self.queries = rng, queries
        self.params = None  # a list when the statement is to be prepared

    def chance(self, p):
        return self.rng.random() < p

    def any_kind(self, scope, minmax=False):
        """Returns a kind to work with: mostly one that the scope has columns of."""
        found = [k for k in scope.kinds() if KINDS[k].minmax or not minmax]
        return self.rng.choice(found) if found and self.chance(0.9) else self.rng.choice(["int", "text", "num", "date"])

    def literal(self, kind, scope=None):
        """A constant, NULL at times, or a parameter."""
        if self.params is not None and self.chance(0.4) and len(self.params) < 6 and kind != "ci":
            values = [KINDS[kind].literal(self.rng) if self.chance(0.93) else f"NULL::{KINDS[kind].sql}" for _ in range(3)]
            self.params.append(Param(len(self.params) + 1, kind, values))
            return Expr(kind, [self.params[-1]])
        if self.chance(0.03):
            return Expr(kind, [f"NULL::{KINDS[kind].sql}" if kind != "ci" else "NULL::text COLLATE fz.ci"])
        return Expr(kind, [KINDS[kind].literal(self.rng)])

    def value_of(self, column):
        """A constant to compare a column with: mostly one of its values, often without its type."""
        found = self.literal(column.kind)
        if column.samples and len(found.parts) == 1 and isinstance(found.parts[0], str) and self.chance(0.8):
            found.parts = [self.rng.choice(column.samples)]
        if len(found.parts) == 1 and isinstance(found.parts[0], str) and column.kind not in ("big", "pair") and self.chance(0.4):
            found.parts = [re.sub(r"^(E?'.*')::[\w.\[\]]+$", r"\1", found.parts[0], flags=re.S)]
        elif column.kind in CROSS and self.chance(0.12):
            return Expr("other", [found, f"::{self.rng.choice(CROSS[column.kind])}"], fixed=True)
        return found

    def column(self, kind, scope):
        """A column of the scope, or at times of one around it; None when there is none of the kind."""
        own = scope.of_kind(kind)
        if scope.outer is not None and (not own or self.chance(0.12)):
            around = scope.outer.from_inside(kind)
            own = around or own
        return self.copy(self.rng.choice(own)) if own else None

    @staticmethod
    def copy(column):
        """Returns a use of a column; a group key is shared, so that it shrinks together with GROUP BY."""
        if len(column.parts) == 1 and isinstance(column.parts[0], str):
            found = Expr(column.kind, list(column.parts), column=True)
            found.distributes, found.samples = column.distributes, column.samples
            return found
        return Expr(column.kind, ["(", column, ")"], fixed=True, column=True)

    def leaf(self, kind, scope):
        """A column or a constant."""
        found = self.column(kind, scope) if self.chance(0.8) else None
        return found or self.literal(kind, scope)

    def expr(self, kind, scope, depth=2):
        """An expression of a kind."""
        r = self.rng.random()
        if scope.windows is not None and r < 0.12 and depth > 0 and base(kind) in WINDOWS:
            found = self.window(base(kind), scope)
            if found is not None:
                return found
        if scope.inner is not None and (r < 0.45 if depth > 0 else r < 0.3) and base(kind) in AGGREGATES:
            return self.aggregate(base(kind), scope)
        if depth <= 0 or r < 0.5:
            return self.leaf(kind, scope)
        if r < 0.58 and scope.subqueries > 0:
            found = self.queries.sublink(kind, scope)
            if found is not None:
                return found
        if kind in ("num2", "flt", "small"):
            return self.leaf(kind, scope)
        own = TEMPLATES.get(kind, [])
        if not own or (kind != "ci" and self.chance(0.12)):
            own = ANY
        return self.fill(kind, self.choose(own, scope), scope, depth - 1)

    def choose(self, templates, scope):
        """Picks a template, rather one whose holes can be filled with columns."""
        kinds = set(scope.kinds()) | set(scope.outer.kinds() if scope.outer else ())
        kinds |= {"A", "=A", "E", "=E", "col"} if kinds else set()
        if scope.inner is not None:  # sub-queries do not see groups as expressions, nor may they hold the query's aggregates
            templates = [t for t in templates if "(SELECT" not in t and "VALUES" not in t] or ["({A})"]
        for _ in range(4):
            template = self.rng.choice(templates)
            if any(hole.group(1) in kinds for hole in HOLE.finditer(template)):
                break
        return template

    def fill(self, kind, template, scope, depth, canonical=False):
        """Fills the holes of a template."""
        parts, at, done = [], 0, []
        letters = {"A": kind if template in ANY else self.any_kind(scope), "B": self.any_kind(scope), "E": self.any_kind(scope)}
        if letters["E"] in ("ints", "texts", "moods", "pairs", "grid"):
            letters["E"] = "int"
        if base(kind) == "text":  # text made of ci would be compared as ci is
            letters = {letter: "text" if what == "ci" else what for letter, what in letters.items()}
        for hole in HOLE.finditer(template):
            parts.append(template[at : hole.start()])
            at = hole.end()
            name = hole.group(1)
            if name is None:
                parts.append(hole.group()[0])
            elif name == "n":
                parts.append(str(self.rng.randint(1, 5)))
            elif name == "nz":
                parts.append(self.rng.choice(("2", "3", "7", "(-2)", "10")))
            elif name.isdigit():
                parts.append(done[int(name) - 1])
            elif name == "col":
                columns = scope.of_kind(letters["A"])
                parts.append(self.copy(self.rng.choice(columns)) if columns else self.leaf(letters["A"], scope))
            else:
                want = letters.get(name.lstrip("="), name.lstrip("="))
                piece = self.column(want, scope) or self.literal(want) if want == "flt" else self.expr(want, scope, depth)
                done.append(self.canonical(piece) if name[0] == "=" else piece)
                parts += self.wrapped(done[-1])
        return Expr(kind, parts + [template[at:]])

    @staticmethod
    def wrapped(piece):
        """Puts parentheses round an expression that could fall apart in its new place."""
        text = piece.sql()
        if piece.column and len(piece.parts) == 1 or re.match(r"^[\w.]+$", text) or ATOMIC.match(text):
            return [piece]
        return ["(", piece, ")"]

    def canonical(self, expr):
        """Returns an expression whose equal values have equal texts."""
        if expr.kind not in KINDS:
            return Expr("text", ["(", expr, ")::text"], fixed=True, column=True)
        kind = expr.kind if KINDS[expr.kind].canon else base(expr.kind)
        canon = KINDS[kind].canon
        if canon is None:
            return expr
        return Expr(kind, [canon[0], expr, canon[1]], fixed=True, column=expr.has_column())

    def conditions(self, scope, most=3, depth=2):
        """A list of conditions for WHERE: some plain comparisons of columns, some of any form."""
        count = self.rng.choice([0, 0, 0, 1, 1, 1, most] if scope.rows > 60 else [0, 0, 0, 1])
        return [self.condition(scope, depth) for _ in range(count)]

    def condition(self, scope, depth=2):
        """One condition."""
        if self.chance(0.45) and scope.columns:
            column = self.rng.choice([c for c in scope.columns if c.kind in KINDS] or [self.literal("int")])
            how = self.rng.choice(("=", "<", ">=", "<=", "<>", "<>", "IN"))
            one = Expr(column.kind, [self.copy(column)])
            if how == "IN":
                some = [self.value_of(column) for _ in range(self.rng.randint(1, 4))]
                return Expr("bool", [one, " IN ("] + [x for s in some for x in (s, ", ")][:-1] + [")"], column=False)
            return Expr("bool", [one, f" {how} ", self.value_of(column)])
        if scope.subqueries > 0 and self.chance(0.25):
            found = self.queries.sublink("bool", scope)
            if found is not None:
                return found
        piece = self.fill("bool", self.choose(TEMPLATES["bool"], scope), scope, depth - 1)
        return Expr("bool", ["(", piece, ")"])

    def aggregate(self, kind, scope):
        """An aggregate over the rows below GROUP BY."""
        inner = Scope(scope.inner.columns, scope.inner.key, scope.inner.rows, scope.inner.outer, subqueries=0)
        if self.chance(0.08):
            inner.subqueries = min(1, scope.subqueries)
        template = self.choose(AGGREGATES[kind], inner)
        piece = self.fill(kind, template, inner, 1)
        if not self.is_local(piece, inner):  # it would belong to the query around
            piece = Expr(kind, ["count(*)" if kind == "big" else f"CASE WHEN count(*) > 0 THEN {KINDS[kind].simple} END"])
            template = "CASE"
        elif self.chance(0.05) and "count(*)" not in piece.sql():
            below = self.rng.choice(self.queries.schema.relations).name  # the aggregate is that of the query around
            piece = Expr(kind, ["(SELECT ", piece, f" FROM {below} LIMIT 1)"])
            template = "SELECT"
        piece.column = piece.aggregate = True
        if self.chance(0.15) and template.endswith(")") and "::" not in template and "]" not in template and "/" not in template \
                and not template.startswith("round("):
            piece = Expr(kind, piece.parts + [" FILTER (WHERE ", self.condition(inner, 1), ")"], column=True)
            piece.aggregate = True
        return piece

    @staticmethod
    def is_local(piece, scope):
        """Tells whether an aggregate uses a column of its own query, or none at all."""
        used = [p.sql() for p in piece.walk() if isinstance(p, Expr) and p.column and len(p.children()) == 0]
        own = {column.sql() for column in scope.columns}
        return not used or any(text in own for text in used)

    def window(self, kind, scope):
        """A window function; its frame counts rows only when the order is total."""
        select, inner = scope.windows, Scope(scope.columns, scope.key, scope.rows, scope.outer, scope.inner, subqueries=0)
        total = scope.key is not None and self.chance(0.6)
        if scope.rows > 20_000:
            return None
        ways = WINDOWS[kind]["rows" if total else "any"]
        if not ways:
            return None
        template = self.choose(ways, inner)
        call = self.fill(kind, template, inner, 1)
        over = ["("]
        if self.chance(0.55):
            keys = [self.copy(c) for c in inner.columns if c.distributes] if self.chance(0.4) else []
            over += ["PARTITION BY ", self.rng.choice(keys or [self.expr(self.any_kind(inner), inner, 1)]), " "]
        if total:
            first = [self.expr(self.any_kind(inner), inner, 1), self.direction(), ", "] if self.chance(0.6) else []
            over += ["ORDER BY "] + first + [part for key in scope.key or ["1::int"] for part in (key, ", ")][:-1]
            frames = FRAMES_ROWS
        else:
            near = [kind for kind in FRAMES_RANGE if scope.of_kind(kind)] if self.chance(0.25) else []
            kind_by = self.rng.choice(near or [self.any_kind(inner)])
            by = self.copy(self.rng.choice(scope.of_kind(kind_by))) if near else self.expr(kind_by, inner, 1)
            over += ["ORDER BY ", by, self.rng.choice(("", " DESC", " NULLS FIRST")) if near else self.direction()]
            frames = self.range_frames(kind_by) if near else FRAMES_ANY
        function = template.split("(")[0]
        if function not in ("row_number", "rank", "dense_rank", "ntile", "lag", "lead", "percent_rank", "cume_dist"):
            over.append(self.rng.choice(frames))
            if self.chance(0.1) and function not in ("first_value", "last_value", "nth_value"):
                bare = Scope(scope.columns, outer=scope.outer, subqueries=0)
                call = Expr(kind, [call, " FILTER (WHERE ", self.condition(bare, 1), ")"])
        window = Expr("window", over + [")"], fixed=True)
        if self.chance(0.25):
            name = f"w{len(select.windows) + 1}"
            select.windows.append((name, window))
            return Expr(kind, [call, f" OVER {name}"])
        return Expr(kind, [call, " OVER ", window])

    def range_frames(self, kind):
        """Frames with distances of values."""
        one, two = self.rng.choice(FRAMES_RANGE[kind]), self.rng.choice(FRAMES_RANGE[kind])
        return (f" RANGE BETWEEN {one} PRECEDING AND {two} FOLLOWING", f" RANGE BETWEEN {one} PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW",
                f" RANGE BETWEEN CURRENT ROW AND {two} FOLLOWING EXCLUDE GROUP")

    def direction(self):
        """ASC, DESC, NULLS FIRST or nothing."""
        return self.rng.choice(("", "", "", " DESC", " ASC", " NULLS FIRST", " DESC NULLS LAST",
                                " USING >", " USING < NULLS FIRST"))

    def wanted_kinds(self, most=4, scope=None):
        """Some kinds for columns, mostly those of a scope."""
        usual = (scope.kinds() if scope else []) or ["int", "text", "num", "date", "bool", "mood"]
        return [self.rng.choice(BASE if self.chance(0.25) else usual) for _ in range(self.rng.randint(1, most))]

"""Makes FROM: tables, sub-queries, functions and VALUES, and the joins between them."""

from dataclasses import dataclass

from expressions import Scope
from kinds import KINDS, base, comparable
from tree import Box, Expr, Item, Join, Select, Source, SubQuery, Table, Values

MOST_ROWS = 12_000  # no join is meant to have more rows than this


@dataclass
class Relation:
    """Something that FROM can name."""

    name: str
    columns: list  # (name, kind)
    key: list | None  # names of columns that together differ from row to row
    rows: float
    table: bool = False  # has tableoid
    distribution: str | None = None  # the column that queries should like most
    samples: dict | None = None  # some values of columns, as SQL
    primary: list | None = None  # columns of a primary key, on which all others depend


@dataclass
class Seen:
    """A relation in FROM, under its alias."""

    alias: str
    relation: Relation
    many: float | None = None  # rows of the join in parentheses that it belongs to

    def rows(self):
        return self.relation.rows if self.many is None else self.many

    def expr(self, name):
        kind = dict(self.relation.columns)[name]
        expr = Expr(kind, [f"{self.alias}.{name}"], column=True)
        expr.samples = (self.relation.samples or {}).get(name, ())
        expr.distributes = name == self.relation.distribution
        return expr

    def exprs(self):
        return [self.expr(name) for name, _ in self.relation.columns]


class Sources:
    """The part of the generator that makes FROM.  It needs rng, chance, expressions, schema, query (see queries.py)."""

    def alias(self):
        """Returns an alias that is new in this statement."""
        self.aliases += 1
        return f'"S {self.aliases}"' if self.chance(0.05) else f"s{self.aliases}"

    def from_clause(self, outer, subqueries, most):
        """Returns elements of FROM, conditions for WHERE, and the scope that they make."""
        scope = Scope(outer=outer, key=[], subqueries=subqueries)
        sources, where = [], []
        joined = []  # what the last of the sources is made of
        for _ in range(self.rng.randint(1, max(1, min(most, self.budget)))):
            comma = not sources or self.chance(0.2)
            source, seen = self.element(scope, subqueries, bool(sources))
            if sources and self.budget > 0 and not getattr(source, "lateral", False) and self.chance(0.15):
                source, seen = self.nested(source, seen, scope, subqueries)
            if not sources:
                sources.append(source)
                scope.rows = seen[0].relation.rows
            elif comma:
                rows, one = self.comma_condition(scope, seen)
                if rows is None:
                    break
                sources.append(source)
                joined = []
                where += one
                scope.rows = rows
            else:
                left = Scope([e for one in joined for e in one.exprs()], None, scope.rows, outer, relations=joined)
                join = self.join(sources[-1], source, left, seen)
                if join is None:
                    break
                sources[-1] = join
                scope.rows = left.rows
                scope.merged, scope.using = left.merged, left.using
            joined = joined + seen
            self.see(scope, seen)
        self.see_merged(sources, scope)
        for seen in scope.relations:
            key = seen.relation.distribution
            if key and self.chance(0.1):
                where.append(self.pin(seen.expr(key)))
        return sources, where, scope

    @staticmethod
    def see_merged(sources, scope):
        """Adds columns merged by USING, by their bare names, when nothing else has such a name."""
        names = [name for seen in scope.relations for name, _ in seen.relation.columns]
        for name in scope.merged if scope.using else ():
            kinds = {kind for seen in scope.relations for n, kind in seen.relation.columns if n == name}
            if len(kinds) == 1:
                scope.columns.append(Expr(kinds.pop(), [f"{scope.using}.{name}"], column=True))
        for name in scope.merged if len(sources) == 1 else ():
            if names.count(name) == 2:
                kinds = {kind for seen in scope.relations for n, kind in seen.relation.columns if n == name}
                if len(kinds) == 1:
                    scope.columns.append(Expr(kinds.pop(), [name], column=True))

    def nested(self, source, seen, scope, subqueries):
        """Joins an element with another one, in parentheses; returns it alone when that has too many rows."""
        inner = Scope(seen[0].exprs(), None, seen[0].relation.rows, scope.outer, relations=list(seen), subqueries=subqueries)
        other, more = self.element(Scope(outer=scope.outer), subqueries, False)
        join = self.join(source, other, inner, more)
        if join is None:
            return source, seen
        for one in seen + more:
            one.many = inner.rows
        return join, seen + more

    @staticmethod
    def see(scope, seen):
        """Adds relations to a scope."""
        for one in seen:
            scope.relations.append(one)
            scope.columns += one.exprs()
            key = one.relation.key
            scope.key = None if key is None or scope.key is None else scope.key + [f"{one.alias}.{name}" for name in key]

    def pin(self, column):
        """A condition that names values of the distribution column."""
        some = [self.expressions.value_of(column) for _ in range(3)]
        how = self.rng.choice(("=", "=", "IN", "ANY" if column.kind not in ("ints", "texts", "moods") else "=", "OR", "swapped"))
        if how == "=":
            return Expr("bool", [column, " = ", some[0]])
        if how == "swapped":
            return Expr("bool", [some[0], " = ", column])
        if how == "IN":
            return Expr("bool", [column, " IN (", some[0], ", ", some[1], ", ", some[2], ")"])
        if how == "ANY":
            array = KINDS[column.kind].sql.removesuffix(" COLLATE fz.ci") + "[]"
            return Expr("bool", [column, " = ANY (ARRAY[", some[0], ", ", some[1], f"]::{array})"])
        again = Expr(column.kind, list(column.parts), column=True)
        return Expr("bool", ["(", column, " = ", some[0], " OR ", again, " = ", some[1], ")"])

    def element(self, scope, subqueries, may_be_lateral):
        """Returns one element of FROM and what can be seen of it."""
        self.budget -= 1
        r = self.rng.random()
        if r < 0.2 and subqueries > 0:
            return self.subquery(scope if may_be_lateral and self.chance(0.35) else None, scope.outer, subqueries)
        if r < 0.26:
            return self.function(scope if may_be_lateral and self.chance(0.6) else Scope(outer=scope.outer))
        if r < 0.3:
            return self.values()
        relation = self.rng.choice(self.ctes) if self.ctes and self.chance(0.5) else self.rng.choice(self.schema.relations)
        alias = self.alias()
        if self.chance(0.06) and "again" not in dict(relation.columns):
            names = [f"x{i}" for i in range(len(relation.columns))]
            renamed = dict(zip([name for name, _ in relation.columns], names))
            seen = Relation(relation.name, [(renamed[n], k) for n, k in relation.columns],
                            relation.key and [renamed[n] for n in relation.key], relation.rows, relation.table,
                            renamed.get(relation.distribution))
            return Source(Table(relation.name, f"AS {alias}({', '.join(names)})")), [Seen(alias, seen)]
        if relation.table and self.chance(0.06):
            sample = self.rng.choice((" TABLESAMPLE BERNOULLI (100)", " TABLESAMPLE SYSTEM (100) REPEATABLE (3)"))
            return Source(Table(relation.name, alias + sample)), [Seen(alias, relation)]
        only = "ONLY " if relation.table and self.chance(0.04) else ""
        return Source(Table(only + relation.name, alias)), [Seen(alias, relation)]

    def subquery(self, lateral, outer, subqueries):
        """A query in FROM; a lateral one sees the elements before it."""
        alias = self.alias()
        if lateral is None and self.chance(0.15):
            return self.star(alias, outer)
        box, key, rows = self.query(lateral or outer, subqueries - 1, named=True)
        relation = Relation("", [(item.name, item.kind) for item in box.columns()], key, rows)
        source = Source(SubQuery(box, alias, "LATERAL (" if lateral else "("))
        source.lateral = lateral is not None
        return source, [Seen(alias, relation)]

    def star(self, alias, outer):
        """(SELECT * FROM table WHERE ...)"""
        table = self.rng.choice(self.schema.relations)
        inner = Seen(self.alias(), table)
        scope = Scope(inner.exprs(), None, table.rows, outer, subqueries=0)
        select = Select([Item(Expr("star", ["*"]))], [Source(Table(table.name, inner.alias))], self.expressions.conditions(scope))
        found = Relation("", table.columns, table.key, table.rows, False, table.distribution, table.samples)
        return Source(SubQuery(Box(select), alias)), [Seen(alias, found)]

    def function(self, scope):
        """A function in FROM, lateral when the scope has columns."""
        alias, form = self.alias(), self.rng.randint(0, 15)
        lateral = self.rng.choice(("", "LATERAL ")) if scope.columns else ""
        value = lambda kind: self.expressions.expr(kind, Scope(scope.columns, outer=scope.outer, subqueries=0), 1)
        if form == 0:
            parts, columns = ["generate_series(1, ", self.small_count(), ")"], [("v", "int")]
        elif form == 1:
            parts, columns = ["unnest(", value("ints"), ")"], [("v", "int")]
        elif form == 2:
            parts, columns = ["unnest(", value("texts"), ", ", value("ints"), ")"], [("v", "text"), ("w", "int")]
        elif form == 3:
            parts = ["jsonb_array_elements(jsonb_build_array(", value("int"), ", (", value("text"), ")::text))"]
            columns = [("v", "json")]
        elif form == 4:
            parts, columns = ["regexp_split_to_table(", value("text"), ", 'a')"], [("v", "text")]
        elif form == 5:
            parts, columns = ["fz.few(", value("int"), ")"], [("v", "int"), ("w", "text")]
        elif form == 6:
            parts = ["ROWS FROM (generate_series(1, ", str(self.rng.randint(0, 4)), "), unnest(", value("ints"), "))"]
            columns = [("v", "int"), ("w", "int")]
        elif form == 7:
            parts, columns = ["unnest(ARRAY[", value("pair"), ", ", value("pair"), "])"], [("v", "int"), ("w", "text")]
        elif form == 8:
            parts = ["generate_series((", value("date"), ")::timestamp, '2024-03-01', '20 years')"]
            columns = [("v", "stamp")]
        elif form == 9:
            parts = ["XMLTABLE('/r/v' PASSING xmlelement(name r, xmlelement(name v, coalesce(", value("int"), ", 0)), '<v>7</v>'::xml) ",
                     "COLUMNS v int PATH '.', w text PATH 'name(.)')"]
            columns = [("v", "int"), ("w", "text")]
        elif form == 10:
            parts, columns = ["generate_subscripts(", value("ints"), ", 1)"], [("v", "int")]
        elif form == 11:
            parts, columns = ["ROWS FROM (jsonb_to_recordset('[{\"a\": 1, \"b\": \"x\"}, {\"a\": 2}]') AS (a int, b text))"], \
                [("v", "int"), ("w", "text")]
        elif form in (12, 13):
            parts = [self.rng.choice(("fz.of_table(", "fz.of_table(", "fz.atomic(", "fz.of_rows(")), value("int"), ")"]
            columns = [("v", "int"), ("w", "text")]
        elif form == 14:
            parts, columns = ["unnest(int4multirange(", value("range"), ") + int4multirange(int4range(5, 9)))"], [("v", "range")]
        else:
            parts = ["jsonb_each_text(jsonb_build_object('p', ", value("int"), ", 'q', ", value("date"), "))"]
            columns = [("v", "text"), ("w", "text")]
        key = None
        behind = ""
        if self.chance(0.4) and form != 9:
            behind, key, columns = " WITH ORDINALITY", ["o"], columns + [("o", "big")]
        names = ", ".join(name for name, _ in columns)
        source = Source(SubQuery(Expr("set", parts, fixed=True), f"AS {alias}({names})", lateral, behind))
        source.lateral = bool(scope.columns)
        return source, [Seen(alias, Relation("", columns, key, 3))]

    def small_count(self):
        """A number, now and then worked out by a sub-query."""
        if self.chance(0.7):
            return str(self.rng.randint(1, 6))
        return f"(SELECT count(*)::int % 6 + 1 FROM {self.rng.choice(self.schema.relations).name})"

    def values(self):
        """VALUES as a table."""
        alias, kinds = self.alias(), self.expressions.wanted_kinds(3)
        kinds = [k if k != "ci" else "text" for k in kinds]
        rows = [[Item(Expr(k, ["(", self.expressions.literal(k), f")::{KINDS[k].sql}"], fixed=True)) for k in kinds]
                for _ in range(self.rng.randint(1, 4))]
        if "int" in kinds and self.chance(0.3):
            rows[0][kinds.index("int")] = Item(Expr("int", [self.small_count()], fixed=True))
        columns = [(f"c{i}", k) for i, k in enumerate(kinds)]
        source = Source(SubQuery(Values(rows), f"AS {alias}({', '.join(name for name, _ in columns)})"))
        return source, [Seen(alias, Relation("", columns, None, len(rows)))]

    # --- joins --------------------------------------------------------------------------------------

    def equality(self, scope, seen):
        """An equality of a column of the scope with one of what joins it, and the rows that the join may have."""
        left = [(s, n, k) for s in scope.relations for n, k in s.relation.columns]
        right = [(s, n, k) for s in seen for n, k in s.relation.columns]
        keys = [(a, b) for a in left for b in right
                if a[1] == a[0].relation.distribution and b[1] == b[0].relation.distribution and a[2] == b[2]]
        across = self.chance(0.2)
        if not keys or across or self.chance(0.25):
            keys = [(a, b) for a in left for b in right
                    if base(a[2]) == base(b[2]) and a[2] in KINDS or across and comparable(a[2], b[2])]
        if not keys:
            return None, None
        (a, x, kind), (b, y, _) = self.rng.choice(keys)
        each = {"bool": 2, "mood": 3, "json": 8, "pair": 6, "ints": 5, "texts": 5, "int": 10}.get(base(kind), 6)
        rows = max(1.0, scope.rows * seen[0].rows() / each)
        sides = [a.expr(x), b.expr(y)]
        self.rng.shuffle(sides)
        return Expr("bool", [sides[0], " = ", sides[1]]), rows

    def comma_condition(self, scope, seen):
        """Returns the rows of `FROM scope, seen` and conditions that keep them few; None when there are none."""
        product = scope.rows * seen[0].rows()
        if product < MOST_ROWS / 4 and self.chance(0.3):
            return product, []
        one, rows = self.equality(scope, seen)
        return (rows, [one]) if one is not None and rows <= MOST_ROWS else (None, [])

    def join(self, left, right, scope, seen):
        """Returns `left JOIN right`, or None when it would have too many rows."""
        product = scope.rows * seen[0].rows()
        lateral = getattr(right, "lateral", False)
        hows = ["JOIN", "JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN"] + ([] if lateral else ["RIGHT JOIN", "FULL JOIN"])
        how = self.rng.choice(hows)
        r = self.rng.random()
        if product < MOST_ROWS / 4 and r < 0.12:
            if r < 0.05:
                scope.rows = product
                return Source(Join("CROSS JOIN", left, right))
            on = [self.pair_condition(scope, seen)] if how != "FULL JOIN" else []
            scope.rows = product / 2
            return Source(Join(how, left, right, on))
        if not lateral and r < 0.25:
            using = self.using(scope, seen)
            if using and product < MOST_ROWS * 6:
                scope.rows = max(1, product / 8)
                scope.using = self.alias() if self.chance(0.3) else None
                natural = not scope.using and self.chance(0.2) and product < MOST_ROWS and len(seen) == 1 and self.same_kinds(scope, seen)
                if not natural:
                    scope.merged = using[8:-1].split(", ")
                using += f" AS {scope.using}" if scope.using else ""
                return Source(Join(f"NATURAL {how}" if natural else how, left, right, None, "" if natural else using))
        one, rows = self.equality(scope, seen)
        if one is None or rows > MOST_ROWS:
            return None
        on = [one]
        if self.chance(0.3):
            on.append(self.pair_condition(scope, seen) if how != "FULL JOIN" else self.one_sided_condition(scope, seen))
        scope.rows = rows
        return Source(Join(how, left, right, on))

    def pair_condition(self, scope, seen):
        """A condition of any form on both sides of a join."""
        both = Scope(scope.columns + [e for one in seen for e in one.exprs()], None, scope.rows * 5, scope.outer,
                     subqueries=1 if self.chance(0.1) else 0)
        return self.expressions.condition(both, 2)

    def one_sided_condition(self, scope, seen):
        """A condition on one side of a join; in FULL JOIN it keeps rows from being matched, never from being there."""
        columns = scope.columns if self.chance(0.5) else [e for one in seen for e in one.exprs()]
        return self.expressions.condition(Scope(columns, None, scope.rows, subqueries=0), 1)

    @staticmethod
    def same_kinds(scope, seen):
        """Tells whether NATURAL can work: columns of one name are once on the left and of one kind."""
        left = [column for one in scope.relations for column in one.relation.columns]
        for name, kind in seen[0].relation.columns:
            kinds = [base(k) for n, k in left if n == name]
            if kinds not in ([], [base(kind)]):
                return False
        return True

    def using(self, scope, seen):
        """Returns USING (...) of one or two columns that are once on either side, or None."""
        left = [name for one in scope.relations for name, _ in one.relation.columns]
        right = [name for one in seen for name, _ in one.relation.columns]
        names = [name for name, kind in seen[0].relation.columns if left.count(name) == right.count(name) == 1 and kind in KINDS
                 and any((name, kind) in one.relation.columns for one in scope.relations)]
        if not names:
            return None
        chosen = self.rng.sample(names, min(len(names), self.rng.choice((1, 1, 2))))
        if "k" in names and self.chance(0.5):
            chosen = ["k"] + [name for name in chosen if name != "k"]
        return f" USING ({', '.join(chosen)})"

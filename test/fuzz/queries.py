"""Makes random queries over a schema: select lists, grouping, windows, set operations, WITH and sub-queries.

What a query returns is always determined: LIMIT comes with an order over all columns, and columns that are compared
for being equal are in canonical form (see kinds.py).
"""

from expressions import Expressions, Scope
from kinds import BASE, KINDS, base, comparable
from sources import Relation, Seen, Sources
from templates import AGGREGATES
from tree import Box, Cte, Expr, Group, Item, Join, Order, Select, SetOp, Source, Table, Values

SET_RETURNING = ("unnest({ints})", "generate_series(1, {n})", "regexp_split_to_table({text}, 'a')", "unnest({texts})",
                 "jsonb_path_query({json}, '$.b[*]')")
WHOLE_ROWS = ("{}", "{}::text", "row_to_json({})::text", "{} IS NULL", "{} IS NOT NULL", "to_jsonb({})::text", "ROW({}, 1)::text",
              "{}.*::text", "coalesce({}::text, 'none')", "{0} = {0}", "{} IS DISTINCT FROM NULL")
SUBQUERY_ROWS = 3000  # queries with more rows get no sub-queries in expressions


class Queries(Sources):
    """The generator of one statement."""

    def __init__(self, rng, schema):
        self.rng, self.schema = rng, schema
        self.expressions = Expressions(rng, self)
        self.aliases = 0
        self.budget = rng.choice((2, 3, 4, 6, 8))  # so many elements of FROM may still be made
        self.ctes = []  # relations of WITH that can be seen

    def chance(self, p):
        return self.rng.random() < p

    def top(self, named=False):
        """A whole statement; returns its Box."""
        box, _, _ = self.query(None, 2, named)
        return box

    # --- whole queries --------------------------------------------------------------------------------

    def query(self, outer, subqueries, named, want=None, exact=False, mode=None):
        """Returns a Box, the names of columns that make its rows unique (or None), and about how many rows it has."""
        before = list(self.ctes)
        ctes, recursive = [], False
        if mode is None and self.chance(0.2 if outer is None else 0.06) and self.budget > 1:
            for _ in range(self.rng.choice((1, 1, 2))):
                cte, recurses = self.cte(outer, max(0, subqueries - 1))
                ctes.append(cte)
                recursive = recursive or recurses
        if mode is None and self.chance(0.13) and self.budget > 1:
            box, key, rows = self.set_operation(outer, subqueries, named, want, exact)
        elif mode is None and self.chance(0.02):
            box, key, rows = self.values_query(want)
        else:
            box, key, rows = self.select(outer, subqueries, named, want, exact, mode)
        self.ctes = before
        box.ctes, box.recursive = ctes + box.ctes, recursive or box.recursive
        return box, key, rows

    def values_query(self, want):
        """VALUES as a whole query."""
        kinds = want or [k if k != "ci" else "text" for k in self.expressions.wanted_kinds()]
        make = lambda k, i: Item(Expr(k, ["(", self.expressions.literal(k), f")::{KINDS[k].sql}"], fixed=True), f"column{i}")
        rows = [[make(k, i) for i, k in enumerate(kinds, 1)] for _ in range(self.rng.randint(1, 4))]
        return Box(Values(rows)), None, len(rows)

    def set_operation(self, outer, subqueries, named, want, exact):
        """UNION, INTERSECT or EXCEPT, of two queries or more."""
        how = self.rng.choice(("UNION", "UNION", "UNION ALL", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"))
        want = want or [base(kind) for kind in self.expressions.wanted_kinds(3)]
        limited = self.chance(0.25)
        exact = exact or limited or how != "UNION ALL"
        sides = []
        for _ in range(2):
            sides.append(self.query(outer, subqueries, True, want, exact, None if self.chance(0.15) else "any"))
        node = SetOp(how, sides[0][0], sides[1][0])
        if limited:
            self.limit_all(node)
        elif exact and self.chance(0.3):
            node.order, node.total = self.directions(want), True
        key = [item.name for item in node.columns()] if not how.endswith("ALL") else None
        return Box(node), key, sides[0][2] + sides[1][2]

    def directions(self, columns):
        return [self.expressions.direction() for _ in columns]

    def limit_all(self, node):
        """Gives a set operation an order over all columns and a LIMIT."""
        node.order, node.total = self.directions(node.columns()), True
        node.limit = self.limit_value()
        if self.chance(0.3):
            node.offset = Expr("big", [str(self.rng.randint(0, 4))])

    def limit_value(self):
        """A value for LIMIT."""
        n = self.rng.choice((1, 1, 2, 3, 5, 10, 10, 40, 0) if self.chance(0.2) else (1, 2, 3, 5, 10, 40))
        if self.chance(0.03):
            return Expr("limit", [self.rng.choice(("NULL", "ALL", "NULL::bigint"))])
        return Expr("limit", [self.rng.choice((f"{n}", f"{n}", f"{n}", f"({n} + 1)", f"(SELECT {n})", f"'{n}'::bigint", f"{n}"))])

    def cte(self, outer, subqueries):
        """An element of WITH, which the rest of the statement can see."""
        self.aliases += 1
        name = self.rng.choice((f'"shipped s{self.aliases + 1}"', f'"Shipped ""w{self.aliases}"')) if self.chance(0.1) else f"w{self.aliases}"
        recursive = self.chance(0.2)
        if recursive:
            box, rows = self.recursive(name, subqueries)
            key = None
        else:
            box, key, rows = self.query(outer if self.chance(0.5) else None, subqueries, named=True)
        columns = [(item.name, item.kind) for item in box.columns()]
        cte = Cte(name, box, self.rng.choice(("", "", "MATERIALIZED ", "NOT MATERIALIZED ")))
        if recursive and self.chance(0.3):
            by = columns[1][0]
            cte.tail = self.rng.choice((f" SEARCH DEPTH FIRST BY n, {by} SET places", f" SEARCH BREADTH FIRST BY {by} SET places",
                                        f" CYCLE {by} SET again USING path", f" CYCLE n, {by} SET again TO 'y' DEFAULT 'n' USING path"))
            columns += [("again", "text" if "'y'" in cte.tail else "bool")] if "CYCLE" in cte.tail else []
        self.ctes.append(Relation(name, columns, key, rows))
        return cte, recursive

    def recursive(self, name, subqueries):
        """The query of a recursive WITH element: a start, and at most two steps that join it with a table."""
        kinds = [base(kind) for kind in self.expressions.wanted_kinds(2)]
        start, _, rows = self.select(None, 0, True, kinds, True, "plain")
        columns = start.columns()
        for item in columns:
            item.expr = self.cast(item.expr)
        start.node.items = [Item(Expr("int", ["1"], fixed=True), "n")] + columns
        columns = start.columns()
        table, me = self.rng.choice(self.schema.relations), Relation(name, [(i.name, i.kind) for i in columns], None, rows)
        seen, own = Seen(self.alias(), table), Seen(self.alias(), me)
        scope = Scope(own.exprs(), None, rows, relations=[own], subqueries=0)
        on, size = self.equality(scope, [seen])
        both = Scope(own.exprs() + seen.exprs(), None, rows, subqueries=0)
        items = [Item(Expr("int", [f"{own.alias}.n + 1"], fixed=True))]
        items += [Item(self.cast(self.expressions.canonical(self.expressions.expr(k, both, 1)))) for k in kinds]
        sides = [Source(Table(name, own.alias)), Source(Table(table.name, seen.alias))]
        self.rng.shuffle(sides)
        step = Select(items, [Source(Join("JOIN", *sides, [on] if on else []))])
        few = size is not None and size < 1500
        step.where = [Expr("bool", [f"{own.alias}.n < {3 if few else 2}"], fixed=True)]
        step.where += self.expressions.conditions(both, 1)
        how = "UNION" if not few or self.chance(0.6) else "UNION ALL"
        return Box(SetOp(how, start, Box(step))), rows + 3 * (size or 500)

    @staticmethod
    def cast(expr):
        """Returns an expression of exactly the type of its kind, as recursion needs."""
        kind = base(expr.kind)
        return Expr(kind, ["(", expr, f")::{KINDS[kind].sql}"], fixed=True, column=expr.column)

    # --- one SELECT -----------------------------------------------------------------------------------

    def select(self, outer, subqueries, named, want=None, exact=False, mode=None):
        """One SELECT; `mode` plain, grouped, total (aggregates without GROUP BY), distinct or on; any of them when None."""
        if mode in (None, "any"):
            mode = self.rng.choice(("plain",) * 9 + ("grouped",) * 5 + ("total",) * 2 + ("distinct",) * 2 + ("on",))
        most = self.rng.choice((1, 2, 2, 3, 4)) if outer is None or outer.rows < 50 else self.rng.choice((1, 1, 2))
        sources, where, scope = self.from_clause(outer, subqueries, most)
        select = Select([], sources, where + self.expressions.conditions(scope))
        if outer is not None and outer.columns and self.chance(0.65):
            select.where += self.correlation(scope, outer)
        limited = mode != "total" and self.chance(0.22 if outer is None else 0.1)
        ties = limited and mode in ("plain", "grouped") and not exact and self.chance(0.25)
        exact = exact or mode in ("distinct", "on") or (limited and not ties)
        scope = self.grouping(select, scope, mode) if mode in ("grouped", "total") else scope
        if mode in ("plain", "grouped", "distinct") and self.chance(0.25):
            scope.windows = select
        kinds = want or self.expressions.wanted_kinds(6 if outer is None else 3, scope.inner if mode == "total" else scope)
        keyed = want is None and scope.key is not None and self.chance(0.3 if mode != "on" else 1)
        self.items(select, scope, kinds, named, exact, keyed, plain=mode == "plain" and want is None)
        if mode == "total" and not any(item.expr.aggregates() for item in select.items):
            select.having.append(Expr("bool", ["count(*) >= 0"], fixed=True))
        scope.windows = None
        key = self.unique(select, scope, mode, exact)
        if mode == "distinct":
            select.distinct = "all"
        elif mode == "on":
            select.distinct = self.rng.sample(select.items, self.rng.randint(1, min(2, len(select.items))))
            if self.chance(0.4):
                one = self.expressions.expr(self.expressions.any_kind(scope), Scope(scope.columns, outer=scope.outer, subqueries=0), 1)
                select.distinct = [self.expressions.canonical(one)] + select.distinct if one.has_column() else select.distinct
        self.ordering(select, scope, mode, exact, limited, ties)
        if mode == "plain" and outer is None and not named and not limited and not select.windows and self.chance(0.03):
            select.lock = self.lock(scope)
        elif mode == "plain" and outer is None and named and want is None and not limited and not select.windows and self.chance(0.01):
            select.lock = self.lock(scope)
        rows = min(scope.rows, 10) if limited else scope.rows
        return Box(select), key, rows

    def lock(self, scope):
        """FOR UPDATE and the like, of all tables or of some."""
        how = self.rng.choice((" FOR UPDATE", " FOR SHARE", " FOR NO KEY UPDATE SKIP LOCKED", " FOR KEY SHARE NOWAIT"))
        tables = [seen.alias for seen in scope.relations if seen.relation.table]
        return self.lock_of(how, self.rng.choice(tables)) if tables and self.chance(0.5) else how

    @staticmethod
    def lock_of(how, alias):
        """Puts OF alias before SKIP LOCKED and NOWAIT."""
        for end in (" SKIP LOCKED", " NOWAIT"):
            if how.endswith(end):
                return how[: -len(end)] + f" OF {alias}" + end
        return how + f" OF {alias}"

    def grouping(self, select, scope, mode):
        """Adds GROUP BY and HAVING; returns the scope above them."""
        keys = []
        plain = Scope(scope.columns, scope.key, scope.rows, subqueries=1 if self.chance(0.05) else 0)
        whole = [seen for seen in scope.relations if seen.relation.primary]
        if whole and mode != "total" and self.chance(0.3):
            return self.by_primary_key(select, scope, self.rng.choice(whole))
        for _ in range(0 if mode == "total" else self.rng.choice((1, 1, 2, 2, 3))):
            kind = self.expressions.any_kind(plain)
            key = self.expressions.column(kind, plain) if self.chance(0.65) else None
            spread = [column for column in scope.columns if column.distributes]
            if spread and self.chance(0.25):
                key = self.expressions.copy(self.rng.choice(spread))
            key = self.expressions.canonical(key or self.expressions.expr(kind, plain, 1))
            if key.has_column():
                keys.append(key)
        above = Scope(keys, list(keys), min(scope.rows, 4 ** len(keys)), scope.outer, scope, subqueries=scope.subqueries)
        if keys:
            elements, sets = self.group_elements(keys, len(scope.relations) < 2)
            select.group = Group(elements, sets and self.chance(0.1))
            if sets:
                above.key, above.rows = None, above.rows * 2
                if self.chance(0.5):
                    select.items.append(Item(Expr("int", ["grouping(", self.rng.choice(keys), ")"], fixed=True, column=True), "g0"))
        if self.chance(0.3):
            select.having = [self.expressions.condition(above, 2)]
        return above

    @staticmethod
    def by_primary_key(select, scope, seen):
        """Groups by the primary key of a table; all its columns can be used."""
        keys = [seen.expr(name) for name in seen.relation.primary]
        select.group = Group([("", [key]) for key in keys])
        rest = [expr for expr in seen.exprs() if expr.sql() not in [key.sql() for key in keys]]
        return Scope(keys + rest, [key.sql() for key in keys], min(scope.rows, seen.relation.rows), scope.outer, scope,
                     subqueries=scope.subqueries)

    def group_elements(self, keys, apart):
        """Arranges keys for GROUP BY; tells whether they are grouping sets."""
        r = self.rng.random()
        # PostgreSQL (before 18) forgets to make casts of keys NULL in grouping sets, and keys with sub-queries said twice.
        if r < 0.74 or any(key.kind == "ci" or "SELECT" in key.sql() for key in keys):
            return [("", [key]) for key in keys], False
        if r < 0.82:
            return [("ROLLUP ", keys)], True
        if r < 0.89:
            return [("CUBE ", keys)], True
        if r < 0.94 and len(keys) > 1 and apart:  # PostgreSQL sorts wrongly by a key that equals one outside of CUBE
            return [("", keys[:1]), (self.rng.choice(("ROLLUP ", "CUBE ")), keys[1:])], True
        some = [self.rng.sample(keys, self.rng.randint(0, len(keys))) for _ in range(self.rng.randint(1, 3))]
        return [("GROUPING SETS ", some + [keys])], True

    def items(self, select, scope, kinds, named, exact, keyed, plain):
        """Fills the select list."""
        exprs = [item.expr for item in select.items]
        for kind in kinds if select.items or not plain or self.chance(0.9) else kinds[:1]:
            simple = self.expressions.column(kind, scope) if self.chance(0.35) else None
            exprs.append(simple or self.expressions.expr(kind, scope, 2))
        if keyed:
            exprs += [key if isinstance(key, Expr) else Expr(self.key_kind(scope, key), [key], column=True) for key in scope.key]
        if plain and not named:
            exprs += self.unusual(scope)
        if plain and self.chance(0.04):
            template = self.rng.choice(SET_RETURNING)
            kind = "int" if "ints" in template or "gen" in template else "json" if "json" in template else "text"
            call = self.expressions.fill(kind, template, Scope(scope.columns, subqueries=0), 1)
            exprs.append(Expr(kind, [call], fixed=True, column=True))
            exprs[-1].sets = True
        if select.items and len(kinds) < len(exprs) and not plain and not keyed:
            exprs = exprs[len(exprs) - len(kinds) :]
        exprs = exprs or [self.expressions.literal("int")]
        names = [f"c{i}" for i in range(1, len(exprs) + 1)]
        if self.chance(0.05):
            names[0] = '"C 1"'
        select.items = [Item(self.expressions.canonical(e) if exact else e, name if named or self.chance(0.4) else None)
                        for e, name in zip(exprs, names)]

    @staticmethod
    def key_kind(scope, text):
        return next(column.kind for column in scope.columns if column.sql() == text)

    def unusual(self, scope):
        """tableoid, whole rows and what is made of them."""
        found = []
        for seen in scope.relations:
            if seen.relation.table and self.chance(0.06):
                found.append(Expr("text", [f"{seen.alias}.tableoid::regclass::text"], column=True))
            if self.chance(0.05):
                form = self.rng.choice(WHOLE_ROWS)
                found.append(Expr("row", [form.format(seen.alias)], column=True))
        return found

    @staticmethod
    def unique(select, scope, mode, exact):
        """Returns the names of columns that differ from row to row, or None."""
        if mode == "total":
            return []
        if mode == "distinct":
            return [item.name for item in select.items]
        if mode == "on" or scope.key is None or any(getattr(i.expr, "sets", False) for i in select.items):
            return None
        names = {item.expr.sql(): item.name for item in select.items}
        texts = [key if isinstance(key, str) else key.sql() for key in scope.key]
        return [names[text] for text in texts] if all(text in names for text in texts) else None

    def ordering(self, select, scope, mode, exact, limited, ties):
        """Adds ORDER BY and LIMIT."""
        direction = self.expressions.direction
        own = Scope(scope.columns, scope.key, scope.rows, scope.outer, scope.inner, subqueries=min(1, scope.subqueries))
        first = []
        if mode in ("plain", "grouped") and (ties or self.chance(0.25)):
            one = self.expressions.expr(self.expressions.any_kind(own), own, 1)
            if one.has_column() and not any(getattr(i.expr, "sets", False) for i in select.items):
                first = [Order(one, direction())]
        if ties:
            first = first or [Order(select.items[0], direction())]
            select.order, select.limit, select.ties = first, Expr("big", [str(self.rng.randint(1, 6))]), True
            return
        if mode == "total" or not (limited or mode == "on" or self.chance(0.35)):
            return
        rest = [item for item in select.items if mode != "on" or item not in select.distinct]
        self.rng.shuffle(rest)
        select.order = [Order(item, direction()) for item in (select.distinct if mode == "on" else [])] + first
        select.order += [Order(item, direction()) for item in rest]
        select.total = exact
        if limited:
            select.limit = self.limit_value()
            if self.chance(0.3):
                select.offset = Expr("big", [str(self.rng.randint(0, 5))])

    # --- sub-queries in expressions -----------------------------------------------------------------------

    def correlation(self, scope, outer):
        """A condition that ties a sub-query to the query around it."""
        around = Scope(outer.columns, outer.key, outer.rows, relations=outer.relations)
        if around.relations and scope.relations and outer.inner is None and self.chance(0.7):
            one, _ = self.equality(around, scope.relations)
            return [one] if one is not None else []
        kinds = [k for k in outer.kinds() if scope.of_kind(k) and outer.from_inside(k)]
        if not kinds:
            return []
        kind = self.rng.choice(kinds)
        left, right = self.rng.choice(scope.of_kind(kind)), self.rng.choice(outer.from_inside(kind))
        how = self.rng.choice((" = ", " = ", " = ", " <> ", " < ", " IS NOT DISTINCT FROM "))
        return [Expr("bool", [self.expressions.copy(left), how, self.expressions.copy(right)])]

    def sublink(self, kind, scope):
        """A sub-query of a kind, or a condition made with one; None when it would be too much work."""
        if self.budget < 1 or scope.rows > SUBQUERY_ROWS:
            return None
        if kind in ("num2", "flt", "small"):
            return None
        before = self.budget
        self.budget = self.rng.choice((1, 1, 2))
        found = self.condition_link(scope) if kind == "bool" and self.chance(0.9) else self.scalar(kind, scope)
        self.budget = before - 1
        return found

    def condition_link(self, scope):
        """EXISTS, IN, ANY and ALL."""
        level, r = scope.subqueries - 1, self.rng.random()
        if r < 0.35:
            box, _, _ = self.query(scope, level, True, mode="any")
            return Expr("bool", [self.rng.choice(("EXISTS (", "NOT EXISTS (")), box, ")"])
        kind = self.expressions.any_kind(scope)
        left = self.expressions.expr(kind, Scope(scope.columns, outer=scope.outer, inner=scope.inner, subqueries=0), 1)
        if r < 0.85:
            others = [other for other in BASE if comparable(kind, other)] if self.chance(0.15) else []
            box, _, _ = self.query(scope, level, True, [self.rng.choice(others or [base(kind)])], mode="any")
            how = self.rng.choice((" IN (", " IN (", " NOT IN (", " = ANY (", " <> ALL (", " < ANY (", " >= ALL ("))
            return Expr("bool", ["(", left, ")", how, box, ")"])
        other = self.expressions.any_kind(scope)
        second = self.expressions.leaf(other, scope)
        box, _, _ = self.query(scope, level, True, [base(kind), base(other)], mode="any")
        return Expr("bool", ["(", left, ", ", second, ")", self.rng.choice((" IN (", " NOT IN (", " = ANY (")), box, ")"])

    def scalar(self, kind, scope):
        """A sub-query that has at most one row."""
        level, r = scope.subqueries - 1, self.rng.random()
        if kind in ("ints", "texts") and r < 0.5:
            box, _, _ = self.query(scope, level, True, [{"ints": "int", "texts": "text"}[kind]], True, "plain")
            if box.node.limit is None and not box.node.ties:
                box.node.order, box.node.total = [Order(box.node.items[0])], True
            return Expr(kind, ["ARRAY(", box, ")"], column=True) if box.node.total else None
        if r < 0.25 and kind in AGGREGATES and scope.inner is None and scope.relations:
            return self.correlated_aggregate(kind, scope)
        if r < 0.6 and kind in AGGREGATES:
            box, _, _ = self.query(scope, level, True, [kind], mode="total")
            return Expr(kind, ["(", box, ")"], column=True)
        tables = [t for t in self.schema.relations if t.key == ["id"]]
        if r < 0.8 and tables:
            seen = Seen(self.alias(), self.rng.choice(tables))
            inner = Scope(seen.exprs(), None, 1, scope, relations=[seen], subqueries=max(0, level))
            value = self.expressions.expr("int", Scope(scope.columns, outer=scope.outer, subqueries=0), 1)
            select = Select([Item(self.expressions.expr(kind, inner, 1), "c1")], [Source(Table(seen.relation.name, seen.alias))])
            select.where = [Expr("bool", [f"{seen.alias}.id = (", value, ")"])] + self.expressions.conditions(inner, 1)
            return Expr(kind, ["(", Box(select), ")"], column=True)
        box, _, _ = self.query(scope, level, True, [kind], True, "plain")
        box.node.order, box.node.limit = [Order(box.node.items[0], self.expressions.direction())], Expr("limit", ["1"])
        box.node.ties, box.node.total = False, True
        return Expr(kind, ["(", box, ")"], column=True)

    def correlated_aggregate(self, kind, scope):
        """(SELECT aggregate FROM table WHERE table.x = outer.y), which a planner may make a join of."""
        seen = Seen(self.alias(), self.rng.choice(self.schema.relations))
        inner = Scope(seen.exprs(), seen.relation.key, seen.relation.rows, scope, relations=[seen], subqueries=0)
        select = Select([], [Source(Table(seen.relation.name, seen.alias))])
        around = Scope(rows=scope.rows, relations=scope.relations)
        for _ in range(self.rng.choice((1, 1, 2))):
            one, _ = self.equality(around, [seen])
            select.where += [one] if one is not None else []
        if self.chance(0.3):
            select.where.append(self.expressions.condition(Scope(seen.exprs(), rows=seen.relation.rows, subqueries=0)))
        above = Scope([], [], 1, scope, inner, subqueries=0)
        select.items = [Item(self.expressions.aggregate(kind, above), "c1")]
        return Expr(kind, ["(", Box(select), ")"], column=True)

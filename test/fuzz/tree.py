"""Queries as trees: every piece writes itself as SQL and names the ways in which it can be made smaller.

A reduction is a list of (object, attribute, new value).  Pieces are changed in place, so a piece that stands in
two places (a group key and its use in the select list) stays the same in both.
"""

from kinds import KINDS, fits


def apply(reduction):
    """Makes a reduction and returns the one that takes it back."""
    undo = [(thing, name, getattr(thing, name)) for thing, name, _ in reduction]
    for thing, name, value in reduction:
        setattr(thing, name, value)
    return undo


def without(items, i):
    """Returns a list without one element."""
    return items[:i] + items[i + 1 :]


class Piece:
    """What all pieces share: the walk over the tree."""

    def children(self):
        return []

    def reductions(self):
        return []

    def walk(self, seen=None):
        """Yields this piece and all below it, each once."""
        seen = set() if seen is None else seen
        if id(self) not in seen:
            seen.add(id(self))
            yield self
            for child in self.children():
                yield from child.walk(seen)


class Param(Piece):
    """A parameter of a prepared statement; `shown` is $n, or one of its values."""

    def __init__(self, number, kind, values):
        self.number, self.kind, self.values = number, kind, values
        self.shown = f"${number}"

    def sql(self):
        return self.shown


class Expr(Piece):
    """An expression: text and pieces in turn.  One that is `fixed` only shrinks inside, never as a whole."""

    def __init__(self, kind, parts, fixed=False, column=False):
        self.kind, self.parts, self.fixed, self.column = kind, parts, fixed, column
        self.samples = ()  # of a column: some of its values
        self.distributes = False  # it is a distribution column
        self.aggregate = False

    def sql(self):
        return "".join(part if isinstance(part, str) else part.sql() for part in self.parts)

    def children(self):
        return [part for part in self.parts if not isinstance(part, str)]

    def has_column(self):
        """Tells whether the value may differ from row to row."""
        return any(isinstance(piece, Expr) and piece.column for piece in self.walk())

    def aggregates(self):
        """Tells whether there is an aggregate in it, outside of sub-queries."""
        return self.aggregate or any(child.aggregates() for child in self.children() if isinstance(child, Expr))

    def reductions(self):
        simple = KINDS[self.kind].simple if self.kind in KINDS else None
        if self.fixed or self.parts == [simple]:
            return
        if simple is not None:
            yield [(self, "parts", [simple]), (self, "column", False)]
            if not self.column and len(self.parts) > 1:
                yield [(self, "parts", [f"NULL::{KINDS[self.kind].sql}"])]
        for child in self.children():
            if isinstance(child, Expr) and fits(child.kind, self.kind):
                yield [(self, "parts", child.parts), (self, "column", child.column), (self, "fixed", child.fixed)]


class Item(Piece):
    """One column of a select list."""

    def __init__(self, expr, name=None):
        self.expr, self.name = expr, name

    @property
    def kind(self):
        return self.expr.kind

    def sql(self):
        return self.expr.sql() + (f" AS {self.name}" if self.name else "")

    def children(self):
        return [self.expr]


class Order(Piece):
    """One element of ORDER BY: an item of the select list, by its number, or an expression of its own."""

    def __init__(self, what, how=""):
        self.what, self.how = what, how

    def sql_in(self, items):
        if isinstance(self.what, Item):
            return f"{items.index(self.what) + 1}{self.how}" if self.what in items else None
        return self.what.sql() + self.how

    def children(self):
        return [] if isinstance(self.what, Item) else [self.what]

    def reductions(self):
        if self.how:
            yield [(self, "how", "")]


def order_by(orders, items):
    """Writes ORDER BY; elements whose item is gone are left out."""
    texts = [text for text in (order.sql_in(items) for order in orders) if text]
    return " ORDER BY " + ", ".join(texts) if texts else ""


class Group(Piece):
    """GROUP BY: elements are ('', keys), ('ROLLUP ', keys), ('CUBE ', keys) or ('GROUPING SETS ', lists of keys)."""

    def __init__(self, elements, distinct=False):
        self.elements, self.distinct = elements, distinct

    def sql(self):
        return " GROUP BY " + ("DISTINCT " if self.distinct else "") + ", ".join(self.element(*e) for e in self.elements)

    @staticmethod
    def element(how, keys):
        if how == "GROUPING SETS ":
            return how + "(" + ", ".join("(" + ", ".join(k.sql() for k in one) + ")" for one in keys) + ")"
        text = ", ".join(key.sql() for key in keys)
        return f"{how}({text})" if how or not keys else text

    def children(self):
        found = []
        for how, keys in self.elements:
            found += [key for one in keys for key in one] if how == "GROUPING SETS " else keys
        return found

    def reductions(self):
        if self.distinct:
            yield [(self, "distinct", False)]
        for i, (how, keys) in enumerate(self.elements):
            if len(self.elements) > 1:
                yield [(self, "elements", without(self.elements, i))]
            for j in range(len(keys) if len(keys) > 1 else 0):
                yield [(self, "elements", self.elements[:i] + [(how, without(keys, j))] + self.elements[i + 1 :])]
            if how and how != "GROUPING SETS " and keys:
                yield [(self, "elements", self.elements[:i] + [("", keys)] + self.elements[i + 1 :])]


class Select(Piece):
    """One SELECT without its WITH."""

    def __init__(self, items, source=(), where=()):
        self.items, self.source, self.where = items, list(source), list(where)
        self.distinct = None  # "all", or the items of DISTINCT ON
        self.group = None
        self.having = []
        self.windows = []  # (name, Expr)
        self.order, self.total = [], False
        self.limit = self.offset = None
        self.ties = False
        self.lock = ""

    def columns(self):
        return self.items

    def sql(self):
        text = "SELECT "
        if self.distinct == "all":
            text += "DISTINCT "
        elif self.distinct:
            places = [one.sql() if isinstance(one, Expr) else str(self.items.index(one) + 1)
                      for one in self.distinct if isinstance(one, Expr) or one in self.items]
            text += f"DISTINCT ON ({', '.join(places)}) " if places else ""
        text += ", ".join(item.sql() for item in self.items)
        if self.source:
            text += " FROM " + ", ".join(source.sql() for source in self.source)
        if self.where:
            text += " WHERE " + " AND ".join(one.sql() for one in self.where)
        if self.group:
            text += self.group.sql()
        if self.having:
            text += " HAVING " + " AND ".join(one.sql() for one in self.having)
        if self.windows:
            text += " WINDOW " + ", ".join(f"{name} AS {window.sql()}" for name, window in self.windows)
        text += order_by(self.order, self.items)
        if self.limit is not None:
            text += f" FETCH FIRST {self.limit.sql()} ROWS WITH TIES" if self.ties else f" LIMIT {self.limit.sql()}"
        if self.offset is not None:
            text += f" OFFSET {self.offset.sql()}"
        return text + self.lock

    def children(self):
        found = self.source + self.items + self.where + ([self.group] if self.group else []) + self.having
        found += [one for one in self.distinct if isinstance(one, Expr)] if self.distinct not in (None, "all") else []
        return found + [window for _, window in self.windows] + self.order

    def drop_column(self, i):
        """Returns the reduction that removes a column."""
        return [(self, "items", without(self.items, i))]

    def reductions(self):
        if self.limit is not None:
            yield [(self, "limit", None), (self, "offset", None), (self, "ties", False)]
        if self.offset is not None:
            yield [(self, "offset", None)]
        if self.order and self.limit is None:
            yield [(self, "order", []), (self, "total", False), (self, "distinct", None if self.distinct != "all" else "all")]
        if self.distinct:
            yield [(self, "distinct", None)]
        if self.lock:
            yield [(self, "lock", "")]
        for name in ("source", "where", "having", "windows"):
            for i in range(len(getattr(self, name))):
                yield [(self, name, without(getattr(self, name), i))]
        if self.group:
            yield [(self, "group", None)]
        for i in range(len(self.items) if len(self.items) > 1 else 0):
            yield self.drop_column(i)


class SetOp(Piece):
    """UNION and the like of two queries, each in parentheses."""

    def __init__(self, how, left, right):
        self.how, self.left, self.right = how, left, right
        self.order, self.total = [], False  # a direction for each column: the order is always that of all columns
        self.limit = self.offset = None

    def columns(self):
        return self.left.columns()

    def sql(self):
        text = f"({self.left.sql()}) {self.how} ({self.right.sql()})"
        if self.order:
            text += " ORDER BY " + ", ".join(f"{i + 1}{self.order[i % len(self.order)]}" for i in range(len(self.columns())))
        text += f" LIMIT {self.limit.sql()}" if self.limit is not None else ""
        return text + (f" OFFSET {self.offset.sql()}" if self.offset is not None else "")

    def children(self):
        return [self.left, self.right]

    def drop_column(self, i):
        return self.left.node.drop_column(i) + self.right.node.drop_column(i)

    def reductions(self):
        if self.limit is not None:
            yield [(self, "limit", None), (self, "offset", None)]
        if self.order and self.limit is None:
            yield [(self, "order", []), (self, "total", False)]
        if not self.how.endswith(" ALL"):
            yield [(self, "how", self.how + " ALL")]
        for i in range(len(self.columns()) if len(self.columns()) > 1 else 0):
            yield self.drop_column(i)


class Values(Piece):
    """VALUES as a query; the first row is kept as items, for those who ask for columns."""

    def __init__(self, rows):
        self.rows = rows  # lists of Item, whose names are not written

    def columns(self):
        return self.rows[0]

    def sql(self):
        return "VALUES " + ", ".join("(" + ", ".join(item.expr.sql() for item in row) + ")" for row in self.rows)

    def children(self):
        return [item for row in self.rows for item in row]

    def drop_column(self, i):
        return [(self, "rows", [without(row, i) for row in self.rows])]

    def reductions(self):
        for i in range(len(self.rows) if len(self.rows) > 1 else 0):
            yield [(self, "rows", without(self.rows, i))]
        for i in range(len(self.rows[0]) if len(self.rows[0]) > 1 else 0):
            yield self.drop_column(i)


class Cte(Piece):
    """One element of WITH."""

    def __init__(self, name, box, how=""):
        self.name, self.box, self.how = name, box, how
        self.tail = ""  # SEARCH or CYCLE

    def sql(self):
        names = ", ".join(item.name for item in self.box.columns())
        return f"{self.name}({names}) AS {self.how}({self.box.sql()}){self.tail}"

    def children(self):
        return [self.box]

    def reductions(self):
        if self.how:
            yield [(self, "how", "")]
        if self.tail:
            yield [(self, "tail", "")]


class Box(Piece):
    """Holds a query, so that it can be replaced by a part of it, and its WITH."""

    def __init__(self, node):
        self.node, self.ctes, self.recursive = node, [], False

    def columns(self):
        return self.node.columns()

    def sql(self):
        text = self.node.sql()
        if self.ctes:
            text = f"WITH {'RECURSIVE ' if self.recursive else ''}" + ", ".join(cte.sql() for cte in self.ctes) + " " + text
        return text

    def children(self):
        return self.ctes + [self.node]

    def reductions(self):
        if isinstance(self.node, SetOp):
            for side in (self.node.left, self.node.right):
                recursive = self.recursive or side.recursive
                yield [(self, "node", side.node), (self, "ctes", self.ctes + side.ctes), (self, "recursive", recursive)]
        for i in range(len(self.ctes)):
            yield [(self, "ctes", without(self.ctes, i))]


class Source(Piece):
    """Holds an element of FROM, so that a join can be replaced by one of its sides."""

    def __init__(self, node):
        self.node = node

    def sql(self):
        return self.node.sql()

    def children(self):
        return [self.node]

    def reductions(self):
        if isinstance(self.node, Join):
            yield [(self, "node", self.node.left.node)]
            yield [(self, "node", self.node.right.node)]


class Table(Piece):
    """A table, view or WITH query by name."""

    def __init__(self, name, alias):
        self.name, self.alias = name, alias

    def sql(self):
        return f"{self.name} {self.alias}"


class SubQuery(Piece):
    """A query or function in FROM: `box` is anything that writes SQL."""

    def __init__(self, box, alias, before="(", behind=")"):
        self.box, self.alias, self.before, self.behind = box, alias, before, behind

    def sql(self):
        return f"{self.before}{self.box.sql()}{self.behind} {self.alias}"

    def children(self):
        return [self.box]


class Join(Piece):
    """A join; `on` is a list of conditions, or None for CROSS, NATURAL and USING (text in `using`)."""

    def __init__(self, how, left, right, on=None, using=""):
        self.how, self.left, self.right, self.on, self.using = how, left, right, on, using

    def sql(self):
        text = f"{self.left.sql()} {self.how} "
        text += f"({self.right.sql()})" if isinstance(self.right.node, Join) else self.right.sql()
        if self.on is not None:
            text += " ON " + (" AND ".join(one.sql() for one in self.on) if self.on else "true")
        return text + self.using

    def children(self):
        return [self.left, self.right] + (self.on or [])

    def reductions(self):
        if self.on is not None and self.how != "JOIN":
            yield [(self, "how", "JOIN")]
        for i in range(len(self.on or [])):
            yield [(self, "on", without(self.on, i))]

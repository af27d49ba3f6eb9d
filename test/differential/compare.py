"""Compares two Outcomes of one statement and says in a few words how they differ.

Rows are a multiset unless the case says that their order counts.  Floats may differ in the
last digits, because shards add up in another order; everything else is compared as text.
"""

import math
from collections import Counter

from client import show_row

TOLERANCE = {"real": 1e-6, "double precision": 1e-12}


def differences(expected, got, marks=frozenset()):
    """Returns the differences as a list of (kind, text), empty when the outcomes agree."""
    if expected.lost or got.lost:
        return [("connection lost", f"{'plain side: ' if expected.lost else ''}{(expected if expected.lost else got).message}")]
    if expected.sqlstate or got.sqlstate:
        return error_differences(expected, got, marks)
    found = []
    if expected.tag != got.tag:
        found.append(("tag", f"tag {got.tag} instead of {expected.tag}"))
    if not same_columns(expected.columns, got.columns, "anylength" in marks):
        found.append(("columns", f"columns {got.columns} instead of {expected.columns}"))
    if expected.lines is not None or got.lines is not None:
        found += row_differences(expected.lines or [], got.lines or [], {}, marks)
    elif expected.rows is not None and got.rows is not None:
        kinds = [kind.split("[")[0] for _, kind in expected.columns]
        floats = {i: TOLERANCE[kind] for i, kind in enumerate(kinds) if kind in TOLERANCE}
        found += row_differences(expected.rows, got.rows, floats, marks)
    if "notices" in marks and expected.notices != got.notices:
        found.append(("notices", f"notices {got.notices} instead of {expected.notices}"))
    if not found and expected.status != got.status:
        found.append(("status", f"transaction status {got.status} instead of {expected.status}"))
    return found


def same_columns(expected, got, any_length):
    """Compares names and types of columns. With any_length, a type without a length equals the one with a length:
    PostgreSQL reports that of a CASE or coalesce() of constants only where its planner can work them out."""
    if not any_length or expected is None or got is None or len(expected) != len(got):
        return expected == got
    return all(e == g or (e[0] == g[0] and g[1].endswith(("[-1]", "[-1,65535,65535]")) and e[1].split("[")[0] == g[1].split("[")[0])
               for e, g in zip(expected, got))


def error_differences(expected, got, marks):
    """Compares when at least one side raised an error."""
    if expected.sqlstate != got.sqlstate:
        return [("sqlstate", f"{got.describe()} instead of {expected.describe()}")]
    if "nomessage" in marks:
        return []
    if expected.message != got.message:
        return [("message", f"message '{got.message}' instead of '{expected.message}'")]
    if "nodetail" in marks:
        return []
    if (expected.detail, expected.hint) != (got.detail, got.hint):
        return [("detail", f"detail {(got.detail, got.hint)} instead of {(expected.detail, expected.hint)}")]
    if expected.fields != got.fields:
        return [("error fields", f"error names {got.fields} instead of {expected.fields}")]
    return []


def row_differences(expected, got, floats, marks):
    """Compares rows: their number, their order when it counts, their contents."""
    if "countonly" in marks:
        same = len(expected) == len(got)
        return [] if same else [("rows", f"{len(got)} rows instead of {len(expected)}")]
    if "ordered" in marks:
        if len(expected) == len(got) and all(same_row(a, b, floats) for a, b in zip(expected, got)):
            return []
        if Counter(expected) == Counter(got):
            at = next(i for i, (a, b) in enumerate(zip(expected, got)) if a != b)
            return [("order", f"row {at + 1} is {show_row(got[at])} instead of {show_row(expected[at])}")]
    missing, extra = Counter(expected) - Counter(got), Counter(got) - Counter(expected)
    missing, extra = list(missing.elements()), list(extra.elements())
    if floats and len(missing) == len(extra):
        pairs = zip(sorted(missing, key=lambda r: sort_key(r, floats)), sorted(extra, key=lambda r: sort_key(r, floats)))
        if all(same_row(a, b, floats) for a, b in pairs):
            return []
    if not missing and not extra:
        return []
    text = f"{len(got)} rows instead of {len(expected)}"
    for word, rows in (("missing", missing), ("too many", extra)):
        if rows:
            text += f"; {word}: " + " ".join(show_row(r) for r in sorted(rows, key=str)[:3])
    return [("rows", text)]


def same_row(a, b, floats):
    """Tells whether two rows are equal, floats within the tolerance."""
    if a == b:
        return True
    if not floats or len(a) != len(b):
        return False
    return all(x == y or (i in floats and close(x, y, floats[i])) for i, (x, y) in enumerate(zip(a, b)))


def close(x, y, tolerance):
    """Compares two floats given as text."""
    return x is not None and y is not None and math.isclose(float(x), float(y), rel_tol=tolerance)


def sort_key(row, floats):
    """Returns a key that brings rows together which differ only in the last digits of floats."""
    rest = [str(v) for i, v in enumerate(row) if i not in floats]
    rounded = [f"{float(row[i]):.9e}" if row[i] is not None else "" for i in floats]
    return rest + rounded

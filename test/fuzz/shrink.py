"""Makes a failing case smaller, as long as it still fails in the same way."""

import time

from report import normalise
from tree import apply


def signature(found):
    """Returns what must stay the same while a case shrinks."""
    kind, text = found[0]
    return kind, normalise(text) if kind not in ("rows", "order") else ""


def shrink(case, test, wanted, seconds):
    """Changes the case; `test` runs it and returns what differs (kind, text), or an empty list."""
    until = time.monotonic() + seconds
    tried, progress = set(), True
    while progress and time.monotonic() < until:
        progress = False
        for reduction in list(case.reductions()):
            if time.monotonic() > until:
                break
            if not still_there(case, reduction):
                continue
            undo = apply(reduction)
            text = attempt_text(case)
            if text is None or text in tried:
                apply(undo)
                continue
            tried.add(text)
            found = test(case)
            if found and signature(found) == wanted:
                progress = True
            else:
                apply(undo)
    return case


def still_there(case, reduction):
    """Tells whether a reduction that was listed earlier still changes a piece of the case, and from what it was listed for."""
    thing, _, _ = reduction[0]
    if thing is case:
        return True
    return any(piece is thing for piece in case.box.walk())


def attempt_text(case):
    """Returns the statements as one text; None when they cannot be written any more."""
    try:
        return "\n".join(step.sql for step in case.steps())
    except (ValueError, IndexError, TypeError):
        return None

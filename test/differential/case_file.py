"""Reads a case file: which tables there are, how they are distributed, and what is asked.

A case is SQL text with directive lines `-- @word`; README.md describes them.  The result is
a Case whose statements still hold the text of the file, so that a failure can name the line.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

SECTIONS = ("setup", "distribute", "run")
MARKS = ("ordered", "nomessage", "nodetail", "countonly", "notices")
COPY_IN = re.compile(r"^\s*COPY\b.*\bFROM\s+STDIN\b", re.I | re.S)
COPY_OUT = re.compile(r"^\s*COPY\b.*\bTO\s+STDOUT\b", re.I | re.S)


@dataclass
class Statement:
    """One statement of a case, where it stands and how its result is compared."""

    sql: str
    line: int
    marks: frozenset = frozenset()
    copy_data: str | None = None

    @property
    def copies_out(self):
        return COPY_OUT.match(self.sql) is not None


@dataclass
class Case:
    """The sections of one file; `distribute` maps the name of a variant to its commands."""

    name: str
    later: bool = False
    setup: list = field(default_factory=list)
    distribute: dict = field(default_factory=dict)
    run: list = field(default_factory=list)


class CaseError(Exception):
    """The file does not follow the format."""


def end_of_statement(text):
    """Returns the position behind the first top-level semicolon, or None when there is none yet."""
    i, n = 0, len(text)
    while i < n:
        c = text[i]
        if c == ";":
            if not inside_atomic_body(text[:i]):
                return i + 1
            i += 1
        elif c in "'\"":
            escapes = c == "'" and i > 0 and text[i - 1] in "eE" and not text[i - 2 : i - 1].isalnum()
            i = end_of_quoted(text, i, escapes)
        elif text.startswith("--", i):
            i = text.find("\n", i)
            if i < 0:
                return None
        elif text.startswith("/*", i):
            end = text.find("*/", i)
            i = n if end < 0 else end + 2
        elif c == "$" and (tag := re.match(r"\$(?:[A-Za-z_]\w*)?\$", text[i:])) and not text[i - 1 : i].isalnum():
            end = text.find(tag.group(), i + len(tag.group()))
            i = n if end < 0 else end + len(tag.group())
        else:
            i += 1
    return None


def end_of_quoted(text, i, escapes):
    """Returns the position behind the quoted piece that starts at i, or the end of the text."""
    quote = text[i]
    i += 1
    while i < len(text):
        if escapes and text[i] == "\\":
            i += 2
        elif text[i] == quote:
            return i + 1
        else:
            i += 1
    return len(text)


def inside_atomic_body(text):
    """Tells whether text ends inside the BEGIN ATOMIC ... END of a SQL-standard function body."""
    return bool(re.search(r"\bBEGIN\s+ATOMIC\b", text, re.I)) and not re.search(r"\bEND\s*$", text, re.I)


class Parser:
    """Goes over the lines once; included files go over the same parser."""

    def __init__(self, path, data):
        self.data = data
        self.data_file = None
        self.case = Case(name=path.stem, later=path.stem.startswith("later_"))
        self.section = None
        self.marks = set()
        self.read(path)

    def read(self, path):
        """Parses one file, which may be an included one."""
        lines = path.read_text(encoding="utf-8").split("\n")
        at = 0
        while at < len(lines):
            stripped = lines[at].strip()
            if stripped.startswith("-- @"):
                at = self.directive(path, lines, at, stripped[4:].split())
            elif not stripped or stripped.startswith("--"):
                at += 1
            else:
                at = self.statement(path, lines, at)

    def directive(self, path, lines, at, words):
        """Handles the directive at line `at` and returns the next line to read."""
        word = words[0]
        if word in SECTIONS:
            self.section = word
            if word == "distribute":
                self.variant = words[1] if len(words) > 1 else "default"
                self.case.distribute[self.variant] = []
        elif word == "include":
            self.read(path.parent / "schemas" / (words[1] + ".sql"))
        elif word == "batch":
            end = next(i for i in range(at, len(lines)) if lines[i].strip() == "-- @end")
            self.add(Statement("\n".join(lines[at + 1 : end]), at + 1))
            return end + 1
        elif word == "data":
            self.data_file = words[1]
        elif word in MARKS:
            self.marks.add(word)
        else:
            raise CaseError(f"{path.name}:{at + 1}: unknown directive @{word}")
        return at + 1

    def statement(self, path, lines, at):
        """Reads one statement (and the data lines of a COPY) and returns the next line to read."""
        start, text = at, lines[at]
        while (end := end_of_statement(text)) is None:
            at += 1
            if at >= len(lines):
                raise CaseError(f"{path.name}:{start + 1}: statement without an end")
            text += "\n" + lines[at]
        if text[end:].strip() and not text[end:].strip().startswith("--"):
            raise CaseError(f"{path.name}:{at + 1}: one statement a line, please")
        one = Statement(text[:end].strip(), start + 1)
        if self.data_file:
            one.copy_data = (Path(self.data) / self.data_file).read_text(encoding="utf-8")
            self.data_file = None
        elif COPY_IN.match(one.sql):
            stop = next(i for i in range(at + 1, len(lines)) if lines[i] == "\\.")
            one.copy_data = "".join(line + "\n" for line in lines[at + 1 : stop])
            at = stop
        self.add(one)
        return at + 1

    def add(self, statement):
        """Puts the statement into the current section, with the marks collected before it."""
        statement.marks = frozenset(self.marks)
        self.marks.clear()
        if self.section == "distribute":
            self.case.distribute[self.variant].append(statement)
        elif self.section == "setup":
            self.case.setup.append(statement)
        elif self.section == "run":
            self.case.run.append(statement)
        else:
            raise CaseError(f"line {statement.line}: statement before the first section")


def read_cases(folder, later=False, only=None, exactly=None, data=None):
    """Reads the cases of a folder, by name; those for later only when asked for."""
    paths = sorted(Path(folder).glob(f"{exactly or '*'}.sql"))
    if only:
        paths = [p for p in paths if any(word in p.stem for word in only)]
    cases = [Parser(p, data).case for p in paths]
    return [c for c in cases if later or not c.later]

"""Counts what passed and failed, prints failures as they come and groups them at the end."""

import re
from collections import Counter


class Report:
    """The tally of a run."""

    def __init__(self, suite, show=200):
        self.suite = suite
        self.passed = 0
        self.failed = 0
        self.not_run = 0
        self.texts = set()
        self.causes = Counter()
        self.example = {}
        self.show = show

    def ok(self, statement=None):
        """Counts a statement that gave the same result on both sides."""
        self.passed += 1
        self.note(statement)

    def note(self, statement):
        """Remembers the text of a statement for the number of distinct ones."""
        if statement is not None:
            self.texts.add((statement.sql, hash(statement.copy_data)))

    def fail(self, where, statement, found, expected=None, got=None, follows=False):
        """Counts a failure and prints it; `follows` marks one in a transaction that had failed already."""
        self.failed += 1
        self.note(statement)
        kind, text = found[0]
        cause = "follows from an earlier failure" if follows else f"{kind}: {normalise(text)}"
        self.causes[cause] += 1
        self.example.setdefault(cause, where)
        if follows:
            return
        print(f"FAIL {where}: {one_line(statement.sql) if statement else ''}")
        for _, text in found:
            print(f"     {text[: self.show * 3]}")
        if expected is not None and kind in ("tag", "columns"):
            print(f"     expected {expected.describe()[: self.show]}")
            print(f"     got      {got.describe()[: self.show]}")

    def summary(self):
        """Prints the groups and, as the last line, the result; returns the exit status."""
        if self.causes:
            print("\nfailures by cause:")
            for cause, count in self.causes.most_common(40):
                print(f"{count:6}  {cause[:160]}   (first: {self.example[cause]})")
        print(f"\n{len(self.texts)} distinct statements" + (f", {self.not_run} executions not run" if self.not_run else ""))
        print(f"suite {self.suite}: {self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0


def one_line(sql, limit=240):
    """Returns SQL text on one line, cut."""
    text = " ".join(sql.split())
    return text if len(text) <= limit else text[:limit] + " ..."


def normalise(text):
    """Returns an error text without numbers and names, so that equal causes group."""
    if text[:5].isalpha() and text.startswith("ERROR"):
        text = text.split(" instead of ")[0]
        return re.sub(r"\d+(?!\w*:)", "N", re.sub(r'"[^"]*"', '"..."', text))
    if text.startswith("error names"):
        return "error names " + re.sub(r"\d+", "N", ", ".join(re.findall(r"'(\w+_name)': '(?:shardext)", text)) or "other objects")
    return re.sub(r"\d+", "N", text.split(";")[0].split(" instead of ")[0])[:60]

#!/usr/bin/python3
"""Prints the results of run.py (its --tsv file) as a Markdown table, and what they come to.

    table.py analytics.tsv
"""

import csv
import math
import sys


def number(row, name):
    return float(row[name] or 0)


def summary(layout, rows):
    """The totals of a layout."""
    good = [row for row in rows if row["result"] == "equal"]
    ratios = [number(row, "ratio") for row in good if number(row, "ratio") > 0]
    nodes, near = sum(number(row, "nodes") for row in good), sum(number(row, "within_10x") for row in good)
    plain_nodes, plain_near = sum(number(r, "plain_nodes") for r in good), sum(number(r, "plain_within_10x") for r in good)
    whole = [row["query"] for row in good if row["whole_tables"]]
    return (
        f"- **{layout}**: {len(good)} of {len(rows)} equal; {sum(number(r, 'ms') for r in good) / 1000:.0f} s, "
        f"plain {sum(number(r, 'plain_ms') for r in good) / 1000:.0f} s; geometric mean of the ratios "
        f"{math.exp(sum(math.log(r) for r in ratios) / len(ratios)):.2f}; estimates within 10x for {near:.0f} of {nodes:.0f} "
        f"scan and join nodes ({100 * near / nodes:.0f} %; plain {100 * plain_near / plain_nodes:.0f} %); "
        f"most memory of a backend {max(number(r, 'mb') for r in good):.0f} MB; "
        f"whole large tables fetched by {', '.join(whole) or 'none'}"
    )


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    layouts = list(dict.fromkeys(row["layout"] for row in rows))
    by_query = {}
    for row in rows:
        by_query.setdefault(row["query"], {})[row["layout"]] = row
    for layout in layouts:
        print(summary(layout, [row for row in rows if row["layout"] == layout]))
    print("\n| query | plain, ms | " + " | ".join(f"{layout}, ms | ratio" for layout in layouts) + " | how, " + layouts[-1] + " |")
    print("|---|---" + "|---|---" * len(layouts) + "|---|")
    for query, found in by_query.items():
        cells = []
        for layout in layouts:
            row = found.get(layout)
            cells += [f"{number(row, 'ms'):.0f}", f"{number(row, 'ratio'):.2f}"] if row and row["result"] == "equal" else ["-", "-"]
        any_row = next(iter(found.values()))
        print(f"| {query} | {number(any_row, 'plain_ms'):.0f} | " + " | ".join(cells) + f" | {found.get(layouts[-1], any_row)['strategies']} |")


if __name__ == "__main__":
    main()

"""The table of attack rows is whole, and names tests that exist."""

import re

from tree import Finding

PAGE = "docs/attack-rows.md"
# How many rows of each kind there are; the last number of each.
ROWS = {"W": 14, "P": 10, "A": 26, "Z": 14, "R": 13}
ROW = re.compile(r"^\| (?P<row>[WPAZR]\d\d) \|[^|]*\|(?P<tests>.*)\|$")
TEST = re.compile(r"`(?P<name>[a-z][a-z0-9_]+)`")
MISSING = "not built yet: "
FUNCTION = re.compile(r"\bfn (\w+)\(")


def rows_name_tests(tree):
    """Each row is there once, with tests that exist or the reason why there is none."""
    if PAGE not in tree.files:
        return
    sources = tree.named(".rs")
    functions = {match[1] for _, _, match in tree.matches(FUNCTION, sources)}
    seen = {}
    for number, line in enumerate(tree.files[PAGE], 1):
        if not (match := ROW.match(line)):
            continue
        row, text = match["row"], match["tests"]
        if row in seen:
            yield Finding(PAGE, number, f"{row} is there twice")
        seen[row] = {test["name"] for test in TEST.finditer(text)}
        for name in sorted(seen[row] - functions):
            yield Finding(PAGE, number, f"{row} names {name}, which is no function")
        if not seen[row] and MISSING not in text:
            yield Finding(PAGE, number, f"{row} has neither a test nor a reason")
    for row in (f"{kind}{n:02}" for kind, last in ROWS.items() for n in range(1, last + 1)):
        if row not in seen:
            yield Finding(PAGE, 1, f"{row} is missing")


CHECKS = (rows_name_tests,)

"""The tables of attacks and of regressions are whole, and name tests that exist."""

import re

from tree import Finding

# How many rows of each kind a page has: the last number of each.
PAGES = {
    "docs/attack-rows.md": {"W": 14, "P": 10, "A": 26, "Z": 14, "R": 13, "I": 7, "U": 14},
    "docs/regressions.md": {"A": 7, "B": 18, "C": 9, "D": 13, "E": 4},
}
ROW = re.compile(r"^\| (?P<kind>[A-Z])(?P<number>\d+) \|.*\|(?P<tests>[^|]*)\|$")
TEST = re.compile(r"`(?P<name>[a-z][a-z0-9_]+|[\w./-]+\.(?:js|mjs|py))`")
MISSING = "not built yet: "
FUNCTION = re.compile(r"\bfn (\w+)\(")


def rows_name_tests(tree):
    """Each row is there once, with tests that exist or the reason why there is none. A test is a function or a file."""
    sources = tree.named(".rs")
    known = {match[1] for _, _, match in tree.matches(FUNCTION, sources)} | set(tree.files)
    for page, kinds in PAGES.items():
        if page in tree.files:
            yield from rows_of(page, tree.files[page], kinds, known)


def rows_of(page, lines, kinds, known):
    """What is wrong with one table."""
    seen = set()
    for number, line in enumerate(lines, 1):
        if not (match := ROW.match(line)):
            continue
        row, text = (match["kind"], int(match["number"])), match["tests"]
        name = "".join(map(str, row))
        if row in seen:
            yield Finding(page, number, f"{name} is there twice")
        seen.add(row)
        tests = {test["name"] for test in TEST.finditer(text)}
        for test in sorted(tests - known):
            yield Finding(page, number, f"{name} names {test}, which is neither a function nor a file")
        if not tests and MISSING not in text:
            yield Finding(page, number, f"{name} has neither a test nor a reason")
    for kind, last in kinds.items():
        for number in range(1, last + 1):
            if (kind, number) not in seen:
                yield Finding(page, 1, f"{kind}{number} is missing")


CHECKS = (rows_name_tests,)

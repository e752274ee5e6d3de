"""Which metrics and labels an expression uses, and which of them `docs/metrics.md` knows."""

import re

# What a scrape adds to every series, and what a histogram has.
FROM_SCRAPE = {"job", "instance", "le"}
# Prometheus' own.
OWN = {"up": set()}
KEYWORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "bool", "offset"}


def page(path):
    """Metrics of the page, with their labels; histograms under each name that a scrape shows."""
    known = dict(OWN)
    for line in path.read_text().splitlines():
        row = re.match(r"\| `(\w+)` \| (\w+) \| \w+ \| (.*?) \| ", line)
        if not row:
            continue
        name, kind, labels = row.groups()
        labels = {found for found in re.findall(r"(?:^|; )`(\w+)`:", labels)}
        ends = ["_bucket", "_sum", "_count"] if kind == "histogram" else [""]
        known.update({name + end: labels for end in ends})
    return known


def unknown(expression, known):
    """What the expression names that no scrape has."""
    text = re.sub(r'"[^"]*"', '""', expression)
    found = []
    grouped = re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", text)
    groups = {label.strip() for group in grouped for label in group.split(",") if label.strip()}
    bare = re.sub(r"\b(?:by|without|on|ignoring)\s*\([^)]*\)", "", text)
    bare = re.sub(r"\[[^\]]*\]", "", bare)
    used = {}
    for name, selector in re.findall(r"([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?(?!\s*\()(?![\w:])", bare):
        if name in KEYWORDS:
            continue
        if name not in known:
            found.append(f"no metric {name}")
            continue
        used[name] = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
    for name, labels in used.items():
        found += [f"{name} has no label {label}" for label in labels - known[name] - FROM_SCRAPE]
    everywhere = FROM_SCRAPE.union(*(known[name] for name in used)) if used else FROM_SCRAPE
    return found + [f"no label {label} to group by" for label in groups - everywhere]

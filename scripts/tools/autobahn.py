"""Turns the index of an Autobahn report into docs/autobahn.md. Fails if a case failed or too few ran.

Usage: autobahn.py INDEX PAGE
"""

import collections
import json
import sys

# Fewer cases than this means that the client did not do its work. Sections 1 to 10 have 301.
CASES_MIN = 301
FINE = ("OK", "NON-STRICT", "INFORMATIONAL")


def case_key(case):
    return [int(part) for part in case.split(".")]


def table(cases):
    """How many cases of each section ended how."""
    sections = collections.defaultdict(collections.Counter)
    for case, result in cases.items():
        worst = max((result["behavior"], result["behaviorClose"]), key=badness)
        sections[case.split(".")[0]][worst] += 1
    return sections


def badness(behavior):
    return FINE.index(behavior) if behavior in FINE else len(FINE)


def page(cases, sections):
    total = sum(sections.values(), collections.Counter())
    failed = sum(count for behavior, count in total.items() if behavior not in FINE)
    yield "# Autobahn\n\n"
    yield "Written by `make autobahn`: Autobahn's fuzzing client (autobahntestsuite 25.10.1) against the listener,\n"
    yield "handshake and socket of the gateway, with an echo behind them and bounds of 64 MiB. The bounds of the product are\n"
    yield "tested by the W rows of [the attack rows](attack-rows.md); compression (sections 12 and 13) is not spoken.\n\n"
    yield "| section | ok | non-strict | informational | failed |\n|---|---|---|---|---|\n"
    for section in [*sorted(sections, key=int), None]:
        counts = total if section is None else sections[section]
        bad = sum(count for behavior, count in counts.items() if behavior not in FINE)
        name = "all" if section is None else section
        yield f"| {name} | {' | '.join(str(counts[behavior]) for behavior in FINE)} | {bad} |\n"
    odd = [case for case in sorted(cases, key=case_key) if badness(cases[case]["behavior"]) in (1, 3)]
    if odd:
        yield f"\nNot strict or failed: {', '.join(odd)}. "
        yield "6.4.x: text that stops being UTF-8 inside a fragment is refused when its fragment is whole.\n"
    yield f"\n{len(cases)} cases, {failed} failed.\n"


def main(index, document):
    with open(index, encoding="utf-8") as file:
        [cases] = json.load(file).values()
    sections = table(cases)
    text = "".join(page(cases, sections))
    with open(document, "w", encoding="utf-8") as file:
        file.write(text)
    print(text.splitlines()[-1])
    failed = [case for case, result in cases.items() if any(badness(result[key]) > 2 for key in ("behavior", "behaviorClose"))]
    if failed or len(cases) < CASES_MIN:
        sys.exit(f"failed: {', '.join(sorted(failed, key=case_key)) or 'too few cases'}")


main(*sys.argv[1:])

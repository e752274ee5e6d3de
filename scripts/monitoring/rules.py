"""The alerts: read from the rule files."""

import re

import yaml

SEVERITIES = {"critical", "warning", "info"}


def read(folder):
    """Every alert of the folder's files, in order."""
    files = sorted(folder.glob("*.yml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def wrong(alerts, tests, runbook):
    """What an alert lacks: a severity, a sentence, a section of the runbook, a test that fires and one that does not."""
    anchors = {heading.lower() for heading in re.findall(r"^## (\w+)$", runbook, re.M)}
    fires, quiet = set(), set()
    for test in tests:
        for case in test["alert_rule_test"]:
            (fires if case["exp_alerts"] else quiet).add(case["alertname"])
    for alert in alerts:
        name, told = alert["alert"], alert["annotations"]
        if alert["labels"].get("severity") not in SEVERITIES:
            yield f"{name}: no severity"
        if not told.get("summary", "").endswith("."):
            yield f"{name}: no summary"
        if told.get("runbook_url") != f"docs/runbook.md#{name.lower()}" or name.lower() not in anchors:
            yield f"{name}: no section in docs/runbook.md"
        if name not in fires:
            yield f"{name}: no test in which it fires"
        if name not in quiet:
            yield f"{name}: no test in which it does not"
    yield from (f"docs/runbook.md: no alert {anchor}" for anchor in anchors - {a["alert"].lower() for a in alerts})

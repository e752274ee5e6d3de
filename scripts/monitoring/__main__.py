"""Dashboards and alerts: `write` makes the dashboards' JSON, `check` looks whether everything fits together, `live URL` asks
a running Prometheus every query. To be run by the Python of `.tools/venv`."""

import pathlib
import subprocess
import sys

import dashboards
import live
import names
import rules
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "deploy/grafana/dashboards"
RULES = ROOT / "deploy/prometheus/rules"
TESTS = ROOT / "deploy/prometheus/tests"


def write():
    for dashboard in dashboards.ALL:
        (FOLDER / f"{dashboard.name}.json").write_text(dashboards.text(dashboard))
    return 0


def check():
    known = names.page(ROOT / "docs/metrics.md")
    alerts = rules.read(RULES)
    tests = [test for file in sorted(TESTS.glob("*.yml")) for test in yaml.safe_load(file.read_text())["tests"]]
    findings = list(rules.wrong(alerts, tests, (ROOT / "docs/runbook.md").read_text()))
    for alert in alerts:
        findings += [f"{alert['alert']}: {what}" for what in names.unknown(alert["expr"], known)]
    for dashboard in dashboards.ALL:
        file = FOLDER / f"{dashboard.name}.json"
        if not file.exists() or file.read_text() != dashboards.text(dashboard):
            findings.append(f"{file.relative_to(ROOT)} is not up to date: run scripts/monitoring write")
        for panel in dashboard.panels():
            for query, _ in panel.queries:
                findings += [f"{dashboard.name}, {panel.title}: {what}" for what in names.unknown(query, known)]
    print(*findings, sep="\n" if findings else "")
    panels = sum(len(dashboard.panels()) for dashboard in dashboards.ALL)
    print(f"monitoring: {len(alerts)} alerts, {panels} panels, {len(findings)} findings")
    told = subprocess.run(["promtool", "check", "rules", *map(str, RULES.glob("*.yml"))], check=False).returncode
    tried = subprocess.run(["promtool", "test", "rules", *map(str, TESTS.glob("*.yml"))], check=False).returncode
    return 1 if findings or told or tried else 0


def main():
    match sys.argv[1:]:
        case ["write"]:
            return write()
        case ["check"]:
            return check()
        case ["live", base]:
            return 1 if live.judge_all(base, dashboards.ALL, rules.read(RULES)) else 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2


sys.exit(main())

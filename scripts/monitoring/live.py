"""Asks a running Prometheus every query of the dashboards and of the alerts; `scripts/observe` starts one."""

import json
import math
import re
import urllib.parse
import urllib.request

# Alerts on what an ordinary cluster does not have, and why.
QUIET = {
    "RookeryCertificateEnds": "no process speaks TLS here",
    "RookeryRedisMemory": "no maxmemory is set",
}
COMPARISON = re.compile(r"\s(?:==|!=|>=|<=|>|<)\s")


def ask(base, query):
    """The values that Prometheus has now."""
    url = f"{base}/api/v1/query?" + urllib.parse.urlencode({"query": query})
    with urllib.request.urlopen(url, timeout=30) as answer:
        result = json.load(answer)["data"]["result"]
    return [float(series["value"][1]) for series in result]


def figures(expression):
    """What an alert compares with its bounds: that has values also where the alert does not fire."""
    for clause in re.split(r"\n(?:and|or|unless)\n", expression.strip()):
        # A comparison in parentheses chooses what is compared, and belongs to it.
        outside = [found for found in COMPARISON.finditer(clause)
                   if clause[: found.start()].count("(") == clause[: found.start()].count(")")]
        yield clause[: outside[-1].start()] if outside else clause


def judge(base, title, query, reason):
    """A line about a query, and whether it is as it should be."""
    try:
        values = ask(base, query)
    except OSError as error:
        return f"FAILED   {title}: {error}", False
    if values and not all(math.isnan(value) for value in values):
        return f"{len(values):4} ok  {title}", True
    if reason:
        return f"   - ok  {title}: {reason}", True
    return f"   {'NaN' if values else 'EMPTY'}  {title}: {query}", False


def judge_all(base, dashboards, alerts):
    """Prints a line for each query; how many are wrong."""
    lines = []
    for dashboard in dashboards:
        for panel in dashboard.panels():
            for query, legend in panel.queries:
                query = query.replace("$__rate_interval", "1m")
                lines.append(judge(base, f"{dashboard.name}: {panel.title} {legend}".strip(), query, panel.empty))
    for alert in alerts:
        name = alert["alert"]
        lines += [judge(base, name, figure, QUIET.get(name, "")) for figure in figures(alert["expr"])]
    for line, _ in lines:
        print(line)
    return sum(not fine for _, fine in lines)

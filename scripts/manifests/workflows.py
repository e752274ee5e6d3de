"""Workflows run nothing that can change behind our back, and with as few rights as they need."""

import re

import yaml

from findings import Finding
from render import ROOT

PINNED = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40}$")


def files():
    for file in sorted((ROOT / ".github/workflows").glob("*.yml")):
        yield file.name, file.read_text(encoding="utf-8")


def steps(workflow):
    for job in workflow.get("jobs", {}).values():
        yield from job.get("steps", [])
        if "uses" in job:
            yield job


def pinned(name, text):
    for step in steps(yaml.safe_load(text)):
        used = step.get("uses", "")
        if used and not used.startswith("./") and not PINNED.match(used):
            yield Finding(name, f"{used} is not pinned by a commit")
    for line in text.splitlines():
        if re.search(r"uses: [\w.-]+/[^.].*@[0-9a-f]{40}$", line):
            yield Finding(name, f"{line.strip()} does not say which version that is")


def few_rights(name, text):
    workflow = yaml.safe_load(text)
    if workflow.get("permissions") not in ({"contents": "read"}, {}):
        yield Finding(name, "has more rights than to read, for all its jobs")
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@") and step.get("with", {}).get("persist-credentials") is not False:
            yield Finding(name, "leaves its token in the checkout")
        if "${{ github.event" in step.get("run", "") or "${{ github.head_ref" in step.get("run", ""):
            yield Finding(name, "puts somebody's text into a script")


CHECKS = (pinned, few_rights)

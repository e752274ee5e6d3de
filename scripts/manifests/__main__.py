"""What a deployment is made of: manifests of Kubernetes, compose files, the Dockerfile, workflows. Builds all of it, and prints
what is wrong. `.tools/venv/bin/python scripts/manifests`; `make lint` calls it.
"""

import sys

import builds
import compose
import network
import pods
import render
import rollouts
import schemas
import secrets_made
import workflows
from findings import Finding

POLICY = (*pods.CHECKS, *rollouts.CHECKS, *network.CHECKS)


def of_kubernetes():
    version = builds.version()
    for name, resources in render.overlays():
        yield from (Finding(f"{name}: {found.where}", found.text) for found in pods.one_version(resources, version))
        for check in (schemas.valid, *POLICY):
            yield from (Finding(f"{name}: {found.where}", found.text) for found in check(resources))
        if name == "local":
            yield from secrets_made.complete(resources, secrets_made.made())
    yield from secrets_made.fresh(secrets_made.made(), secrets_made.made())
    for name in render.components_without_overlay():
        yield Finding(f"k8s/components/{name}", "is in no overlay")


def of_compose():
    yield from compose.unknown_files()
    yield from compose.no_default_secret(compose.texts())
    yield from compose.refused_without_secrets()
    for names in compose.COMBINATIONS:
        services = compose.config(names)["services"]
        for check in compose.CHECKS:
            yield from (Finding(f"compose {' + '.join(names)}: {found.where}", found.text) for found in check(services))


def of_workflows():
    for name, text in workflows.files():
        for check in workflows.CHECKS:
            yield from check(name, text)


def main():
    findings = sorted({*of_kubernetes(), *of_compose(), *of_workflows(), *builds.findings()})
    for finding in findings:
        print(finding)
    print(f"manifests: {len(compose.COMBINATIONS)} compose combinations, {len(findings)} findings")
    return 1 if findings else 0


sys.exit(main())

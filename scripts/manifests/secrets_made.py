"""What `k8s/secrets` and `make compose-secrets` make is what the manifests and docker-compose.yml ask for."""

import os
import stat
import subprocess

import yaml

import schemas
from findings import Finding
from pods import containers, workloads
from render import ROOT


def made():
    text = subprocess.run([str(ROOT / "k8s/secrets")], capture_output=True, text=True, check=True).stdout
    return list(yaml.safe_load_all(text))


def wanted(resources):
    """Name and key of each secret that pods refer to and need; no key where all of it is mounted."""
    for _, pod in workloads(resources):
        for container in containers(pod):
            for variable in container.get("env", []):
                reference = variable.get("valueFrom", {}).get("secretKeyRef")
                if reference and not reference.get("optional"):
                    yield reference["name"], reference["key"]
        for volume in pod.get("volumes", []):
            if "secret" in volume:
                yield volume["secret"]["secretName"], None


def complete(resources, secrets):
    yield from schemas.valid(secrets)
    known = {secret["metadata"]["name"]: secret["stringData"] for secret in secrets}
    for name, key in sorted(set(wanted(resources)), key=str):
        if name not in known or not (known[name].get(key) if key else known[name]):
            yield Finding("k8s/secrets", f"makes no {key or 'key'} of {name}")


def fresh(first, second):
    """No value is the same on every machine."""
    for one, other in zip(first, second, strict=True):
        for key, value in one["stringData"].items():
            if value == other["stringData"][key]:
                yield Finding("k8s/secrets", f"{key} is always the same")


def written(file):
    """What `make compose-secrets` leaves in a file: names and values."""
    environment = os.environ | {"ENV_FILE": str(file)}
    subprocess.run([str(ROOT / "scripts/compose-secrets")], env=environment, capture_output=True, check=True)
    return dict(line.split("=", 1) for line in file.read_text(encoding="utf-8").splitlines() if line)


def private(file):
    """Only its owner reads it."""
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode != 0o600:
        yield Finding(str(file), f"has the mode {mode:o}")

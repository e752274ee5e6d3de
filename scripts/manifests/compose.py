"""The compose files: each combination that is documented is valid, and every service is held to the same rules as a pod."""

import os
import re
import subprocess
import tempfile

import yaml

from findings import Finding
from pods import IMAGE
from render import ROOT

# Each file of deploy/compose alone, and those that are used together.
COMBINATIONS = (
    (),
    ("demo",),
    ("local",),
    ("local", "demo"),
    ("mail",),
    ("mail-catcher",),
    ("redis-cluster",),
    ("redis-cluster", "local"),
    ("s3",),
    ("s3", "mail"),
    ("sentinel",),
    ("sentinel", "local"),
    ("tls",),
    ("tls", "local"),
)
# Not secrets: what a check needs to get past `is missing`.
NEEDED = ("INTERNAL_SECRET", "REDIS_PASSWORD", "MONGO_PASSWORD", "MONGO_KEY", "SIGNING_KEY", "GRAFANA_PASSWORD", "SITE",
          "MAIL_URL", "MAIL_FROM", "S3_PASSWORD")
# These end by themselves.
ONE_SHOT = ("keys", "mongo-init", "s3-folder", "s3-init")


def arguments(names):
    files = ["docker-compose.yml", *(f"deploy/compose/{name}.yml" for name in names)]
    return [word for file in files for word in ("-f", file)]


def run(names, values):
    """`docker-compose config` without the settings of whoever calls it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with tempfile.NamedTemporaryFile() as nothing:
        command = ["docker-compose", "--env-file", nothing.name, *arguments(names), "config"]
        return subprocess.run(command, cwd=ROOT, env=kept | values, capture_output=True, text=True, check=False)


def config(names):
    """What a combination comes to."""
    done = run(names, {name: f"value-of-{name.lower()}" for name in NEEDED})
    if done.returncode:
        raise SystemExit(f"docker-compose {' '.join(arguments(names))}: {done.stderr.strip()}")
    return yaml.safe_load(done.stdout)


def unknown_files():
    """Files that belong to no combination are never checked."""
    known = {name for names in COMBINATIONS for name in names}
    for file in sorted((ROOT / "deploy/compose").glob("*.yml")):
        text = file.read_text(encoding="utf-8")
        if re.search(r"^services:", text, re.MULTILINE) and file.stem not in known:
            yield Finding(file.name, "is in no combination")


def no_default_secret(texts):
    """Without one of its secrets a deployment does not start, and says what to do."""
    for file, text in texts.items():
        for name in NEEDED:
            uses = re.findall(r"(?<!\$)\$\{" + name + r"\b([^}]*)\}", text)
            if re.search(r"(?<!\$)\$" + name + r"\b", text) or any(use and not use.startswith(":?is missing, ") for use in uses):
                yield Finding(file, f"{name} has a default")
            if uses and not any(use for use in uses):
                yield Finding(file, f"{name} may be missing")


def texts():
    files = [ROOT / "docker-compose.yml", *sorted((ROOT / "deploy/compose").glob("*.yml"))]
    return {str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in files}


def refused_without_secrets():
    done = run((), {})
    if done.returncode == 0 or "make compose-secrets" not in done.stderr:
        yield Finding("docker-compose.yml", "starts without secrets, or does not say what to do")


def restricted(services):
    for name, service in services.items():
        if service.get("read_only") is not True:
            yield Finding(name, "may write its root file system")
        if service.get("cap_drop") != ["ALL"]:
            yield Finding(name, "keeps capabilities")
        if "no-new-privileges:true" not in service.get("security_opt", []):
            yield Finding(name, "may gain privileges")
        if service.get("privileged") or "docker.sock" in str(service.get("volumes")):
            yield Finding(name, "has the machine")


def limited(services):
    for name, service in services.items():
        for what in ("mem_limit", "cpus", "pids_limit"):
            if not service.get(what):
                yield Finding(name, f"has no {what}")
        if not service.get("restart"):
            yield Finding(name, "says nothing of restarts")


def images(services):
    for name, service in services.items():
        match = IMAGE.match(service.get("image", ""))
        if not match or match["tag"] == "latest":
            yield Finding(name, f"{service.get('image')} has no tag, names a host, or is another one every day")


def ports(services):
    """Only the way in is published to others; never an internal listener or a store."""
    for name, service in services.items():
        for port in service.get("ports", []):
            if name not in ("lb", "caddy") and not str(port).startswith("127.0.0.1:"):
                yield Finding(name, f"{port} is open to others")
        if name.startswith(("gateway", "api", "redis", "mongo", "sentinel", "s3")) and service.get("ports"):
            yield Finding(name, "is published")


def networks(services):
    """Gateways have no way to the database, the way in none to a store."""
    for name, service in services.items():
        joined = set(service.get("networks", {}))
        if "stores" in joined and not name.startswith(("api", "mongo", "s3")):
            yield Finding(name, "reaches the database")
        if name in ("lb", "caddy") and joined != {"front"}:
            yield Finding(name, "reaches more than gateways and apis")


def time_to_drain(services):
    for name, service in services.items():
        drain = (service.get("environment") or {}).get("ROOKERY_DRAIN_MS")
        if drain and seconds(service.get("stop_grace_period", "10s")) < int(drain) / 1000 + 5:
            yield Finding(name, "is killed before it has drained")


def seconds(text):
    minutes, rest = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", text).groups()
    return int(minutes or 0) * 60 + int(rest or 0)


def in_order(services):
    """Nobody waits for something that only has begun."""
    for name, service in services.items():
        for other, how in (service.get("depends_on") or {}).items():
            wanted = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
            if how["condition"] != wanted:
                yield Finding(name, f"does not wait until {other} is {wanted}")


CHECKS = (restricted, limited, images, ports, networks, time_to_drain, in_order)

"""The Dockerfile and what else names the toolchain."""

import json
import re
import subprocess
import tempfile
from pathlib import Path

from findings import Finding
from render import ROOT

DOCKERFILE = "deploy/docker/Dockerfile"
PROGRAMS = ("gateway", "api", "rookery")
TOOLCHAIN = re.compile(r"rust:(?P<version>\d+\.\d+\.\d+)-")


def targets(text):
    """Text of each stage by name."""
    found = {}
    for stage in re.split(r"^(?=FROM )", text, flags=re.MULTILINE)[1:]:
        if match := re.match(r"FROM \S+ AS (\w+)", stage):
            found[match[1]] = stage
    return found


def plain(text):
    if text.lstrip().lower().startswith("# syntax"):
        yield Finding(DOCKERFILE, "asks for BuildKit")
    for stage in re.findall(r"^FROM (\S+)", text, re.MULTILINE):
        if not stage.startswith("${") and stage not in targets(text):
            yield Finding(DOCKERFILE, f"{stage} cannot be chosen by an argument")
    if "--mount" in text or "<<" in text:
        yield Finding(DOCKERFILE, "needs BuildKit")


def programs(text):
    stages = targets(text)
    if not re.search(r"^USER \d+:\d+$", stages.get("runtime", ""), re.MULTILINE):
        yield Finding(DOCKERFILE, "runs programs as root")
    for name in PROGRAMS:
        stage = stages.get(name, "")
        if not stage.startswith("FROM runtime "):
            yield Finding(DOCKERFILE, f"{name} is no target, or not as small as it can be")
        if not re.search(r'^HEALTHCHECK .*CMD \["/usr/local/bin/[\w-]+", "health"\]$', stage, re.MULTILINE):
            yield Finding(DOCKERFILE, f"{name} has no health check of its own")
        if not re.search(r'^ENTRYPOINT \["/usr/local/bin/', stage, re.MULTILINE):
            yield Finding(DOCKERFILE, f"{name} starts nothing")


def one_toolchain(texts, channel):
    for name, text in texts.items():
        for match in TOOLCHAIN.finditer(text):
            if match["version"] != channel:
                yield Finding(name, f"names Rust {match['version']}, rust-toolchain.toml {channel}")


def targets_of_cargo():
    """Where the source of each library, program and build script of the workspace begins."""
    command = ["cargo", "metadata", "--no-deps", "--offline", "--format-version", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for package in json.loads(done.stdout)["packages"]:
        for target in package["targets"]:
            if {"lib", "bin", "custom-build"} & set(target["kind"]):
                yield Path(target["src_path"]).relative_to(ROOT)


def whole(sources, folder):
    """The layer of dependencies is built of what `skeleton` makes: it has to have all that cargo looks for."""
    for source in sources:
        if not (folder / source).is_file():
            yield Finding("deploy/docker/skeleton", f"leaves out {source}")


def skeleton(folder):
    subprocess.run([str(ROOT / "deploy/docker/skeleton"), str(folder)], cwd=ROOT, check=True)
    return folder


def version():
    """Version of the workspace."""
    return re.search(r'^version = "([^"]+)"', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]


def findings():
    dockerfile = (ROOT / DOCKERFILE).read_text(encoding="utf-8")
    channel = re.search(r'channel = "([\d.]+)"', (ROOT / "rust-toolchain.toml").read_text(encoding="utf-8"))[1]
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in (DOCKERFILE, "docker-compose.yml")}
    with tempfile.TemporaryDirectory() as folder:
        left_out = list(whole(targets_of_cargo(), skeleton(Path(folder))))
    return [*plain(dockerfile), *programs(dockerfile), *one_toolchain(texts, channel), *left_out]

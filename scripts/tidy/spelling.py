"""Words that must not stand in the tree, or only in one place.

The patterns are put together from pieces, so that these files pass their own checks.
"""

import re
from pathlib import Path

from tree import Finding

MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(?:root|home|work|Users)/\w")
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b")
HOST = re.compile(r"\b[a-z][a-z0-9+]*://(?P<host>[A-Za-z0-9.-]+\.[A-Za-z]{2,})")
PLACE_OF_PACKAGES = re.compile(r'"resolved"|index-url|registry\s*=|\[source\.', re.IGNORECASE)
HOSTS = Path(__file__).with_name("hosts.txt")
# Hosts that are nobody's by definition.
RESERVED = ("example", "example.com", "example.net", "example.org", "test", "invalid", "localhost")

KEYS = "shared/bus-redis/src/keys.rs"
# A hash tag at the start of a string: written out, or as a format of Rust, of a script, or of another language.
REDIS_KEY = re.compile(r"""["'`]\{(?:\{\{[^}]*\}\}|[^}{"'`]*)\}:(?:r|t|c|a|p|u|pe|log|lease|ctl)\b""")


def no_machine_paths(tree):
    for path, line, match in tree.matches(MACHINE_PATH):
        yield Finding(path, line, f"{match[0]}… is a path of one machine")


def nothing_unfinished(tree):
    for path, line, match in tree.matches(UNFINISHED):
        yield Finding(path, line, f"{match[0]}: do it, or file an issue")


def only_known_hosts(tree):
    known = {line.split("#")[0].strip() for line in HOSTS.read_text(encoding="utf-8").splitlines()}
    for path, line, match in tree.matches(HOST, written_by_people(tree)):
        host = match["host"].lower()
        if host not in known and not host.endswith(RESERVED):
            yield Finding(path, line, f"{host} is not in {HOSTS.name}: may the project name it?")


def no_place_of_packages(tree):
    """Where packages come from is a matter of the machine, also in lock files."""
    for path, line, _ in tree.matches(PLACE_OF_PACKAGES, tree.named("package-lock.json", "requirements.txt", ".npmrc")):
        if "omit-lockfile-registry-resolved" not in tree.files[path][line - 1]:
            yield Finding(path, line, "names the place packages come from")


def keys_in_one_place(tree):
    for path, line, _ in tree.matches(REDIS_KEY, tree.named(".rs", ".lua", ".py", ".js", ".mjs")):
        if path != KEYS and not path.startswith("scripts/tidy/"):
            yield Finding(path, line, f"spells a Redis key; only {KEYS} does")


def written_by_people(tree):
    """All but lock files, whose form cargo and npm decide, and pages that are copied as they are."""
    copied = ("Cargo.lock", "LICENSE", "package-lock.json")
    return [path for path in tree.files if path.split("/")[-1] not in copied]


CHECKS = (no_machine_paths, nothing_unfinished, only_known_hosts, no_place_of_packages, keys_in_one_place)

"""What documents tell people to type exists."""

import re
from pathlib import PurePosixPath

from tree import Finding

TARGET = re.compile(r"^([a-z][a-z-]*):")
IN_LINE = re.compile(r"`make ((?:[\w.=/-]+ ?)+)`")
IN_BLOCK = re.compile(r"^\s*(?:\$ )?make ((?:[\w.=/-]+ ?)+)")
SOURCE = re.compile(r"`(?P<name>[\w./-]+\.(?:rs|lua|js|py|sh))`")
LINK = re.compile(r"\]\((?P<target>[^)\s#:]+)(?:#[^)]*)?\)")


def make_targets_exist(tree):
    targets = {match[1] for line in tree.files.get("Makefile", []) if (match := TARGET.match(line))}
    for path, number, words in commands_in_documents(tree):
        for word in words.split():
            if "=" not in word and word not in targets:
                yield Finding(path, number, f"make {word} does not exist")


def commands_in_documents(tree):
    for path, lines in tree.named(".md").items():
        fenced = False
        for number, line in enumerate(lines, 1):
            if line.lstrip().startswith("```"):
                fenced = not fenced
            for match in (IN_BLOCK if fenced else IN_LINE).finditer(line):
                yield path, number, match[1]


def links_lead_somewhere(tree):
    """Links between documents and to sources name files and folders that exist."""
    known = set(tree.files) | {str(parent) for path in tree.files for parent in PurePosixPath(path).parents}
    for path, number, match in tree.matches(LINK, tree.named(".md")):
        target = normal(PurePosixPath(path).parent / match["target"])
        if target not in known:
            yield Finding(path, number, f"links to {match['target']}, which does not exist")


def named_sources_exist(tree):
    """The architecture names files by their path or by the end of it."""
    pages = [path for path in tree.files if path == "ARCHITECTURE.md" or path.startswith("docs/decisions/")]
    for path, number, match in tree.matches(SOURCE, pages):
        if not any(f"/{known}".endswith(f"/{match['name']}") for known in tree.files):
            yield Finding(path, number, f"names {match['name']}, which does not exist")


def normal(path):
    parts = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts) or "."


CHECKS = (make_targets_exist, links_lead_somewhere, named_sources_exist)

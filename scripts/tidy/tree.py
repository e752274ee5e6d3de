"""The files of the repository, as git knows them: tracked ones and new ones that are not ignored."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong, and where."""

    path: str
    line: int
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Tree:
    """Text files by path; a file that is not text has no lines."""

    files: dict

    @classmethod
    def of_repository(cls):
        root = Path(__file__).parents[2]
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        names = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
        paths = (name for name in names.split("\0") if name and (root / name).is_file())
        return cls({path: read(root / path) for path in paths})

    def named(self, *suffixes):
        """The files whose names end so."""
        return {path: lines for path, lines in self.files.items() if path.endswith(suffixes)}

    def matches(self, pattern, paths=None):
        """Where a pattern is found: path, number of the line, match."""
        for path in self.files if paths is None else paths:
            for number, line in enumerate(self.files[path], 1):
                for match in pattern.finditer(line):
                    yield path, number, match


def read(path):
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return []

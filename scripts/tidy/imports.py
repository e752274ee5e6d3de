"""Files of a crate import each other in one direction only. A module and its own children may use each other.

A path is followed as the compiler would: through `crate`, `self` and `super`, through names that a file has imported, and
through re-exports to the file that defines the item. What is compiled for tests only is left out.
"""

import re

from tree import Finding

NOISE = re.compile(
    r'//[^\n]*|/\*.*?\*/|b?r(?P<fence>#*)".*?"(?P=fence)|b?"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'', re.DOTALL
)
TEST_ONLY = re.compile(r"#\[cfg\((?:all\()?test[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?P<item>(?:pub(?:\([^)]*\))?\s+)?mod\s+(?P<name>\w+)\s*(?P<end>[;{])|)")
USE = re.compile(r"(?P<shown>\bpub(?:\([^)]*\))?\s+)?\buse\s+(?P<tree>[^;]+);")
PATH = re.compile(r"(?<![\w:.])(?:\w+::)+\w+")
DEFINES = re.compile(r"\b(?:fn|struct|enum|trait|type|const|static|union|mod|macro_rules!)\s+(\w+)")


class File:
    """One module: what it imports under which name, what it shows of others, which paths it uses."""

    def __init__(self, path, module, text):
        self.path, self.module = path, module
        self.names, self.shown, self.globs, self.shown_globs = {}, {}, [], []
        text, self.test_modules = without_tests(NOISE.sub(" ", text))
        for use in USE.finditer(text):
            for segments, name in flattened(use["tree"].replace("\n", " ")):
                self.note(segments, name, bool(use["shown"]))
        rest = USE.sub(" ", text)
        self.defined = set(DEFINES.findall(rest))
        self.paths = {tuple(match[0].split("::")) for match in PATH.finditer(rest)}

    def note(self, segments, name, shown):
        if name == "*":
            self.globs.append(segments)
            if shown:
                self.shown_globs.append(segments)
            return
        self.names[name] = segments
        if shown:
            self.shown[name] = segments


class Crate:
    """The modules of one crate by path, the root is ()."""

    def __init__(self, source, files):
        self.files = {}
        modules = {}
        for path, lines in files.items():
            parts = path[len(source) :].removesuffix(".rs").split("/")
            modules[() if parts in (["lib"], ["main"]) else tuple(parts)] = (path, "\n".join(lines))
        for module in sorted(modules):
            path, text = modules[module]
            parents = (self.files.get(module[:length]) for length in range(len(module)))
            if not any(parent and module[len(parent.module)] in parent.test_modules for parent in parents):
                self.files[module] = File(path, module, text)

    def absolute(self, file, segments, seen=()):
        """The path from the crate's root, None for what is of another crate."""
        first, *rest = segments
        if first == "crate":
            return tuple(rest)
        base = file.module
        if first == "self":
            return base + tuple(rest)
        if first == "super":
            base = base[:-1]
            while rest and rest[0] == "super":
                base, rest = base[:-1], rest[1:]
            return base + tuple(rest)
        if (*base, first) in self.files:
            return (*base, *segments)
        if first in file.names and (file.path, first) not in seen and file.names[first][0] != first:
            found = self.absolute(file, file.names[first], (*seen, (file.path, first)))
            return None if found is None else (*found, *rest)
        return None

    def owner(self, path, seen=frozenset()):
        """The module that defines what a path names."""
        length = next(length for length in range(len(path), -1, -1) if path[:length] in self.files)
        file, rest = self.files[path[:length]], path[length:]
        if not rest or rest[0] in file.defined or (file.module, rest[0]) in seen:
            return file.module
        seen |= {(file.module, rest[0])}
        if rest[0] in file.shown:
            there = self.absolute(file, file.shown[rest[0]])
            return file.module if there is None else self.owner((*there, *rest[1:]), seen)
        for glob in file.shown_globs:
            there = self.absolute(file, glob)
            if there is not None and there in self.files and (found := self.owner((*there, *rest), seen)) != there:
                return found
            if there is not None and there in self.files and rest[0] in self.files[there].defined:
                return there
        return file.module

    def imports(self):
        """Which modules each module imports, its parent and its children apart."""
        graph = {}
        for module, file in self.files.items():
            used = [*file.names.values(), *file.globs, *file.paths]
            there = {self.owner(path) for path in (self.absolute(file, segments) for segments in used) if path is not None}
            graph[module] = {other for other in there if other != module and not are_related(module, other)}
        return graph


def are_related(one, other):
    """Whether one is the module in which the other is declared."""
    return one[:-1] == other and bool(one) or other[:-1] == one and bool(other)


def without_tests(text):
    """The text without items for tests only, and the names of such modules that are files."""
    modules, parts, at = set(), [], 0
    for match in TEST_ONLY.finditer(text):
        if match.start() < at:
            continue
        parts.append(text[at : match.start()])
        if match["end"] == "{":
            at = end_of_block(text, match.end() - 1)
        elif match["end"] == ";":
            modules.add(match["name"])
            at = match.end()
        else:
            # One item: up to its semicolon or block, whichever comes first.
            ends = [place for place in (text.find(";", match.end()), text.find("{", match.end())) if place >= 0]
            first = min(ends, default=len(text))
            at = end_of_block(text, first) if text[first : first + 1] == "{" else first + 1
    parts.append(text[at:])
    return "".join(parts), modules


def end_of_block(text, start):
    depth = 0
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return place + 1
    return len(text)


def flattened(tree, before=()):
    """The leaves of a use tree: segments, and the name under which each is known."""
    tree = tree.strip()
    if "{" not in tree:
        path, _, name = tree.partition(" as ")
        segments = [*before, *(part.strip() for part in path.split("::") if part.strip())]
        if segments[-1] == "*":
            yield segments[:-1], "*"
            return
        if segments[-1] == "self" and len(segments) > 1:
            segments = segments[:-1]
        yield segments, name.strip() or segments[-1]
        return
    head, _, body = tree.partition("{")
    before = [*before, *(part for part in head.strip().split("::") if part)]
    depth, start = 0, 0
    body = body[: body.rindex("}")]
    for place, character in enumerate(body + ","):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "," and depth == 0:
            if body[start:place].strip():
                yield from flattened(body[start:place], before)
            start = place + 1


def circles(graph):
    """Groups of modules that reach each other (Tarjan, without recursion), larger than one."""
    index, low, on_stack, stack, found = {}, {}, set(), [], []
    for root in sorted(graph):
        if root in index:
            continue
        work = [(root, iter(sorted(graph[root])))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, others = work[-1]
            for other in others:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(sorted(graph[other]))))
                    break
                if other in on_stack:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    group = set()
                    while not group or node not in group:
                        group.add(stack.pop())
                    on_stack -= group
                    if len(group) > 1:
                        found.append(group)
    return found


def crates(tree):
    """Each crate of the tree: the modules below its `src`."""
    for manifest in sorted(tree.named("Cargo.toml")):
        source = manifest.removesuffix("Cargo.toml") + "src/"
        files = {path: lines for path, lines in tree.named(".rs").items() if path.startswith(source)}
        files = {path: lines for path, lines in files.items() if not path.startswith(source + "bin/")}
        if files:
            yield Crate(source, files)


def no_circles(tree):
    for crate in crates(tree):
        graph = crate.imports()
        for group in circles(graph):
            for module in sorted(group):
                others = sorted("::".join(other) or "crate" for other in graph[module] & group)
                yield Finding(crate.files[module].path, 1, f"is in a circle of imports, by {', '.join(others)}")


CHECKS = (no_circles,)

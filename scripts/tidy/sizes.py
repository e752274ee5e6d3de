"""A file has one noun: almost all stay below the wall, and a module lies beside its folder."""

from tree import Finding

# Of 100 files 95 have at most so many lines, and none has more than the second number.
LINES_USUAL = 400
LINES_MAX = 700
LARGE_SHARE_MAX = 0.05


def below_the_wall(tree):
    sources = tree.named(".rs", ".js", ".mjs", ".py", ".lua")
    large = {path: len(lines) for path, lines in sources.items() if len(lines) > LINES_USUAL}
    too_many = len(large) > LARGE_SHARE_MAX * len(sources)
    for path, count in large.items():
        if count > LINES_MAX:
            yield Finding(path, count, f"has {count} lines, the wall is {LINES_MAX}: split it by nouns")
        elif too_many:
            yield Finding(path, count, f"has {count} lines, and too many files have more than {LINES_USUAL}")


def beside_its_folder(tree):
    for path in tree.files:
        if path.split("/")[-1] == "mod.rs":
            yield Finding(path, 1, "is named for nothing: put foo.rs beside foo/")


CHECKS = (below_the_wall, beside_its_folder)

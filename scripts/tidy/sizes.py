"""A file has one noun: it stays below the wall, and a module lies beside its folder."""

from tree import Finding

LINES_MAX = 400


def below_the_wall(tree):
    for path, lines in tree.named(".rs", ".js", ".mjs", ".py", ".lua").items():
        if len(lines) > LINES_MAX:
            yield Finding(path, len(lines), f"has {len(lines)} lines, the wall is {LINES_MAX}: split it by nouns")


def beside_its_folder(tree):
    for path in tree.files:
        if path.split("/")[-1] == "mod.rs":
            yield Finding(path, 1, "is named for nothing: put foo.rs beside foo/")


CHECKS = (below_the_wall, beside_its_folder)

"""Nothing has a default secret, except the two users of the demonstration, who are named in few places."""

import re

from tree import Finding

SETTING = re.compile(r"Setting\s*\{[^{}]*\}")
DEFAULT = re.compile(r"default:\s*Some\(")
SECRET = re.compile(r"secret:\s*true")
# A value given in a file that configures something, other than a reference to a variable.
ASSIGNED = re.compile(r"(?i)\b\w*(?:secret|password|passwd|private_key)\s*[=:]\s*[\"']?(?P<value>[\w+/=-]{4,})")
DEMO_PASSWORD = re.compile(r"(?:test|alice)pass" r"123")
DEMO_PLACES = (
    "api/src/demo",
    # The example that the browsable documents fill in.
    "api/src/accounts/login.rs",
    "tests/",
    "web/test/",
    "docs/",
    "scripts/run",
    "scripts/cluster",
    "standalone/src/main.rs",
    "README.md",
    "CHANGELOG.md",
    "SECURITY.md",
)


def no_default_secret_in_settings(tree):
    for path, lines in tree.named(".rs").items():
        text = "\n".join(lines)
        for match in SETTING.finditer(text):
            if SECRET.search(match[0]) and DEFAULT.search(match[0]):
                yield Finding(path, text.count("\n", 0, match.start()) + 1, "a secret setting must have no default")


def no_secret_in_configuration(tree):
    configuration = [*tree.named(".toml", ".yaml", ".yml", ".cfg", ".conf", ".env"), *scripts(tree)]
    for path, line, match in tree.matches(ASSIGNED, configuration):
        yield Finding(path, line, f"looks like a secret: {match[0]!r}")


def demo_users_only_in_the_demo(tree):
    for path, line, _ in tree.matches(DEMO_PASSWORD):
        if not path.startswith(DEMO_PLACES):
            yield Finding(path, line, "names a password of the demonstration")


def no_private_keys(tree):
    for path, line, _ in tree.matches(re.compile("BEGIN (?:[A-Z]+ )?PRIVATE" " KEY"), tree.named(".pem", ".key")):
        yield Finding(path, line, "a private key must not be in the repository")


def scripts(tree):
    return (path for path in tree.files if path.startswith("scripts/") and "." not in path.split("/")[-1])


CHECKS = (no_default_secret_in_settings, no_secret_in_configuration, demo_users_only_in_the_demo, no_private_keys)

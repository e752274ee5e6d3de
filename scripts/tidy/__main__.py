"""Repository checks that no other tool makes. `python3 scripts/tidy` prints what is wrong and fails if anything is.

Each module holds the checks of one subject: functions from the tree to findings.
"""

import sys

import commands
import imports
import rows
import secrets_kept
import sizes
import spelling
from tree import Tree

CHECKS = (*sizes.CHECKS, *spelling.CHECKS, *secrets_kept.CHECKS, *commands.CHECKS, *rows.CHECKS, *imports.CHECKS)


def main():
    tree = Tree.of_repository()
    findings = sorted(finding for check in CHECKS for finding in check(tree))
    for finding in findings:
        print(finding)
    print(f"tidy: {len(tree.files)} files, {len(findings)} findings")
    return 1 if findings else 0


sys.exit(main())

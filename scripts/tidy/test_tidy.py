"""A check that cannot fail is none: each of them finds what it is for, and passes what is right."""

import unittest

import commands
import imports
import rows
import secrets_kept
import sizes
import spelling
from tree import Tree


def found(check, **files):
    """Findings of a check in files given as name=text, where __ stands for a slash and _dot_ for a dot."""
    named = {name.replace("__", "/").replace("_dot_", "."): text.splitlines() for name, text in files.items()}
    return len(list(check(Tree(named))))


class Imports(unittest.TestCase):
    def circle(self, **files):
        crate = {"a__Cargo_dot_toml": "", "a__src__lib_dot_rs": "mod b;\nmod c;"}
        return found(imports.no_circles, **crate, **{f"a__src__{name}_dot_rs": text for name, text in files.items()})

    def test_circles(self):
        back = "use crate::b::B;\npub struct C;"
        for ahead in (
            "use crate::c::C;",
            "use super::c::{C, D as E};",
            "use super::{c::*, d};",
            "fn f(_: crate::c::C) {}",
            "use crate::c;\nfn f(_: c::C) {}",
            "fn f(_: super::c::C) {}",
        ):
            self.assertEqual(self.circle(b=ahead + "\npub struct B;", c=back), 2, ahead)
            self.assertEqual(self.circle(b=ahead + "\npub struct B;", c="pub struct C;"), 0, ahead)

    def test_reexports_lead_to_the_file_that_defines(self):
        shown = {"b": "pub use c::C;\nmod c;", "b__c": "use crate::d::D;\npub struct C;"}
        self.assertEqual(self.circle(**shown, d="use crate::b::C;\npub struct D;"), 2)
        self.assertEqual(self.circle(**shown | {"b__c": "pub struct C;"}, d="use crate::b::C;\npub struct D;"), 0)

    def test_what_makes_no_circle(self):
        self.assertEqual(self.circle(b="use crate::c::C;\npub struct B;\n#[cfg(test)]\nmod tests { use crate::c::C; }", c="pub struct C;\n#[cfg(test)]\nmod tests { use crate::b::B; }"), 0)
        self.assertEqual(self.circle(b="mod d;\nuse d::D;\npub struct B;", b__d="use super::B;\npub struct D;"), 0, "a module and its child")
        self.assertEqual(self.circle(b="//! See [`crate::c::C`].\npub struct B;", c="use crate::b::B;\npub struct C;"), 0)


class Rows(unittest.TestCase):
    def test_rows(self):
        whole = [f"| {kind}{n:02} | x | not built yet: x |" for kind, last in rows.PAGES["docs/attack-rows.md"].items() for n in range(1, last + 1)]
        page = {"docs__attack-rows_dot_md": "\n".join(whole)}
        self.assertEqual(found(rows.rows_name_tests, **page), 0)
        named = {"docs__attack-rows_dot_md": "\n".join(["| W01 | x | `w01_x` |", *whole[1:]])}
        self.assertEqual(found(rows.rows_name_tests, a_dot_rs="fn w01_x() {}", **named), 0)
        self.assertEqual(found(rows.rows_name_tests, **named), 1)
        self.assertEqual(found(rows.rows_name_tests, **{"docs__attack-rows_dot_md": "\n".join(whole[1:])}), 1)


class Sizes(unittest.TestCase):
    def test_walls(self):
        many = {f"f{n}_dot_rs": "x" for n in range(19)}
        self.assertEqual(found(sizes.below_the_wall, a_dot_rs="x\n" * 700, **many), 0)
        self.assertEqual(found(sizes.below_the_wall, a_dot_rs="x\n" * 701, **many), 1)
        self.assertEqual(found(sizes.below_the_wall, a_dot_rs="x\n" * 401, b_dot_rs="x\n" * 401, **many), 2)
        self.assertEqual(found(sizes.below_the_wall, a_dot_rs="x\n" * 400, b_dot_rs="x\n" * 400, **many), 0)
        self.assertEqual(found(sizes.beside_its_folder, a__mod_dot_rs=""), 1)


class Spelling(unittest.TestCase):
    def test_machine_paths(self):
        self.assertEqual(found(spelling.no_machine_paths, a="cd /ro" "ot/x"), 1)
        self.assertEqual(found(spelling.no_machine_paths, a="cd shared/work/x; GET /homepage"), 0)

    def test_unfinished(self):
        self.assertEqual(found(spelling.nothing_unfinished, a="// TO" "DO: later"), 1)

    def test_hosts(self):
        self.assertEqual(found(spelling.only_known_hosts, a="https://semver.org/x https://a.example.com"), 0)
        self.assertEqual(found(spelling.only_known_hosts, a="https://packages" ".somewhere.io/x"), 1)

    def test_lock_files(self):
        lock = {"t__package-lock_dot_json": '"reso' 'lved": "x"'}
        self.assertEqual(found(spelling.no_place_of_packages, **lock), 1)

    def test_redis_keys(self):
        for text in ('format!("{{{t}}}:pe")', 'let x = "{7}:log";', "'{' .. t .. '}:x'", '"{1}:r:abc"'):
            expected = 0 if ".." in text else 1
            self.assertEqual(found(spelling.keys_in_one_place, a_dot_rs=text), expected, text)
            self.assertEqual(found(spelling.keys_in_one_place, **{"shared__bus-redis__src__keys_dot_rs": text}), 0, text)
        self.assertEqual(found(spelling.keys_in_one_place, a_dot_rs='println!("{room}: {text}")'), 0)


class Secrets(unittest.TestCase):
    def test_settings(self):
        good = 'Setting { key: "a", default: None, secret: true, help: "" }'
        self.assertEqual(found(secrets_kept.no_default_secret_in_settings, a_dot_rs=good), 0)
        bad = good.replace("None", 'Some("x")')
        self.assertEqual(found(secrets_kept.no_default_secret_in_settings, a_dot_rs=bad), 1)

    def test_configuration(self):
        check = secrets_kept.no_secret_in_configuration
        self.assertEqual(found(check, a_dot_toml='internal_secret = "hun' 'ter2hunter2"'), 1)
        self.assertEqual(found(check, scripts__run='SECRET=$(<"$dir/secret")'), 0)

    def test_demo_users(self):
        self.assertEqual(found(secrets_kept.demo_users_only_in_the_demo, a="testpass" "123"), 1)


class Commands(unittest.TestCase):
    def test_targets(self):
        text = "make sure `make run PORT=1` works\n```sh\nmake fly\n```\n`make lint test`"
        self.assertEqual(found(commands.make_targets_exist, Makefile="run:\nlint:", a_dot_md=text), 2)

    def test_links(self):
        self.assertEqual(found(commands.links_lead_somewhere, docs__a_dot_md="[x](../b.md#y) [z](docs/)", b_dot_md=""), 1)


if __name__ == "__main__":
    unittest.main()

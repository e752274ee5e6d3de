//! The build script of every program: tells it the commit that it was built from.
//!
//! `ROOKERY_COMMIT` says it where there is no repository, as in an image. Else git is asked, but only for a release: a
//! development build would have to be linked again after every commit.

#![expect(clippy::print_stdout, reason = "a build script speaks to cargo on standard output")]

use std::env;
use std::path::Path;
use std::process::Command;

const GIVEN: &str = "ROOKERY_COMMIT";

#[expect(clippy::disallowed_methods, reason = "settings are those of a running program")]
fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

fn main() {
    println!("cargo::rerun-if-env-changed={GIVEN}");
    let given = variable(GIVEN).filter(|commit| is_commit(commit));
    let is_release = variable("PROFILE").is_some_and(|profile| profile == "release");
    let commit = given.or_else(|| is_release.then(of_repository).flatten());
    println!("cargo::rustc-env=BUILD_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
}

fn of_repository() -> Option<String> {
    for file in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", file])?;
        // A file that is missing would make cargo build anew every time.
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"]).filter(|commit| is_commit(commit))
}

/// What git prints; nothing outside of a repository, or where there is no git.
fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// Nothing that would break a label or a line.
fn is_commit(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

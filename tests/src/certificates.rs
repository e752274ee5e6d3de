//! Certificates of a test, made as `docs/operations.md` says.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{dirs, readme};

const SECTION: &str = "TLS between the processes\n";

/// A folder of PEM files: `ca` and what it signed, `server` and `client`, beside `stranger`, which another authority signed.
/// Each has a certificate `NAME.pem` and a key `NAME.key`, and is good for 127.0.0.1.
pub struct Certificates {
    dir: PathBuf,
}

impl Certificates {
    /// Made anew.
    pub fn make() -> Self {
        let this = Self { dir: dirs::fresh("certificates") };
        signed("known", &["server", "client"], &this.dir);
        let others = dirs::fresh("certificates");
        signed("unknown", &["stranger"], &others);
        for file in ["stranger.pem", "stranger.key"] {
            std::fs::copy(others.join(file), this.path(file)).expect("a file can be copied");
        }
        this
    }

    /// Puts a certificate and its key in the place of those of another name.
    pub fn copy(&self, from: &str, to: &str) {
        for ending in ["pem", "key"] {
            let [from, to] = [from, to].map(|name| self.path(&format!("{name}.{ending}")));
            std::fs::copy(from, to).expect("a file can be copied");
        }
    }

    /// The path of a file.
    pub fn path(&self, file: &str) -> String {
        self.dir.join(file).display().to_string()
    }

    /// Where they are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// An authority and what it signs.
fn signed(authority: &str, names: &[&str], dir: &Path) {
    let page = readme::file("docs/operations.md");
    let section = page.split("\n## ").find_map(|part| part.strip_prefix(SECTION));
    let blocks = readme::blocks(section.expect("the page says how to make certificates"));
    let [begin, certificate] = blocks.as_slice() else {
        panic!("an authority, a certificate: {blocks:?}")
    };
    run(&begin.text.replace("rookery-authority", authority), dir);
    let (first, commands) = certificate.text.split_once('\n').expect("several lines");
    assert!(first.starts_with("NAME="), "{first}");
    for name in names {
        run(&format!("NAME={name} NAMES=IP:127.0.0.1\n{commands}"), dir);
    }
}

fn run(script: &str, dir: &Path) {
    let output = Command::new("sh")
        .args(["-ec", script])
        .current_dir(dir)
        .output()
        .unwrap_or_else(|error| panic!("sh: {error}"));
    assert!(output.status.success(), "run `make deps`?\n{}", String::from_utf8_lossy(&output.stderr));
}

//! What a play was made with: a number for the sources that matter to it, so that results of other sources are not counted.

use std::process::Command;

use ring::digest::{Context, SHA256};

use crate::tools;

/// What a play depends on; documents, the page and tests beside the faults are not among it.
const PATHS: [&str; 9] = [
    "shared",
    "gateway",
    "api",
    "standalone",
    "tests/src",
    "Cargo.toml",
    "Cargo.lock",
    "deploy/proxies/haproxy",
    "scripts/tools",
];
const SHOWN_BYTES: usize = 6;

/// The digest of the sources as they lie there, changes that are not committed included. None outside a repository.
pub fn digest() -> Option<String> {
    let repository = tools::repository();
    let listed = Command::new("git")
        .arg("-C")
        .arg(&repository)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"])
        .args(PATHS)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let mut names: Vec<&[u8]> = listed.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    let mut digest = Context::new(&SHA256);
    for name in names {
        let path = repository.join(String::from_utf8_lossy(name).as_ref());
        // A file that was deleted and is still listed counts as empty.
        let content = std::fs::read(path).unwrap_or_default();
        digest.update(&(name.len() as u64).to_le_bytes());
        digest.update(name);
        digest.update(&(content.len() as u64).to_le_bytes());
        digest.update(&content);
    }
    let digest = digest.finish();
    let shown = digest.as_ref().iter().take(SHOWN_BYTES);
    Some(shown.fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
}

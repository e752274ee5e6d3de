//! Throw-away folders: one per test process, below it one per use.
//!
//! They lie under `ROOKERY_TEST_DIR` if that is set (whoever set it removes them), else under the system's folder
//! for temporary files, and then the guardian removes them unless `ROOKERY_TEST_KEEP` is set.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::guardian;

static RUN: OnceLock<PathBuf> = OnceLock::new();
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A new empty folder whose name tells what it is for.
pub fn fresh(purpose: &str) -> PathBuf {
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let dir = RUN.get_or_init(run_dir).join(format!("{number:03}-{purpose}"));
    std::fs::create_dir_all(&dir).expect("a folder for test data can be made");
    dir
}

/// Removes all of them; nothing that was started in them may run any more. A run of hours would fill the disk. Log files
/// are copied to `keep_logs_in` before.
pub fn clear(keep_logs_in: Option<&Path>) -> std::io::Result<()> {
    let Some(run) = RUN.get() else { return Ok(()) };
    for entry in std::fs::read_dir(run)? {
        let folder = entry?.path();
        if let Some(kept) = keep_logs_in {
            keep_logs(&folder, kept)?;
        }
        std::fs::remove_dir_all(folder)?;
    }
    Ok(())
}

fn keep_logs(folder: &Path, kept: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(kept)?;
    for entry in std::fs::read_dir(folder)? {
        let file = entry?.path();
        if let (Some(name), true) = (file.file_name(), file.extension().is_some_and(|ending| ending == "log")) {
            std::fs::copy(&file, kept.join(name))?;
        }
    }
    Ok(())
}

fn run_dir() -> PathBuf {
    let name = format!("rookery-test-{}", std::process::id());
    let Some(given) = env::var_os("ROOKERY_TEST_DIR") else {
        let dir = env::temp_dir().join(name);
        if env::var_os("ROOKERY_TEST_KEEP").is_none() {
            guardian::remove_at_exit(&dir);
        }
        return dir;
    };
    PathBuf::from(given).join(name)
}

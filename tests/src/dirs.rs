//! Throw-away folders: one per test process, below it one per use.
//!
//! They lie under `ROOKERY_TEST_DIR` if that is set (whoever set it removes them), else under the system's folder
//! for temporary files, and then the guardian removes them unless `ROOKERY_TEST_KEEP` is set.

use std::env;
use std::path::PathBuf;
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

//! What a run was made with: the machine in numbers, the versions of the parts, the commit.

use std::fmt::{Display, Formatter, Result};
use std::process::Command;

use crate::tools;

/// The machine that a run was played on.
#[derive(Clone, Debug)]
pub struct Machine {
    processors: usize,
    memory_gib: u64,
    kernel: String,
    parts: Vec<String>,
    commit: String,
    build: &'static str,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let total = meminfo.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok());
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let server = tools::python("secantusd-py").display().to_string();
        Self {
            processors: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_gib: total.unwrap_or(0).div_ceil(1024 * 1024),
            kernel: kernel.trim().to_owned(),
            parts: vec![first_line("redis-server", &["--version"]), first_line(&server, &["--version"])],
            commit: commit(),
            build: if cfg!(debug_assertions) { "debug" } else { "release" },
        }
    }
}

impl Machine {
    /// The commit that was built, and whether the sources differ from it.
    pub fn commit(&self) -> &str {
        &self.commit
    }

    /// Profile of the build.
    pub const fn build(&self) -> &'static str {
        self.build
    }
}

impl Display for Machine {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { processors, memory_gib, kernel, parts, commit, build } = self;
        let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        write!(f, "{processors} processors, {memory_gib} GiB, Linux {kernel}; {}; ", parts.join("; "))?;
        write!(f, "commit {commit}, {build} build.")
    }
}

/// The commit that was built, and whether anything differs from it but what the runs themselves write.
fn commit() -> String {
    let repository = tools::repository().display().to_string();
    let hash = first_line("git", &["-C", &repository, "rev-parse", "--short=12", "HEAD"]);
    let changes = first_line("git", &["-C", &repository, "status", "--porcelain", "--", ".", ":!docs/faults*"]);
    match (hash.is_empty(), changes.is_empty()) {
        (true, _) => "unknown".to_owned(),
        (false, true) => hash,
        (false, false) => format!("{hash} with changes"),
    }
}

/// The first line that a program prints, up to the words that tell where it was built; empty if it prints none.
fn first_line(program: &str, args: &[&str]) -> String {
    let Ok(output) = Command::new(program).args(args).output() else { return String::new() };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().next().unwrap_or_default();
    line.split(" sha=").next().unwrap_or_default().trim().to_owned()
}

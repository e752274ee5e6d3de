//! What server processes have spent, as the kernel counts it.

use std::fs;

use serde::Serialize;

/// Clock ticks in a second; Linux tells user space 100 on every machine that this runs on.
const TICKS: f64 = 100.0;
/// Seconds by which a count in ticks may be too large.
const TICKS_OFF: f64 = 0.03;

/// A process of a server, as `name=pid`.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    /// Its name in tables.
    pub(crate) name: String,
    /// Its id.
    pub(crate) pid: u32,
}

/// The state of a process at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Usage {
    /// Seconds of CPU since its start, user and system.
    pub(crate) cpu_s: f64,
    /// The same of the threads that live, to the nanosecond; those that ended are left out.
    pub(crate) threads_s: f64,
    /// Resident memory.
    pub(crate) rss_kib: f64,
}

impl Usage {
    /// Seconds of CPU since. The exact count, unless a thread ended that had done something.
    pub(crate) fn cpu_since(&self, before: &Self) -> f64 {
        let (ticks, exact) = (self.cpu_s - before.cpu_s, self.threads_s - before.threads_s);
        if exact + TICKS_OFF >= ticks { exact } else { ticks }
    }
}

impl std::str::FromStr for Watched {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, pid) = text.split_once('=').ok_or("write name=pid")?;
        Ok(Self { name: name.to_owned(), pid: pid.parse().map_err(|_| "the part after = is no process id")? })
    }
}

impl Watched {
    /// How it is now; nothing of a process that is gone.
    pub(crate) fn usage(&self) -> Usage {
        self.try_usage().unwrap_or_default()
    }

    fn try_usage(&self) -> Option<Usage> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        // The name of the program, in parentheses, may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let rss_kib = rss.split_whitespace().next()?.parse().ok()?;
        Some(Usage {
            cpu_s: (ticks(11)? + ticks(12)?) / TICKS,
            threads_s: self.threads().unwrap_or_default(),
            rss_kib,
        })
    }

    fn threads(&self) -> Option<f64> {
        let mut nanos = 0.0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.pid)).ok()? {
            let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).unwrap_or_default();
            nanos += text
                .split_whitespace()
                .next()
                .and_then(|spent| spent.parse::<f64>().ok())
                .unwrap_or_default();
        }
        Some(nanos / 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory() {
        let own: Watched = format!("self={}", std::process::id()).parse().unwrap();
        assert!(own.usage().rss_kib > 100.0);
        assert_eq!("x=4294967295".parse::<Watched>().unwrap().usage(), Usage::default());
        assert!("x".parse::<Watched>().is_err());
    }
}

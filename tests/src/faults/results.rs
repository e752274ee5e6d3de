//! What came of plays, one line of JSON each, so that a run of hours can be ended and go on later.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind, Read as _, Result, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ledger::Findings;
use super::plan::Done;

/// How a play ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything holds.
    Holds,
    /// Everything holds, but something took longer than it may.
    Slow,
    /// Something does not hold.
    Fails,
}

/// What a play was made with; only plays of one make are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Make {
    /// Digest of the sources; empty if it is not known, which is like no other.
    pub sources: String,
    /// Commit, for people.
    pub commit: String,
    /// Profile of the build.
    pub build: String,
    /// How much was said and for how long.
    pub pace: String,
}

/// One play.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Id of the row.
    pub row: String,
    /// Seed of the play.
    pub seed: u64,
    /// Whether the database was slow.
    pub slowed: bool,
    /// How it ended.
    pub verdict: Verdict,
    /// What it was made with.
    #[serde(flatten)]
    pub make: Make,
    /// From its begin to its end.
    pub took_ms: u64,
    /// What was counted; none if the play did not come to its end.
    pub figures: Option<Figures>,
    /// What does not hold or took too long, in words.
    pub remarks: Vec<String>,
}

/// What a play counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// By the ledgers.
    pub findings: Findings,
    /// Milliseconds of talk.
    pub talk_ms: u64,
    /// Longest time one receiver showed an event later than another.
    pub late_ms: u64,
    /// The same, without what passed before the fault was over.
    pub late_after_ms: u64,
    /// Answers that said to try a message again later.
    pub told_later: usize,
    /// From the end of the fault until every client was heard again.
    pub back_ms: Option<u64>,
}

/// A file of results, ours as long as this exists.
pub struct Results {
    file: File,
    entries: Vec<Entry>,
}

impl Make {
    /// Whether plays of both may be counted together.
    pub fn is_like(&self, other: &Self) -> bool {
        let same = (&self.sources, &self.build, &self.pace) == (&other.sources, &other.build, &other.pace);
        same && !self.sources.is_empty()
    }
}

impl Results {
    /// Reads what is there. A line that was cut off when its run was ended is removed.
    pub fn open(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Error::new(ErrorKind::ResourceBusy, "another run writes to it"),
            TryLockError::Error(error) => error,
        })?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            file.set_len(whole as u64)?;
            file.seek(SeekFrom::End(0))?;
        }
        let entries = text[..whole].lines().map(serde_json::from_str).collect::<serde_json::Result<_>>()?;
        Ok(Self { file, entries })
    }

    /// Adds a play.
    pub fn add(&mut self, entry: Entry) -> Result<()> {
        let line = format!("{}\n", serde_json::to_string(&entry)?);
        self.file.write_all(line.as_bytes())?;
        self.file.sync_data()?;
        self.entries.push(entry);
        Ok(())
    }

    /// All of them, the oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How often a row was played with this make.
    pub fn done(&self, row: &str, make: &Make) -> Done {
        let is_counted = |entry: &&Entry| entry.row == row && entry.make.is_like(make);
        let (slowed, unslowed) =
            self.entries.iter().filter(is_counted).partition::<Vec<&Entry>, _>(|entry| entry.slowed);
        Done { unslowed: unslowed.len(), slowed: slowed.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dirs;

    fn make(sources: &str) -> Make {
        Make {
            sources: sources.to_owned(),
            commit: "0123456789ab".to_owned(),
            build: "debug".to_owned(),
            pace: "slow".to_owned(),
        }
    }

    fn entry(row: &str, seed: u64, sources: &str) -> Entry {
        Entry {
            row: row.to_owned(),
            seed,
            slowed: seed % 2 == 1,
            verdict: Verdict::Holds,
            make: make(sources),
            took_ms: 30_000,
            figures: Some(Figures::default()),
            remarks: vec!["a remark\nof two lines".to_owned()],
        }
    }

    #[test]
    fn what_was_written_is_read_by_the_next_run_and_counted_by_its_make() {
        let path = dirs::fresh("results").join("below/results.jsonl");
        let entries = [entry("F13", 1, "a"), entry("F13", 2, "a"), entry("F13", 4, "b"), entry("F11a", 3, "a")];
        for entry in &entries {
            Results::open(&path).unwrap().add(entry.clone()).unwrap();
        }
        let results = Results::open(&path).unwrap();
        assert_eq!(results.entries(), entries);
        assert_eq!(results.done("F13", &make("a")), Done { unslowed: 1, slowed: 1 });
        let other = Make { build: "release".to_owned(), ..make("a") };
        assert_eq!(results.done("F13", &other), Done::default());
        let later = Make { commit: "another".to_owned(), ..make("a") };
        assert_eq!(results.done("F11a", &later), Done { unslowed: 0, slowed: 1 });
    }

    #[test]
    fn sources_that_are_not_known_are_like_no_others() {
        assert!(!make("").is_like(&make("")));
    }

    #[test]
    fn a_line_that_was_cut_off_is_removed_and_nonsense_is_an_error() {
        let path = dirs::fresh("results").join("results.jsonl");
        Results::open(&path).unwrap().add(entry("F13", 1, "a")).unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{whole}{{\"row\":\"F1")).unwrap();
        Results::open(&path).unwrap().add(entry("F13", 2, "a")).unwrap();
        assert_eq!(Results::open(&path).unwrap().entries().len(), 2);
        std::fs::write(&path, "nonsense\n").unwrap();
        assert!(Results::open(&path).is_err());
    }

    #[test]
    fn two_runs_do_not_write_to_one_file() {
        let path = dirs::fresh("results").join("results.jsonl");
        let first = Results::open(&path).unwrap();
        assert_eq!(Results::open(&path).err().map(|error| error.kind()), Some(ErrorKind::ResourceBusy));
        drop(first);
        assert!(Results::open(&path).is_ok());
    }
}

//! Whether this process may still write.
//!
//! Two processes that number events in one file would each acknowledge what the other overwrites. The lock on the folder
//! ([`super::lock`]) keeps the second one out, except where it cannot: on another host, or when its file was removed. So
//! every transaction of the process that serves also looks whether it is still the one that took the store over last, and
//! whether the file is still the one at its path. If not, it writes nothing any more, and says so.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rookery_store::StoreError;
use rusqlite::{Connection, params};
use tokio::sync::watch;

use super::sql::{change, one, statements};
use crate::error::Failed;

/// Between two looks of a process that has nothing to write.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The generation of a process that has not taken the store over.
const NONE: i64 = 0;

statements! {
    RAISE = "UPDATE writer SET generation = generation + 1, holder = ?1 WHERE id = 0";
    LAST = "SELECT generation, holder FROM writer WHERE id = 0";
    TOUCH = "UPDATE writer SET touched_at = ?1 WHERE id = 0";
}

/// Keeps one process as the writer of the folder.
pub(super) struct Fence {
    path: PathBuf,
    /// Device and number of the file that was opened.
    file: (u64, u64),
    generation: AtomicI64,
    /// Why this process may no longer write.
    lost: watch::Sender<Option<String>>,
}

impl Fence {
    /// Of a file that exists; nothing has been taken over.
    pub(super) fn of(path: &Path) -> Result<Self, Failed> {
        let found = fs::metadata(path);
        let found = found.map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
        Ok(Self {
            path: path.to_owned(),
            file: (found.dev(), found.ino()),
            generation: AtomicI64::new(NONE),
            lost: watch::Sender::new(None),
        })
    }

    /// From here on, whoever took the store over before can write no more. Part of a change; [`Fence::hold`] follows it.
    pub(super) fn raise(db: &Connection, holder: &str) -> Result<i64, Failed> {
        change(db, RAISE, [holder])?;
        last(db).map(|(generation, _)| generation)
    }

    /// This process holds that generation.
    pub(super) fn hold(&self, generation: i64) {
        self.generation.store(generation, Ordering::Release);
    }

    fn held(&self) -> Option<i64> {
        Some(self.generation.load(Ordering::Acquire)).filter(|held| *held != NONE)
    }

    /// An error unless this process may write. Inside a transaction that may, nothing can change before its end.
    pub(super) fn check(&self, db: &Connection) -> Result<(), Failed> {
        let Some(held) = self.held() else { return Ok(()) };
        if let Some(why) = self.lost.borrow().clone() {
            return Err(StoreError::NotTheWriter(why).into());
        }
        let why = if self.is_same_file() {
            let (generation, holder) = last(db)?;
            (generation != held).then(|| format!("another process has taken {} over: {holder}", self.path.display()))
        } else {
            Some(format!("{} was replaced or removed under the running process", self.path.display()))
        };
        why.map_or(Ok(()), |why| Err(self.lose(why).into()))
    }

    /// This process must not write any more.
    pub(super) fn lose(&self, why: String) -> StoreError {
        if self.held().is_some() {
            self.lost.send_if_modified(|known| {
                let is_news = known.is_none();
                known.get_or_insert_with(|| why.clone());
                is_news
            });
        }
        StoreError::NotTheWriter(why)
    }

    /// Waits until this process may no longer write, and says why.
    pub(super) async fn lost(&self) -> String {
        let mut lost = self.lost.subscribe();
        let found = lost.wait_for(Option::is_some).await;
        found.ok().and_then(|why| why.clone()).unwrap_or_default()
    }

    fn is_same_file(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.file)
    }
}

fn last(db: &Connection) -> Result<(i64, String), Failed> {
    let found = one(db, LAST, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found.ok_or_else(|| StoreError::Inconsistent("nobody can take the store over".to_owned()))?)
}

/// A change that needs the disk as any other.
pub(super) fn touch(db: &Connection, now: i64) -> Result<(), Failed> {
    change(db, TOUCH, params![now]).map(drop)
}

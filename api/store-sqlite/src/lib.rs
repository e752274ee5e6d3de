//! The store in one SQLite file, for the process that is a whole server by itself.
//!
//! # Promise
//! * A change that returned is on the disk (write-ahead log, `synchronous=FULL`).
//! * All changes pass one thread, see `writer`; reads run beside it on connections of their own and see every
//!   change that returned before they began.
//! * One process serves a file, see [`lock`] and `fence`; commands may change accounts beside it, but number nothing.
//! * No call blocks an async thread.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_store::load::LoadSet;
use rookery_store::{Backend, StoreError, Stores, Timeline};
use rusqlite::Connection;

use self::fence::Fence;
use self::lock::FolderLock;
use self::readers::Readers;
use self::writer::Writer;
use crate::error::Failed;

mod audit;
pub mod backup;
mod backup_sum;
mod blocks;
mod connection;
mod disk;
mod enum_codec;
mod epochs;
mod erasures;
mod error;
mod event_rows;
mod exports;
mod fence;
mod figures;
mod files;
mod jobs;
mod join_requests;
mod kept_answers;
mod leases;
pub mod limits;
mod load;
pub mod lock;
mod member_rows;
mod members;
mod mentions;
mod message_changes;
mod messages;
mod names;
mod notices;
mod one_time_tokens;
mod outbox;
mod pins;
mod preferences;
mod purges;
mod pushes;
mod ranks;
mod readers;
mod registrations;
mod renames;
mod reports;
mod room_erasures;
mod room_filters;
mod room_invites;
mod room_search;
mod rooms;
mod sanctions;
mod saved;
mod schedules;
mod schema;
mod search;
mod second_factors;
mod server_announcements;
mod server_invites;
mod sessions;
mod sql;
mod threads;
mod traces;
mod unread;
mod users;
mod writer;

/// The file and the ways to it.
struct Sqlite {
    path: PathBuf,
    part: Part,
    fence: Arc<Fence>,
    writer: Writer,
    readers: Readers,
}

/// What a process is to the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Serves it.
    Server,
    /// Runs beside the one that serves it, or without one.
    Command,
}

/// Opens the file, or makes it. Call [`Backend::migrate`] before anything else, and [`Backend::take_over`] before
/// numbering events.
pub async fn open(path: &Path) -> Result<Stores, StoreError> {
    Ok(open_as(path, Part::Server).await?)
}

/// Opens the file for a command that may run beside the process that serves it: it can change accounts and rooms, but
/// neither number nor store events, and changes no schema under a running server.
pub async fn open_beside(path: &Path) -> Result<Stores, StoreError> {
    Ok(open_as(path, Part::Command).await?)
}

async fn open_as(path: &Path, part: Part) -> Result<Stores, Failed> {
    let path = path.to_owned();
    let open = move || Sqlite::open(&path, part).map_err(|error| disk::explained(StoreError::from(error), &path));
    let opened = tokio::task::spawn_blocking(open).await;
    let sqlite = Arc::new(opened.map_err(|_| StoreError::Unavailable("opening the file failed".to_owned()))??);
    Ok(Stores {
        users: sqlite.clone(),
        sessions: sqlite.clone(),
        rooms: sqlite.clone(),
        room_erasures: sqlite.clone(),
        members: sqlite.clone(),
        sanctions: sqlite.clone(),
        outbox: sqlite.clone(),
        messages: sqlite.clone(),
        threads: sqlite.clone(),
        saved: sqlite.clone(),
        pins: sqlite.clone(),
        mentions: sqlite.clone(),
        epochs: sqlite.clone(),
        unread: sqlite.clone(),
        jobs: sqlite.clone(),
        registrations: sqlite.clone(),
        names: sqlite.clone(),
        one_time_tokens: sqlite.clone(),
        server_invites: sqlite.clone(),
        room_invites: sqlite.clone(),
        join_requests: sqlite.clone(),
        second_factors: sqlite.clone(),
        blocks: sqlite.clone(),
        room_filters: sqlite.clone(),
        audit: sqlite.clone(),
        reports: sqlite.clone(),
        purges: sqlite.clone(),
        figures: sqlite.clone(),
        server_settings: sqlite.clone(),
        erasures: sqlite.clone(),
        traces: sqlite.clone(),
        exports: sqlite.clone(),
        notices: sqlite.clone(),
        preferences: sqlite.clone(),
        pushes: sqlite.clone(),
        room_search: sqlite.clone(),
        server_announcements: sqlite.clone(),
        search: sqlite.clone(),
        schedules: sqlite.clone(),
        files: sqlite.clone(),
        leases: sqlite.clone(),
        kept_answers: sqlite.clone(),
        backend: sqlite,
    })
}

impl Sqlite {
    fn open(path: &Path, part: Part) -> Result<Self, Failed> {
        // The writer comes first: it makes the file and switches it to the write-ahead log.
        let db = connection::open(path)?;
        let fence = Arc::new(Fence::of(path)?);
        let writer = Writer::start(db, Arc::clone(&fence))?;
        Ok(Self { path: path.to_owned(), part, fence, writer, readers: Readers::open(path)? })
    }

    /// An error unless this process may number events.
    fn numbers(&self) -> Result<(), Failed> {
        match self.part {
            Part::Server => Ok(()),
            Part::Command => {
                Err(StoreError::NotTheWriter("only the server numbers and stores events".to_owned()).into())
            }
        }
    }

    /// The right to change the schema: nobody serves the file meanwhile.
    fn alone(&self) -> Result<Option<FolderLock>, Failed> {
        let folder = self.path.parent().filter(|_| self.part == Part::Command);
        Ok(folder
            .map(|folder| FolderLock::take(folder, "a change of the schema"))
            .transpose()
            .map_err(|error| {
                StoreError::NotTheWriter(format!(
                    "the schema is older than this program, and may not be changed: {error}"
                ))
            })?)
    }

    /// Runs a question on a reading connection.
    async fn read<T, F>(&self, question: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failed> + Send + 'static,
    {
        self.readers.run(question).await
    }

    /// Runs a change on the writing connection; it is durable, or undone as a whole, when this returns.
    async fn write<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failed> + Send + 'static,
    {
        self.writer.run(change).await.map_err(|error| disk::explained(error, &self.path))
    }
}

#[async_trait]
impl Backend for Sqlite {
    async fn ping(&self) -> Result<(), StoreError> {
        let touched = self.write(|db| fence::touch(db, UnixMillis::now().0)).await;
        touched.map_err(|error| {
            if let StoreError::Unavailable(cause) = error {
                StoreError::Unavailable(format!("{}: {cause}", self.path.display()))
            } else {
                error
            }
        })
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let missing = self.read(schema::missing).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let _alone = self.alone()?;
        for step in missing {
            self.write(|db| schema::apply(db, step)).await?;
        }
        Ok(())
    }

    async fn take_over(&self, holder: &str) -> Result<(), StoreError> {
        self.numbers()?;
        let holder = holder.to_owned();
        let generation = self.write(move |db| Fence::raise(db, &holder)).await?;
        self.fence.hold(generation);
        Ok(())
    }

    async fn beat(&self) -> Result<Option<Timeline>, StoreError> {
        Ok(None)
    }

    async fn lost(&self) -> String {
        let look = async {
            loop {
                tokio::time::sleep(fence::LOOK_EVERY).await;
                let fence = Arc::clone(&self.fence);
                // A database that does not answer says nothing about who may write.
                if let Err(StoreError::NotTheWriter(why)) = self.read(move |db| fence.check(db)).await {
                    return why;
                }
            }
        };
        tokio::select! {
            why = look => why,
            why = self.fence.lost() => why,
        }
    }

    /// Afterwards the file has everything by itself, without the log beside it.
    async fn close(&self) {
        let path = self.path.clone();
        let closed = tokio::task::spawn_blocking(move || connection::checkpoint(&path)).await;
        if let Ok(Err(error)) = closed {
            tracing::debug!(error = %error.0, "the log of the database stays beside it");
        }
    }

    async fn insert_load(&self, set: &LoadSet) -> Result<(), StoreError> {
        Ok(self.insert_set(set).await?)
    }
}

//! The store in one SQLite file, for the process that is a whole server by itself.
//!
//! # Promise
//! * A change that returned is on the disk (write-ahead log, `synchronous=FULL`).
//! * All changes pass one thread, see `writer`; reads run beside it on connections of their own and see every
//!   change that returned before they began.
//! * No call blocks an async thread.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::Connection;

use self::readers::Readers;
use self::writer::Writer;
use super::{Backend, StoreError, Stores};
use crate::domain::load::LoadSet;

mod acts;
mod connection;
mod epochs;
mod error;
mod load;
mod members;
mod messages;
mod outbox;
mod readers;
mod renames;
mod rooms;
mod sanctions;
mod schema;
mod sessions;
mod sql;
mod unread;
mod users;
mod words;
mod writer;

/// The file and the ways to it.
struct Sqlite {
    writer: Writer,
    readers: Readers,
}

/// Opens the file, or makes it. Call [`Backend::migrate`] before anything else.
pub async fn open(path: &Path) -> Result<Stores, StoreError> {
    let path = path.to_owned();
    let opened = tokio::task::spawn_blocking(move || Sqlite::open(&path)).await;
    let sqlite = Arc::new(opened.map_err(|_| StoreError::Unavailable("opening the file failed".to_owned()))??);
    Ok(Stores {
        users: sqlite.clone(),
        sessions: sqlite.clone(),
        rooms: sqlite.clone(),
        members: sqlite.clone(),
        sanctions: sqlite.clone(),
        outbox: sqlite.clone(),
        messages: sqlite.clone(),
        epochs: sqlite.clone(),
        unread: sqlite.clone(),
        backend: sqlite,
    })
}

impl Sqlite {
    fn open(path: &Path) -> Result<Self, StoreError> {
        // The writer comes first: it makes the file and switches it to the write-ahead log.
        let writer = Writer::start(connection::open(path)?)?;
        Ok(Self { writer, readers: Readers::open(path)? })
    }

    /// Runs a question on a reading connection.
    async fn read<T, F>(&self, question: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.readers.run(question).await
    }

    /// Runs a change on the writing connection; it is durable, or undone as a whole, when this returns.
    async fn write<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.writer.run(change).await
    }
}

#[async_trait]
impl Backend for Sqlite {
    async fn ping(&self) -> Result<(), StoreError> {
        self.write(|_| Ok(())).await
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        for step in schema::STEPS {
            self.write(|db| schema::apply(db, step)).await?;
        }
        Ok(())
    }

    async fn insert_load(&self, set: &LoadSet) -> Result<(), StoreError> {
        self.insert_set(set).await
    }
}

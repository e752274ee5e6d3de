//! Connections that read, each used by one question at a time, off the async threads.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use rookery_store::StoreError;
use rookery_store::limits::STORE_DEADLINE;
use rusqlite::Connection;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::connection;
use crate::error::Failed;
use crate::limits::STORE_READERS;

/// A few connections, and a permit for each.
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// Opens the connections.
    pub(super) fn open(path: &Path) -> Result<Self, Failed> {
        let idle = (0..STORE_READERS).map(|_| connection::open_reader(path)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { permits: Arc::new(Semaphore::new(idle.len())), idle: Arc::new(Mutex::new(idle)) })
    }

    /// Runs a question on the first free connection.
    pub(super) async fn run<T, F>(&self, question: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failed> + Send + 'static,
    {
        let waited = timeout(STORE_DEADLINE, Arc::clone(&self.permits).acquire_owned()).await;
        let Ok(Ok(permit)) = waited else {
            return Err(StoreError::Unavailable("too many questions wait".to_owned()));
        };
        let idle = Arc::clone(&self.idle);
        let asked = tokio::task::spawn_blocking(move || {
            let answer = ask(&idle, question);
            drop(permit);
            answer
        });
        Ok(asked.await.map_err(|_| no_answer())??)
    }
}

fn ask<T>(idle: &Mutex<Vec<Connection>>, question: impl FnOnce(&Connection) -> Result<T, Failed>) -> Result<T, Failed> {
    // Who holds a permit finds a connection.
    let db = idle.lock().pop().ok_or_else(no_answer)?;
    let answer = question(&db);
    idle.lock().push(db);
    answer
}

fn no_answer() -> StoreError {
    StoreError::Unavailable("the question was given up".to_owned())
}

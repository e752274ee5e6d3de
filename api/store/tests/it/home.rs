//! Where a test keeps its data: a folder with a SQLite file, or a database of a MongoDB-protocol server.

use std::future::Future;

use rookery_store::Stores;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::mongo_server;

/// A place for data that a test has for itself.
pub(crate) enum Home {
    /// A folder with a file.
    Sqlite(TempDir),
    /// A database of the server, by name.
    Mongo(String),
}

impl Home {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    pub(crate) fn mongo() -> Self {
        Self::Mongo(format!("contract_{}", uuid::Uuid::new_v4().simple()))
    }

    /// One of the same kind for itself.
    pub(crate) fn another(&self) -> Self {
        match self {
            Self::Sqlite(_) => Self::sqlite(),
            Self::Mongo(_) => Self::mongo(),
        }
    }

    /// Opens the store once more, as another process would, without bringing the schema up to date.
    pub(crate) async fn open(&self) -> Stores {
        match self {
            Self::Sqlite(folder) => rookery_store_sqlite::open(&folder.path().join("data.sqlite")).await,
            Self::Mongo(name) => rookery_store_mongo::open(&mongo_server::url().into(), name).await,
        }
        .unwrap()
    }

    /// Opens the store, ready for use.
    pub(crate) async fn stores(&self) -> Stores {
        let stores = self.open().await;
        stores.backend.migrate().await.unwrap();
        stores
    }
}

/// Runs `count` tasks at the same time and returns all results.
pub(crate) async fn at_once<T, F>(count: usize, task: impl FnMut(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    (0..count).map(task).collect::<JoinSet<_>>().join_all().await
}

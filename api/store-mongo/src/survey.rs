//! What the database says about itself, for the command `doctor`.

use std::collections::BTreeSet;

use mongodb::bson::{Document, doc};
use mongodb::error::Error;
use mongodb::{Client, Database};
use rookery_protocol::clock::UnixMillis;
use rookery_store::StoreError;
use rookery_store::limits::STORE_DEADLINE;
use tokio::time::timeout;

use crate::error::Failed;
use crate::{MongoAddress, migrations};

/// The database, as it was when it was asked.
#[derive(Clone, Debug)]
pub struct StoreFacts {
    /// Version of the server, if it says so.
    pub version: Option<String>,
    /// Name of its replica set.
    pub replica_set: Option<String>,
    /// Whether it is a router of a sharded cluster.
    pub is_router: bool,
    /// Its clock, if it says what time it is.
    pub clock: Option<UnixMillis>,
    /// Ours before and after its clock was read.
    pub read: [UnixMillis; 2],
    /// Indexes that this program needs and that are not there.
    pub missing_indexes: Vec<String>,
}

/// Asks the database.
///
/// # Errors
/// If it does not answer in time.
pub async fn survey(address: &MongoAddress, database: &str) -> Result<StoreFacts, StoreError> {
    let mut options = address.options().await?;
    options.server_selection_timeout = Some(STORE_DEADLINE);
    options.connect_timeout = Some(STORE_DEADLINE);
    let client = Client::with_options(options).map_err(Failed::from)?;
    let asked = timeout(STORE_DEADLINE * 4, ask(&client.database(database))).await;
    let late = || StoreError::Unavailable("the database does not answer in time".to_owned());
    Ok(asked.map_err(|_| late())?.map_err(Failed::from)?)
}

async fn ask(database: &Database) -> Result<StoreFacts, Error> {
    let before = UnixMillis::now();
    let hello = database.run_command(doc! { "hello": 1 }).await?;
    let read = [before, UnixMillis::now()];
    // Only for what a version is known to lack; a server without it is asked for the rest all the same.
    let version = database.run_command(doc! { "buildInfo": 1 }).await.ok();
    let text = |document: &Document, key: &str| document.get_str(key).ok().map(str::to_owned);
    Ok(StoreFacts {
        version: version.and_then(|version| text(&version, "version")),
        replica_set: text(&hello, "setName"),
        is_router: text(&hello, "msg").is_some_and(|word| word == "isdbgrid"),
        clock: hello.get_datetime("localTime").ok().map(|time| UnixMillis(time.timestamp_millis())),
        read,
        missing_indexes: missing_indexes(database).await?,
    })
}

async fn missing_indexes(database: &Database) -> Result<Vec<String>, Error> {
    let there: BTreeSet<String> = database.list_collection_names().await?.into_iter().collect();
    let mut missing = Vec::new();
    let wanted: BTreeSet<&str> = migrations::indexes().map(|index| index.collection).collect();
    for collection in wanted {
        let names = if there.contains(collection) {
            database.collection::<Document>(collection).list_index_names().await?
        } else {
            Vec::new()
        };
        let lacks = migrations::indexes()
            .filter(|index| index.collection == collection && !names.contains(&index.name.to_owned()));
        missing.extend(lacks.map(|index| index.name.to_owned()));
    }
    Ok(missing)
}

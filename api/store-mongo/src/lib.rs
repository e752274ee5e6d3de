//! The store in MongoDB, shared by all api processes.
//!
//! # Promise
//! * A change that returned is on the journal of a majority; a read asks the primary for what a majority has, so it
//!   sees every change that returned before.
//! * Nobody waits longer than [`STORE_DEADLINE`]: a lost or frozen server is [`StoreError::Unavailable`].
//! * Filters and updates are built from typed values only; nothing a client sent becomes an operator.
//! * Every query has a named index, see `indexes`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mongodb::bson::{Document, doc};
use mongodb::options::{
    Acknowledgment, ClientOptions, DatabaseOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern,
};
use mongodb::{Client, Collection, Database};
use rookery_store::limits::STORE_DEADLINE;
use rookery_store::load::LoadSet;
use rookery_store::{Backend, StoreError, Stores, Timeline};

use self::calls::Calls;
use self::documents::{
    EpochDocument, MemberDocument, OutboxDocument, RoomDocument, SanctionDocument, SessionDocument, UserDocument,
};
use self::event_document::MessageDocument;
use self::message_changes::ReactionDocument;
use self::unread::MentionDocument;
use crate::documents::StateDocument;
use crate::error::Failed;
use crate::latest_seq_cache::LatestSeqCache;
use crate::limits::{STORE_CALL_LIFE, STORE_CONNECTIONS_MAX, STORE_CONNECTS_AT_ONCE};
use crate::room_locks::RoomLocks;

mod address;
pub mod backup;
mod batch_reads;
mod calls;
mod documents;
mod epochs;
mod error;
mod event_document;
mod fields;
mod indexes;
mod latest_seq_cache;
pub mod limits;
mod load;
mod members;
mod message_changes;
mod messages;
mod migrations;
mod outbox;
mod page_ranges;
mod renames;
mod room_locks;
mod rooms;
mod sanctions;
mod sessions;
pub mod survey;
mod timeline;
mod transaction;
mod unread;
mod users;

pub use address::{MongoAddress, SETTINGS};

/// The collections and the way to call them.
struct Mongo {
    client: Client,
    database: Database,
    users: Collection<UserDocument>,
    sessions: Collection<SessionDocument>,
    rooms: Collection<RoomDocument>,
    members: Collection<MemberDocument>,
    sanctions: Collection<SanctionDocument>,
    outbox: Collection<OutboxDocument>,
    messages: Collection<MessageDocument>,
    states: Collection<StateDocument>,
    reactions: Collection<ReactionDocument>,
    epochs: Collection<EpochDocument>,
    mentions: Collection<MentionDocument>,
    turns: Arc<RoomLocks>,
    epoch_turn: Arc<tokio::sync::Mutex<()>>,
    latest_seqs: Arc<LatestSeqCache>,
    calls: Calls,
}

/// Prepares the store; connections are made when they are needed. Call [`Backend::migrate`] before anything else.
pub async fn open(address: &MongoAddress, database: &str) -> Result<Stores, StoreError> {
    connect(address.options().await?, database)
}

/// [`open`] with options that were read already, such as a listener to commands. Waits, pool and guarantees are
/// ours in any case.
pub fn connect(mut options: ClientOptions, database: &str) -> Result<Stores, StoreError> {
    options.app_name = Some("rookery-api".to_owned());
    options.server_selection_timeout = Some(STORE_DEADLINE);
    options.connect_timeout = Some(STORE_DEADLINE);
    options.heartbeat_freq = Some(Duration::from_secs(2));
    options.max_pool_size = Some(STORE_CONNECTIONS_MAX);
    options.max_connecting = Some(STORE_CONNECTS_AT_ONCE);
    let client = Client::with_options(options).map_err(Failed::from)?;
    let mongo = Arc::new(Mongo::new(client, database));
    Ok(Stores {
        users: mongo.clone(),
        sessions: mongo.clone(),
        rooms: mongo.clone(),
        members: mongo.clone(),
        sanctions: mongo.clone(),
        outbox: mongo.clone(),
        messages: mongo.clone(),
        epochs: mongo.clone(),
        unread: mongo.clone(),
        backend: mongo,
    })
}

/// On the journal of a majority. A majority that does not answer must not hold the connection for ever.
fn durable() -> WriteConcern {
    WriteConcern::builder()
        .w(Acknowledgment::Majority)
        .journal(true)
        .w_timeout(STORE_CALL_LIFE)
        .build()
}

fn guarantees() -> DatabaseOptions {
    DatabaseOptions::builder()
        .write_concern(durable())
        .read_concern(ReadConcern::majority())
        .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        .build()
}

fn by_id(id: impl Into<mongodb::bson::Bson>) -> Document {
    doc! { "_id": id.into() }
}

impl Mongo {
    fn new(client: Client, name: &str) -> Self {
        let database = client.database_with_options(name, guarantees());
        Self {
            users: database.collection("users"),
            sessions: database.collection("sessions"),
            rooms: database.collection("rooms"),
            members: database.collection("members"),
            sanctions: database.collection("sanctions"),
            outbox: database.collection("outbox"),
            messages: database.collection("messages"),
            states: database.collection("message_states"),
            reactions: database.collection("reactions"),
            epochs: database.collection("epochs"),
            mentions: database.collection("mentions"),
            turns: Arc::new(RoomLocks::new()),
            epoch_turn: Arc::default(),
            latest_seqs: Arc::default(),
            calls: Calls::new(),
            client,
            database,
        }
    }
}

#[async_trait]
impl Backend for Mongo {
    async fn ping(&self) -> Result<(), StoreError> {
        // An answer is not enough: a database whose disk is full answers, too.
        Ok(self.raise_beat().await.map(drop)?)
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        Ok(migrations::run(&self.database, &self.calls).await?)
    }

    /// Any number of processes share a database: what they number is kept apart by epochs.
    async fn take_over(&self, _holder: &str) -> Result<(), StoreError> {
        Ok(())
    }

    async fn beat(&self) -> Result<Option<Timeline>, StoreError> {
        Ok(self.raise_beat().await.map(Some)?)
    }

    async fn lost(&self) -> String {
        std::future::pending().await
    }

    async fn close(&self) {}

    async fn insert_load(&self, set: &LoadSet) -> Result<(), StoreError> {
        Ok(self.insert_set(set).await?)
    }
}

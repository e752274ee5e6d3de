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

use self::account_documents::{
    GuardDocument, NameDocument, OneTimeTokenDocument, RegistrationDocument, ServerInviteDocument, UserKeyDocument,
};
use self::audit::{AuditDocument, SettingsOfServerDocument};
use self::block_turn::BlockDocument;
use self::calls::Calls;
use self::documents::{
    EpochDocument, MemberDocument, OutboxDocument, RoomDocument, SanctionDocument, SessionDocument, UserDocument,
};
use self::erasures::ErasureDocument;
use self::event_document::MessageDocument;
use self::exports::{ExportDocument, PieceDocument};
use self::figures::MessageDayDocument;
use self::files::FileDocument;
use self::jobs::JobDocument;
use self::join_requests::JoinRequestDocument;
use self::kept_answers::KeptAnswerDocument;
use self::leases::LeaseDocument;
use self::message_changes::ReactionDocument;
use self::notices::NoticeDocument;
use self::pin_document::PinDocument;
use self::preferences::PreferencesDocument;
use self::purge_document::PurgeDocument;
use self::pushes::{PushKeyDocument, PushSubscriptionDocument, ShownDocument};
use self::reports::ReportDocument;
use self::room_filters::RoomFilterDocument;
use self::room_invites::RoomInviteDocument;
use self::room_search::RoomEntryDocument;
use self::saved::SavedDocument;
use self::schedules::ScheduleDocument;
use self::search::{BuildingDocument, EntryDocument};
use self::second_factors::SecondFactorDocument;
use self::server_announcements::ServerAnnouncementDocument;
use self::threads::ThreadDocument;
use self::unread::MentionDocument;
use crate::documents::StateDocument;
use crate::error::Failed;
use crate::latest_seq_cache::LatestSeqCache;
use crate::limits::{STORE_CALL_LIFE, STORE_CONNECTIONS_MAX, STORE_CONNECTS_AT_ONCE};
use crate::room_locks::RoomLocks;

mod account_documents;
mod address;
mod audit;
pub mod backup;
mod batch_reads;
mod block_turn;
mod blocks;
mod calls;
mod documents;
mod epochs;
mod erasures;
mod error;
mod event_document;
mod exports;
mod fields;
mod figures;
mod files;
mod found;
mod indexes;
mod inserts;
mod jobs;
mod join_requests;
mod kept_answers;
mod latest_seq_cache;
mod leases;
pub mod limits;
mod load;
mod members;
mod mentions;
mod message_changes;
mod messages;
pub mod metrics;
mod migrations;
mod names;
mod notices;
mod one_time_tokens;
mod outbox;
mod page_ranges;
mod pin_document;
mod pins;
mod preferences;
mod purge;
mod purge_document;
mod purges;
mod pushes;
mod ranks;
mod registrations;
mod renames;
mod reports;
mod room_erasures;
mod room_filters;
mod room_invites;
mod room_locks;
mod room_search;
mod rooms;
mod sanctions;
mod saved;
mod schedules;
mod search;
mod second_factors;
mod server_announcements;
mod server_invites;
mod sessions;
pub mod survey;
mod threads;
mod timeline;
mod traces;
mod transaction;
mod unread;
mod updates;
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
    threads: Collection<ThreadDocument>,
    saved: Collection<SavedDocument>,
    pins: Collection<PinDocument>,
    epochs: Collection<EpochDocument>,
    mentions: Collection<MentionDocument>,
    jobs: Collection<JobDocument>,
    registrations: Collection<RegistrationDocument>,
    names: Collection<NameDocument>,
    one_time_tokens: Collection<OneTimeTokenDocument>,
    server_invites: Collection<ServerInviteDocument>,
    room_invites: Collection<RoomInviteDocument>,
    join_requests: Collection<JoinRequestDocument>,
    user_keys: Collection<UserKeyDocument>,
    guards: Collection<GuardDocument>,
    second_factors: Collection<SecondFactorDocument>,
    blocks: Collection<BlockDocument>,
    room_filters: Collection<RoomFilterDocument>,
    audit: Collection<AuditDocument>,
    reports: Collection<ReportDocument>,
    purges: Collection<PurgeDocument>,
    message_days: Collection<MessageDayDocument>,
    server_settings: Collection<SettingsOfServerDocument>,
    erasures: Collection<ErasureDocument>,
    exports: Collection<ExportDocument>,
    export_pieces: Collection<PieceDocument>,
    notices: Collection<NoticeDocument>,
    preferences: Collection<PreferencesDocument>,
    push_subscriptions: Collection<PushSubscriptionDocument>,
    push_keys: Collection<PushKeyDocument>,
    push_shown: Collection<ShownDocument>,
    room_index: Collection<RoomEntryDocument>,
    server_announcements: Collection<ServerAnnouncementDocument>,
    search_entries: Collection<EntryDocument>,
    search_building: Collection<BuildingDocument>,
    schedules: Collection<ScheduleDocument>,
    files: Collection<FileDocument>,
    leases: Collection<LeaseDocument>,
    kept_answers: Collection<KeptAnswerDocument>,
    turns: Arc<RoomLocks>,
    thread_turns: Arc<RoomLocks>,
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
        room_erasures: mongo.clone(),
        members: mongo.clone(),
        sanctions: mongo.clone(),
        outbox: mongo.clone(),
        messages: mongo.clone(),
        threads: mongo.clone(),
        saved: mongo.clone(),
        pins: mongo.clone(),
        mentions: mongo.clone(),
        epochs: mongo.clone(),
        unread: mongo.clone(),
        jobs: mongo.clone(),
        registrations: mongo.clone(),
        names: mongo.clone(),
        one_time_tokens: mongo.clone(),
        server_invites: mongo.clone(),
        room_invites: mongo.clone(),
        join_requests: mongo.clone(),
        second_factors: mongo.clone(),
        blocks: mongo.clone(),
        room_filters: mongo.clone(),
        audit: mongo.clone(),
        reports: mongo.clone(),
        purges: mongo.clone(),
        figures: mongo.clone(),
        server_settings: mongo.clone(),
        erasures: mongo.clone(),
        traces: mongo.clone(),
        exports: mongo.clone(),
        notices: mongo.clone(),
        preferences: mongo.clone(),
        pushes: mongo.clone(),
        room_search: mongo.clone(),
        server_announcements: mongo.clone(),
        search: mongo.clone(),
        schedules: mongo.clone(),
        files: mongo.clone(),
        leases: mongo.clone(),
        kept_answers: mongo.clone(),
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
            threads: database.collection("threads"),
            saved: database.collection("saved_messages"),
            pins: database.collection("pins"),
            epochs: database.collection("epochs"),
            mentions: database.collection("mentions"),
            jobs: database.collection("jobs"),
            registrations: database.collection("registrations"),
            names: database.collection("names"),
            one_time_tokens: database.collection("one_time_tokens"),
            server_invites: database.collection("server_invites"),
            room_invites: database.collection("room_invites"),
            join_requests: database.collection("join_requests"),
            user_keys: database.collection("user_keys"),
            guards: database.collection("guards"),
            second_factors: database.collection("second_factors"),
            blocks: database.collection("blocks"),
            room_filters: database.collection("room_filters"),
            audit: database.collection("audit"),
            reports: database.collection("reports"),
            purges: database.collection("purges"),
            message_days: database.collection("message_days"),
            server_settings: database.collection("server_settings"),
            erasures: database.collection("erasures"),
            exports: database.collection("exports"),
            export_pieces: database.collection("export_pieces"),
            notices: database.collection("notices"),
            preferences: database.collection("room_preferences"),
            push_subscriptions: database.collection("push_subscriptions"),
            push_keys: database.collection("push_keys"),
            push_shown: database.collection("push_shown"),
            room_index: database.collection("room_index"),
            server_announcements: database.collection("server_announcements"),
            search_entries: database.collection(search::ENTRIES),
            search_building: database.collection(search::BUILDING),
            schedules: database.collection("schedules"),
            files: database.collection("files"),
            leases: database.collection(leases::COLLECTION),
            kept_answers: database.collection(kept_answers::COLLECTION),
            turns: Arc::new(RoomLocks::new()),
            thread_turns: Arc::new(RoomLocks::new()),
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

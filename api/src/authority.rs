//! The authority over this process's own store, bus and keys: what gateways ask, by a call or over HTTP.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use moka::future::Cache;
use moka::sync;
use rookery_bus::authority::{
    Answer, AuthorityError, Changes, DirectRooms, HistorySource, Look, MessageFacts, MessagePreparer, OpenSession,
    Permission, PermissionSource, Preparation, Prepared, Question, ReadMarks, RoomOpener, SessionSource, Withdrawal,
};
use rookery_bus::authority::{FilterSource, VersionedFilter};
use rookery_bus::error::BusError;
use rookery_bus::limits::ROOM_OPEN_DEADLINE;
use rookery_bus::{Bus, OpenError, PartitionOpening, PartitionState, RoomSeed};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{AclVersion, Epoch, Partition, RoomId, RoomRef, SessionId, UserId};
use rookery_protocol::partition::{partition_of, partitions};
use rookery_protocol::position::Position;
use rookery_protocol::unread::{ReadState, ReadTo};
use rookery_runtime::token::{JwkSet, SigningKeys};
use tokio::sync::{Mutex, MutexGuard, Semaphore};
use tokio::time::timeout;

use crate::limits::{
    CHANGES_OVERLAP, CHANGES_PER_READ_MAX, READ_STATES_AT_ONCE, READ_STATES_TURN, ROOM_OPEN_WAIT, ROOMS_OPENING_MAX,
};

mod catch_up;
mod claims;
pub mod endpoints;
mod facts;
mod membership_cache;
mod open_sessions;

use self::open_sessions::OpenSessions;
use crate::authority::catch_up::Reads;
use crate::authority::membership_cache::MembershipCache;
use crate::direct::Direct;
use crate::error::{ApiError, status_of};
use crate::event_generations::EventGenerations;
use crate::in_flight_writes::InFlightWrites;
use crate::metrics::Metrics;
use crate::notices::Notices;
use crate::presence::visibility::visible_users;
use crate::settings::LiveSettings;
use rookery_store::room::{Pair, Room};
use rookery_store::user::Username;
use rookery_store::{EpochStart, StoreError, Stores};

/// How often a room is tried while its partition gets an epoch.
const OPEN_ATTEMPTS: usize = 3;
/// How long a partition's new epoch waits for the rest of the old one to be stored: 40 times 25 ms.
const UNSTORED_ATTEMPTS: usize = 40;
const UNSTORED_PAUSE: Duration = Duration::from_millis(25);

/// What a [`LocalAuthority`] is made of.
pub struct LocalAuthorityParts {
    /// Where rooms and members are kept.
    pub stores: Stores,
    /// Where rooms are opened.
    pub bus: Arc<dyn Bus>,
    /// The signing keys, whose public halves are published.
    pub keys: Arc<SigningKeys>,
    /// Metrics of the process.
    pub metrics: Metrics,
    /// What this process writes into the store.
    pub underway: Arc<InFlightWrites>,
    /// The inboxes, which reading a room clears.
    pub notices: Notices,
    /// What admins may change, the server's word filter among it.
    pub settings: LiveSettings,
    /// Makes direct rooms.
    pub direct: Direct,
    /// Which kinds of events may be written.
    pub generations: EventGenerations,
    /// Who is told what others have read, by room; none where nobody is.
    pub receivers: sync::Cache<RoomId, Arc<Option<Receivers>>>,
}

/// Who of a room is told what others have read.
#[derive(Clone)]
pub struct Receivers {
    /// Those who are not.
    pub except: Vec<UserId>,
    /// The two of a direct room.
    pub pair: Option<Pair>,
}

/// Answers gateways from this process's own store, bus and keys.
pub struct LocalAuthority {
    parts: LocalAuthorityParts,
    /// One per partition: who needs an epoch waits for whoever begins one, so that one outage costs one epoch.
    opening: Vec<Mutex<()>>,
    /// Rooms that are being opened: several gateways ask for the same room at once.
    rooms: Cache<RoomId, ()>,
    reads: Reads,
    memberships: MembershipCache,
    sessions: OpenSessions,
    /// Who counts unread messages for a subscription.
    counting: Semaphore,
}

impl LocalAuthority {
    /// An authority over these parts.
    pub fn new(parts: LocalAuthorityParts) -> Self {
        let opening = partitions().map(|_| Mutex::new(())).collect();
        let (counting, rooms) = (Semaphore::new(READ_STATES_AT_ONCE), Cache::new(ROOMS_OPENING_MAX));
        let (reads, memberships, sessions) = (Reads::default(), MembershipCache::new(), OpenSessions::new());
        Self { parts, opening, rooms, reads, memberships, sessions, counting }
    }

    pub(super) const fn parts(&self) -> &LocalAuthorityParts {
        &self.parts
    }

    /// The right to begin an epoch of the partition. None if it has one: its rooms are opened side by side.
    async fn turn(&self, partition: Partition) -> Result<Option<MutexGuard<'_, ()>>, AuthorityError> {
        if self.has_epoch(partition).await? {
            return Ok(None);
        }
        let gate = &self.opening[usize::from(partition.0) % self.opening.len()];
        let Ok(guard) = timeout(ROOM_OPEN_DEADLINE, gate.lock()).await else {
            return Err(AuthorityError::Unavailable("an epoch of the partition is still being begun".to_owned()));
        };
        Ok((!self.has_epoch(partition).await?).then_some(guard))
    }

    async fn has_epoch(&self, partition: Partition) -> Result<bool, AuthorityError> {
        let state = self.parts.bus.partition(partition).await.map_err(|error| bus_error(&error))?;
        Ok(matches!(state, PartitionState::Open(_)))
    }

    async fn open_once(&self, room: RoomId) -> Result<(), AuthorityError> {
        if self.is_open(room).await? {
            return Ok(());
        }
        let partition = partition_of(room);
        let _turn = self.turn(partition).await?;
        self.open(room, partition).await
    }

    async fn is_open(&self, room: RoomId) -> Result<bool, AuthorityError> {
        let heads = self.parts.bus.heads(&[room]).await.map_err(|error| bus_error(&error))?;
        Ok(heads.first().is_some_and(Option::is_some))
    }

    async fn open(&self, room: RoomId, partition: Partition) -> Result<(), AuthorityError> {
        let stores = &self.parts.stores;
        let found = match stores.rooms.find(&RoomRef::Id(room)).await.map_err(store_error)? {
            Some(found) => found,
            None => self.ended_room(room).await?,
        };
        for _ in 0..OPEN_ATTEMPTS {
            let Some(epoch) = self.epoch_of(partition).await? else { continue };
            // Only now: until the epoch begins, more of the one before is stored.
            let Position { epoch: last, seq } = stores.messages.last(room).await.map_err(store_error)?;
            let (epoch, last) = (Some(epoch), Position { epoch: last, seq });
            let seed = RoomSeed { epoch, last, acl: found.acl, settings: found.settings };
            match self.parts.bus.open_room(room, seed).await {
                Ok(()) => {
                    self.parts.metrics.rooms_opened.inc();
                    return Ok(());
                }
                Err(OpenError::PartitionNotOpen) => {}
                Err(OpenError::Bus(error)) => return Err(bus_error(&error)),
            }
        }
        Err(AuthorityError::Unavailable("the partition does not stay open".to_owned()))
    }

    /// A room that has ended is opened for its last events only, as long as the store does not have them.
    async fn ended_room(&self, room: RoomId) -> Result<Room, AuthorityError> {
        let (stores, unknown) = (&self.parts.stores, AuthorityError::Refused(ErrorCode::UnknownRoom));
        let Some(tombstone) = stores.rooms.tombstone(room).await.map_err(store_error)? else {
            return Err(unknown);
        };
        if tombstone.erased {
            return Err(unknown);
        }
        if let Some(last) = tombstone.event
            && stores.messages.place(room, last).await.map_err(store_error)?.is_some()
        {
            return Err(unknown);
        }
        Ok(tombstone.room)
    }

    /// The epoch of the partition. None if one had to be begun: the next look finds it.
    async fn epoch_of(&self, partition: Partition) -> Result<Option<Epoch>, AuthorityError> {
        for _ in 0..UNSTORED_ATTEMPTS {
            match self.parts.bus.partition(partition).await.map_err(|error| bus_error(&error))? {
                PartitionState::Open(epoch) => return Ok(Some(epoch)),
                PartitionState::Closed(fence) => return self.new_epoch(partition, fence).await.map(|()| None),
                // All that survived of the epoch before is stored first.
                PartitionState::Unstored => tokio::time::sleep(UNSTORED_PAUSE).await,
            }
        }
        Err(AuthorityError::Unavailable("the partition's log is not stored yet".to_owned()))
    }

    /// Begins an epoch on the server of this fence.
    async fn new_epoch(&self, partition: Partition, fence: String) -> Result<(), AuthorityError> {
        let (epochs, bus) = (&self.parts.stores.epochs, &self.parts.bus);
        let epoch = epochs.next(partition).await.map_err(store_error)?;
        self.parts.metrics.epochs_allocated.inc();
        // First the store: from here on it takes nothing in that a replaced server numbers.
        if !epochs.begin(partition, EpochStart { epoch, fence }).await.map_err(store_error)? {
            return Ok(());
        }
        timeout(ROOM_OPEN_WAIT, self.parts.underway.ended()).await.map_err(|_| still_writing())?;
        match bus.open_partition(partition, epoch).await.map_err(|error| bus_error(&error))? {
            PartitionOpening::Open => tracing::debug!(%partition, %epoch, "partition opened"),
            PartitionOpening::Unstored => tracing::debug!(%partition, %epoch, "partition changed servers"),
        }
        Ok(())
    }
}

#[async_trait]
impl PermissionSource for LocalAuthority {
    async fn authorize(&self, user: UserId, room: &RoomRef) -> Result<Permission, AuthorityError> {
        let question = Question { user, room: room.clone() };
        let answer = self.authorize_many(&[question]).await?.pop();
        answer.unwrap_or_else(|| Err(AuthorityError::Unavailable("no answer".to_owned())))
    }

    async fn authorize_many(&self, questions: &[Question]) -> Result<Vec<Answer>, AuthorityError> {
        self.memberships.answers(&self.parts.stores, questions).await
    }

    async fn acl_versions(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, AclVersion)>, AuthorityError> {
        let rooms = self.parts.stores.rooms.by_ids(rooms).await.map_err(store_error)?;
        Ok(rooms.into_iter().map(|room| (room.id, room.acl)).collect())
    }

    async fn readers(&self, room: RoomId, users: &[UserId]) -> Result<Vec<UserId>, AuthorityError> {
        // A ban ends the membership, so members are exactly those who may read.
        self.parts.stores.members.among(room, users).await.map_err(store_error)
    }

    async fn shows_typing(&self, user: UserId) -> Result<bool, AuthorityError> {
        let found = self.parts.stores.users.by_id(user).await.map_err(store_error)?;
        Ok(found.is_some_and(|user| user.settings.typing))
    }

    async fn visible_users(&self, user: UserId, others: &[UserId]) -> Result<Vec<UserId>, AuthorityError> {
        visible_users(&self.parts.stores, user, others).await.map_err(store_error)
    }
}

#[async_trait]
impl SessionSource for LocalAuthority {
    async fn public_keys(&self) -> Result<JwkSet, AuthorityError> {
        Ok(self.parts.keys.public())
    }

    async fn changes(&self, since: Option<UnixMillis>) -> Result<Changes, AuthorityError> {
        let (upto, stores) = (UnixMillis::now(), &self.parts.stores);
        let Some(since) = since else { return Ok(Changes { upto, ..Changes::default() }) };
        let (since, limit) = (since.minus(CHANGES_OVERLAP), CHANGES_PER_READ_MAX);
        let sessions = stores.sessions.revoked_since(since, limit);
        let (sessions, rooms) =
            tokio::try_join!(sessions, stores.rooms.raised_since(since, limit)).map_err(store_error)?;
        let is_whole = sessions.len() < limit && rooms.len() < limit;
        Ok(Changes { upto, sessions, rooms, is_whole })
    }

    async fn open_sessions(&self, sessions: &[SessionId]) -> Result<Vec<OpenSession>, AuthorityError> {
        let open = self.sessions.open(&*self.parts.stores.sessions, sessions).await.map_err(store_error)?;
        let named = |name: Option<Username>| name.map(|name| name.as_str().to_owned());
        Ok(open.into_iter().map(|(id, name)| OpenSession { id, username: named(name) }).collect())
    }
}

#[async_trait]
impl RoomOpener for LocalAuthority {
    async fn open_room(&self, room: RoomId) -> Result<(), AuthorityError> {
        let opened = self.rooms.try_get_with(room, self.open_once(room)).await;
        // An answer is good for those who waited for it, not for a later question.
        self.rooms.invalidate(&room).await;
        opened.map_err(|error| AuthorityError::clone(&error))
    }
}

#[async_trait]
impl HistorySource for LocalAuthority {
    async fn message(&self, look: Look) -> Result<MessageFacts, AuthorityError> {
        facts::of_message(&self.parts, look).await
    }

    async fn events(&self, room: RoomId, place: Position, limit: usize) -> Result<Vec<SequencedEvent>, AuthorityError> {
        self.reads.events(&self.parts, room, place, limit).await
    }
}

#[async_trait]
impl MessagePreparer for LocalAuthority {
    async fn prepare(&self, preparation: Preparation) -> Result<Prepared, AuthorityError> {
        let room = preparation.room;
        if let Some(message) = preparation.reply_to {
            facts::of_message(&self.parts, Look { room, message, before: None }).await?;
        }
        if preparation.files.is_empty() {
            return Ok(Prepared::default());
        }
        claims::claim(&self.parts, &preparation).await
    }

    async fn withdraw(&self, withdrawal: Withdrawal) -> Result<(), AuthorityError> {
        claims::withdraw(&self.parts, withdrawal).await
    }
}

#[async_trait]
impl ReadMarks for LocalAuthority {
    async fn mark_read(&self, user: UserId, room: RoomId, to: ReadTo) -> Result<(), AuthorityError> {
        self.mark(user, room, to).await.map(drop)
    }

    async fn read_states(&self, user: UserId, rooms: &[RoomId]) -> Result<Vec<(RoomId, ReadState)>, AuthorityError> {
        let Ok(Ok(_turn)) = timeout(READ_STATES_TURN, self.counting.acquire()).await else {
            self.parts.metrics.unread_left_out.inc();
            return Ok(Vec::new());
        };
        self.unread_in_all(user, rooms).await
    }
}

#[async_trait]
impl FilterSource for LocalAuthority {
    async fn server_filter(&self, known: u64) -> Result<Option<VersionedFilter>, AuthorityError> {
        let filter = self.parts.settings.filter();
        let filter = filter.ok_or_else(|| AuthorityError::Unavailable("the settings are not known yet".to_owned()))?;
        Ok(Some(filter).filter(|filter| filter.version > known))
    }

    async fn room_filter(&self, room: RoomId) -> Result<VersionedFilter, AuthorityError> {
        let found = self.parts.stores.room_filters.get(room).await.map_err(store_error)?;
        let (version, rules) = found.unwrap_or_default();
        Ok(VersionedFilter { version, rules })
    }
}

#[async_trait]
impl DirectRooms for LocalAuthority {
    async fn open_direct(&self, user: UserId, with: UserId) -> Result<(), AuthorityError> {
        match self.parts.direct.open(user, with, UnixMillis::now()).await {
            Ok(_) => Ok(()),
            Err(ApiError::Store(error)) => Err(store_error(error)),
            Err(ApiError::Authority(error)) => Err(error),
            Err(error) if status_of(error.code()).is_server_error() => {
                Err(AuthorityError::Unavailable(error.to_string()))
            }
            // What the address names is nobody's room.
            Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::BadField) => {
                Err(AuthorityError::Refused(ErrorCode::UnknownRoom))
            }
            Err(error) => Err(AuthorityError::Refused(error.code())),
        }
    }
}

pub(super) fn store_error(error: StoreError) -> AuthorityError {
    match error {
        StoreError::Unavailable(cause) | StoreError::NotTheWriter(cause) => AuthorityError::Unavailable(cause),
        StoreError::Newer { .. } => AuthorityError::Unavailable(error.to_string()),
        StoreError::Taken(_)
        | StoreError::Banned
        | StoreError::OwnerStays
        | StoreError::Outranked
        | StoreError::Full
        | StoreError::InviteOver
        | StoreError::NoMember
        | StoreError::Decided
        | StoreError::Closed
        | StoreError::LastAdmin
        | StoreError::Collision { .. }
        | StoreError::Inconsistent(_) => {
            tracing::error!(%error, "store answered nonsense");
            AuthorityError::Unavailable("inconsistent data".to_owned())
        }
    }
}

fn still_writing() -> AuthorityError {
    AuthorityError::Unavailable("the epoch before is still being stored".to_owned())
}

pub(super) fn bus_error(error: &BusError) -> AuthorityError {
    AuthorityError::Unavailable(error.to_string())
}

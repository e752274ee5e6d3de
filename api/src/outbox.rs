//! Announcements: changes of membership that the store has decided and the bus has yet to carry.
//!
//! The outbox makes them certain, the derived names make them idempotent: any node may carry any of them, twice. One is
//! forgotten when the store has its event: what a server of the bus that was replaced has numbered is carried again, unless
//! the store has it. Members would take a repeat for a second change.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::future::join_all;
use rookery_bus::authority::RoomOpener;
use rookery_bus::error::BusError;
use rookery_bus::{Append, AppendError, Appended, RoomLog, auto_open};
use rookery_protocol::access::Rights;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::EventBody;
use rookery_protocol::id::{AclVersion, ClientId, Epoch, MessageId, RoomId};
use rookery_protocol::partition::partition_of;
use rookery_store::{Announcement, Messages, Outbox, StoreError, Stores};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::limits::{ANNOUNCE_BATCH_MAX, ANNOUNCE_INTERVAL, ANNOUNCE_WAIT, ANNOUNCED_IN_ROOM_MAX};
use crate::metrics::Metrics;
use crate::stored_waiter::{StoredWaits, Waited};

/// Turns that rooms take.
const TURNS: usize = 64;

/// Carries announcements. Cheap to clone.
#[derive(Clone)]
pub struct OutboxDispatcher(Arc<Inner>);

struct Inner {
    log: Arc<dyn RoomLog>,
    opener: Arc<dyn RoomOpener>,
    outbox: Arc<dyn Outbox>,
    messages: Arc<dyn Messages>,
    stored: Arc<StoredWaits>,
    metrics: Metrics,
    /// Whose turn it is to carry what a room has waiting. Rooms share one when their ids fall together.
    turns: Vec<Mutex<()>>,
    /// What this process has carried and the store does not have yet, so that nobody carries it once more meanwhile.
    carried: parking_lot::Mutex<HashMap<MessageId, Appended>>,
    /// Announcements under way whose requests may have ended.
    tasks: TaskTracker,
}

/// An announcement that the bus has.
struct Dispatched {
    id: MessageId,
    room: RoomId,
    /// Where it waits for the store; none if nothing waits.
    place: Option<Appended>,
}

/// Why an announcement was not carried.
#[derive(Debug, thiserror::Error)]
enum DispatchError {
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the event's id is not a client id: {0}")]
    Name(&'static str),
    #[error("too many announcements of the room wait")]
    Crowded,
}

impl OutboxDispatcher {
    pub(crate) fn new(
        log: Arc<dyn RoomLog>,
        opener: Arc<dyn RoomOpener>,
        stores: &Stores,
        waits: Arc<StoredWaits>,
        metrics: Metrics,
    ) -> Self {
        let (outbox, messages) = (Arc::clone(&stores.outbox), Arc::clone(&stores.messages));
        let turns = (0..TURNS).map(|_| Mutex::new(())).collect();
        let (carried, tasks) = (parking_lot::Mutex::default(), TaskTracker::new());
        Self(Arc::new(Inner { log, opener, outbox, messages, stored: waits, metrics, turns, carried, tasks }))
    }

    /// Carries an announcement behind those of its room that were made before, and waits a moment for it so that the change is
    /// usually effective when its request is answered. Whatever happens, [`OutboxDispatcher::follow`] finds what is left.
    pub(crate) async fn announce(&self, announcement: Announcement) {
        let (dispatcher, Announcement { room, event, .. }) = (self.clone(), announcement);
        // A task of its own: a request that is given up must not cut a call to the store.
        let task = self.0.tasks.spawn(async move {
            if let Err(error) = dispatcher.dispatch_room(room).await {
                tracing::warn!(%error, event_id = %event.id, "announcement waits for the bus");
            }
        });
        if timeout(ANNOUNCE_WAIT, task).await.is_err() {
            tracing::debug!("announcement goes on without its request");
        }
    }

    /// Carries everything the room has waiting, oldest first, and says whether that was done in time. What is left goes
    /// on by itself, but the caller must not take it for announced.
    pub(crate) async fn flush(&self, room: RoomId) -> Result<(), BusError> {
        let dispatcher = self.clone();
        let task = self.0.tasks.spawn(async move { dispatcher.dispatch_room(room).await });
        let late = |cause: &str| BusError::Unavailable(cause.to_owned());
        match timeout(ANNOUNCE_WAIT, task).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err(late(&error.to_string())),
            Ok(Err(_)) => Err(late("the announcement was given up")),
            Err(_) => Err(late("the announcement is not carried yet")),
        }
    }

    /// Everything that the room has waiting, in the order in which it was decided: an event is numbered when all that were
    /// decided before it are. Whoever comes meanwhile finds it done at its turn.
    async fn dispatch_room(&self, room: RoomId) -> Result<(), DispatchError> {
        // The last byte of an id is random in every version that is used here.
        let [.., last] = room.as_uuid().into_bytes();
        let Some(turn) = self.0.turns.get(usize::from(last) % TURNS) else { return Ok(()) };
        let _turn = turn.lock().await;
        for limit in [ANNOUNCE_BATCH_MAX, ANNOUNCED_IN_ROOM_MAX] {
            let batch = self.0.outbox.pending_in(room, limit).await?;
            let is_all = batch.len() < limit;
            for announcement in self.left_of(room, batch).await? {
                self.remove_in_background(self.dispatch(announcement).await?);
            }
            if is_all {
                return Ok(());
            }
        }
        Err(DispatchError::Crowded)
    }

    /// Without what this process has carried in this epoch. What an earlier one had may be lost, and is carried again.
    async fn left_of(&self, room: RoomId, batch: Vec<Announcement>) -> Result<Vec<Announcement>, DispatchError> {
        let carried: HashMap<MessageId, Epoch> = {
            let carried = self.0.carried.lock();
            let place =
                |announcement: &Announcement| Some((announcement.event.id, carried.get(&announcement.event.id)?.epoch));
            batch.iter().filter_map(place).collect()
        };
        if carried.is_empty() {
            return Ok(batch);
        }
        let heads = self.0.log.heads(&[room]).await.map_err(AppendError::Bus)?;
        let epoch = heads.first().copied().flatten().map(|head| head.epoch);
        let is_left = |announcement: &Announcement| match carried.get(&announcement.event.id) {
            Some(then) => Some(*then) != epoch,
            None => true,
        };
        Ok(batch.into_iter().filter(is_left).collect())
    }

    /// Carries what other requests and other nodes left behind. Endless.
    pub(crate) async fn follow(&self) {
        let mut failing = false;
        loop {
            tokio::time::sleep(ANNOUNCE_INTERVAL).await;
            let outcome = self.pass().await;
            match outcome {
                Ok(()) if failing => tracing::info!("announcements are carried again"),
                Err(ref error) if !failing => tracing::warn!(%error, "announcements wait"),
                Ok(()) | Err(_) => {}
            }
            failing = outcome.is_err();
        }
    }

    /// Waits for the announcements that are under way.
    pub(crate) async fn finish(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// One pass over the outbox, oldest first. A room whose announcement fails is left for the next pass, so that
    /// its order stays; the others go on.
    async fn pass(&self) -> Result<(), DispatchError> {
        loop {
            let batch = self.0.outbox.pending(ANNOUNCE_BATCH_MAX).await?;
            self.0.metrics.announcements_pending.set(i64::try_from(batch.len()).unwrap_or(i64::MAX));
            let full = batch.len() == ANNOUNCE_BATCH_MAX;
            let (mut failed, mut done) = (HashSet::new(), Vec::new());
            for announcement in batch {
                let room = announcement.room;
                if failed.contains(&room) {
                    continue;
                }
                match self.dispatch(announcement).await {
                    Ok(entry) => done.push(entry),
                    Err(error) if is_outage(&error) => {
                        for entry in done {
                            self.remove_in_background(entry);
                        }
                        return Err(error);
                    }
                    Err(error) => {
                        tracing::error!(%error, room_id = %room, "announcement not carried");
                        failed.insert(room);
                    }
                }
            }
            let removed: Vec<bool> = join_all(done.into_iter().map(|entry| self.remove(entry)))
                .await
                .into_iter()
                .collect::<Result<_, _>>()?;
            if !full || !failed.is_empty() || removed.contains(&false) {
                return Ok(());
            }
        }
    }

    /// The place in the room, in the epoch in which the store was asked: what earlier ones have numbered is stored by
    /// then, or never will be. None if the store has it.
    async fn append(&self, mut append: Append) -> Result<Option<Appended>, DispatchError> {
        let Inner { log, opener, messages, .. } = &*self.0;
        let room = append.room;
        for _ in 0..auto_open::ATTEMPTS {
            let head = match auto_open::head(&**log, &**opener, room).await {
                Err(BusError::Unavailable(cause)) if cause == ErrorCode::UnknownRoom.as_str() => {
                    return Err(AppendError::Refused(ErrorCode::UnknownRoom).into());
                }
                head => head.map_err(AppendError::Bus)?,
            };
            if messages.place(room, append.event.id).await?.is_some() {
                return Ok(None);
            }
            append.epoch = Some(head.epoch);
            match log.append(append.clone()).await {
                Err(AppendError::NotOpen) => {}
                outcome => return Ok(Some(outcome?)),
            }
        }
        Err(AppendError::NotOpen.into())
    }

    async fn dispatch(&self, announcement: Announcement) -> Result<Dispatched, DispatchError> {
        let Announcement { room, acl, event } = announcement;
        let id = event.id;
        let client_id = ClientId::try_from(id.to_string()).map_err(DispatchError::Name)?;
        let rights = rights_of(&event.body, acl);
        let append = Append { room, event, client_id, rights, epoch: None };
        let is_about_settings = append.event.body.settings().is_some();
        let place = match self.append(append).await {
            // The room has ended: nobody is told anything of it any more.
            Err(DispatchError::Append(AppendError::Refused(ErrorCode::UnknownRoom))) => None,
            // Newer settings hold and are announced: these need not be any more.
            Err(DispatchError::Append(AppendError::StaleRights)) if is_about_settings => None,
            outcome => outcome?,
        };
        if let Some(place) = place {
            self.0.carried.lock().insert(id, place);
        }
        Ok(Dispatched { id, room, place })
    }

    /// Nobody waits for this. If it comes to nothing, the next pass over the outbox carries the announcement again.
    fn remove_in_background(&self, entry: Dispatched) {
        let dispatcher = self.clone();
        tokio::spawn(async move {
            if let Err(error) = dispatcher.remove(entry).await {
                tracing::debug!(%error, "announcement not removed");
            }
        });
    }

    /// Forgets an announcement once its event is stored. False if that was not seen in time.
    async fn remove(&self, entry: Dispatched) -> Result<bool, DispatchError> {
        let id = entry.id;
        let removed = self.remove_stored(entry).await;
        self.0.carried.lock().remove(&id);
        removed
    }

    async fn remove_stored(&self, entry: Dispatched) -> Result<bool, DispatchError> {
        let Dispatched { id, room, place } = entry;
        if let Some(place) = place
            && !matches!(self.0.stored.wait(partition_of(room), &place).await, Waited::Stored(_))
        {
            return Ok(false);
        }
        self.0.outbox.done(id).await?;
        self.0.metrics.announcements.inc();
        Ok(true)
    }
}

/// A join makes no snapshot of anybody's rights wrong; letting it raise the version would send every sender of the
/// room back to the api.
const fn rights_of(body: &EventBody, acl: AclVersion) -> Rights {
    match body {
        EventBody::Membership(change) if change.lowers_rights() => Rights::Raise(acl),
        // It may tell of a new owner.
        EventBody::Room(_) => Rights::Raise(acl),
        EventBody::Membership(_) | EventBody::Message(_) | EventBody::MessageChange(_) | EventBody::Unknown(_) => {
            Rights::Keep
        }
    }
}

/// Whether the next announcement would fail in the same way.
const fn is_outage(error: &DispatchError) -> bool {
    match error {
        DispatchError::Append(AppendError::Bus(BusError::Unavailable(_)))
        | DispatchError::Store(StoreError::Unavailable(_) | StoreError::NotTheWriter(_) | StoreError::Newer { .. }) => {
            true
        }
        DispatchError::Append(
            AppendError::NotOpen
            | AppendError::StaleRights
            | AppendError::AttemptsExhausted
            | AppendError::Overloaded
            | AppendError::Reused
            | AppendError::Refused(_)
            | AppendError::TooEarly(_)
            | AppendError::Bus(BusError::Protocol(_)),
        )
        | DispatchError::Store(
            StoreError::Taken(_)
            | StoreError::Banned
            | StoreError::OwnerStays
            | StoreError::NoMember
            | StoreError::Outranked
            | StoreError::Full
            | StoreError::InviteOver
            | StoreError::Decided
            | StoreError::Closed
            | StoreError::LastAdmin
            | StoreError::Inconsistent(_)
            | StoreError::Collision { .. },
        )
        | DispatchError::Name(_)
        | DispatchError::Crowded => false,
    }
}

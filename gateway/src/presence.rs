//! Presence and typing on this node: what is written of the users who are here, and what connections are sent of others.
//!
//! Three tasks. One renews the lease and cleans up after dead nodes (`lease.rs`); it alone writes because time passes.
//! One writes what has become of users and rooms (`writer.rs`), gathered for a moment and at most once a second for each
//! of them; the rules are in `local_presence.rs`. One notifies watchers (`notifier.rs`), by the rules in `watchers.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rookery_bus::error::BusError;
use rookery_bus::presence::{PresenceStore, Setting, UserPresence};
use rookery_protocol::id::{LeaseId, RoomId, UserId};
use rookery_protocol::server::ServerFrame;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::send_queue::SendQueue;
use crate::session_registry::SessionRegistry;
use crate::subscriber::Subscriber;

mod due_queue;
mod lease;
mod local_presence;
mod news;
mod notifier;
pub(crate) mod receipts;
mod typing;
mod watchers;
mod writer;

use crate::presence::local_presence::LocalPresence;
use typing::Typing;
use watchers::{List, Watchers};

/// Presence of this node: local users, watchers and the store.
pub struct Presence {
    store: Arc<dyn PresenceStore>,
    hub: Arc<Hub>,
    session_registry: Arc<SessionRegistry>,
    metrics: Arc<Metrics>,
    /// From the signal to the end of the process.
    drain: Duration,
    /// Under which this node writes, and whether it is held.
    lease: Mutex<LeaseId>,
    is_held: AtomicBool,
    /// The lease may be lost.
    doubt: Notify,
    local: Mutex<LocalPresence>,
    written: Notify,
    watchers: Mutex<Watchers>,
    watched: Notify,
    /// What was sent may be out of date.
    is_stale: AtomicBool,
    /// Connections that read too slowly for what they watch.
    behind: Mutex<Vec<Arc<Subscriber>>>,
    typing: Typing,
}

/// What presence stands on.
pub struct PresenceParts {
    /// Keeps it.
    pub store: Arc<dyn PresenceStore>,
    /// The rooms of this node.
    pub hub: Arc<Hub>,
    /// The users of this node.
    pub session_registry: Arc<SessionRegistry>,
    /// Metrics of the process.
    pub metrics: Arc<Metrics>,
    /// From the signal to the end of the process.
    pub drain: Duration,
}

impl Presence {
    /// Presence of a node without connections.
    pub fn new(parts: PresenceParts) -> Arc<Self> {
        let PresenceParts { store, hub, session_registry, metrics, drain } = parts;
        Arc::new(Self {
            store,
            hub,
            session_registry,
            metrics,
            drain,
            lease: Mutex::new(LeaseId::generate()),
            is_held: AtomicBool::new(false),
            doubt: Notify::new(),
            local: Mutex::default(),
            written: Notify::new(),
            watchers: Mutex::default(),
            watched: Notify::new(),
            is_stale: AtomicBool::new(false),
            behind: Mutex::default(),
            typing: Typing::default(),
        })
    }

    /// A connection of the user came.
    pub fn connect(&self, user: UserId) {
        self.local.lock().connect(user, Instant::now());
        self.written.notify_one();
    }

    /// The connection is gone from these rooms; the user is here for the grace.
    pub fn disconnect(&self, member: &Subscriber, rooms: &[RoomId], grace: Duration) {
        self.local.lock().disconnect(member.user, rooms, grace, Instant::now());
        self.written.notify_one();
        let list = self.watchers.lock().remove(member);
        if !list.users.is_empty() {
            self.session_registry.unwatch(&list.users);
        }
    }

    /// The local users of a room changed.
    pub fn touch(&self, room: RoomId) {
        self.local.lock().touch(room, Instant::now());
        self.written.notify_one();
    }

    /// The user may no longer be in the room.
    pub fn expel(&self, room: RoomId, user: UserId) {
        self.local.lock().expel(room, user, Instant::now());
        self.written.notify_one();
    }

    /// The user says something of oneself.
    pub fn set_status(&self, user: UserId, setting: Setting) {
        self.local.lock().set_status(user, setting, Instant::now());
        self.written.notify_one();
    }

    /// The connection watches these from now on, and is sent how they stand. It may know the users, and the rooms are
    /// live on it.
    pub async fn watch(
        &self,
        member: &Arc<Subscriber>,
        users: Vec<UserId>,
        rooms: Vec<RoomId>,
    ) -> Result<(), BusError> {
        let (list, asked) = (List { users, rooms }, Instant::now());
        // First the channels, so that nothing falls between the question and the news.
        if let Err(error) = self.session_registry.watch(&list.users).await {
            self.session_registry.unwatch(&list.users);
            return Err(error);
        }
        let general = list.rooms.iter().copied().find(|room| member.knows_as_general(*room));
        let (before, deliveries) = self.watchers.lock().replace(member, &list, general, asked);
        self.session_registry.unwatch(&before.users);
        let found = self.read(&list.users).await?;
        let mut seen = Vec::with_capacity(found.len());
        let mut missed = Vec::new();
        let mut watchers = self.watchers.lock();
        for presence in found {
            let (answer, delivery) = watchers.answer(presence.to_seen(), asked);
            seen.push(answer);
            missed.extend(delivery);
        }
        drop(watchers);
        member.send_queue.send(&ServerFrame::Watching { users: seen });
        self.deliver(missed.into_iter().chain(deliveries));
        self.watched.notify_one();
        Ok(())
    }

    /// The presence of a local or watched user changed.
    pub fn on_user(&self, presence: &UserPresence, unflushed: &mut Vec<Arc<SendQueue>>) {
        let now = Instant::now();
        if self.local.lock().update(presence) {
            self.touch_rooms_of(presence.user);
        }
        let delivery = self.watchers.lock().update(presence.to_seen(), now);
        if let Some(delivery) = delivery {
            self.enqueue(&delivery, unflushed);
        } else {
            self.metrics.presence_coalesced.inc();
            self.watched.notify_one();
        }
    }

    /// The occupancy of a room changed on some node.
    pub fn on_occupancy(&self, room: RoomId) {
        self.watchers.lock().touch(room, Instant::now());
        self.watched.notify_one();
    }

    /// The bus may have lost something.
    pub fn suspect(&self) {
        self.is_stale.store(true, Ordering::Release);
        self.watched.notify_one();
        self.doubt.notify_one();
    }

    fn touch_rooms_of(&self, user: UserId) {
        let rooms = self.session_registry.rooms_of(user);
        let mut local = self.local.lock();
        for room in rooms {
            local.touch(room, Instant::now());
        }
        drop(local);
        self.written.notify_one();
    }
}

//! The rooms this node listens to, and who listens in them.
//!
//! The first subscriber of a room makes the node subscribe on the bus; the last one leaves it to the sweep to
//! unsubscribe some time later. A room that is being opened or closed stays in the map until that is done, so that
//! "subscribe" and "unsubscribe" of one room never overtake each other.
//!
//! Locks, in this order and never two of a kind: a shard of the map (released before anything else is locked), a
//! room's state, a member's rooms or send queue.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rookery_bus::authority::Authority;
use rookery_bus::error::BusError;
use rookery_bus::{Bus, Head, auto_open};
use rookery_protocol::id::RoomId;
use rookery_runtime::shutdown::Shutdown;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::acks::OnStored;
use crate::limits::{REPAIRS_AT_ONCE_MAX, ROOM_SWEEP_INTERVAL};
use crate::metrics::Metrics;
use crate::subscriber::Subscriber;

mod attach;
mod ephemeral;
pub mod feed;
mod flush;
pub mod repair;
pub mod room;

pub use attach::SubscribeRequest;
use room::{Phase, Room};

/// How often a room may turn out to be closing before a subscription is refused.
const ENTER_ATTEMPTS: usize = 5;
const SHARDS: usize = 64;

/// The rooms of this node.
pub struct Hub {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) repairs: Semaphore,
    pub(crate) authority: Arc<dyn Authority>,
    shutdown: Shutdown,
    shards: Vec<Mutex<HashMap<RoomId, Arc<Room>>>>,
}

impl Hub {
    /// A node without rooms.
    pub fn new(
        bus: Arc<dyn Bus>,
        authority: Arc<dyn Authority>,
        metrics: Arc<Metrics>,
        shutdown: Shutdown,
    ) -> Arc<Self> {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        let repairs = Semaphore::new(REPAIRS_AT_ONCE_MAX);
        Arc::new(Self { bus, metrics, repairs, authority, shutdown, shards })
    }

    /// The room, listened to from now on if it was not before.
    pub async fn enter(self: &Arc<Self>, id: RoomId) -> Result<Arc<Room>, BusError> {
        for _ in 0..ENTER_ATTEMPTS {
            let room = self.get_or_open(id);
            match room.stable_phase().await {
                Phase::Live => return Ok(room),
                Phase::Failed(error) => return Err(error),
                Phase::Opening | Phase::Closing | Phase::Gone => {}
            }
        }
        Err(BusError::Unavailable("the room does not stay open".to_owned()))
    }

    /// The room, if this node listens to it.
    pub fn get(&self, id: RoomId) -> Option<Arc<Room>> {
        self.shard(id).lock().get(&id).cloned()
    }

    /// Takes down for the rooms of this node up to where they are stored.
    pub fn stored_notes(self: &Arc<Self>) -> OnStored {
        let hub = Arc::clone(self);
        Box::new(move |room, upto| {
            if let Some(room) = hub.get(room) {
                room.note_stored(upto);
            }
        })
    }

    /// All rooms this node listens to.
    pub fn all(&self) -> Vec<Arc<Room>> {
        self.shards
            .iter()
            .flat_map(|shard| shard.lock().values().cloned().collect::<Vec<_>>())
            .collect()
    }

    /// Takes a connection out of a room. Without effect if it is not there.
    pub fn detach(&self, id: RoomId, member: &Subscriber) {
        member.remove_room(id);
        if let Some(room) = self.get(id) {
            room.detach(member.id, Instant::now());
        }
    }

    /// Where the room stands on the bus, opening it there if need be.
    pub(crate) async fn head(&self, id: RoomId) -> Result<Head, BusError> {
        auto_open::head(self.bus.as_ref(), self.authority.as_ref(), id).await
    }

    /// A task of the hub that outlives its caller.
    pub(crate) fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.shutdown.spawn(name, task);
    }

    /// Stops listening to rooms that nobody here has wanted for a while.
    pub async fn sweep(self: Arc<Self>) {
        loop {
            tokio::time::sleep(ROOM_SWEEP_INTERVAL).await;
            for room in self.all() {
                if room.try_close(Instant::now()) {
                    self.close(&room, Phase::Gone).await;
                }
            }
        }
    }

    fn get_or_open(self: &Arc<Self>, id: RoomId) -> Arc<Room> {
        let mut shard = self.shard(id).lock();
        if let Some(room) = shard.get(&id) {
            return Arc::clone(room);
        }
        let room = Arc::new(Room::new(id));
        shard.insert(id, Arc::clone(&room));
        drop(shard);
        self.metrics.rooms.inc();
        // Not in the caller's future: others wait for this room too, and the caller may be dropped.
        self.spawn("open room", Arc::clone(self).open(Arc::clone(&room)));
        room
    }

    async fn open(self: Arc<Self>, room: Arc<Room>) {
        match self.listen(room.id).await {
            Ok(head) => {
                let effects = room.go_live(head, Instant::now());
                let some_dropped = effects.dropped > 0;
                self.after(&room, effects);
                if some_dropped {
                    self.look_again(&room).await;
                }
            }
            Err(error) => {
                tracing::debug!(room = %room.id, %error, "room not opened");
                self.metrics.failures.with_label_values(&["bus"]).inc();
                self.close(&room, Phase::Failed(error)).await;
            }
        }
    }

    /// Subscribes first and asks for the head then, so that no event falls between the two.
    async fn listen(&self, id: RoomId) -> Result<Head, BusError> {
        self.bus.subscribe(id).await?;
        auto_open::head_in_time(self.bus.as_ref(), self.authority.as_ref(), id).await
    }

    /// More came while the room was opened than could wait. If the bus does not answer now, the next audit asks.
    async fn look_again(self: &Arc<Self>, room: &Arc<Room>) {
        if let Ok(head) = self.head(room.id).await {
            self.after(room, room.compare(head));
        }
    }

    async fn close(&self, room: &Room, last: Phase) {
        if let Err(error) = self.bus.unsubscribe(room.id).await {
            // At worst events keep coming that nobody wants; they are counted as strays.
            tracing::debug!(room = %room.id, %error, "room not unsubscribed");
        }
        self.shard(room.id).lock().remove(&room.id);
        self.metrics.rooms.dec();
        room.end(last);
    }

    fn shard(&self, id: RoomId) -> &Mutex<HashMap<RoomId, Arc<Room>>> {
        let index = usize::from(id.as_uuid().as_bytes()[15]) % SHARDS;
        &self.shards[index]
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

//! Changes of one room's members take turns within a process.
//!
//! Two transactions on one document collide, and the loser works for nothing. Of a hundred users who join one room at
//! once, most would run out of tries. In a queue each costs the room one transaction; what is left are the collisions
//! with the few other processes. The database alone decides what is right: this only saves work.

use std::sync::Arc;

use rookery_protocol::id::RoomId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Rooms share a queue when their ids fall together, which costs them a wait and nothing else.
const QUEUES: usize = 64;

/// The queues.
pub(super) struct RoomLocks {
    queues: Vec<Arc<Semaphore>>,
}

impl RoomLocks {
    /// Nobody waits.
    pub(super) fn new() -> Self {
        Self { queues: (0..QUEUES).map(|_| Arc::new(Semaphore::new(1))).collect() }
    }

    /// Waits for the room's turn, which lasts as long as what is returned. None never happens: no queue is closed.
    pub(super) async fn take(&self, room: RoomId) -> Option<OwnedSemaphorePermit> {
        // The last byte of an id is random in every version that is used here.
        let [.., last] = room.as_uuid().into_bytes();
        let queue = self.queues.get(usize::from(last) % QUEUES)?;
        Arc::clone(queue).acquire_owned().await.ok()
    }
}

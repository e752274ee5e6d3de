//! Typing: said at most once in a while for each user and room, told only in rooms of few, and the first thing that a
//! connection is not told when it reads slowly. Nothing of it is kept.

use std::sync::Arc;

use moka::sync::Cache;
use rookery_bus::error::BusError;
use rookery_bus::signal::EphemeralSignal;
use rookery_protocol::event::Sender;
use rookery_protocol::id::{RoomId, UserId};
use rookery_protocol::limits::{ROOM_PRESENCE_MAX, TYPING_INTERVAL};
use rookery_protocol::server::ServerFrame;

use super::Presence;
use crate::dialect::SharedFrame;
use crate::limits::TYPING_REMEMBERED_MAX;
use crate::send_queue::SendQueue;

type Remembered = Cache<(RoomId, UserId), ()>;

/// Who typed where, a moment ago.
pub(super) struct Typing {
    sent: Remembered,
    received: Remembered,
}

impl Default for Typing {
    fn default() -> Self {
        let remembered = || Cache::builder().max_capacity(TYPING_REMEMBERED_MAX).time_to_live(TYPING_INTERVAL).build();
        Self { sent: remembered(), received: remembered() }
    }
}

/// True the first time.
fn is_first(cache: &Remembered, room: RoomId, user: UserId) -> bool {
    cache.entry((room, user)).or_insert(()).is_fresh()
}

impl Presence {
    /// A user who may speak in the room is typing.
    pub async fn type_in(&self, room: RoomId, user: Sender) -> Result<(), BusError> {
        if self.is_large(room) {
            self.drop_typing("crowd");
        } else if is_first(&self.typing.sent, room, user.user_id) {
            return self.hub.bus.publish_ephemeral(room, EphemeralSignal::Typing { user }).await;
        } else {
            self.drop_typing("often");
        }
        Ok(())
    }

    /// Sends a typing frame to the other members in the room.
    pub fn on_typing(&self, room: RoomId, user: &Sender, unflushed: &mut Vec<Arc<SendQueue>>) {
        let Some(here) = self.hub.get(room).filter(|_| !self.is_large(room)) else { return };
        // The same user on another node.
        if !is_first(&self.typing.received, room, user.user_id) {
            return self.drop_typing("often");
        }
        let frame = SharedFrame::from(ServerFrame::Typing { room, user: user.clone().into() });
        let shed = here.broadcast(&frame, user.user_id, unflushed);
        self.metrics.typing_dropped.with_label_values(&["slow"]).inc_by(shed);
    }

    /// The refusal is not worth an answer.
    pub fn drop_typing(&self, reason: &'static str) {
        self.metrics.typing_dropped.with_label_values(&[reason]).inc();
    }

    fn is_large(&self, room: RoomId) -> bool {
        let here = self.hub.get(room);
        let local = here.as_ref().map_or(0, |room| room.connections());
        here.is_some_and(|room| room.is_big())
            || local.max(self.watchers.lock().online(room).unwrap_or(0)) > ROOM_PRESENCE_MAX
    }
}

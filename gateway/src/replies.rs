//! Which messages may be answered: those of the room. What this node has relayed, or asked about before, it knows; only a
//! reply to anything else costs a question.
//!
//! A message stays a message of its room for all time, also when it is deleted, so what was found once holds, and a
//! reply that is sent again is answered as before.

use std::sync::Arc;

use moka::sync::Cache;
use rookery_bus::authority::{AuthorityError, HistorySource, Look};
use rookery_protocol::event::{EventBody, SequencedEvent};
use rookery_protocol::id::{MessageId, RoomId};

use crate::limits::REPLIES_REMEMBERED_MAX;

/// The messages that are known to be there.
pub struct Replies {
    history: Arc<dyn HistorySource>,
    known: Cache<(RoomId, MessageId), ()>,
}

impl Replies {
    /// None is known yet.
    pub fn new(history: Arc<dyn HistorySource>) -> Arc<Self> {
        Arc::new(Self { history, known: Cache::new(REPLIES_REMEMBERED_MAX) })
    }

    /// An event was relayed.
    pub fn record(&self, event: &SequencedEvent) {
        if matches!(event.event.body, EventBody::Message(_)) {
            self.known.insert((event.room, event.event.id), ());
        }
    }

    /// Whether the message may be answered in the room; refused with
    /// [`rookery_protocol::error_code::ErrorCode::UnknownMessage`] if not.
    pub async fn check(&self, room: RoomId, message: MessageId) -> Result<(), AuthorityError> {
        if self.known.contains_key(&(room, message)) {
            return Ok(());
        }
        self.history.message(Look { room, message, before: None }).await?;
        self.known.insert((room, message), ());
        Ok(())
    }
}

//! Which messages may be answered: those of the room. What this node has relayed, or asked about before, it knows; only a
//! reply to anything else costs a call of the api.
//!
//! A message stays a message of its room for all time, also when it is deleted, so what was found once holds, and a
//! reply that is sent again is answered as before.

use std::sync::Arc;

use moka::sync::Cache;
use rookery_bus::authority::{AuthorityError, HeldFiles, MessagePreparer, Prepared};
use rookery_protocol::event::{Event, EventBody, SequencedEvent};
use rookery_protocol::id::{MessageId, RoomId};

use crate::limits::REPLIES_REMEMBERED_MAX;

/// The messages that are known to be there.
pub struct Replies {
    preparer: Arc<dyn MessagePreparer>,
    known: Cache<(RoomId, MessageId), ()>,
}

impl Replies {
    /// None is known yet.
    pub fn new(preparer: Arc<dyn MessagePreparer>) -> Arc<Self> {
        Arc::new(Self { preparer, known: Cache::new(REPLIES_REMEMBERED_MAX) })
    }

    /// An event was relayed.
    pub fn record(&self, event: &SequencedEvent) {
        if matches!(event.event.body, EventBody::Message(_)) {
            self.known.insert((event.room, event.event.id), ());
        }
    }

    /// Has the api look at what the event refers to, unless all of that is known here; refused with
    /// [`rookery_protocol::error_code::ErrorCode::UnknownMessage`] if it answers no message of the room, and with
    /// [`rookery_protocol::error_code::ErrorCode::BadAttachment`] if one of its files is not there for it.
    pub async fn prepare(&self, room: RoomId, event: &Event, held: &HeldFiles) -> Result<Prepared, AuthorityError> {
        let Some(preparation) = held.preparation(room, event) else { return Ok(Prepared::default()) };
        let answered = preparation.reply_to.map(|message| (room, message));
        let is_known = answered.is_none_or(|answered| self.known.contains_key(&answered));
        // Files are claimed by the api, whatever is known here.
        if is_known && preparation.files.is_empty() {
            return Ok(Prepared::default());
        }
        let prepared = self.preparer.prepare(preparation).await?;
        held.note(room, event.id, &prepared);
        if let Some(answered) = answered {
            self.known.insert(answered, ());
        }
        Ok(prepared)
    }

    /// Gives back what a message holds that was refused for good.
    pub async fn give_back(&self, held: &HeldFiles) {
        held.give_back(&*self.preparer).await;
    }
}

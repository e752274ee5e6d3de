//! Purges: what somebody has said in a room in some time is removed. It is hidden from the moment on in which it is decided, and
//! erased after that.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{Event, EventBody, SequencedEvent};
use rookery_protocol::id::{MessageId, RoomId, UserId};
use uuid::Uuid;

use crate::message::edit_of;
use crate::message_state::MessageState;
use crate::{Announcement, StoreError};

/// A purge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purge {
    /// Its id.
    pub id: Uuid,
    /// In which room.
    pub room: RoomId,
    /// Whose messages.
    pub user: UserId,
    /// Who decided it.
    pub by: UserId,
    /// From this time on; from the first message if none.
    pub from: Option<UnixMillis>,
    /// Up to this time.
    pub to: UnixMillis,
    /// The event that tells of it.
    pub event: MessageId,
    /// Until when it hides what is not erased yet: for ever, until it is known to be done.
    pub hides_until: UnixMillis,
}

impl Purge {
    /// The end of what is not done yet.
    pub const OPEN: UnixMillis = UnixMillis(253_402_300_799_000);

    /// Whether the event is a message that it removes.
    pub fn covers(&self, event: &SequencedEvent) -> bool {
        let is_inside = self.from.is_none_or(|from| from <= event.timestamp) && event.timestamp <= self.to;
        is_inside && self.is_theirs(event) && matches!(event.event.body, EventBody::Message(_))
    }

    /// Whether the event is an edit of a message that it may remove.
    fn may_cover_edit(&self, event: &SequencedEvent) -> bool {
        self.is_theirs(event)
            && event.timestamp >= self.from.unwrap_or_default()
            && edit_of(&event.event.body).is_some()
    }

    fn is_theirs(&self, event: &SequencedEvent) -> bool {
        event.room == self.room && event.event.user_id == self.user
    }
}

/// The messages of these that one of the purges removes are as if they were deleted, and so are their edits.
pub fn hide<S: BuildHasher>(
    purges: &[Purge],
    events: &[SequencedEvent],
    states: &mut HashMap<MessageId, MessageState, S>,
) {
    if purges.is_empty() {
        return;
    }
    let is_message = |event: &&SequencedEvent| matches!(event.event.body, EventBody::Message(_));
    let known: HashSet<MessageId> = events.iter().filter(is_message).map(|event| event.event.id).collect();
    for event in events {
        let hidden = if purges.iter().any(|purge| purge.covers(event)) {
            Some(event.event.id)
        } else if purges.iter().any(|purge| purge.may_cover_edit(event)) {
            // Of a message that is here it is known whether it is covered; another one may be.
            edit_of(&event.event.body).filter(|message| !known.contains(message))
        } else {
            None
        };
        if let Some(message) = hidden {
            states.insert(message, MessageState { deleted: true, ..MessageState::default() });
        }
    }
}

/// Purges.
#[async_trait]
pub trait Purges: Send + Sync {
    /// Begins one: in one atomic step it hides, and its event is in the outbox. None if there is no such room any more, or it is
    /// known already.
    async fn begin(&self, purge: &Purge, event: &Event) -> Result<Option<Announcement>, StoreError>;
    /// By id.
    async fn by_id(&self, id: Uuid) -> Result<Option<Purge>, StoreError>;
    /// Those that hide something in these rooms at that time. The order is not promised.
    async fn hiding(&self, rooms: &[RoomId], at: UnixMillis) -> Result<Vec<Purge>, StoreError>;
    /// Those that are not finished, at most `limit`. The order is not promised.
    async fn open(&self, limit: usize) -> Result<Vec<Uuid>, StoreError>;
    /// Notes until when it hides; readers who began before all was erased are done by then.
    async fn finish(&self, id: Uuid, hides_until: UnixMillis) -> Result<(), StoreError>;
    /// Erases the texts of messages with all that is kept of them, as if they were deleted: their places stay. Idempotent.
    async fn discard(&self, messages: &[MessageId]) -> Result<(), StoreError>;
    /// Erases those that hide nothing any more since before that time, at most `limit`; says how many.
    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError>;
}

#[cfg(test)]
mod tests {
    use rookery_protocol::event::{NewMessage, Sender};
    use rookery_protocol::id::{ClientId, Epoch, Seq};

    use super::*;

    #[test]
    fn what_was_said_in_the_time_is_hidden_and_nothing_else() {
        let (room, ada, bob) = (RoomId::generate(), UserId::generate(), UserId::generate());
        let said = |user_id, at| {
            let body = EventBody::Message(NewMessage {
                content: "x".to_owned(),
                client_id: ClientId::generate(),
                reply_to: None,
                attachments: Vec::new(),
            });
            let event = Event::new(MessageId::generate(), Sender { user_id, username: "abc".to_owned() }, body);
            SequencedEvent { room, epoch: Epoch(1), seq: Seq::new(1), timestamp: UnixMillis(at), event }
        };
        let purge = Purge {
            id: Uuid::nil(),
            room,
            user: ada,
            by: bob,
            from: Some(UnixMillis(5)),
            to: UnixMillis(9),
            event: MessageId::generate(),
            hides_until: Purge::OPEN,
        };
        for (event, wanted) in [
            (said(ada, 4), false),
            (said(ada, 5), true),
            (said(ada, 9), true),
            (said(ada, 10), false),
            (said(bob, 7), false),
            (SequencedEvent { room: RoomId::generate(), ..said(ada, 7) }, false),
        ] {
            assert_eq!(purge.covers(&event), wanted, "{event:?}");
            let mut states = HashMap::new();
            hide(&[purge], std::slice::from_ref(&event), &mut states);
            assert_eq!(states.get(&event.event.id).is_some_and(|state| state.deleted), wanted);
        }
        assert!(Purge { from: None, ..purge }.covers(&said(ada, -7)));
    }
}

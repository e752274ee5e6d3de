//! History: what is kept of a room's events, and how it is paged.

use rookery_protocol::event::{EventBody, MessageChanged, SequencedEvent};
use rookery_protocol::id::{MessageId, RoomId};
use rookery_protocol::position::{AlreadyStored, Position, StoredPosition};

/// Which part of a history is asked for. Pages are always in order, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// The newest events.
    Latest,
    /// The events just before a place, without it.
    Before(Position),
    /// The events just after a place, without it.
    After(Position),
}

/// Events per page: default and most.
pub const PAGE_DEFAULT: usize = 50;
/// Events per page: most.
pub const PAGE_MAX: usize = 200;

/// What is to be told of an event that was to be stored at a place, if the store has it at another one.
pub fn held_at(first: &SequencedEvent, asked: Position) -> Option<AlreadyStored> {
    let held = AlreadyStored { id: first.event.id, first: StoredPosition::from(first) };
    (first.position() != asked).then_some(held)
}

/// Whether the event is something said in the room.
pub fn is_message_of(event: &SequencedEvent, room: RoomId) -> bool {
    event.room == room && matches!(event.event.body, EventBody::Message(_))
}

/// What a page of a history has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kinds {
    /// Messages and changes of membership and settings, without changes of messages.
    WithoutChanges,
    /// Every event.
    All,
}

impl Kinds {
    /// Whether the event is one of these.
    pub const fn include(self, event: &SequencedEvent) -> bool {
        match self {
            Self::All => true,
            Self::WithoutChanges => target_of(&event.event.body).is_none(),
        }
    }
}

/// The message whose text the event changes.
pub const fn edit_of(body: &EventBody) -> Option<MessageId> {
    match body {
        EventBody::MessageChange(MessageChanged::Edited { message_id, .. }) => Some(*message_id),
        EventBody::Message(_)
        | EventBody::MessageChange(_)
        | EventBody::Membership(_)
        | EventBody::Room(_)
        | EventBody::Unknown(_) => None,
    }
}

/// The message that an event is about; none if it changes no message.
pub const fn target_of(body: &EventBody) -> Option<MessageId> {
    match body {
        EventBody::MessageChange(change) => Some(change.message_id()),
        EventBody::Message(_) | EventBody::Membership(_) | EventBody::Room(_) | EventBody::Unknown(_) => None,
    }
}

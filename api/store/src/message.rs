//! History: what is kept of a room's events, and how it is paged.

use rookery_protocol::event::{EventBody, SequencedEvent};
use rookery_protocol::id::{Epoch, MessageId, RoomId, Seq};
use rookery_protocol::position::{FirstPlace, Held};

use crate::message_state::target_of;

/// A place between two events of a room's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Epoch of the event at the place.
    pub epoch: Epoch,
    /// Its number.
    pub seq: Seq,
}

impl Place {
    /// Before everything.
    pub const START: Self = Self { epoch: Epoch(0), seq: Seq::ZERO };
}

/// Which part of a history is asked for. Pages are always in order, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// The newest events.
    Latest,
    /// The events just before a place, without it.
    Before(Place),
    /// The events just after a place, without it.
    After(Place),
}

/// Events per page: default and most.
pub const PAGE_DEFAULT: usize = 50;
/// Events per page: most.
pub const PAGE_MAX: usize = 200;

/// The place of an event.
pub const fn place_of(event: &SequencedEvent) -> Place {
    Place { epoch: event.epoch, seq: event.seq }
}

/// What is to be told of an event that was to be stored at a place, if the store has it at another one.
pub fn held_at(first: &SequencedEvent, asked: Place) -> Option<Held> {
    let held = Held { id: first.event.id, first: FirstPlace::from(first) };
    (place_of(first) != asked).then_some(held)
}

/// Whether the event is something said in the room.
pub fn is_message_of(event: &SequencedEvent, room: RoomId) -> bool {
    event.room == room && matches!(event.event.body, EventBody::Message { .. })
}

/// What a page of a history has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kinds {
    /// What is shown in its place: messages, and who came, went or changed the room; no acts on messages.
    Shown,
    /// Every event.
    All,
}

impl Kinds {
    /// Whether the event is one of these.
    pub const fn include(self, event: &SequencedEvent) -> bool {
        match self {
            Self::All => true,
            Self::Shown => target_of(&event.event.body).is_none(),
        }
    }
}

/// The message whose text the event changes.
pub const fn edit_of(body: &EventBody) -> Option<MessageId> {
    match body {
        EventBody::MessageEdited { message_id, .. } => Some(*message_id),
        EventBody::Message { .. }
        | EventBody::MemberJoined {}
        | EventBody::MemberLeft {}
        | EventBody::MemberKicked { .. }
        | EventBody::MemberBanned { .. }
        | EventBody::MemberUnbanned { .. }
        | EventBody::MemberMuted { .. }
        | EventBody::MemberUnmuted { .. }
        | EventBody::RoomUpdated { .. }
        | EventBody::MessageDeleted { .. }
        | EventBody::ReactionAdded { .. }
        | EventBody::ReactionRemoved { .. } => None,
    }
}

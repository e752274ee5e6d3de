//! What crosses the bus and enters the store: one event of a room's timeline.
//!
//! An event is neither a client frame nor a stored document; both are converted from it explicitly. Its JSON
//! carries a version, so that nodes of two releases can share a bus during an upgrade.
//!
//! Kinds are grouped by what they are about, so that code which cares for one group only does not name the others. To
//! add a kind, add a variant to its group: the compiler then asks for its frame (`server/event.rs`) and its stored form.

use serde::{Deserialize, Serialize};

use crate::clock::UnixMillis;
use crate::id::{ClientId, Epoch, MessageId, RoomId, Seq, UserId};
use crate::message_change::{ChangeKind, MessageChange};
use crate::position::{Position, StoredPosition};
use crate::trace::TraceParent;

pub mod generation;
mod membership;
mod message;
mod room;
mod unknown;

pub use membership::MembershipChange;
pub use message::{MessageChanged, NewMessage};
pub use room::{DeletionReason, RoomChange, RoomSettings};
pub use unknown::{KNOWN_KINDS, UnknownEvent};

/// The version written by this release; an event of a higher version is skipped and counted.
pub const EVENT_VERSION: u8 = 1;

/// The generation of kinds of events that this release knows, see [`generation`].
pub const EVENT_GENERATION: u32 = generation::LATEST;

/// Something that changes a room's timeline, before it has a number.
///
/// Its JSON is what stores keep and has no trace context; [`Event::to_log_json`] is what crosses the bus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// See [`EVENT_VERSION`].
    pub v: u8,
    /// Names the event for all time; a repeat has the same id.
    pub id: MessageId,
    /// Who caused it.
    pub user_id: UserId,
    /// The name that user had then.
    pub username: String,
    /// The request that caused it, for tracing: in the log and on the bus only.
    #[serde(
        default,
        skip_serializing,
        rename = "traceparent",
        deserialize_with = "crate::trace::if_valid"
    )]
    pub trace: Option<TraceParent>,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// What happened, by what it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventBody {
    /// A message was sent.
    Message(NewMessage),
    /// A message was edited, deleted or reacted to.
    #[serde(untagged)]
    MessageChange(MessageChanged),
    /// Somebody's membership, or a sanction against somebody, began or ended.
    #[serde(untagged)]
    Membership(MembershipChange),
    /// The room itself changed.
    #[serde(untagged)]
    Room(RoomChange),
    /// Something that only later releases know. It has a number, and nothing else can be said of it; it is never stored.
    #[serde(untagged)]
    Unknown(UnknownEvent),
}

impl EventBody {
    /// The room's settings from it on, if it is about them.
    pub const fn settings(&self) -> Option<RoomSettings> {
        match self {
            Self::Room(RoomChange::Updated { settings, changed: _ }) => Some(*settings),
            Self::Message(_)
            | Self::MessageChange(_)
            | Self::Membership(_)
            | Self::Room(RoomChange::Deleted { .. })
            | Self::Unknown(_) => None,
        }
    }

    /// The event generation that every node has to know before it is written, see [`generation`].
    pub const fn generation(&self) -> u32 {
        match self {
            Self::Message(message) if message.attachments.is_empty() => generation::FIRST,
            Self::Message(_) => generation::ATTACHMENTS,
            Self::MessageChange(change) => change.generation(),
            Self::Membership(change) => change.generation(),
            Self::Room(change) => change.generation(),
            Self::Unknown(_) => u32::MAX,
        }
    }

    /// How the room ended, if it is the last event of one.
    pub const fn deletion(&self) -> Option<DeletionReason> {
        match self {
            Self::Room(RoomChange::Deleted { reason }) => Some(*reason),
            Self::Message(_)
            | Self::MessageChange(_)
            | Self::Membership(_)
            | Self::Room(RoomChange::Updated { .. })
            | Self::Unknown(_) => None,
        }
    }

    /// The user whose membership it ends, if `actor` causes it.
    pub const fn departed(&self, actor: UserId) -> Option<UserId> {
        match self {
            Self::Membership(change) => change.departed(actor),
            Self::Message(_) | Self::MessageChange(_) | Self::Room(_) | Self::Unknown(_) => None,
        }
    }

    /// The user whose rights in the room it changes, if `actor` causes it.
    pub const fn affected(&self, actor: UserId) -> Option<UserId> {
        match self {
            Self::Membership(change) => Some(change.subject(actor)),
            Self::Message(_) | Self::MessageChange(_) | Self::Room(_) | Self::Unknown(_) => None,
        }
    }
}

impl Event {
    /// An event of this release, without trace context.
    pub fn new(id: MessageId, sender: Sender, body: EventBody) -> Self {
        let Sender { user_id, username } = sender;
        Self { v: EVENT_VERSION, id, user_id, username, trace: None, body }
    }

    /// A message; its id is derived, see [`NewMessage::id`].
    pub fn message(room: RoomId, sender: Sender, message: NewMessage) -> Self {
        let id = message.id(room, sender.user_id);
        Self::new(id, sender, EventBody::Message(message))
    }

    /// A change of a message; its id is derived, see [`MessageChange::event_id`].
    pub fn message_change(room: RoomId, sender: Sender, client_id: &ClientId, change: MessageChange) -> Self {
        let id = change.event_id(room, sender.user_id, client_id);
        let MessageChange { message_id, kind } = change;
        let changed = match kind {
            ChangeKind::Edit(content) => MessageChanged::Edited { message_id, content, client_id: client_id.clone() },
            ChangeKind::Delete => MessageChanged::Deleted { message_id },
            ChangeKind::React(emoji) => MessageChanged::ReactionAdded { message_id, emoji },
            ChangeKind::Unreact(emoji) => MessageChanged::ReactionRemoved { message_id, emoji },
        };
        Self::new(id, sender, EventBody::MessageChange(changed))
    }

    /// The event as stores keep it.
    pub fn to_json(&self) -> String {
        // Strings, ids and numbers only: nothing in it can fail to serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The event as log and bus carry it: with its trace context.
    pub fn to_log_json(&self) -> String {
        #[derive(Serialize)]
        struct Traced<'a> {
            #[serde(flatten)]
            event: &'a Event,
            traceparent: TraceParent,
        }
        let Some(traceparent) = self.trace else { return self.to_json() };
        serde_json::to_string(&Traced { event: self, traceparent }).unwrap_or_default()
    }
}

/// A user as an event carries one: the sender, from a verified token, or the member that it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// Id of the user.
    pub user_id: UserId,
    /// Name at the time of the event.
    pub username: String,
}

/// An event with its place: room, epoch, number and time, as assigned by the bus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequencedEvent {
    /// Room of the event.
    pub room: RoomId,
    /// Incarnation of the numbers.
    pub epoch: Epoch,
    /// Number in the room.
    pub seq: Seq,
    /// When the bus accepted it.
    pub timestamp: UnixMillis,
    /// What happened.
    pub event: Event,
}

impl From<&SequencedEvent> for StoredPosition {
    fn from(event: &SequencedEvent) -> Self {
        let SequencedEvent { epoch, seq, timestamp, .. } = *event;
        Self { epoch, seq, timestamp }
    }
}

impl SequencedEvent {
    /// Where it lies in the history of its room.
    pub const fn position(&self) -> Position {
        Position { epoch: self.epoch, seq: self.seq }
    }
}

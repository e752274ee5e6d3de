//! What crosses the bus and enters the store: one event of a room's timeline.
//!
//! An event is neither a client frame nor a stored document; both are converted from it explicitly. Its JSON
//! carries a version, so that nodes of two releases can share a bus during an upgrade.

use serde::{Deserialize, Serialize};

use crate::clock::UnixMillis;
use crate::emoji::Emoji;
use crate::id::{AclVersion, ClientId, Epoch, MessageId, RoomId, Seq, UserId};
use crate::message_change::{ChangeKind, MessageChange};
use crate::position::{Position, StoredPosition};

/// The version written by this release; an event of a higher version is skipped and counted.
pub const EVENT_VERSION: u8 = 1;

/// Something that changes a room's timeline, before it has a number.
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
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// The kinds of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventBody {
    /// A text said in the room.
    Message {
        /// The text.
        content: String,
        /// The sender's name for it.
        client_id: ClientId,
        /// The message this one answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<MessageId>,
    },
    /// The user became a member of the room.
    MemberJoined {},
    /// The user is no longer a member of the room.
    MemberLeft {},
    /// The user changed the text of a message.
    MessageEdited {
        /// The message.
        message_id: MessageId,
        /// Its new text; empty once the message was deleted.
        content: String,
        /// The user's name for the change.
        client_id: ClientId,
    },
    /// The user took a message away.
    MessageDeleted {
        /// The message.
        message_id: MessageId,
    },
    /// The user reacted to a message.
    ReactionAdded {
        /// The message.
        message_id: MessageId,
        /// The reaction.
        #[serde(deserialize_with = "crate::emoji::kept")]
        emoji: Emoji,
    },
    /// The user took a reaction back.
    ReactionRemoved {
        /// The message.
        message_id: MessageId,
        /// The reaction.
        #[serde(deserialize_with = "crate::emoji::kept")]
        emoji: Emoji,
    },
    /// The user ended somebody's membership.
    MemberKicked {
        /// Whose.
        member: Sender,
    },
    /// The user shut somebody out.
    MemberBanned {
        /// Whom.
        member: Sender,
        /// Until when; for good if not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<UnixMillis>,
    },
    /// The user ended a ban.
    MemberUnbanned {
        /// Whose.
        member: Sender,
    },
    /// The user took somebody's right to say something.
    MemberMuted {
        /// Whose.
        member: Sender,
        /// Until when; for good if not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<UnixMillis>,
    },
    /// The user gave that right back.
    MemberUnmuted {
        /// To whom.
        member: Sender,
    },
    /// The user changed how the room is talked in.
    RoomUpdated {
        /// All settings, as they are now.
        settings: RoomSettings,
    },
}

/// How a room is talked in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomSettings {
    /// The room's ACL version when they were changed last: the larger one is the newer one.
    pub version: AclVersion,
    /// Milliseconds that a member must wait between two texts; 0 for none.
    pub slow_mode_ms: u64,
    /// Whether only those who keep order may say something.
    pub frozen: bool,
}

impl EventBody {
    /// What a change of a message does, under the user's name for it.
    fn of_change(change: MessageChange, client_id: &ClientId) -> Self {
        let MessageChange { message_id, kind } = change;
        match kind {
            ChangeKind::Edit(content) => Self::MessageEdited { message_id, content, client_id: client_id.clone() },
            ChangeKind::Delete => Self::MessageDeleted { message_id },
            ChangeKind::React(emoji) => Self::ReactionAdded { message_id, emoji },
            ChangeKind::Unreact(emoji) => Self::ReactionRemoved { message_id, emoji },
        }
    }

    /// The room's settings from it on, if it is about them.
    pub const fn settings(&self) -> Option<RoomSettings> {
        match self {
            Self::RoomUpdated { settings } => Some(*settings),
            Self::Message { .. }
            | Self::MemberJoined {}
            | Self::MemberLeft {}
            | Self::MessageEdited { .. }
            | Self::MessageDeleted { .. }
            | Self::ReactionAdded { .. }
            | Self::ReactionRemoved { .. }
            | Self::MemberKicked { .. }
            | Self::MemberBanned { .. }
            | Self::MemberUnbanned { .. }
            | Self::MemberMuted { .. }
            | Self::MemberUnmuted { .. } => None,
        }
    }

    /// Whose membership ends by it, if `actor` causes it.
    pub const fn departed(&self, actor: UserId) -> Option<UserId> {
        match self {
            Self::MemberLeft {} => Some(actor),
            Self::MemberKicked { member } | Self::MemberBanned { member, .. } => Some(member.user_id),
            Self::Message { .. }
            | Self::MemberJoined {}
            | Self::MemberUnbanned { .. }
            | Self::MemberMuted { .. }
            | Self::MemberUnmuted { .. }
            | Self::MessageEdited { .. }
            | Self::MessageDeleted { .. }
            | Self::ReactionAdded { .. }
            | Self::ReactionRemoved { .. }
            | Self::RoomUpdated { .. } => None,
        }
    }

    /// Whose rights in the room are others after it, if `actor` causes it.
    pub const fn affected(&self, actor: UserId) -> Option<UserId> {
        match self {
            Self::MemberJoined {} | Self::MemberLeft {} => Some(actor),
            Self::MemberKicked { member }
            | Self::MemberBanned { member, .. }
            | Self::MemberUnbanned { member }
            | Self::MemberMuted { member, .. }
            | Self::MemberUnmuted { member } => Some(member.user_id),
            Self::Message { .. }
            | Self::MessageEdited { .. }
            | Self::MessageDeleted { .. }
            | Self::ReactionAdded { .. }
            | Self::ReactionRemoved { .. }
            | Self::RoomUpdated { .. } => None,
        }
    }
}

impl Event {
    /// A message; its id is derived, see [`MessageId::derive`].
    pub fn message(room: RoomId, sender: Sender, message: NewMessage) -> Self {
        let NewMessage { content, client_id, reply_to } = message;
        Self {
            v: EVENT_VERSION,
            id: MessageId::derive(room, sender.user_id, &client_id, &content),
            user_id: sender.user_id,
            username: sender.username,
            body: EventBody::Message { content, client_id, reply_to },
        }
    }

    /// Something done to a message; its id is derived, see [`MessageChange::event_id`].
    pub fn act(room: RoomId, sender: Sender, client_id: &ClientId, act: MessageChange) -> Self {
        Self {
            v: EVENT_VERSION,
            id: act.event_id(room, sender.user_id, client_id),
            user_id: sender.user_id,
            username: sender.username,
            body: EventBody::of_change(act, client_id),
        }
    }

    /// The event as the bus carries it.
    pub fn to_json(&self) -> String {
        // Strings, ids and numbers only: nothing in it can fail to serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A user as an event carries one: the sender, from a verified token, or the member that it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// Account.
    pub user_id: UserId,
    /// Name at the time of the event.
    pub username: String,
}

/// A checked text on its way into a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// The text; see [`crate::content`] for its bounds.
    pub content: String,
    /// The sender's name for it.
    pub client_id: ClientId,
    /// The message this one answers.
    pub reply_to: Option<MessageId>,
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

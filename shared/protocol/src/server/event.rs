//! Frames that tell of an event of a room's log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Message, ServerFrame, UserBrief};
use crate::clock::UnixMillis;
use crate::emoji::Emoji;
use crate::event::{
    Event, EventBody, MembershipChange, MessageChanged, NewMessage, RoomChange, RoomSettings, SequencedEvent,
};
use crate::id::{Epoch, MessageId, RoomId, Seq};
use crate::limits::CONTENT_CHARS_MAX;

/// An event of a room, as clients see it live and in history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventFrame {
    /// Somebody said something.
    NewMessage {
        /// The room.
        room: RoomId,
        /// Epoch of the number.
        epoch: Epoch,
        /// Number in the room.
        seq: Seq,
        /// The message.
        message: Message,
    },
    /// Somebody became a member.
    MemberJoined {
        /// The room.
        room: RoomId,
        /// Epoch of the number.
        epoch: Epoch,
        /// Number in the room.
        seq: Seq,
        /// Who.
        user: UserBrief,
        /// When.
        timestamp: UnixMillis,
    },
    /// Somebody is no longer a member.
    MemberLeft {
        /// The room.
        room: RoomId,
        /// Epoch of the number.
        epoch: Epoch,
        /// Number in the room.
        seq: Seq,
        /// Who.
        user: UserBrief,
        /// When.
        timestamp: UnixMillis,
    },
    /// The text of a message was changed.
    MessageEdited {
        /// The room.
        room: RoomId,
        /// Epoch of the number.
        epoch: Epoch,
        /// Number in the room.
        seq: Seq,
        /// The message.
        message_id: MessageId,
        /// Its new text; empty if it was deleted since.
        #[schemars(length(max = CONTENT_CHARS_MAX))]
        content: String,
        /// Who.
        user: UserBrief,
        /// When.
        timestamp: UnixMillis,
    },
    /// A message was deleted.
    MessageDeleted {
        /// The room.
        room: RoomId,
        /// Epoch of the number.
        epoch: Epoch,
        /// Number in the room.
        seq: Seq,
        /// The message.
        message_id: MessageId,
        /// Who.
        user: UserBrief,
        /// When.
        timestamp: UnixMillis,
    },
    /// Somebody reacted to a message.
    ReactionAdded {
        /// The room.
        room: RoomId,
        /// Epoch of the number.
        epoch: Epoch,
        /// Number in the room.
        seq: Seq,
        /// The message.
        message_id: MessageId,
        /// The reaction.
        emoji: Emoji,
        /// Who.
        user: UserBrief,
        /// When.
        timestamp: UnixMillis,
    },
    /// Somebody took a reaction back.
    ReactionRemoved {
        /// The room.
        room: RoomId,
        /// Epoch of the number.
        epoch: Epoch,
        /// Number in the room.
        seq: Seq,
        /// The message.
        message_id: MessageId,
        /// The reaction.
        emoji: Emoji,
        /// Who.
        user: UserBrief,
        /// When.
        timestamp: UnixMillis,
    },
    /// Somebody's membership was ended by another.
    MemberKicked {
        /// The room.
        room: RoomId,
        /// Epoch of the number.
        epoch: Epoch,
        /// Number in the room.
        seq: Seq,
        /// Who.
        user: UserBrief,
        /// By whom.
        by: UserBrief,
        /// When.
        timestamp: UnixMillis,
    },
    /// Somebody was banned.
    MemberBanned {
        /// The room.
        room: RoomId,
        /// Epoch of the number.
        epoch: Epoch,
        /// Number in the room.
        seq: Seq,
        /// Who.
        user: UserBrief,
        /// By whom.
        by: UserBrief,
        /// Until when; for good if not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<UnixMillis>,
        /// When.
        timestamp: UnixMillis,
    },
    /// Somebody's ban was lifted.
    MemberUnbanned {
        /// The room.
        room: RoomId,
        /// Epoch of the number.
        epoch: Epoch,
        /// Number in the room.
        seq: Seq,
        /// Who.
        user: UserBrief,
        /// By whom.
        by: UserBrief,
        /// When.
        timestamp: UnixMillis,
    },
    /// Somebody was muted.
    MemberMuted {
        /// The room.
        room: RoomId,
        /// Epoch of the number.
        epoch: Epoch,
        /// Number in the room.
        seq: Seq,
        /// Who.
        user: UserBrief,
        /// By whom.
        by: UserBrief,
        /// Until when; for good if not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<UnixMillis>,
        /// When.
        timestamp: UnixMillis,
    },
    /// Somebody's mute was lifted.
    MemberUnmuted {
        /// The room.
        room: RoomId,
        /// Epoch of the number.
        epoch: Epoch,
        /// Number in the room.
        seq: Seq,
        /// Who.
        user: UserBrief,
        /// By whom.
        by: UserBrief,
        /// When.
        timestamp: UnixMillis,
    },
    /// The settings of the room were changed.
    RoomUpdated {
        /// The room.
        room: RoomId,
        /// Epoch of the number.
        epoch: Epoch,
        /// Number in the room.
        seq: Seq,
        /// By whom.
        by: UserBrief,
        /// Milliseconds that a member must wait between two texts; 0 for none.
        slow_mode_ms: u64,
        /// Whether only those who keep order may say something.
        frozen: bool,
        /// When.
        timestamp: UnixMillis,
    },
}

/// What all events have: where they are, who caused them, and when.
struct Origin {
    room: RoomId,
    epoch: Epoch,
    seq: Seq,
    timestamp: UnixMillis,
    by: UserBrief,
}

impl From<SequencedEvent> for ServerFrame {
    fn from(event: SequencedEvent) -> Self {
        Self::Event(event.into())
    }
}

impl From<SequencedEvent> for EventFrame {
    fn from(sequenced: SequencedEvent) -> Self {
        let SequencedEvent { room, epoch, seq, timestamp, event } = sequenced;
        let Event { id, user_id, username, body, trace: _, v: _ } = event;
        let origin = Origin { room, epoch, seq, timestamp, by: UserBrief { user_id, username } };
        match body {
            EventBody::Message(message) => of_message(origin, id, message),
            EventBody::MessageChange(change) => of_message_change(origin, change),
            EventBody::Membership(change) => of_membership(origin, change),
            EventBody::Room(change) => of_room_change(origin, &change),
        }
    }
}

fn of_message(origin: Origin, message_id: MessageId, message: NewMessage) -> EventFrame {
    let Origin { room, epoch, seq, timestamp, by: UserBrief { user_id, username } } = origin;
    let NewMessage { content, client_id, reply_to } = message;
    let message = Message {
        message_id,
        user_id,
        username,
        content,
        timestamp,
        client_id,
        reply_to,
        attachments: Vec::new(),
        edited_at: None,
        deleted: false,
        reactions: Vec::new(),
    };
    EventFrame::NewMessage { room, epoch, seq, message }
}

fn of_message_change(origin: Origin, change: MessageChanged) -> EventFrame {
    let Origin { room, epoch, seq, timestamp, by: user } = origin;
    match change {
        MessageChanged::Edited { message_id, content, client_id: _ } => {
            EventFrame::MessageEdited { room, epoch, seq, message_id, content, user, timestamp }
        }
        MessageChanged::Deleted { message_id } => {
            EventFrame::MessageDeleted { room, epoch, seq, message_id, user, timestamp }
        }
        MessageChanged::ReactionAdded { message_id, emoji } => {
            EventFrame::ReactionAdded { room, epoch, seq, message_id, emoji, user, timestamp }
        }
        MessageChanged::ReactionRemoved { message_id, emoji } => {
            EventFrame::ReactionRemoved { room, epoch, seq, message_id, emoji, user, timestamp }
        }
    }
}

fn of_membership(origin: Origin, change: MembershipChange) -> EventFrame {
    let Origin { room, epoch, seq, timestamp, by } = origin;
    match change {
        MembershipChange::Joined {} => EventFrame::MemberJoined { room, epoch, seq, user: by, timestamp },
        MembershipChange::Left {} => EventFrame::MemberLeft { room, epoch, seq, user: by, timestamp },
        MembershipChange::Kicked { member } => {
            EventFrame::MemberKicked { room, epoch, seq, user: member.into(), by, timestamp }
        }
        MembershipChange::Banned { member, until } => {
            EventFrame::MemberBanned { room, epoch, seq, user: member.into(), by, until, timestamp }
        }
        MembershipChange::Unbanned { member } => {
            EventFrame::MemberUnbanned { room, epoch, seq, user: member.into(), by, timestamp }
        }
        MembershipChange::Muted { member, until } => {
            EventFrame::MemberMuted { room, epoch, seq, user: member.into(), by, until, timestamp }
        }
        MembershipChange::Unmuted { member } => {
            EventFrame::MemberUnmuted { room, epoch, seq, user: member.into(), by, timestamp }
        }
    }
}

fn of_room_change(origin: Origin, change: &RoomChange) -> EventFrame {
    let Origin { room, epoch, seq, timestamp, by } = origin;
    match change {
        RoomChange::Updated { settings } => {
            let RoomSettings { slow_mode_ms, frozen, version: _ } = *settings;
            EventFrame::RoomUpdated { room, epoch, seq, by, slow_mode_ms, frozen, timestamp }
        }
    }
}

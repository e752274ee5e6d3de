//! Frames that carry an event of a room.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Message, ServerFrame, UserBrief};
use crate::access::RoomRole;
use crate::clock::UnixMillis;
use crate::emoji::Emoji;
use crate::event::{
    DeletionReason, Event, EventBody, MembershipChange, MessageChanged, NewMessage, RoomChange, RoomSettings,
    SequencedEvent,
};
use crate::id::{Epoch, MessageId, RoomId, Seq, UserId};
use crate::limits::CONTENT_CHARS_MAX;
use crate::room_changes::RoomChanges;

/// An event of a room, as clients see it live and in history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventFrame {
    /// A message was sent.
    NewMessage {
        /// Id of the room.
        room: RoomId,
        /// Epoch of `seq`.
        epoch: Epoch,
        /// Number of the event in the room and epoch.
        seq: Seq,
        /// The message that was sent.
        message: Message,
    },
    /// A user became a member.
    MemberJoined {
        /// Id of the room.
        room: RoomId,
        /// Epoch of `seq`.
        epoch: Epoch,
        /// Number of the event in the room and epoch.
        seq: Seq,
        /// The user who joined.
        user: UserBrief,
        /// The user who added the member; absent if the member joined alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<UserBrief>,
        /// Time of the event.
        timestamp: UnixMillis,
    },
    /// A member left the room.
    MemberLeft {
        /// Id of the room.
        room: RoomId,
        /// Epoch of `seq`.
        epoch: Epoch,
        /// Number of the event in the room and epoch.
        seq: Seq,
        /// The user who left.
        user: UserBrief,
        /// Time of the event.
        timestamp: UnixMillis,
    },
    /// The text of a message was changed.
    MessageEdited {
        /// Id of the room.
        room: RoomId,
        /// Epoch of `seq`.
        epoch: Epoch,
        /// Number of the event in the room and epoch.
        seq: Seq,
        /// Id of the message.
        message_id: MessageId,
        /// New text; empty if the message has been deleted since.
        #[schemars(length(max = CONTENT_CHARS_MAX))]
        content: String,
        /// The user who edited it.
        user: UserBrief,
        /// Time of the event.
        timestamp: UnixMillis,
    },
    /// A message was deleted.
    MessageDeleted {
        /// Id of the room.
        room: RoomId,
        /// Epoch of `seq`.
        epoch: Epoch,
        /// Number of the event in the room and epoch.
        seq: Seq,
        /// Id of the message.
        message_id: MessageId,
        /// The user who deleted it.
        user: UserBrief,
        /// Time of the event.
        timestamp: UnixMillis,
    },
    /// A user reacted to a message.
    ReactionAdded {
        /// Id of the room.
        room: RoomId,
        /// Epoch of `seq`.
        epoch: Epoch,
        /// Number of the event in the room and epoch.
        seq: Seq,
        /// Id of the message.
        message_id: MessageId,
        /// Emoji of the reaction.
        emoji: Emoji,
        /// The user who reacted.
        user: UserBrief,
        /// Time of the event.
        timestamp: UnixMillis,
    },
    /// A user removed a reaction.
    ReactionRemoved {
        /// Id of the room.
        room: RoomId,
        /// Epoch of `seq`.
        epoch: Epoch,
        /// Number of the event in the room and epoch.
        seq: Seq,
        /// Id of the message.
        message_id: MessageId,
        /// Emoji of the reaction.
        emoji: Emoji,
        /// The user who removed the reaction.
        user: UserBrief,
        /// Time of the event.
        timestamp: UnixMillis,
    },
    /// A member was removed from the room by a moderator.
    MemberKicked {
        /// Id of the room.
        room: RoomId,
        /// Epoch of `seq`.
        epoch: Epoch,
        /// Number of the event in the room and epoch.
        seq: Seq,
        /// The member who was kicked.
        user: UserBrief,
        /// The user who kicked the member.
        by: UserBrief,
        /// Time of the event.
        timestamp: UnixMillis,
    },
    /// A user was banned from the room.
    MemberBanned {
        /// Id of the room.
        room: RoomId,
        /// Epoch of `seq`.
        epoch: Epoch,
        /// Number of the event in the room and epoch.
        seq: Seq,
        /// The user who was banned.
        user: UserBrief,
        /// The user who banned the user.
        by: UserBrief,
        /// End of the ban; absent if it has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<UnixMillis>,
        /// Time of the event.
        timestamp: UnixMillis,
    },
    /// A user's ban was lifted.
    MemberUnbanned {
        /// Id of the room.
        room: RoomId,
        /// Epoch of `seq`.
        epoch: Epoch,
        /// Number of the event in the room and epoch.
        seq: Seq,
        /// The user whose ban was lifted.
        user: UserBrief,
        /// The user who lifted the ban.
        by: UserBrief,
        /// Time of the event.
        timestamp: UnixMillis,
    },
    /// A user was muted in the room.
    MemberMuted {
        /// Id of the room.
        room: RoomId,
        /// Epoch of `seq`.
        epoch: Epoch,
        /// Number of the event in the room and epoch.
        seq: Seq,
        /// The user who was muted.
        user: UserBrief,
        /// The user who muted the user.
        by: UserBrief,
        /// End of the mute; absent if it has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<UnixMillis>,
        /// Time of the event.
        timestamp: UnixMillis,
    },
    /// A user's mute was lifted.
    MemberUnmuted {
        /// Id of the room.
        room: RoomId,
        /// Epoch of `seq`.
        epoch: Epoch,
        /// Number of the event in the room and epoch.
        seq: Seq,
        /// The user whose mute was lifted.
        user: UserBrief,
        /// The user who lifted the mute.
        by: UserBrief,
        /// Time of the event.
        timestamp: UnixMillis,
    },
    /// The settings of the room were changed.
    RoomUpdated {
        /// Id of the room.
        room: RoomId,
        /// Epoch of `seq`.
        epoch: Epoch,
        /// Number of the event in the room and epoch.
        seq: Seq,
        /// The user who changed the settings.
        by: UserBrief,
        /// Slow mode: milliseconds that a member must wait between two messages or edits; 0 if it is off.
        slow_mode_ms: u64,
        /// Whether only owner, moderators and admins may send messages.
        frozen: bool,
        /// What is different now; absent in events of older releases.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        changed: Option<Box<RoomChanges>>,
        /// Time of the event.
        timestamp: UnixMillis,
    },
    /// The room was deleted. No event follows.
    RoomDeleted {
        /// Id of the room.
        room: RoomId,
        /// Epoch of `seq`.
        epoch: Epoch,
        /// Number of the event in the room and epoch.
        seq: Seq,
        /// The user who deleted the room, or whose room it was.
        by: UserBrief,
        /// Whether the room was deleted, or its time was over.
        reason: DeletionReason,
        /// Time of the event.
        timestamp: UnixMillis,
    },
    /// The room has another owner.
    OwnerChanged {
        /// Id of the room.
        room: RoomId,
        /// Epoch of `seq`.
        epoch: Epoch,
        /// Number of the event in the room and epoch.
        seq: Seq,
        /// The owner from now on.
        user: UserBrief,
        /// The user who decided it.
        by: UserBrief,
        /// The owner before, who is a moderator now; absent if the room had none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<UserId>,
        /// Time of the event.
        timestamp: UnixMillis,
    },
    /// A member has another role.
    MemberRoleChanged {
        /// Id of the room.
        room: RoomId,
        /// Epoch of `seq`.
        epoch: Epoch,
        /// Number of the event in the room and epoch.
        seq: Seq,
        /// The member.
        user: UserBrief,
        /// The role from now on.
        role: RoomRole,
        /// The user who decided it.
        by: UserBrief,
        /// Time of the event.
        timestamp: UnixMillis,
    },
    /// A message was pinned to the room.
    MessagePinned {
        /// Id of the room.
        room: RoomId,
        /// Epoch of `seq`.
        epoch: Epoch,
        /// Number of the event in the room and epoch.
        seq: Seq,
        /// Id of the message.
        message_id: MessageId,
        /// The user who pinned it.
        user: UserBrief,
        /// Time of the event.
        timestamp: UnixMillis,
    },
    /// A message is no longer pinned to the room.
    MessageUnpinned {
        /// Id of the room.
        room: RoomId,
        /// Epoch of `seq`.
        epoch: Epoch,
        /// Number of the event in the room and epoch.
        seq: Seq,
        /// Id of the message.
        message_id: MessageId,
        /// The user who took the pin away.
        user: UserBrief,
        /// Time of the event.
        timestamp: UnixMillis,
    },
    /// The messages that a user sent to the room in a span of time were removed.
    MessagesPurged {
        /// Id of the room.
        room: RoomId,
        /// Epoch of `seq`.
        epoch: Epoch,
        /// Number of the event in the room and epoch.
        seq: Seq,
        /// The author of the messages.
        user: UserBrief,
        /// The user who removed them.
        by: UserBrief,
        /// Messages from this time on; from the first one if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<UnixMillis>,
        /// Messages up to this time.
        to: UnixMillis,
        /// Time of the event.
        timestamp: UnixMillis,
    },
    /// Something that only later releases know: its number counts.
    #[serde(untagged, skip_deserializing)]
    #[schemars(skip)]
    Unknown(UnknownFrame),
}

/// An event of a kind that this release does not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnknownFrame {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// Id of the room.
    pub room: RoomId,
    /// Epoch of `seq`.
    pub epoch: Epoch,
    /// Number of the event in the room and epoch.
    pub seq: Seq,
    /// Time of the event.
    pub timestamp: UnixMillis,
}

/// What all events have: position, author and time.
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
            EventBody::Room(change) => of_room_change(origin, change),
            EventBody::Unknown(event) => {
                let Origin { room, epoch, seq, timestamp, by: _ } = origin;
                Self::Unknown(UnknownFrame { kind: event.kind, room, epoch, seq, timestamp })
            }
        }
    }
}

fn of_message(origin: Origin, message_id: MessageId, message: NewMessage) -> EventFrame {
    let Origin { room, epoch, seq, timestamp, by: UserBrief { user_id, username } } = origin;
    let NewMessage { content, client_id, reply_to, attachments } = message;
    let message = Message {
        message_id,
        user_id,
        username,
        content,
        timestamp,
        client_id,
        reply_to,
        attachments,
        edited_at: None,
        deleted: false,
        reactions: Vec::new(),
        replies: None,
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
        MessageChanged::Pinned { message_id } => {
            EventFrame::MessagePinned { room, epoch, seq, message_id, user, timestamp }
        }
        MessageChanged::Unpinned { message_id } => {
            EventFrame::MessageUnpinned { room, epoch, seq, message_id, user, timestamp }
        }
    }
}

fn of_membership(origin: Origin, change: MembershipChange) -> EventFrame {
    let Origin { room, epoch, seq, timestamp, by } = origin;
    match change {
        MembershipChange::Joined {} => EventFrame::MemberJoined { room, epoch, seq, user: by, by: None, timestamp },
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
        MembershipChange::Added { member } => {
            EventFrame::MemberJoined { room, epoch, seq, user: member.into(), by: Some(by), timestamp }
        }
        MembershipChange::RoleChanged { member, role } => {
            EventFrame::MemberRoleChanged { room, epoch, seq, user: member.into(), role, by, timestamp }
        }
        MembershipChange::OwnerChanged { member, previous } => {
            EventFrame::OwnerChanged { room, epoch, seq, user: member.into(), by, previous, timestamp }
        }
        MembershipChange::MessagesPurged { member, from, to } => {
            EventFrame::MessagesPurged { room, epoch, seq, user: member.into(), by, from, to, timestamp }
        }
    }
}

fn of_room_change(origin: Origin, change: RoomChange) -> EventFrame {
    let Origin { room, epoch, seq, timestamp, by } = origin;
    match change {
        RoomChange::Updated { settings, changed } => {
            // What came later is told in `changed` only.
            let RoomSettings { slow_mode_ms, frozen, version: _, posting: _, archived: _ } = settings;
            EventFrame::RoomUpdated { room, epoch, seq, by, slow_mode_ms, frozen, changed, timestamp }
        }
        RoomChange::Deleted { reason } => EventFrame::RoomDeleted { room, epoch, seq, by, reason, timestamp },
    }
}

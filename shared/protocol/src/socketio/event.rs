//! Events to the client.

use schemars::JsonSchema;
use serde::Serialize;

use super::acknowledgement::{Failure, Survived};
use crate::attachment::Attachment;
use crate::clock::UnixMillis;
use crate::emoji::Emoji;
use crate::id::{ClientId, Epoch, MessageId, RoomId, Seq, UserId};
use crate::presence::{PresenceView, StatusText, VisibleStatus};
use crate::server::{EventFrame, Message, ServerFrame, UserBrief};
use crate::unread::ReadState;

/// An event to the client: its name is the name of the variant, its one argument the variant's fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(
    tag = "event",
    content = "payload",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Event {
    /// A message in a room.
    NewMessage {
        /// The room.
        chatroom_id: RoomId,
        /// Id of the message.
        message_id: MessageId,
        /// Its author.
        user_id: UserId,
        /// The name its author had then.
        username: String,
        /// The text.
        message: String,
        /// When it was accepted.
        timestamp: UnixMillis,
        /// Epoch of its number.
        epoch: Epoch,
        /// Its number in the room.
        seq: Seq,
        /// The author's name for it.
        client_id: ClientId,
        /// The message it answers.
        #[serde(skip_serializing_if = "Option::is_none")]
        reply_to: Option<MessageId>,
        /// Its files.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        attachments: Vec<Attachment>,
    },
    /// Somebody became a member of a room.
    UserJoined {
        /// The room.
        chatroom_id: RoomId,
        /// The user.
        user_id: UserId,
        /// The user's name.
        username: String,
        /// Who added the user, if somebody did.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
        /// When.
        timestamp: UnixMillis,
        /// Epoch of the number.
        epoch: Epoch,
        /// Number in the room.
        seq: Seq,
    },
    /// Somebody is no longer a member of a room.
    UserLeft {
        /// The room.
        chatroom_id: RoomId,
        /// The user.
        user_id: UserId,
        /// The user's name.
        username: String,
        /// How it came to that.
        reason: LeaveReason,
        /// Who removed or banned the user, if somebody did.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
        /// When.
        timestamp: UnixMillis,
        /// Epoch of the number.
        epoch: Epoch,
        /// Number in the room.
        seq: Seq,
    },
    /// The text of a message was changed.
    MessageEdited {
        /// The room.
        chatroom_id: RoomId,
        /// The message.
        message_id: MessageId,
        /// Its new text; empty if it was deleted since.
        message: String,
        /// Who changed it.
        user_id: UserId,
        /// Name of who changed it.
        username: String,
        /// When.
        timestamp: UnixMillis,
        /// Epoch of the number.
        epoch: Epoch,
        /// Number in the room.
        seq: Seq,
    },
    /// A message was deleted.
    MessageDeleted {
        /// The room.
        chatroom_id: RoomId,
        /// The message.
        message_id: MessageId,
        /// Who deleted it.
        user_id: UserId,
        /// Name of who deleted it.
        username: String,
        /// When.
        timestamp: UnixMillis,
        /// Epoch of the number.
        epoch: Epoch,
        /// Number in the room.
        seq: Seq,
    },
    /// Somebody reacted to a message, or took a reaction back.
    Reaction {
        /// The room.
        chatroom_id: RoomId,
        /// The message.
        message_id: MessageId,
        /// The reaction.
        emoji: Emoji,
        /// Whether it was added; else it was taken back.
        added: bool,
        /// The user.
        user_id: UserId,
        /// The user's name.
        username: String,
        /// When.
        timestamp: UnixMillis,
        /// Epoch of the number.
        epoch: Epoch,
        /// Number in the room.
        seq: Seq,
    },
    /// Somebody is typing.
    Typing {
        /// The room.
        chatroom_id: RoomId,
        /// The user.
        user_id: UserId,
        /// The user's name.
        username: String,
    },
    /// The user has read on, on this device or another one.
    Read {
        /// The room.
        chatroom_id: RoomId,
        /// Epoch of the read mark.
        epoch: Epoch,
        /// Number of the last event that was read.
        seq: Seq,
        /// Messages of others after it.
        unread: u64,
        /// Those of them that mention the user.
        mentions: u64,
    },
    /// A watched user came, went, or has another status.
    Presence {
        /// The user.
        user_id: UserId,
        /// The visible status.
        status: VisibleStatus,
        /// The status in the user's own words.
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<StatusText>,
        /// When an offline user was last online, if that is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        last_seen: Option<UnixMillis>,
    },
    /// Events of a live room that could not be delivered: page them from history.
    RoomGap {
        /// The room.
        chatroom_id: RoomId,
        /// Epoch of the numbers.
        epoch: Epoch,
        /// First missing number.
        from: Seq,
        /// Last missing number.
        to: Seq,
    },
    /// The numbers of a room go on in another epoch: send again what was not acknowledged.
    RoomReset {
        /// The room.
        chatroom_id: RoomId,
        /// The new epoch.
        epoch: Epoch,
        /// The number after which events follow.
        seq: Seq,
        /// The last stored place of the epoch before: what the client has up to there stays, what lies behind it is lost.
        /// If absent, read history again.
        #[serde(skip_serializing_if = "Option::is_none")]
        survived: Option<Survived>,
    },
    /// A request was refused for which no acknowledgement was asked.
    Error(Failure),
    /// The server is stopping: connect again after so many milliseconds.
    ReconnectSoon {
        /// Milliseconds to wait.
        after_ms: u64,
    },
    /// A frame of the protocol that has no event of its own.
    Frame(Box<ServerFrame>),
}

/// Who did something to somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// The user.
    pub user_id: UserId,
    /// The user's name.
    pub username: String,
}

/// How a membership ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LeaveReason {
    /// The user left.
    Left,
    /// The user was removed.
    Kicked,
    /// The user was banned.
    Banned,
}

impl From<&ServerFrame> for Event {
    fn from(frame: &ServerFrame) -> Self {
        match frame {
            ServerFrame::Event(event) => Self::from(event),
            ServerFrame::Typing { room, user } => {
                let UserBrief { user_id, username } = user.clone();
                Self::Typing { chatroom_id: *room, user_id, username }
            }
            ServerFrame::Read { room, state } => {
                let ReadState { epoch, seq, unread, mentions, .. } = *state;
                Self::Read { chatroom_id: *room, epoch, seq, unread, mentions }
            }
            ServerFrame::Presence(view) => {
                let PresenceView { user_id, status, text, last_seen } = view.clone();
                Self::Presence { user_id, status, text, last_seen }
            }
            ServerFrame::Gap { room, epoch, from, to } => {
                Self::RoomGap { chatroom_id: *room, epoch: *epoch, from: *from, to: *to }
            }
            ServerFrame::Reset { room, epoch, head, survived } => {
                let survived = survived.map(Survived::from);
                Self::RoomReset { chatroom_id: *room, epoch: *epoch, seq: *head, survived }
            }
            ServerFrame::Error(error) => Self::Error(error.into()),
            ServerFrame::Reconnect { after_ms } => Self::ReconnectSoon { after_ms: *after_ms },
            ServerFrame::Hello { .. }
            | ServerFrame::Subscribed { .. }
            | ServerFrame::Unsubscribed { .. }
            | ServerFrame::CaughtUp { .. }
            | ServerFrame::Ack { .. }
            | ServerFrame::Pong {}
            | ServerFrame::Heads { .. }
            | ServerFrame::TokenExpiring { .. }
            | ServerFrame::Watching { .. }
            | ServerFrame::RoomPresence { .. }
            | ServerFrame::ReadBy { .. }
            | ServerFrame::User(_) => Self::Frame(Box::new(frame.clone())),
        }
    }
}

impl From<&EventFrame> for Event {
    fn from(event: &EventFrame) -> Self {
        match event.clone() {
            EventFrame::NewMessage { room, epoch, seq, message } => {
                let Message { message_id, user_id, username, content, timestamp, client_id, .. } = message;
                let (reply_to, attachments) = (message.reply_to, message.attachments);
                Self::NewMessage {
                    chatroom_id: room,
                    message_id,
                    user_id,
                    username,
                    message: content,
                    timestamp,
                    epoch,
                    seq,
                    client_id,
                    reply_to,
                    attachments,
                }
            }
            EventFrame::MemberJoined { room, epoch, seq, user: UserBrief { user_id, username }, by, timestamp } => {
                let by = by.map(Actor::from);
                Self::UserJoined { chatroom_id: room, user_id, username, by, timestamp, epoch, seq }
            }
            EventFrame::MemberLeft { room, epoch, seq, user, timestamp } => {
                left((LeaveReason::Left, None), (room, epoch, seq), user, timestamp)
            }
            EventFrame::MemberKicked { room, epoch, seq, user, by, timestamp } => {
                left((LeaveReason::Kicked, Some(by)), (room, epoch, seq), user, timestamp)
            }
            EventFrame::MemberBanned { room, epoch, seq, user, by, until: _, timestamp } => {
                left((LeaveReason::Banned, Some(by)), (room, epoch, seq), user, timestamp)
            }
            EventFrame::MessageEdited { room, epoch, seq, message_id, content, user, timestamp } => {
                let UserBrief { user_id, username } = user;
                let (chatroom_id, message) = (room, content);
                Self::MessageEdited { chatroom_id, message_id, message, user_id, username, timestamp, epoch, seq }
            }
            EventFrame::MessageDeleted { room, epoch, seq, message_id, user, timestamp } => {
                let UserBrief { user_id, username } = user;
                Self::MessageDeleted { chatroom_id: room, message_id, user_id, username, timestamp, epoch, seq }
            }
            EventFrame::ReactionAdded { room, epoch, seq, message_id, emoji, user, timestamp } => {
                reaction((room, epoch, seq), (message_id, emoji, true), user, timestamp)
            }
            EventFrame::ReactionRemoved { room, epoch, seq, message_id, emoji, user, timestamp } => {
                reaction((room, epoch, seq), (message_id, emoji, false), user, timestamp)
            }
            EventFrame::MemberUnbanned { .. }
            | EventFrame::MemberMuted { .. }
            | EventFrame::MemberUnmuted { .. }
            | EventFrame::RoomUpdated { .. }
            | EventFrame::RoomDeleted { .. }
            | EventFrame::OwnerChanged { .. }
            | EventFrame::MemberRoleChanged { .. }
            | EventFrame::MessagePinned { .. }
            | EventFrame::MessageUnpinned { .. }
            | EventFrame::MessagesPurged { .. }
            | EventFrame::Unknown(_) => Self::Frame(Box::new(ServerFrame::Event(event.clone()))),
        }
    }
}

fn left(
    (reason, by): (LeaveReason, Option<UserBrief>),
    (room, epoch, seq): (RoomId, Epoch, Seq),
    user: UserBrief,
    timestamp: UnixMillis,
) -> Event {
    let (UserBrief { user_id, username }, by) = (user, by.map(Actor::from));
    Event::UserLeft { chatroom_id: room, user_id, username, reason, by, timestamp, epoch, seq }
}

fn reaction(
    (room, epoch, seq): (RoomId, Epoch, Seq),
    (message_id, emoji, added): (MessageId, Emoji, bool),
    user: UserBrief,
    timestamp: UnixMillis,
) -> Event {
    let UserBrief { user_id, username } = user;
    Event::Reaction { chatroom_id: room, message_id, emoji, added, user_id, username, timestamp, epoch, seq }
}

impl From<UserBrief> for Actor {
    fn from(user: UserBrief) -> Self {
        let UserBrief { user_id, username } = user;
        Self { user_id, username }
    }
}

impl Event {
    /// The event as Socket.IO writes one: a JSON array of its name and its payload.
    pub fn to_json(&self) -> String {
        // Adjacent tagging gives name and payload; what is left is their form. Nothing in it can fail to serialise.
        #[derive(serde::Deserialize)]
        struct Tagged<'a> {
            event: &'a str,
            #[serde(borrow)]
            payload: &'a serde_json::value::RawValue,
        }
        let text = serde_json::to_string(self).unwrap_or_default();
        match serde_json::from_str(&text) {
            Ok(Tagged { event, payload }) => format!("[\"{event}\",{payload}]"),
            Err(_) => String::new(),
        }
    }
}

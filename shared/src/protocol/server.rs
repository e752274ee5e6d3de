//! Frames to the client.

use serde::{Deserialize, Serialize};

use crate::act::Emoji;
use crate::clock::UnixMillis;
use crate::event::{Event, EventBody, SequencedEvent};
use crate::id::{ClientId, Epoch, MessageId, RoomId, RoomRef, Seq, SessionId, Slug, UserId};
pub use crate::protocol::ack_mode::AckMode;
use crate::protocol::client::Rejected;
use crate::protocol::error_code::ErrorCode;

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The connection is authenticated.
    Hello {
        /// Login session of the token.
        session: SessionId,
        /// Whose connection it is.
        user: UserBrief,
        /// Milliseconds between the server's pings.
        heartbeat_ms: u64,
        /// Bounds a client should respect.
        limits: Limits,
        /// What an `ack` will say.
        #[serde(default)]
        ack: AckMode,
    },
    /// A room is live on this connection.
    Subscribed {
        /// The room.
        room: RoomId,
        /// Its readable address, if it has one.
        slug: Option<Slug>,
        /// Its name.
        name: String,
        /// Current epoch.
        epoch: Epoch,
        /// Number of the newest event.
        head: Seq,
        /// Number up to which the store has everything.
        stored: Seq,
        /// What the user is here.
        you: You,
    },
    /// A room is no longer live on this connection.
    Unsubscribed {
        /// The room.
        room: RoomId,
    },
    /// Everything up to `seq` has been sent; what follows is live.
    CaughtUp {
        /// The room.
        room: RoomId,
        /// Number of the last event sent.
        seq: Seq,
    },
    /// Events `from` to `to` are too many or too old to replay: page them from history.
    Gap {
        /// The room.
        room: RoomId,
        /// First missing number.
        from: Seq,
        /// Last missing number.
        to: Seq,
    },
    /// The numbers begin anew under another epoch: read history again, re-send what has no ack.
    Reset {
        /// The room.
        room: RoomId,
        /// The epoch that holds from now on.
        epoch: Epoch,
        /// Number of the newest event in it.
        head: Seq,
    },
    /// The message is stored; it can be dropped from the client's outbox.
    Ack {
        /// The client's name for it.
        client_id: ClientId,
        /// The room.
        room: RoomId,
        /// Its id.
        message_id: MessageId,
        /// Epoch of its number.
        epoch: Epoch,
        /// Its number.
        seq: Seq,
        /// When it was accepted.
        timestamp: UnixMillis,
    },
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
    /// A frame was refused. The connection stays open.
    Error(ErrorFrame),
    /// Answer to `ping`.
    Pong {},
    /// This node is stopping: connect again after so many milliseconds.
    Reconnect {
        /// Milliseconds to wait.
        after_ms: u64,
    },
    /// A message says something else now.
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
        content: String,
        /// Who.
        user: UserBrief,
        /// When.
        timestamp: UnixMillis,
    },
    /// A message is gone.
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
    /// Where rooms stand that the client asked for; those it may not read, or knows the newest event of, are left out.
    Heads {
        /// In the order asked.
        rooms: Vec<RoomHead>,
    },
}

/// Where one room stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomHead {
    /// The room.
    pub room: RoomId,
    /// Current epoch.
    pub epoch: Epoch,
    /// Number of the newest event.
    pub seq: Seq,
}

/// Id and name of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserBrief {
    /// Account.
    pub user_id: UserId,
    /// Name.
    pub username: String,
}

/// What the user of the connection is in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct You {
    /// Role in the room.
    pub role: crate::access::RoomRole,
}

/// The bounds announced in `hello`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of one frame.
    pub frame_bytes: usize,
    /// Characters of one message text.
    pub content_chars: usize,
    /// Bytes of one message text.
    pub content_bytes: usize,
    /// Live rooms of one connection.
    pub rooms: usize,
    /// Missed events that a resume replays.
    pub resume_events: u64,
}

/// A message as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub message_id: MessageId,
    /// Who said it.
    pub user_id: UserId,
    /// The name that user had then.
    pub username: String,
    /// The text.
    pub content: String,
    /// When it was accepted.
    pub timestamp: UnixMillis,
    /// The sender's name for it.
    pub client_id: ClientId,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// Attached files; always empty for now.
    pub attachments: Vec<String>,
    /// When its text was changed last; only in history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<UnixMillis>,
    /// Whether it is deleted; its text is then empty. Only in history.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// Who reacted how; only in history.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
}

/// One reaction to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// The reaction.
    pub emoji: Emoji,
    /// Whose it is, in the order of reacting.
    pub user_ids: Vec<UserId>,
}

/// The fields of an `error` frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorFrame {
    /// For programs.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
    /// The field at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The message it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// The room it is about, as the client named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomRef>,
    /// When to try again, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl ErrorFrame {
    /// An error with its standard sentence and nothing else.
    pub fn new(code: ErrorCode) -> Self {
        Self {
            code,
            message: code.message().to_owned(),
            field: None,
            client_id: None,
            room: None,
            retry_after_ms: None,
        }
    }
}

impl From<Rejected> for ErrorFrame {
    fn from(rejected: Rejected) -> Self {
        let Rejected { code, field, detail, client_id } = rejected;
        Self { message: detail, field, client_id, ..Self::new(code) }
    }
}

impl From<SequencedEvent> for ServerFrame {
    fn from(sequenced: SequencedEvent) -> Self {
        let SequencedEvent { room, epoch, seq, timestamp, event } = sequenced;
        let Event { id, user_id, username, body, v: _ } = event;
        match body {
            EventBody::Message { content, client_id, reply_to } => {
                let message = Message {
                    message_id: id,
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
                Self::NewMessage { room, epoch, seq, message }
            }
            EventBody::MemberJoined {} => {
                Self::MemberJoined { room, epoch, seq, user: UserBrief { user_id, username }, timestamp }
            }
            EventBody::MemberLeft {} => {
                Self::MemberLeft { room, epoch, seq, user: UserBrief { user_id, username }, timestamp }
            }
            EventBody::MessageEdited { message_id, content, client_id: _ } => {
                let user = UserBrief { user_id, username };
                Self::MessageEdited { room, epoch, seq, message_id, content, user, timestamp }
            }
            EventBody::MessageDeleted { message_id } => {
                let user = UserBrief { user_id, username };
                Self::MessageDeleted { room, epoch, seq, message_id, user, timestamp }
            }
            EventBody::ReactionAdded { message_id, emoji } => {
                let user = UserBrief { user_id, username };
                Self::ReactionAdded { room, epoch, seq, message_id, emoji, user, timestamp }
            }
            EventBody::ReactionRemoved { message_id, emoji } => {
                let user = UserBrief { user_id, username };
                Self::ReactionRemoved { room, epoch, seq, message_id, emoji, user, timestamp }
            }
        }
    }
}

impl ServerFrame {
    /// The frame as JSON text.
    pub fn to_json(&self) -> String {
        // Strings, ids and numbers only: nothing in it can fail to serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

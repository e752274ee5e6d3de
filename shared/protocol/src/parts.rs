//! What server frames are made of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::client::Rejected;
use crate::clock::UnixMillis;
use crate::emoji::Emoji;
use crate::error_code::ErrorCode;
use crate::event::Sender;
use crate::id::{ClientId, Epoch, MessageId, RoomId, RoomRef, Seq, UserId};
use crate::limits::{CONTENT_CHARS_MAX, REACTION_USERS_MAX};

/// Where one room stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomHead {
    /// The room.
    pub room: RoomId,
    /// Current epoch.
    pub epoch: Epoch,
    /// Number of the newest event.
    pub seq: Seq,
}

/// Id and name of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserBrief {
    /// Account.
    pub user_id: UserId,
    /// Name.
    pub username: String,
}

/// What the user of the connection is in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct You {
    /// Role in the room.
    pub role: crate::access::RoomRole,
    /// What is unread there; left out for who resumes, and where it could not be found out in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<crate::unread::ReadState>,
}

/// The bounds announced in `hello`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// Its id.
    pub message_id: MessageId,
    /// Who said it.
    pub user_id: UserId,
    /// The name that user had then.
    pub username: String,
    /// The text; empty if it is deleted.
    #[schemars(length(max = CONTENT_CHARS_MAX))]
    pub content: String,
    /// When it was accepted.
    pub timestamp: UnixMillis,
    /// The sender's name for it.
    pub client_id: ClientId,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// Always empty: messages carry no files.
    #[schemars(length(max = 0))]
    pub attachments: Vec<String>,
    /// When its text was changed last; only in history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<UnixMillis>,
    /// Whether it is deleted; its text is then empty. Only in history.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("const" = true))]
    pub deleted: bool,
    /// Who reacted how; only in history.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
}

/// One reaction to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reaction {
    /// The reaction.
    pub emoji: Emoji,
    /// How many users' it is.
    pub count: u64,
    /// Whose it is, in the order of reacting; the first ones if they are many.
    #[schemars(length(max = REACTION_USERS_MAX))]
    pub user_ids: Vec<UserId>,
    /// Whether it is the reader's, where there are more users than are named.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("const" = true))]
    pub mine: bool,
}

/// The fields of an `error` frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

impl From<Sender> for UserBrief {
    fn from(sender: Sender) -> Self {
        let Sender { user_id, username } = sender;
        Self { user_id, username }
    }
}

//! Parts of server frames.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attachment::Attachment;
use crate::client::Rejected;
use crate::clock::UnixMillis;
use crate::emoji::Emoji;
use crate::error_code::ErrorCode;
use crate::event::Sender;
use crate::id::{ClientId, Epoch, MessageId, RoomId, RoomRef, Seq, UserId};
use crate::limits::{ATTACHMENTS_MAX, CONTENT_CHARS_MAX, REACTION_USERS_MAX, REPLIERS_SHOWN_MAX};

/// Newest position of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomHead {
    /// Id of the room.
    pub room: RoomId,
    /// Current epoch of the room.
    pub epoch: Epoch,
    /// Number of the newest event in the room.
    pub seq: Seq,
}

/// Id and name of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserBrief {
    /// Id of the user.
    pub user_id: UserId,
    /// Name of the user.
    pub username: String,
}

/// The user's role and read state in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct You {
    /// Role in the room.
    pub role: crate::access::RoomRole,
    /// Read state of the room; absent on a resume, and where it could not be determined in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<crate::unread::ReadState>,
}

/// Limits announced in `hello`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// Maximum size of a frame in bytes.
    pub frame_bytes: usize,
    /// Maximum length of a message text in characters.
    pub content_chars: usize,
    /// Maximum size of a message text in bytes.
    pub content_bytes: usize,
    /// Maximum number of subscribed rooms of a connection.
    pub rooms: usize,
    /// Maximum number of missed events that a resume replays.
    pub resume_events: u64,
}

/// A message as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// Id of the message.
    pub message_id: MessageId,
    /// Id of its author.
    pub user_id: UserId,
    /// The author's name at that time.
    pub username: String,
    /// Text of the message; empty if it was deleted.
    #[schemars(length(max = CONTENT_CHARS_MAX))]
    pub content: String,
    /// Time at which the message was accepted.
    pub timestamp: UnixMillis,
    /// The author's client id for the message.
    pub client_id: ClientId,
    /// Id of the message that it replies to.
    pub reply_to: Option<MessageId>,
    /// Files of the message; none if it was deleted.
    #[schemars(length(max = ATTACHMENTS_MAX))]
    pub attachments: Vec<Attachment>,
    /// Time of the last edit; only in history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<UnixMillis>,
    /// Whether the message was deleted; only in history.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("const" = true))]
    pub deleted: bool,
    /// Reactions to the message; only in history.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
    /// Messages that answer this one; only in history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replies: Option<Replies>,
}

/// The messages that answer a message and are not deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replies {
    /// Number of messages; 10,000 stands for as many or more.
    pub count: u64,
    /// Time of the newest one; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<UnixMillis>,
    /// Users who answered, latest first.
    #[schemars(length(max = REPLIERS_SHOWN_MAX))]
    pub users: Vec<UserBrief>,
}

/// The reactions to a message with one emoji.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reaction {
    /// Emoji of the reaction.
    pub emoji: Emoji,
    /// Number of users who reacted with it.
    pub count: u64,
    /// Ids of the users, earliest first; only the first ones if there are many.
    #[schemars(length(max = REACTION_USERS_MAX))]
    pub user_ids: Vec<UserId>,
    /// Whether the reader is among the users; set only if not all of them are listed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("const" = true))]
    pub mine: bool,
}

/// The fields of an `error` frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorFrame {
    /// Machine-readable code.
    pub code: ErrorCode,
    /// Description for people.
    pub message: String,
    /// Path of the invalid field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Client id of the message or change that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// The room concerned, as the client named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomRef>,
    /// Milliseconds after which a retry makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl ErrorFrame {
    /// An error with the code's standard message and no other field.
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

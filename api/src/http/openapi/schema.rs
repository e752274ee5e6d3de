//! How the document describes types that live in `shared`, which knows no OpenAPI. The tests below hold the two
//! together.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

mod presence;

pub use presence::{Shown, Status};

/// Who may find and join a room.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Listed; everybody may join.
    Public,
    /// Known to its members only.
    Private,
}

/// What a member is in a room.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomRole {
    /// Made the room.
    Owner,
    /// Keeps order in it.
    Moderator,
    /// Talks in it.
    Member,
}

/// An event of a room, as live connections receive it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum TimelineEvent {
    /// Somebody said something.
    NewMessage {
        /// The room.
        room: Uuid,
        /// Incarnation of the numbers.
        #[schema(example = "e1")]
        epoch: String,
        /// Number in the room.
        seq: u64,
        /// The message.
        message: Message,
    },
    /// Somebody became a member.
    MemberJoined {
        /// The room.
        room: Uuid,
        /// Incarnation of the numbers.
        #[schema(example = "e1")]
        epoch: String,
        /// Number in the room.
        seq: u64,
        /// Who.
        user: UserBrief,
        /// When.
        #[schema(format = DateTime)]
        timestamp: String,
    },
    /// Somebody is no longer a member.
    MemberLeft {
        /// The room.
        room: Uuid,
        /// Incarnation of the numbers.
        #[schema(example = "e1")]
        epoch: String,
        /// Number in the room.
        seq: u64,
        /// Who.
        user: UserBrief,
        /// When.
        #[schema(format = DateTime)]
        timestamp: String,
    },
    /// A message says something else now.
    MessageEdited {
        /// The room.
        room: Uuid,
        /// Incarnation of the numbers.
        #[schema(example = "e1")]
        epoch: String,
        /// Number in the room.
        seq: u64,
        /// The message.
        message_id: Uuid,
        /// Its new text; empty if it was deleted since.
        content: String,
        /// Who.
        user: UserBrief,
        /// When.
        #[schema(format = DateTime)]
        timestamp: String,
    },
    /// A message is gone.
    MessageDeleted {
        /// The room.
        room: Uuid,
        /// Incarnation of the numbers.
        #[schema(example = "e1")]
        epoch: String,
        /// Number in the room.
        seq: u64,
        /// The message.
        message_id: Uuid,
        /// Who.
        user: UserBrief,
        /// When.
        #[schema(format = DateTime)]
        timestamp: String,
    },
    /// Somebody reacted to a message.
    ReactionAdded {
        /// The room.
        room: Uuid,
        /// Incarnation of the numbers.
        #[schema(example = "e1")]
        epoch: String,
        /// Number in the room.
        seq: u64,
        /// The message.
        message_id: Uuid,
        /// The reaction.
        emoji: String,
        /// Who.
        user: UserBrief,
        /// When.
        #[schema(format = DateTime)]
        timestamp: String,
    },
    /// Somebody took a reaction back.
    ReactionRemoved {
        /// The room.
        room: Uuid,
        /// Incarnation of the numbers.
        #[schema(example = "e1")]
        epoch: String,
        /// Number in the room.
        seq: u64,
        /// The message.
        message_id: Uuid,
        /// The reaction.
        emoji: String,
        /// Who.
        user: UserBrief,
        /// When.
        #[schema(format = DateTime)]
        timestamp: String,
    },
    /// Somebody's membership was ended by another.
    MemberKicked {
        /// The room.
        room: Uuid,
        /// Incarnation of the numbers.
        #[schema(example = "e1")]
        epoch: String,
        /// Number in the room.
        seq: u64,
        /// Who.
        user: UserBrief,
        /// By whom.
        by: UserBrief,
        /// When.
        #[schema(format = DateTime)]
        timestamp: String,
    },
    /// Somebody was shut out.
    MemberBanned {
        /// The room.
        room: Uuid,
        /// Incarnation of the numbers.
        #[schema(example = "e1")]
        epoch: String,
        /// Number in the room.
        seq: u64,
        /// Who.
        user: UserBrief,
        /// By whom.
        by: UserBrief,
        /// Until when; for good if not said.
        #[schema(format = DateTime, nullable = false)]
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<String>,
        /// When.
        #[schema(format = DateTime)]
        timestamp: String,
    },
    /// Somebody's ban was ended.
    MemberUnbanned {
        /// The room.
        room: Uuid,
        /// Incarnation of the numbers.
        #[schema(example = "e1")]
        epoch: String,
        /// Number in the room.
        seq: u64,
        /// Who.
        user: UserBrief,
        /// By whom.
        by: UserBrief,
        /// When.
        #[schema(format = DateTime)]
        timestamp: String,
    },
    /// Somebody may no longer say anything.
    MemberMuted {
        /// The room.
        room: Uuid,
        /// Incarnation of the numbers.
        #[schema(example = "e1")]
        epoch: String,
        /// Number in the room.
        seq: u64,
        /// Who.
        user: UserBrief,
        /// By whom.
        by: UserBrief,
        /// Until when; for good if not said.
        #[schema(format = DateTime, nullable = false)]
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<String>,
        /// When.
        #[schema(format = DateTime)]
        timestamp: String,
    },
    /// The room is talked in otherwise now.
    RoomUpdated {
        /// The room.
        room: Uuid,
        /// Incarnation of the numbers.
        #[schema(example = "e1")]
        epoch: String,
        /// Number in the room.
        seq: u64,
        /// By whom.
        by: UserBrief,
        /// Milliseconds that a member must wait between two messages; 0 for none.
        slow_mode_ms: u64,
        /// Whether only owner and moderators may say something.
        frozen: bool,
        /// When.
        #[schema(format = DateTime)]
        timestamp: String,
    },
    /// Somebody may say something again.
    MemberUnmuted {
        /// The room.
        room: Uuid,
        /// Incarnation of the numbers.
        #[schema(example = "e1")]
        epoch: String,
        /// Number in the room.
        seq: u64,
        /// Who.
        user: UserBrief,
        /// By whom.
        by: UserBrief,
        /// When.
        #[schema(format = DateTime)]
        timestamp: String,
    },
}

/// A message.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Its id.
    pub message_id: Uuid,
    /// Who said it.
    pub user_id: Uuid,
    /// The name that user had then.
    pub username: String,
    /// The text.
    pub content: String,
    /// When it was accepted.
    #[schema(format = DateTime)]
    pub timestamp: String,
    /// The sender's name for it.
    pub client_id: String,
    /// The message it answers.
    #[schema(required)]
    pub reply_to: Option<Uuid>,
    /// Always empty: messages carry no files, and no request attaches one. Ignore it.
    #[schema(max_items = 0)]
    pub attachments: Vec<String>,
    /// When its text was changed last.
    #[schema(format = DateTime, nullable = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<String>,
    /// Whether it is deleted; its text is then empty.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// Who reacted how.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
}

/// One reaction to a message.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reaction {
    /// The reaction.
    pub emoji: String,
    /// How many users' it is.
    pub count: u64,
    /// Whose it is, in the order of reacting; the first 20 if they are more.
    #[schema(max_items = 20)]
    pub user_ids: Vec<Uuid>,
    /// Whether it is yours, where there are more users than are named.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mine: bool,
}

/// Id and name of a user.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserBrief {
    /// Account.
    pub user_id: Uuid,
    /// Name.
    pub username: String,
}

/// Public keys (RFC 7517).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JwkSet {
    /// The keys.
    pub keys: Vec<Jwk>,
}

/// One Ed25519 public key (RFC 8037).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Jwk {
    /// Always `OKP`.
    pub kty: String,
    /// Always `Ed25519`.
    pub crv: String,
    /// Always `EdDSA`.
    pub alg: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// The key, base64url.
    pub x: String,
}

#[cfg(test)]
mod tests;

//! Messages, and what happens to them later.

use serde::{Deserialize, Serialize};

use crate::emoji::Emoji;
use crate::id::{ClientId, MessageId};

/// A checked text, before and after it got its place in the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMessage {
    /// The text; see [`crate::content`] for its bounds. Empty once the message was deleted.
    pub content: String,
    /// The sender's name for it.
    pub client_id: ClientId,
    /// The message this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
}

/// What the user changed about a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MessageChanged {
    /// Its text.
    #[serde(rename = "message_edited")]
    Edited {
        /// Id of the message.
        message_id: MessageId,
        /// Its new text; empty once the message was deleted.
        content: String,
        /// The user's name for the change.
        client_id: ClientId,
    },
    /// It is deleted.
    #[serde(rename = "message_deleted")]
    Deleted {
        /// Id of the message.
        message_id: MessageId,
    },
    /// The user reacted to it.
    ReactionAdded {
        /// Id of the message.
        message_id: MessageId,
        /// Emoji of the reaction.
        #[serde(deserialize_with = "crate::emoji::kept")]
        emoji: Emoji,
    },
    /// The user took a reaction back.
    ReactionRemoved {
        /// Id of the message.
        message_id: MessageId,
        /// Emoji of the reaction.
        #[serde(deserialize_with = "crate::emoji::kept")]
        emoji: Emoji,
    },
}

impl MessageChanged {
    /// The message that was changed.
    pub const fn message_id(&self) -> MessageId {
        match self {
            Self::Edited { message_id, .. }
            | Self::Deleted { message_id }
            | Self::ReactionAdded { message_id, .. }
            | Self::ReactionRemoved { message_id, .. } => *message_id,
        }
    }
}

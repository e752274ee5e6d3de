//! The client's frames about messages that were said before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::emoji::Emoji;
use crate::id::{ClientId, MessageId, RoomRef};
use crate::message_change::{ChangeKind, MessageChange};
use crate::null_or;

/// `{"type":"edit",…}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edit {
    /// The room; not needed on a connection of one room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomRef>,
    /// The client's name for the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// The message.
    pub message_id: MessageId,
    /// Its new text.
    #[schemars(with = "crate::schema::Content")]
    pub content: String,
}

/// `{"type":"delete",…}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delete {
    /// The room; not needed on a connection of one room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomRef>,
    /// The client's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// The message.
    pub message_id: MessageId,
}

/// `{"type":"react",…}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct React {
    /// The room; not needed on a connection of one room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomRef>,
    /// The client's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// The message.
    pub message_id: MessageId,
    /// The reaction.
    pub emoji: Emoji,
    /// Whether it is taken back.
    #[serde(default, deserialize_with = "null_or", skip_serializing_if = "std::ops::Not::not")]
    #[schemars(with = "Option<bool>")]
    pub remove: bool,
}

/// Any of them: where, under which name, what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The room, if the frame names it.
    pub room: Option<RoomRef>,
    /// The client's name for it, if the frame has one.
    pub client_id: Option<ClientId>,
    /// What is done.
    pub act: MessageChange,
}

impl From<Edit> for Parts {
    fn from(frame: Edit) -> Self {
        let Edit { room, client_id, message_id, content } = frame;
        Self { room, client_id, act: MessageChange { message_id, kind: ChangeKind::Edit(content) } }
    }
}

impl From<Delete> for Parts {
    fn from(frame: Delete) -> Self {
        let Delete { room, client_id, message_id } = frame;
        Self { room, client_id, act: MessageChange { message_id, kind: ChangeKind::Delete } }
    }
}

impl From<React> for Parts {
    fn from(frame: React) -> Self {
        let React { room, client_id, message_id, emoji, remove } = frame;
        let kind = if remove { ChangeKind::Unreact(emoji) } else { ChangeKind::React(emoji) };
        Self { room, client_id, act: MessageChange { message_id, kind } }
    }
}

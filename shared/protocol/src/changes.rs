//! Client frames that change an existing message.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::emoji::Emoji;
use crate::id::{ClientId, MessageId, RoomRef};
use crate::message_change::{ChangeKind, MessageChange};
use crate::null_or;

/// `{"type":"edit",…}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edit {
    /// Id or slug of the room; optional on a single-room connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomRef>,
    /// The client's id for the change, repeated in its `ack` or `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// Id of the message.
    pub message_id: MessageId,
    /// New text of the message.
    #[schemars(with = "crate::schema::Content")]
    pub content: String,
}

/// `{"type":"delete",…}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delete {
    /// Id or slug of the room; optional on a single-room connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomRef>,
    /// The client's id for the change, repeated in its `ack` or `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// Id of the message.
    pub message_id: MessageId,
}

/// `{"type":"react",…}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct React {
    /// Id or slug of the room; optional on a single-room connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomRef>,
    /// The client's id for the change, repeated in its `ack` or `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// Id of the message.
    pub message_id: MessageId,
    /// Emoji of the reaction.
    pub emoji: Emoji,
    /// Whether the reaction is removed instead of added.
    #[serde(default, deserialize_with = "null_or", skip_serializing_if = "std::ops::Not::not")]
    #[schemars(with = "Option<bool>")]
    pub remove: bool,
}

/// What `edit`, `delete` and `react` have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The room, if the frame names it.
    pub room: Option<RoomRef>,
    /// The client's id for the change, if the frame has one.
    pub client_id: Option<ClientId>,
    /// The change.
    pub change: MessageChange,
}

impl From<Edit> for Parts {
    fn from(frame: Edit) -> Self {
        let Edit { room, client_id, message_id, content } = frame;
        Self { room, client_id, change: MessageChange { message_id, kind: ChangeKind::Edit(content) } }
    }
}

impl From<Delete> for Parts {
    fn from(frame: Delete) -> Self {
        let Delete { room, client_id, message_id } = frame;
        Self { room, client_id, change: MessageChange { message_id, kind: ChangeKind::Delete } }
    }
}

impl From<React> for Parts {
    fn from(frame: React) -> Self {
        let React { room, client_id, message_id, emoji, remove } = frame;
        let kind = if remove { ChangeKind::Unreact(emoji) } else { ChangeKind::React(emoji) };
        Self { room, client_id, change: MessageChange { message_id, kind } }
    }
}

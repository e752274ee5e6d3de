//! Messages, and what happens to them later.

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::generation;
use crate::attachment::Attachment;
use crate::emoji::Emoji;
use crate::id::{ClientId, MessageId, RoomId, UserId};

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
    /// Its files, gone once the message was deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

impl NewMessage {
    /// The id of the message: a function of who says what where under which name, see [`MessageId::derive`], and of what
    /// it refers to. One that refers to nothing has the id that such messages always had.
    pub fn id(&self, room: RoomId, user: UserId) -> MessageId {
        let plain = MessageId::derive(room, user, &self.client_id, &self.content);
        if self.reply_to.is_none() && self.attachments.is_empty() {
            return plain;
        }
        let mut input = b"rookery message 2\0".to_vec();
        input.extend_from_slice(plain.as_uuid().as_bytes());
        if let Some(answered) = self.reply_to {
            input.push(b'r');
            input.extend_from_slice(answered.as_uuid().as_bytes());
        }
        for file in &self.attachments {
            input.push(b'f');
            input.extend_from_slice(file.file_id.as_uuid().as_bytes());
        }
        let hash = digest(&SHA256, &input);
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(&hash.as_ref()[..16]);
        MessageId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
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
    /// It is pinned to the room.
    #[serde(rename = "message_pinned")]
    Pinned {
        /// Id of the message.
        message_id: MessageId,
    },
    /// It is no longer pinned.
    #[serde(rename = "message_unpinned")]
    Unpinned {
        /// Id of the message.
        message_id: MessageId,
    },
}

impl MessageChanged {
    /// The message that was changed.
    pub const fn message_id(&self) -> MessageId {
        match self {
            Self::Edited { message_id, .. }
            | Self::Deleted { message_id }
            | Self::ReactionAdded { message_id, .. }
            | Self::ReactionRemoved { message_id, .. }
            | Self::Pinned { message_id }
            | Self::Unpinned { message_id } => *message_id,
        }
    }

    /// The event generation that every node has to know, see [`super::generation`].
    pub const fn generation(&self) -> u32 {
        match self {
            Self::Edited { .. } | Self::Deleted { .. } | Self::ReactionAdded { .. } | Self::ReactionRemoved { .. } => {
                generation::FIRST
            }
            Self::Pinned { .. } | Self::Unpinned { .. } => generation::ROOMS_AND_PEOPLE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::FileId;

    #[test]
    fn a_message_that_answers_another_one_is_another_message() {
        let (room, user, client_id) = (RoomId::generate(), UserId::generate(), ClientId::generate());
        let said = |reply_to, attachments| NewMessage {
            content: "hi".to_owned(),
            client_id: client_id.clone(),
            reply_to,
            attachments,
        };
        let id = |reply_to| said(reply_to, Vec::new()).id(room, user);
        let (one, other) = (MessageId::generate(), MessageId::generate());
        assert_eq!(id(None), MessageId::derive(room, user, &client_id, "hi"), "as it always was");
        assert_eq!(id(Some(one)), id(Some(one)));
        assert!(id(Some(one)) != id(None) && id(Some(one)) != id(Some(other)));
        let files = [FileId::generate(), FileId::generate()].map(Attachment::unclaimed);
        let claimed = Attachment { name: "a.png".to_owned(), size: 7, ..files[0].clone() };
        let with = |files: &[Attachment]| said(None, files.to_vec()).id(room, user);
        assert_eq!(with(&files[..1]), with(&[claimed]), "only which files they are counts");
        assert!(with(&files[..1]) != with(&files) && with(&files[..1]) != id(None));
        assert_ne!(said(Some(one), files.to_vec()).id(room, user), with(&files));
    }
}

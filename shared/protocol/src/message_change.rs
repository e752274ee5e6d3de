//! What is done to a message after it was said: edit, delete, react.

use ring::digest::{SHA256, digest};

use crate::emoji::Emoji;
use crate::id::{ClientId, MessageId, RoomId, UserId};

/// Something done to one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageChange {
    /// Id of the message.
    pub message_id: MessageId,
    /// Kind of the change.
    pub kind: ChangeKind,
}

/// The things that can be done to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It says something else now; see [`crate::content`] for the text's bounds.
    Edit(String),
    /// It is gone.
    Delete,
    /// The user reacts.
    React(Emoji),
    /// The user takes a reaction back.
    Unreact(Emoji),
}

impl MessageChange {
    /// The id of the act's event: like a message's a function of who does what where under which name, so a repeat
    /// is the same event on every node and for all time.
    pub fn event_id(&self, room: RoomId, user: UserId, client_id: &ClientId) -> MessageId {
        let (kind, text) = self.kind.parts();
        let mut input = Vec::with_capacity(96 + text.len());
        input.extend_from_slice(b"rookery act 1\0");
        for id in [room.as_uuid(), user.as_uuid(), self.message_id.as_uuid()] {
            input.extend_from_slice(id.as_bytes());
        }
        for text in [client_id.as_str(), kind, text] {
            input.extend_from_slice(text.as_bytes());
            input.push(0);
        }
        let hash = digest(&SHA256, &input);
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(&hash.as_ref()[..16]);
        MessageId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl ChangeKind {
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Edit(content) => ("edit", content),
            Self::Delete => ("delete", ""),
            Self::React(emoji) => ("react", emoji.as_str()),
            Self::Unreact(emoji) => ("unreact", emoji.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_depends_on_every_part() {
        let (room, user, message_id) = (RoomId::generate(), UserId::generate(), MessageId::generate());
        let name = ClientId::generate();
        let act = |kind| MessageChange { message_id, kind };
        let id = |kind| act(kind).event_id(room, user, &name);
        let thumb = || Emoji::try_from("👍".to_owned()).unwrap();
        assert_eq!(id(ChangeKind::Edit("x".into())), id(ChangeKind::Edit("x".into())));
        let first = id(ChangeKind::React(thumb()));
        let other = MessageChange { message_id: MessageId::generate(), kind: ChangeKind::React(thumb()) };
        for different in [
            id(ChangeKind::Unreact(thumb())),
            id(ChangeKind::Edit("👍".into())),
            other.event_id(room, user, &name),
            act(ChangeKind::React(thumb())).event_id(RoomId::generate(), user, &name),
            act(ChangeKind::React(thumb())).event_id(room, UserId::generate(), &name),
            act(ChangeKind::React(thumb())).event_id(room, user, &ClientId::generate()),
        ] {
            assert_ne!(first, different);
        }
    }
}

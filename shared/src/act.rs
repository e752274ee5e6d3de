//! What is done to a message after it was said: edit, delete, react.

use std::fmt;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::event::EventBody;
use crate::id::{ClientId, MessageId, RoomId, UserId};
use crate::limits::{EMOJI_BYTES_MAX, EMOJI_CHARS_MAX};

/// A reaction: 1 to 8 characters, 32 bytes at most, no white space or control characters, not only ASCII.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Emoji(String);

impl Emoji {
    /// The reaction as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Emoji {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let sized = (1..=EMOJI_BYTES_MAX).contains(&text.len()) && text.chars().count() <= EMOJI_CHARS_MAX;
        let plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
        if sized && plain && !text.is_ascii() {
            Ok(Self(text))
        } else {
            Err("must be one emoji")
        }
    }
}

impl From<Emoji> for String {
    fn from(emoji: Emoji) -> Self {
        emoji.0
    }
}

impl fmt::Display for Emoji {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something done to one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// The message.
    pub message_id: MessageId,
    /// What is done.
    pub kind: ActKind,
}

/// The things that can be done to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActKind {
    /// It says something else now; see [`crate::protocol::content`] for the text's bounds.
    Edit(String),
    /// It is gone.
    Delete,
    /// The user reacts.
    React(Emoji),
    /// The user takes a reaction back.
    Unreact(Emoji),
}

impl Act {
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

    pub(crate) fn into_body(self, client_id: &ClientId) -> EventBody {
        let Self { message_id, kind } = self;
        match kind {
            ActKind::Edit(content) => EventBody::MessageEdited { message_id, content, client_id: client_id.clone() },
            ActKind::Delete => EventBody::MessageDeleted { message_id },
            ActKind::React(emoji) => EventBody::ReactionAdded { message_id, emoji },
            ActKind::Unreact(emoji) => EventBody::ReactionRemoved { message_id, emoji },
        }
    }
}

impl ActKind {
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
    fn a_reaction_is_a_short_picture() {
        for good in ["👍", "❤️", "👩‍👩‍👧‍👦", "é", "1️⃣"] {
            assert!(Emoji::try_from(good.to_owned()).is_ok(), "{good}");
        }
        let long = "👍".repeat(9);
        for bad in ["", "a", ":+1:", "👍 ", "👍\n", "\u{2003}", "👍\u{7f}", "$ne", &long] {
            assert!(Emoji::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_id_depends_on_every_part() {
        let (room, user, message_id) = (RoomId::generate(), UserId::generate(), MessageId::generate());
        let name = ClientId::generate();
        let act = |kind| Act { message_id, kind };
        let id = |kind| act(kind).event_id(room, user, &name);
        let thumb = || Emoji::try_from("👍".to_owned()).unwrap();
        assert_eq!(id(ActKind::Edit("x".into())), id(ActKind::Edit("x".into())));
        let first = id(ActKind::React(thumb()));
        let other = Act { message_id: MessageId::generate(), kind: ActKind::React(thumb()) };
        for different in [
            id(ActKind::Unreact(thumb())),
            id(ActKind::Edit("👍".into())),
            other.event_id(room, user, &name),
            act(ActKind::React(thumb())).event_id(RoomId::generate(), user, &name),
            act(ActKind::React(thumb())).event_id(room, UserId::generate(), &name),
            act(ActKind::React(thumb())).event_id(room, user, &ClientId::generate()),
        ] {
            assert_ne!(first, different);
        }
    }
}

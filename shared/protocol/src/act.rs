//! What is done to a message after it was said: edit, delete, react.

use std::fmt;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Deserializer, Serialize};

use crate::event::EventBody;
use crate::id::{ClientId, MessageId, RoomId, UserId};
use crate::limits::{EMOJI_BYTES_MAX, EMOJI_CHARS_MAX};

/// A reaction: one emoji of the Unicode list, in its fully qualified form; other forms of it are read as that one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Emoji(String);

impl Emoji {
    /// The reaction as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A reaction from a log or a store: there may be older ones that are no emoji.
    pub fn kept(text: String) -> Self {
        Self::try_from(text.clone()).unwrap_or(Self(text))
    }

    /// Whether it may be given today.
    pub fn is_known(&self) -> bool {
        emojis::get(&self.0).is_some()
    }
}

/// Reads what [`Emoji::kept`] says.
pub(crate) fn kept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Emoji, D::Error> {
    String::deserialize(deserializer).map(Emoji::kept)
}

impl TryFrom<String> for Emoji {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let sized = text.len() <= EMOJI_BYTES_MAX && text.chars().count() <= EMOJI_CHARS_MAX;
        let known = emojis::get(&text).filter(|_| sized);
        known.map(|emoji| Self(emoji.as_str().to_owned())).ok_or("must be one emoji")
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
    /// It says something else now; see [`crate::content`] for the text's bounds.
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
    fn c04_a_reaction_is_one_emoji_in_one_form() {
        for (text, form) in [
            ("👍", "👍"),
            ("❤", "❤\u{fe0f}"),
            ("❤\u{fe0f}", "❤\u{fe0f}"),
            ("👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦"),
            ("1\u{20e3}", "1\u{fe0f}\u{20e3}"),
            ("👩🏽‍❤‍💋‍👨🏿", "👩🏽‍❤\u{fe0f}‍💋‍👨🏿"),
        ] {
            assert_eq!(Emoji::try_from(text.to_owned()).unwrap().as_str(), form, "{text}");
        }
        for bad in [
            "",
            "a",
            "é",
            ":+1:",
            "👍 ",
            "👍\n",
            "👍👍",
            "\u{200d}",
            "\u{fe0f}",
            "\u{2003}",
            "👍\u{7f}",
            "$ne",
            "1",
        ] {
            assert!(Emoji::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
        assert_eq!((Emoji::kept("é".into()).as_str(), Emoji::kept("❤".into()).as_str()), ("é", "❤\u{fe0f}"));
    }

    #[test]
    fn c04_every_emoji_of_the_list_fits_the_bounds() {
        let all =
            emojis::iter().flat_map(|emoji| std::iter::once(emoji).chain(emoji.skin_tones().into_iter().flatten()));
        let sizes: Vec<_> = all.map(|emoji| (emoji.as_str().chars().count(), emoji.as_str().len())).collect();
        assert_eq!(sizes.iter().map(|size| size.0).max(), Some(EMOJI_CHARS_MAX));
        assert_eq!(sizes.iter().map(|size| size.1).max(), Some(EMOJI_BYTES_MAX));
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

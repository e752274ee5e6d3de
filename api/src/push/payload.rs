//! What a push says. It is as long as a push may be at most, and names ids only unless its user wants texts.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{MessageId, NoticeId, RoomId, UserId};
use rookery_protocol::notice::NoticeKind;
use rookery_store::notice::Notice;
use serde::Serialize;

use crate::limits::{PUSH_SNIPPET_CHARS, PUSH_TEXT_BYTES_MAX};

/// What a device is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Payload {
    /// There is a notice.
    Notification {
        /// The notice, as in the inbox.
        id: NoticeId,
        /// What it is about.
        kind: NoticeKind,
        /// The room it is about.
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
        /// The message it is about.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<MessageId>,
        /// Who caused it.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<UserId>,
        /// What it came to, in a word.
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
        /// When it was made.
        created_at: UnixMillis,
        /// What to show, for who wants that on a locked screen.
        #[serde(flatten, skip_serializing_if = "Option::is_none")]
        words: Option<Words>,
    },
    /// A room was read, or all that is shown.
    Read {
        /// The room.
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
    },
}

/// What there is to read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Words {
    /// Name of who caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by_name: Option<String>,
    /// Name of the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) room_name: Option<String>,
    /// How the text begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
}

impl Payload {
    pub(super) fn of(notice: &Notice, words: Option<Words>) -> Self {
        let Notice { id, kind, room, message, by, detail, at, .. } = notice.clone();
        Self::Notification { id, kind, room, message, by, detail, created_at: at, words }
    }

    /// As it is encrypted; without the words if it is too long with them.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        if bytes.len() <= PUSH_TEXT_BYTES_MAX {
            bytes
        } else {
            serde_json::to_vec(&self.brief()).unwrap_or_default()
        }
    }

    /// The same with ids only.
    pub(super) fn brief(&self) -> Self {
        let mut brief = self.clone();
        if let Self::Notification { words, .. } = &mut brief {
            *words = None;
        }
        brief
    }
}

/// The beginning of a text.
pub(super) fn snippet(text: &str) -> String {
    match text.char_indices().nth(PUSH_SNIPPET_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rookery_store::notice::Occasion;
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_push_fits_whatever_is_said_and_names_ids_only_if_nothing_else_is_wanted() {
        let occasion =
            Occasion::in_room(NoticeKind::Mention, uuid::Uuid::nil(), RoomId::generate(), UserId::generate());
        let notice = occasion.notice(UserId::generate(), UnixMillis(1_700_000_000_000));
        let plain: Value = serde_json::from_slice(&Payload::of(&notice, None).bytes()).unwrap();
        let fields: Vec<&str> = plain.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, ["by", "created_at", "id", "kind", "room", "type"]);
        for text in ["\u{1}".repeat(9_000), "ü🐦".repeat(9_000)] {
            let words =
                Words { text: Some(snippet(&text)), room_name: Some("x".repeat(300)), by_name: Some("ann".into()) };
            let payload = Payload::of(&notice, Some(words));
            assert!(payload.bytes().len() <= PUSH_TEXT_BYTES_MAX);
            assert_eq!(serde_json::from_slice::<Value>(&payload.brief().bytes()).unwrap(), plain);
        }
    }

    #[test]
    fn a_snippet_is_cut_between_characters() {
        let long = "ü".repeat(PUSH_SNIPPET_CHARS + 1);
        assert_eq!(snippet(&long).chars().count(), PUSH_SNIPPET_CHARS + 1);
        assert_eq!(snippet("short"), "short");
    }
}

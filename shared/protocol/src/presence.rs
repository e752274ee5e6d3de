//! Frames of presence and typing, and the text of a status.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::UnixMillis;
use crate::id::{RoomRef, UserId};
use crate::limits::{STATUS_TEXT_BYTES_MAX, STATUS_TEXT_CHARS_MAX, WATCHED_ROOMS_MAX, WATCHED_USERS_MAX};
use crate::{null_or, text};

/// As what a user wants to be shown while online.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Here.
    #[default]
    Online,
    /// Somewhere else.
    Away,
    /// Not to be disturbed.
    Dnd,
}

/// As what a user is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VisibleStatus {
    /// Here.
    Online,
    /// Somewhere else.
    Away,
    /// Not to be disturbed.
    Dnd,
    /// Not connected.
    Offline,
}

/// What a user says of oneself: 1 to 100 characters of one line, by the rule of [`text::line`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StatusText(String);

impl StatusText {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for StatusText {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let line = text::line(&text, STATUS_TEXT_CHARS_MAX).filter(|line| line.len() <= STATUS_TEXT_BYTES_MAX);
        line.map(Self).ok_or("must be one visible line of 1 to 100 characters")
    }
}

impl From<StatusText> for String {
    fn from(text: StatusText) -> Self {
        text.0
    }
}

/// `{"type":"presence","status":…,"text":…}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Presence {
    /// As what to be shown.
    pub status: Status,
    /// In the user's own words; none takes the words back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<StatusText>,
}

/// `{"type":"watch","users":[…],"rooms":[…]}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Watch {
    /// At most 500 users; they replace those before.
    #[serde(default, deserialize_with = "null_or")]
    #[schemars(with = "Option<Vec<UserId>>", length(max = WATCHED_USERS_MAX))]
    pub users: Vec<UserId>,
    /// At most 100 rooms that are live on the connection; they replace those before.
    #[serde(default, deserialize_with = "null_or")]
    #[schemars(with = "Option<Vec<RoomRef>>", length(max = WATCHED_ROOMS_MAX))]
    pub rooms: Vec<RoomRef>,
}

/// `{"type":"typing","room":…}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Typing {
    /// The room; not needed on a connection of one room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomRef>,
}

/// A user's presence, as others see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceView {
    /// Who.
    pub user_id: UserId,
    /// As what.
    pub status: VisibleStatus,
    /// In the user's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<StatusText>,
    /// When an offline user was last online, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<UnixMillis>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_text_is_one_visible_line() {
        for good in ["x", "in a meeting", "👍", &"日".repeat(STATUS_TEXT_CHARS_MAX)] {
            assert!(StatusText::try_from(good.to_owned()).is_ok(), "{good}");
        }
        let long = "x".repeat(STATUS_TEXT_CHARS_MAX + 1);
        for bad in [
            "",
            " ",
            "\u{200b}",
            "\u{202e}x",
            "two\nlines",
            "\0",
            &long,
            &"👍".repeat(STATUS_TEXT_BYTES_MAX / 4 + 1),
        ] {
            assert!(StatusText::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }
}

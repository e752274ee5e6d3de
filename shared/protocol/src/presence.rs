//! Frames of presence and typing, and the text of a status.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::UnixMillis;
use crate::id::{RoomRef, UserId};
use crate::limits::{STATUS_TEXT_BYTES_MAX, STATUS_TEXT_CHARS_MAX, WATCHED_ROOMS_MAX, WATCHED_USERS_MAX};
use crate::{null_or, text};

/// Status that a user chooses while online.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Online and available.
    #[default]
    Online,
    /// Online, but away.
    Away,
    /// Online; do not disturb.
    Dnd,
}

/// A user's status as others see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VisibleStatus {
    /// Online and available.
    Online,
    /// Online, but away.
    Away,
    /// Online; do not disturb.
    Dnd,
    /// Not connected.
    Offline,
}

/// Status text of a user: 1 to 100 characters on one line, by the rule of [`text::line`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StatusText(String);

impl StatusText {
    /// The text as a string slice.
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
    /// Status to show to others.
    pub status: Status,
    /// Status text; absent removes the previous one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<StatusText>,
}

/// `{"type":"watch","users":[…],"rooms":[…]}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Watch {
    /// At most 500 users; they replace those watched before.
    #[serde(default, deserialize_with = "null_or")]
    #[schemars(with = "Option<Vec<UserId>>", length(max = WATCHED_USERS_MAX))]
    pub users: Vec<UserId>,
    /// At most 100 rooms to which the connection is subscribed; they replace those watched before.
    #[serde(default, deserialize_with = "null_or")]
    #[schemars(with = "Option<Vec<RoomRef>>", length(max = WATCHED_ROOMS_MAX))]
    pub rooms: Vec<RoomRef>,
}

/// `{"type":"typing","room":…}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Typing {
    /// Id or slug of the room; optional on a single-room connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomRef>,
}

/// A user's presence as others see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceView {
    /// Id of the user.
    pub user_id: UserId,
    /// Status of the user.
    pub status: VisibleStatus,
    /// Status text of the user, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<StatusText>,
    /// Time at which an offline user was last online, if it is known.
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

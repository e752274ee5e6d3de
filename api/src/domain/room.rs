//! Rooms and their members.

use rookery_shared::access::{RoomRole, Visibility};
use rookery_shared::clock::UnixMillis;
use rookery_shared::event::RoomSettings;
use rookery_shared::id::{AclVersion, RoomId, Slug, UserId};
use serde::{Deserialize, Serialize};

use crate::domain::message::Place;

/// The slug of the room that everybody becomes a member of.
pub const GENERAL: &str = "general";

/// 1 to 80 visible characters without line breaks, trimmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct RoomName(String);

/// At most 500 characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct RoomDescription(String);

/// A room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Its id.
    pub id: RoomId,
    /// Its readable address; only public rooms have one.
    pub slug: Option<Slug>,
    /// Its name.
    pub name: RoomName,
    /// What it is about.
    pub description: RoomDescription,
    /// Who may find it.
    pub visibility: Visibility,
    /// Who made it; none for `general`.
    pub owner: Option<UserId>,
    /// Version of its rights.
    pub acl: AclVersion,
    /// When it was made.
    pub created_at: UnixMillis,
    /// How it is talked in.
    pub settings: RoomSettings,
}

/// A change of a room's settings; what is not given stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// Milliseconds that a member must wait between two texts; 0 for none.
    pub slow_mode_ms: Option<u64>,
    /// Whether only those who keep order may say something.
    pub frozen: Option<bool>,
}

impl SettingsChange {
    /// The settings after it, if they are then of this version; none if nothing would be different.
    pub fn apply(self, before: RoomSettings, version: AclVersion) -> Option<RoomSettings> {
        let slow_mode_ms = self.slow_mode_ms.unwrap_or(before.slow_mode_ms);
        let frozen = self.frozen.unwrap_or(before.frozen);
        let changed = (slow_mode_ms, frozen) != (before.slow_mode_ms, before.frozen);
        changed.then_some(RoomSettings { version, slow_mode_ms, frozen })
    }
}

/// A user's place in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The room.
    pub room_id: RoomId,
    /// The user.
    pub user_id: UserId,
    /// What the user is there.
    pub role: RoomRole,
    /// Since when.
    pub joined_at: UnixMillis,
    /// What the user has read up to. It begins where the user came in and ends with the membership.
    pub read: Place,
}

/// A place in the list of a user's rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MembershipPlace {
    /// Since when.
    pub joined_at: UnixMillis,
    /// Where.
    pub room_id: RoomId,
}

/// A place in the list of a room's members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberPlace {
    /// Since when.
    pub joined_at: UnixMillis,
    /// Who.
    pub user_id: UserId,
}

impl Member {
    /// Where the room is in the list of the user's rooms.
    pub const fn membership_place(&self) -> MembershipPlace {
        MembershipPlace { joined_at: self.joined_at, room_id: self.room_id }
    }

    /// Where the member is in the list.
    pub const fn place(&self) -> MemberPlace {
        MemberPlace { joined_at: self.joined_at, user_id: self.user_id }
    }
}

impl RoomName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The slug a public room of this name gets: lower case ASCII letters and digits, everything else a single
    /// `-`. None if nothing is left, or if what is left looks like an id.
    pub fn slug(&self) -> Option<Slug> {
        let mut slug = String::new();
        for c in self.0.to_lowercase().chars() {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        slug.truncate(rookery_shared::limits::SLUG_BYTES_MAX);
        Slug::try_from(slug.trim_end_matches('-').to_owned()).ok()
    }
}

impl TryFrom<String> for RoomName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let name = text.trim();
        let count = name.chars().count();
        if (1..=80).contains(&count) && !name.chars().any(char::is_control) {
            Ok(Self(name.to_owned()))
        } else {
            Err("must have 1 to 80 characters and no line break")
        }
    }
}

impl RoomDescription {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RoomDescription {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.chars().count() <= 500 {
            Ok(Self(text))
        } else {
            Err("must have at most 500 characters")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_come_from_names() {
        let slug = |name: &str| RoomName::try_from(name.to_owned()).unwrap().slug().map(String::from);
        assert_eq!(slug("  Off Topic!  "), Some("off-topic".to_owned()));
        assert_eq!(slug("日本語"), None);
        assert_eq!(slug(&"ab ".repeat(26)).map(|s| s.len() <= 64), Some(true));
    }
}

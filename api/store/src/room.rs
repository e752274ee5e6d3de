//! Rooms and their members.

use deunicode::deunicode;
use rookery_protocol::access::{RoomRole, Visibility};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::RoomSettings;
pub use rookery_protocol::id::GENERAL;
use rookery_protocol::id::{AclVersion, RoomId, Slug, UserId};
use rookery_protocol::limits::SLUG_BYTES_MAX;
use rookery_protocol::reserved::is_reserved;
use rookery_protocol::text;
use serde::{Deserialize, Serialize};

use rookery_protocol::position::Position;

/// Characters of a name and of a description.
const NAME_CHARS_MAX: usize = 80;
const DESCRIPTION_CHARS_MAX: usize = 500;
/// Characters of what is put behind a slug that is taken: a dash and a number.
const NUMBER_CHARS_MAX: usize = 11;
/// The slug of a name of which nothing is left in ASCII.
const NAMELESS: &str = "unnamed";

/// 1 to 80 characters of one line, by the rule of [`text::line`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct RoomName(String);

/// At most 500 characters, by the rule of [`text::lines`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct RoomDescription(String);

/// A room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Id of the room.
    pub id: RoomId,
    /// Its readable address; only public rooms have one.
    pub slug: Option<Slug>,
    /// Name of the room.
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

impl Room {
    /// The form in which the name is unique; none where it need not be.
    pub fn unique_name(&self) -> Option<String> {
        (self.visibility == Visibility::Public).then(|| self.name.key())
    }
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
    /// Id of the room.
    pub room_id: RoomId,
    /// Id of the user.
    pub user_id: UserId,
    /// What the user is there.
    pub role: RoomRole,
    /// Time of joining.
    pub joined_at: UnixMillis,
    /// What the user has read up to. It begins where the user came in and ends with the membership.
    pub read: Position,
}

/// A place in the list of a user's rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MembershipPlace {
    /// Time of joining.
    pub joined_at: UnixMillis,
    /// Id of the room.
    pub room_id: RoomId,
}

/// A place in the list of a room's members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberPlace {
    /// Time of joining.
    pub joined_at: UnixMillis,
    /// Id of the user.
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

    /// A name from a store: there may be older ones that break the rule. Of one that shows nothing, the id is left.
    pub fn kept(text: &str, id: RoomId) -> Self {
        let name = text::mended_line(text, NAME_CHARS_MAX);
        Self(if name.is_empty() { format!("Room {id}") } else { name })
    }

    /// The form in which the name of a public room is unique.
    pub fn key(&self) -> String {
        text::key(&self.0)
    }

    /// The same name with a number behind it.
    #[must_use]
    pub fn numbered(&self, n: u32) -> Self {
        let number = format!(" ({n})");
        let kept: String = self.0.chars().take(NAME_CHARS_MAX - number.len()).collect();
        Self(kept + &number)
    }

    /// The first choice for the slug of a public room of this name, or a later one: the name in ASCII letters and digits,
    /// everything else a single `-`, and a number from the second choice on. None where a reserved word is left.
    pub fn slug(&self, choice: u32) -> Option<Slug> {
        let mut slug = String::new();
        for c in deunicode(&self.0).to_ascii_lowercase().chars() {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        slug.truncate(SLUG_BYTES_MAX - NUMBER_CHARS_MAX);
        let slug = slug.trim_end_matches('-');
        let slug = if slug.is_empty() { NAMELESS } else { slug };
        if choice > 1 {
            return Slug::try_from(format!("{slug}-{choice}")).ok();
        }
        Slug::try_from(slug.to_owned()).ok().filter(|slug| !is_reserved(slug.as_str()))
    }
}

impl TryFrom<String> for RoomName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text::line(&text, NAME_CHARS_MAX)
            .map(Self)
            .ok_or("must have 1 to 80 visible characters in one line")
    }
}

impl RoomDescription {
    /// A text from a store: there may be older ones that break the rule.
    pub fn kept(text: &str) -> Self {
        Self(text::mended_lines(text, DESCRIPTION_CHARS_MAX))
    }

    /// The text as a string slice.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RoomDescription {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text::lines(&text, DESCRIPTION_CHARS_MAX)
            .map(Self)
            .ok_or("must have at most 500 visible characters")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c01_slugs_come_from_names_and_are_never_reserved() {
        let slug = |name: &str, choice| RoomName::try_from(name.to_owned()).unwrap().slug(choice).map(String::from);
        for (name, wanted) in [
            ("  Off Topic!  ", "off-topic"),
            ("Bär 1", "bar-1"),
            ("Bör 1", "bor-1"),
            ("日本語", "ri-ben-yu"),
            ("Привет", "privet"),
            ("!?", "unnamed"),
        ] {
            assert_eq!(slug(name, 1).as_deref(), Some(wanted), "{name}");
        }
        assert_eq!(slug("Off Topic", 3).as_deref(), Some("off-topic-3"));
        for reserved in ["Mine", "ADMIN", "General"] {
            assert_eq!(slug(reserved, 1), None, "{reserved}");
            assert!(slug(reserved, 2).is_some());
        }
        assert!(slug(&"ab ".repeat(26), u32::MAX).is_some_and(|slug| slug.len() <= SLUG_BYTES_MAX));
        assert!(slug("0190f6a0-0000-7000-8000-000000000001", 1).is_none_or(|slug| slug.len() != 36));
    }
}

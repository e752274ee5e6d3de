//! Rooms and their members.

use std::fmt;

use deunicode::deunicode;
use rookery_protocol::access::{JoinRule, Posting, RoomKind, RoomRole, Visibility};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::RoomSettings;
pub use rookery_protocol::id::GENERAL;
use rookery_protocol::id::{AclVersion, MessageId, RoomId, Slug, UserId};
use rookery_protocol::limits::SLUG_BYTES_MAX;
use rookery_protocol::reserved::is_reserved;
use rookery_protocol::room_changes::RoomChanges;
use rookery_protocol::text;
use serde::{Deserialize, Serialize};

use rookery_protocol::position::Position;

/// Characters of a name and of a description.
const NAME_CHARS_MAX: usize = 80;
const DESCRIPTION_CHARS_MAX: usize = 500;
/// Characters of a topic.
const TOPIC_CHARS_MAX: usize = 250;
/// Characters of the password of a room.
const ROOM_PASSWORD_CHARS_MAX: usize = 128;
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

/// At most 250 characters of one line, by the rule of [`text::line`]; or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct RoomTopic(String);

/// 1 to 128 characters, taken byte for byte. Never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct RoomPassword(String);

/// A room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Id of the room.
    pub id: RoomId,
    /// Its readable address; only public rooms have one.
    pub slug: Option<Slug>,
    /// Name of the room; direct rooms and groups may have [`RoomName::none`].
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
    /// What it is for.
    pub kind: RoomKind,
    /// The two of a direct room, and of no other.
    pub pair: Option<Pair>,
    /// What is talked about now.
    pub topic: RoomTopic,
    /// How outsiders become members.
    pub join: JoinRule,
    /// Hash of the password in PHC form; there is one exactly if [`Room::join`] is [`JoinRule::Password`].
    pub password_hash: Option<String>,
    /// When it ends by itself.
    pub expires_at: Option<UnixMillis>,
    /// After how many days its messages are erased; none for what holds on the server.
    pub retention_days: Option<u32>,
    /// Whether members may invite others.
    pub members_may_invite: bool,
    /// How many members it may have; none for no limit of its own.
    pub members_max: Option<u32>,
    /// Its picture.
    pub avatar: Option<String>,
    /// Version of its word filter; none where nothing is filtered.
    pub filter: Option<u64>,
}

/// Two different users, in whatever order they were named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pair {
    low: UserId,
    high: UserId,
}

impl Pair {
    /// None if they are the same.
    pub fn new(one: UserId, other: UserId) -> Option<Self> {
        (one != other).then(|| Self { low: one.min(other), high: one.max(other) })
    }

    /// Both, in the order of their ids.
    pub const fn both(self) -> [UserId; 2] {
        [self.low, self.high]
    }

    /// Their direct room.
    pub fn room(self) -> RoomId {
        RoomId::of_pair(self.low, self.high)
    }

    /// The one who is not this one; none for strangers.
    pub fn other(self, user: UserId) -> Option<UserId> {
        match user {
            user if user == self.low => Some(self.high),
            user if user == self.high => Some(self.low),
            _ => None,
        }
    }
}

impl Room {
    /// A room that everybody who finds it may join, without an owner.
    pub fn new(id: RoomId, name: RoomName, visibility: Visibility, created_at: UnixMillis) -> Self {
        Self {
            id,
            slug: None,
            name,
            description: RoomDescription::default(),
            visibility,
            owner: None,
            acl: AclVersion(1),
            created_at,
            settings: RoomSettings::default(),
            kind: RoomKind::default(),
            pair: None,
            topic: RoomTopic::default(),
            join: JoinRule::default(),
            password_hash: None,
            expires_at: None,
            retention_days: None,
            members_may_invite: false,
            members_max: None,
            avatar: None,
            filter: None,
        }
    }

    /// Whether it is the room that everybody is in.
    pub fn is_general(&self) -> bool {
        self.slug.as_ref().is_some_and(|slug| slug.as_str() == GENERAL)
    }

    /// The form in which the name is unique; none where it need not be.
    pub fn unique_name(&self) -> Option<String> {
        (self.visibility == Visibility::Public).then(|| self.name.key())
    }
}

/// A change of a room's settings; what is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// Milliseconds that a member must wait between two texts; 0 for none.
    pub slow_mode_ms: Option<u64>,
    /// Whether only those who keep order may say something.
    pub frozen: Option<bool>,
    /// Who may send.
    pub posting: Option<Posting>,
    /// Whether nobody may send any more.
    pub archived: Option<bool>,
    /// Name.
    pub name: Option<RoomName>,
    /// What it is about.
    pub description: Option<RoomDescription>,
    /// What is talked about now.
    pub topic: Option<RoomTopic>,
    /// Who may find it.
    pub visibility: Option<Visibility>,
    /// The address that it gets if it is public then and has none.
    pub slug: Option<Slug>,
    /// How outsiders become members. [`JoinRule::Password`] changes nothing where there is no password.
    pub join: Option<JoinRule>,
    /// Hash of a new password, which outsiders need then; none to take the password away.
    pub password_hash: Option<Option<String>>,
    /// When it ends by itself.
    pub expires_at: Option<Option<UnixMillis>>,
    /// After how many days its messages are erased.
    pub retention_days: Option<Option<u32>>,
    /// Whether members may invite others.
    pub members_may_invite: Option<bool>,
    /// How many members it may have.
    pub members_max: Option<Option<u32>>,
    /// Its picture.
    pub avatar: Option<Option<String>>,
    /// Version of its word filter.
    pub filter: Option<Option<u64>>,
}

impl SettingsChange {
    /// The room after it, if its rights are then of this version, and what members are told; none if nothing would be
    /// different.
    pub fn apply(&self, before: &Room, version: AclVersion) -> Option<(Room, RoomChanges)> {
        let mut after = before.clone();
        self.apply_to_talk(&mut after.settings);
        self.apply_to_joining(&mut after);
        let set = self.clone();
        after.name = set.name.unwrap_or(after.name);
        after.description = set.description.unwrap_or(after.description);
        after.topic = set.topic.unwrap_or(after.topic);
        after.visibility = set.visibility.unwrap_or(after.visibility);
        after.slug = match after.visibility {
            Visibility::Public => after.slug.or(set.slug),
            Visibility::Private => None,
        };
        after.expires_at = set.expires_at.unwrap_or(after.expires_at);
        after.retention_days = set.retention_days.unwrap_or(after.retention_days);
        after.members_may_invite = set.members_may_invite.unwrap_or(after.members_may_invite);
        after.members_max = set.members_max.unwrap_or(after.members_max);
        after.avatar = set.avatar.unwrap_or(after.avatar);
        after.filter = set.filter.unwrap_or(after.filter);
        if after == *before {
            return None;
        }
        let changes = changes(before, &after);
        (after.acl, after.settings.version) = (version, version);
        Some((after, changes))
    }

    fn apply_to_talk(&self, settings: &mut RoomSettings) {
        settings.slow_mode_ms = self.slow_mode_ms.unwrap_or(settings.slow_mode_ms);
        settings.frozen = self.frozen.unwrap_or(settings.frozen);
        settings.posting = self.posting.unwrap_or(settings.posting);
        settings.archived = self.archived.unwrap_or(settings.archived);
    }

    fn apply_to_joining(&self, room: &mut Room) {
        match (self.join, &self.password_hash) {
            (_, Some(Some(hash))) => (room.join, room.password_hash) = (JoinRule::Password, Some(hash.clone())),
            (None | Some(JoinRule::Password), None) => {}
            (None | Some(JoinRule::Password), Some(None)) => {
                let rule = if room.join == JoinRule::Password { JoinRule::Open } else { room.join };
                (room.join, room.password_hash) = (rule, None);
            }
            (Some(rule @ (JoinRule::Open | JoinRule::Approval | JoinRule::Invite)), None | Some(None)) => {
                (room.join, room.password_hash) = (rule, None);
            }
        }
    }
}

/// What members are told of a change: never a password.
fn changes(before: &Room, after: &Room) -> RoomChanges {
    fn new<T: PartialEq + Clone>(before: &T, after: &T) -> Option<T> {
        (before != after).then(|| after.clone())
    }
    let (was, is) = (&before.settings, &after.settings);
    RoomChanges {
        name: new(&before.name, &after.name).map(|name| name.given().map(|name| name.0)),
        slug: new(&before.slug, &after.slug),
        description: new(&before.description, &after.description).map(|description| description.0),
        topic: new(&before.topic, &after.topic).map(|topic| topic.0),
        visibility: new(&before.visibility, &after.visibility),
        join: new(&before.join, &after.join),
        posting: new(&was.posting, &is.posting),
        archived: new(&was.archived, &is.archived),
        slow_mode_ms: new(&was.slow_mode_ms, &is.slow_mode_ms),
        frozen: new(&was.frozen, &is.frozen),
        expires_at: new(&before.expires_at, &after.expires_at),
        retention_days: new(&before.retention_days, &after.retention_days),
        members_may_invite: new(&before.members_may_invite, &after.members_may_invite),
        members_max: new(&before.members_max, &after.members_max),
        avatar: new(&before.avatar, &after.avatar),
    }
}

/// Why a room ends, and what has to hold at that moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// The event's user deletes it, and owns it or runs the server.
    Deleted,
    /// The event's user leaves it, owns it and is the only member.
    LastLeft,
    /// Its time was over by then.
    Expired(UnixMillis),
}

/// What is left of a room that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The room as it was left: without slug and owner.
    pub room: Room,
    /// Who ended it, if that was noted.
    pub by: Option<UserId>,
    /// Its last event, if there is one that says so.
    pub event: Option<MessageId>,
    /// Whether its history is erased.
    pub erased: bool,
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

    /// A name from a store, where a room of this kind may have none.
    pub fn kept_of(kind: RoomKind, text: &str, id: RoomId) -> Self {
        if kind != RoomKind::Room && text.is_empty() {
            Self::none()
        } else {
            Self::kept(text, id)
        }
    }

    /// That of a direct room or group which has none.
    pub const fn none() -> Self {
        Self(String::new())
    }

    /// The name, if there is one.
    pub fn given(self) -> Option<Self> {
        (!self.0.is_empty()).then_some(self)
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

impl RoomPassword {
    /// The bytes to hash.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl TryFrom<String> for RoomPassword {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let chars = text.chars().take(ROOM_PASSWORD_CHARS_MAX + 1).count();
        if (1..=ROOM_PASSWORD_CHARS_MAX).contains(&chars) {
            Ok(Self(text))
        } else {
            Err("must have 1 to 128 characters")
        }
    }
}

impl fmt::Debug for RoomPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomPassword(…)")
    }
}

impl RoomTopic {
    /// A text from a store: there may be older ones that break the rule.
    pub fn kept(text: &str) -> Self {
        Self(text::mended_line(text, TOPIC_CHARS_MAX))
    }

    /// The text as a string slice.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RoomTopic {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        text::line(&text, TOPIC_CHARS_MAX)
            .map(Self)
            .ok_or("must have at most 250 visible characters in one line")
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

    fn room() -> Room {
        let name = RoomName::try_from("Tea".to_owned()).unwrap();
        let slug = Some("tea".to_owned().try_into().unwrap());
        Room { slug, ..Room::new(RoomId::generate(), name, Visibility::Public, UnixMillis(7)) }
    }

    #[test]
    fn a_change_tells_what_is_different_and_nothing_else() {
        let change = SettingsChange {
            topic: Some(RoomTopic::try_from("Oolong".to_owned()).unwrap()),
            frozen: Some(false),
            archived: Some(true),
            expires_at: Some(Some(UnixMillis(9))),
            ..SettingsChange::default()
        };
        let (after, told) = change.apply(&room(), AclVersion(5)).unwrap();
        let expected = RoomChanges {
            topic: Some("Oolong".to_owned()),
            archived: Some(true),
            expires_at: Some(Some(UnixMillis(9))),
            ..RoomChanges::default()
        };
        assert_eq!((told, after.acl, after.settings.version), (expected, AclVersion(5), AclVersion(5)));
        assert_eq!(change.apply(&after, AclVersion(6)), None, "it is so already");
        let permanent = SettingsChange { expires_at: Some(None), ..SettingsChange::default() };
        assert_eq!(permanent.apply(&after, AclVersion(6)).unwrap().1.expires_at, Some(None));
    }

    #[test]
    fn a_room_has_a_password_exactly_where_one_is_asked_for() {
        let with = |join, password_hash| SettingsChange { join, password_hash, ..SettingsChange::default() };
        let hash = |text: &str| Some(Some(text.to_owned()));
        let (locked, told) = with(None, hash("a")).apply(&room(), AclVersion(2)).unwrap();
        assert_eq!((locked.join, locked.password_hash.as_deref()), (JoinRule::Password, Some("a")));
        assert_eq!(told, RoomChanges { join: Some(JoinRule::Password), ..RoomChanges::default() });
        let (other, told) = with(None, hash("b")).apply(&locked, AclVersion(3)).unwrap();
        assert!(told.is_empty() && other.password_hash.as_deref() == Some("b"), "nobody is told of a password");
        for (join, password_hash, rule) in [
            (None, Some(None), JoinRule::Open),
            (Some(JoinRule::Approval), None, JoinRule::Approval),
            (Some(JoinRule::Invite), Some(None), JoinRule::Invite),
        ] {
            let (after, _) = with(join, password_hash).apply(&locked, AclVersion(3)).unwrap();
            assert_eq!((after.join, after.password_hash), (rule, None));
        }
        assert_eq!(
            with(Some(JoinRule::Password), None).apply(&room(), AclVersion(2)),
            None,
            "there is none to ask for"
        );
    }

    #[test]
    fn an_address_goes_with_the_public() {
        let to = |visibility| SettingsChange { visibility: Some(visibility), ..SettingsChange::default() };
        let (hidden, told) = to(Visibility::Private).apply(&room(), AclVersion(2)).unwrap();
        assert_eq!((hidden.slug.clone(), told.slug, hidden.unique_name()), (None, Some(None), None));
        let slug: Option<Slug> = Some("green-tea".to_owned().try_into().unwrap());
        let shown = SettingsChange { slug: slug.clone(), ..to(Visibility::Public) };
        assert_eq!(shown.apply(&hidden, AclVersion(3)).unwrap().0.slug, slug);
        assert_eq!(shown.apply(&room(), AclVersion(3)), None, "one that has an address keeps it");
    }

    #[test]
    fn a_pair_is_the_same_from_both_sides() {
        let (ada, eve) = (UserId::generate(), UserId::generate());
        let (pair, other) = (Pair::new(ada, eve).unwrap(), Pair::new(eve, ada).unwrap());
        assert_eq!((pair, pair.room()), (other, other.room()));
        assert_eq!((pair.other(ada), pair.other(eve), pair.other(UserId::generate())), (Some(eve), Some(ada), None));
        assert_eq!(Pair::new(ada, ada), None);
        assert_ne!(pair.room(), Pair::new(ada, UserId::generate()).unwrap().room());
    }

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

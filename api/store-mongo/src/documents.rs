//! The documents of the small collections, and their way to and from the domain. A document is never a domain type:
//! what the database holds may be older than this program.

use mongodb::bson::{self, Binary, DateTime, Document, Uuid, doc};
use rookery_protocol::access::ServerRank;
use rookery_protocol::access::{JoinRule, RoomKind, RoomRole, Visibility};
use rookery_protocol::event::RoomSettings;
use rookery_protocol::id::{AclVersion, MessageId, RoomId, SessionId, Slug, UserId};
use rookery_protocol::position::Position;
use rookery_protocol::room_changes::RoomChanges;
use rookery_store::message_state::{MessageState, Version};
use rookery_store::room::{Member, Pair, Room, RoomDescription, RoomName, RoomTopic, SettingsChange, Tombstone};
use rookery_store::sanction::Sanction;
use rookery_store::session::Session;
use rookery_store::user::{Email, Profile, ServerRole, User, UserSettings};
use rookery_store::{StoreError, integer};
use serde::{Deserialize, Serialize};

use super::event_document::EventDocument;
use crate::event_document::SettingsDocument;
use crate::fields::{array, binary, date, key, number, order, parsed, place, place_in_order, time, uuid_of};

/// An account.
#[derive(Serialize, Deserialize)]
pub(super) struct UserDocument {
    #[serde(rename = "_id")]
    id: Uuid,
    username: String,
    username_key: String,
    email: String,
    email_key: String,
    password_hash: String,
    role: ServerRole,
    created_at: DateTime,
    disabled: bool,
    #[serde(default)]
    verified: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bio: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
    #[serde(default)]
    renamed_at: Option<DateTime>,
    #[serde(default)]
    settings: UserSettings,
}

impl UserDocument {
    /// What it is in every room.
    pub(super) fn rank(&self) -> ServerRank {
        if self.disabled { ServerRank::User } else { self.role.rank() }
    }

    /// Whether it is the account of this id.
    pub(super) fn is(&self, id: Uuid) -> bool {
        self.id == id
    }
}

/// A login session.
#[derive(Serialize, Deserialize)]
pub(super) struct SessionDocument {
    #[serde(rename = "_id")]
    id: Uuid,
    lookup: Binary,
    user_id: Uuid,
    chain_key: Binary,
    current: Binary,
    parent: Option<Binary>,
    rotated_at: DateTime,
    /// Missing in those of before it was kept.
    #[serde(default)]
    replaced: Vec<DateTime>,
    created_at: DateTime,
    expires_at: DateTime,
    revoked_at: Option<DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device: Option<String>,
}

/// A room.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct RoomDocument {
    #[serde(rename = "_id")]
    pub(super) id: Uuid,
    /// The two of a direct room; left out of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pair: Option<[Uuid; 2]>,
    /// Left out where there is none: the unique index covers those that exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slug: Option<String>,
    name: String,
    /// The form in which the name of a public room is unique; left out of others, and by releases that had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name_key: Option<String>,
    description: String,
    visibility: Visibility,
    pub(super) owner_id: Option<Uuid>,
    pub(super) acl: i64,
    /// Orders the room's announcements; see [`OutboxDocument::order`].
    #[serde(default)]
    pub(super) announced: i64,
    created_at: DateTime,
    /// Left out by releases that had none.
    #[serde(default)]
    settings: SettingsDocument,
    /// When the last member left: nobody comes into such a room any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) closed_at: Option<DateTime>,
    /// Who ended it, and its last event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closed_by: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closing_event: Option<Uuid>,
    /// Since when its history waits to be erased; left out once it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unerased_since: Option<DateTime>,
    #[serde(default)]
    kind: RoomKind,
    #[serde(default)]
    topic: String,
    #[serde(default)]
    join: JoinRule,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password_hash: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retention_days: Option<i64>,
    #[serde(default)]
    pub(super) members_may_invite: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) members_max: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    filter: Option<i64>,
}

/// What a room may have no value of: what a change leaves out is taken away.
const ROOM_OPTIONS: [&str; 8] = [
    "slug",
    "name_key",
    "password_hash",
    "expires_at",
    "retention_days",
    "members_max",
    "avatar",
    "filter",
];

/// A user's place in a room.
#[derive(Serialize, Deserialize)]
pub(super) struct MemberDocument {
    room_id: Uuid,
    user_id: Uuid,
    role: RoomRole,
    joined_at: DateTime,
    /// The read mark as text, see [`order`]; left out by releases that had none.
    #[serde(default)]
    pub(super) read: String,
}

/// What was decided against a user in a room; milliseconds, and the largest number means for good.
#[derive(Serialize, Deserialize)]
pub(super) struct SanctionDocument {
    room_id: Uuid,
    user_id: Uuid,
    muted_until: Option<i64>,
    banned_until: Option<i64>,
}

/// An announcement; its id is the event's.
#[derive(Serialize, Deserialize)]
pub(super) struct OutboxDocument {
    #[serde(rename = "_id")]
    pub(super) id: Uuid,
    /// Milliseconds of the clock that wrote it, pushed forward so that it grows within a room whatever the clocks do.
    pub(super) order: i64,
    pub(super) room_id: Uuid,
    pub(super) acl: i64,
    pub(super) event: EventDocument,
}

/// The epoch given last to the partition that is the id.
#[derive(Serialize, Deserialize)]
pub(super) struct EpochDocument {
    #[serde(rename = "_id")]
    pub(super) partition: i32,
    pub(super) epoch: i64,
    /// The epochs that were given last, oldest first: see [`super::walk`].
    #[serde(default)]
    pub(super) given: Vec<i64>,
    /// Up to here each number was an epoch; the counter of earlier releases. None as long as they gave all, and
    /// [`NOT_KNOWN`] where one of them has counted on beside this one.
    #[serde(default)]
    pub(super) dense: Option<i64>,
    /// The newest epoch that has begun, and where.
    #[serde(default)]
    pub(super) begun: i64,
    #[serde(default)]
    pub(super) fence: String,
}

/// In [`EpochDocument::dense`].
pub(super) const NOT_KNOWN: i64 = -1;

impl EpochDocument {
    /// Of a partition that has had no epoch.
    pub(super) const fn new(partition: i32) -> Self {
        Self { partition, epoch: 0, given: Vec::new(), dense: Some(0), begun: 0, fence: String::new() }
    }

    /// The epochs that are known one by one, and up to where all numbers were epochs; [`NOT_KNOWN`] if there may have been
    /// others.
    pub(super) fn known(&self) -> (&[i64], i64) {
        let Some(dense) = self.dense else { return (&[], self.epoch) };
        match self.given.last() {
            Some(last) if *last != self.epoch => (&[], NOT_KNOWN),
            Some(_) | None => (&self.given, dense),
        }
    }
}

impl From<&User> for UserDocument {
    fn from(user: &User) -> Self {
        Self {
            id: key(user.id.as_uuid()),
            username: user.username.as_str().to_owned(),
            username_key: user.username.key(),
            email: user.email.as_str().to_owned(),
            email_key: user.email.key(),
            password_hash: user.password_hash.clone(),
            role: user.role,
            created_at: date(user.created_at),
            disabled: user.disabled,
            verified: user.verified,
            display_name: user.profile.display_name.as_ref().map(|name| name.as_str().to_owned()),
            bio: user.profile.bio.as_ref().map(|bio| bio.as_str().to_owned()),
            language: user.profile.language.as_ref().map(|language| language.as_str().to_owned()),
            avatar: user.profile.avatar.clone(),
            renamed_at: user.renamed_at.map(date),
            settings: user.settings.clone(),
        }
    }
}

impl TryFrom<UserDocument> for User {
    type Error = StoreError;

    fn try_from(user: UserDocument) -> Result<Self, StoreError> {
        Ok(Self {
            id: UserId::from_uuid(uuid_of(user.id)),
            username: parsed(user.username, "username")?,
            email: Email::kept(user.email),
            password_hash: user.password_hash,
            role: user.role,
            created_at: time(user.created_at),
            disabled: user.disabled,
            verified: user.verified,
            profile: Profile {
                display_name: user.display_name.map(|text| parsed(text, "display_name")).transpose()?,
                bio: user.bio.map(|text| parsed(text, "bio")).transpose()?,
                language: user.language.map(|text| parsed(text, "language")).transpose()?,
                avatar: user.avatar,
            },
            renamed_at: user.renamed_at.map(time),
            settings: user.settings,
        })
    }
}

impl From<&Session> for SessionDocument {
    fn from(session: &Session) -> Self {
        Self {
            id: key(session.id.as_uuid()),
            lookup: binary(&session.lookup),
            user_id: key(session.user_id.as_uuid()),
            chain_key: binary(&session.chain_key),
            current: binary(&session.current),
            parent: session.parent.map(|hash| binary(&hash)),
            rotated_at: date(session.rotated_at),
            replaced: session.replaced.iter().copied().map(date).collect(),
            created_at: date(session.created_at),
            expires_at: date(session.expires_at),
            revoked_at: session.revoked_at.map(date),
            device: session.device.as_ref().map(|device| device.as_str().to_owned()),
        }
    }
}

impl TryFrom<SessionDocument> for Session {
    type Error = StoreError;

    fn try_from(session: SessionDocument) -> Result<Self, StoreError> {
        Ok(Self {
            id: SessionId::from_uuid(uuid_of(session.id)),
            lookup: array(&session.lookup)?,
            user_id: UserId::from_uuid(uuid_of(session.user_id)),
            chain_key: array(&session.chain_key)?,
            current: array(&session.current)?,
            parent: session.parent.as_ref().map(array).transpose()?,
            rotated_at: time(session.rotated_at),
            replaced: session.replaced.into_iter().map(time).collect(),
            created_at: time(session.created_at),
            expires_at: time(session.expires_at),
            revoked_at: session.revoked_at.map(time),
            device: session.device.map(|device| parsed(device, "device")).transpose()?,
        })
    }
}

impl TryFrom<&Room> for RoomDocument {
    type Error = StoreError;

    fn try_from(room: &Room) -> Result<Self, StoreError> {
        Ok(Self {
            id: key(room.id.as_uuid()),
            pair: room.pair.map(|pair| pair.both().map(|user| key(user.as_uuid()))),
            slug: room.slug.as_ref().map(|slug| slug.as_str().to_owned()),
            name: room.name.as_str().to_owned(),
            name_key: room.unique_name(),
            description: room.description.as_str().to_owned(),
            visibility: room.visibility,
            owner_id: room.owner.map(|id| key(id.as_uuid())),
            acl: integer::stored(room.acl.0)?,
            announced: 0,
            created_at: date(room.created_at),
            settings: room.settings.into(),
            closed_at: None,
            closed_by: None,
            closing_event: None,
            unerased_since: None,
            kind: room.kind,
            topic: room.topic.as_str().to_owned(),
            join: room.join,
            password_hash: room.password_hash.clone(),
            expires_at: room.expires_at.map(date),
            retention_days: room.retention_days.map(i64::from),
            members_may_invite: room.members_may_invite,
            members_max: room.members_max.map(i64::from),
            avatar: room.avatar.clone(),
            filter: room.filter.map(integer::stored).transpose()?,
        })
    }
}

impl TryFrom<RoomDocument> for Room {
    type Error = StoreError;

    fn try_from(room: RoomDocument) -> Result<Self, StoreError> {
        let id = RoomId::from_uuid(uuid_of(room.id));
        let pair = room.pair.map(|pair| pair.map(|user| UserId::from_uuid(uuid_of(user))));
        Ok(Self {
            id,
            pair: pair.and_then(|[low, high]| Pair::new(low, high)),
            slug: room.slug.map(|slug| parsed::<Slug>(slug, "slug")).transpose()?,
            name: RoomName::kept_of(room.kind, &room.name, id),
            description: RoomDescription::kept(&room.description),
            visibility: room.visibility,
            owner: room.owner_id.map(|id| UserId::from_uuid(uuid_of(id))),
            acl: AclVersion(integer::read(room.acl)?),
            created_at: time(room.created_at),
            settings: room.settings.into(),
            kind: room.kind,
            topic: RoomTopic::kept(&room.topic),
            join: room.join,
            password_hash: room.password_hash,
            expires_at: room.expires_at.map(time),
            retention_days: room.retention_days.and_then(|days| u32::try_from(days).ok()),
            members_may_invite: room.members_may_invite,
            members_max: room.members_max.and_then(|members| u32::try_from(members).ok()),
            avatar: room.avatar,
            filter: room.filter.map(integer::read).transpose()?,
        })
    }
}

impl RoomDocument {
    /// Its readable address.
    pub(super) fn slug(&self) -> Option<&str> {
        self.slug.as_deref()
    }

    /// What is left of it, if it has ended.
    pub(super) fn tombstone(self) -> Result<Option<Tombstone>, StoreError> {
        if self.closed_at.is_none() {
            return Ok(None);
        }
        let by = self.closed_by.map(|id| UserId::from_uuid(uuid_of(id)));
        let event = self.closing_event.map(|id| MessageId::from_uuid(uuid_of(id)));
        let erased = self.unerased_since.is_none();
        Ok(Some(Tombstone { room: Room::try_from(self)?, by, event, erased }))
    }

    /// The settings as they are, with the version that the room has.
    pub(super) fn settings_now(&self) -> RoomSettings {
        RoomSettings { version: AclVersion(number(self.acl)), ..self.settings.into() }
    }

    /// The room after a change, with the version that it has, and what is different; none if nothing would be.
    pub(super) fn after(&self, wanted: &SettingsChange) -> Result<Option<(Room, RoomChanges)>, StoreError> {
        Ok(wanted.apply(&Room::try_from(self.clone())?, AclVersion(number(self.acl))))
    }

    /// The update that brings a room into this state.
    pub(super) fn update(room: &Room) -> Result<Document, StoreError> {
        let broken = |error: bson::error::Error| StoreError::Inconsistent(format!("a room's document: {error}"));
        let mut set = bson::serialize_to_document(&Self::try_from(room)?).map_err(broken)?;
        // What this does not change.
        for name in ["_id", "announced"] {
            set.remove(name);
        }
        let gone: Document = ROOM_OPTIONS
            .iter()
            .filter(|name| !set.contains_key(**name))
            .map(|name| ((*name).to_owned(), "".into()))
            .collect();
        Ok(if gone.is_empty() {
            doc! { "$set": set }
        } else {
            doc! { "$set": set, "$unset": gone }
        })
    }
}

impl From<&Member> for MemberDocument {
    fn from(member: &Member) -> Self {
        Self {
            room_id: key(member.room_id.as_uuid()),
            user_id: key(member.user_id.as_uuid()),
            role: member.role,
            joined_at: date(member.joined_at),
            read: order(member.read),
        }
    }
}

impl From<MemberDocument> for Member {
    fn from(member: MemberDocument) -> Self {
        Self {
            room_id: RoomId::from_uuid(uuid_of(member.room_id)),
            user_id: UserId::from_uuid(uuid_of(member.user_id)),
            role: member.role,
            joined_at: time(member.joined_at),
            read: place_in_order(&member.read).unwrap_or(Position::START),
        }
    }
}

impl SanctionDocument {
    /// Against whom.
    pub(super) fn user(&self) -> UserId {
        UserId::from_uuid(uuid_of(self.user_id))
    }

    /// Where and against whom.
    pub(super) fn place(&self) -> (RoomId, UserId) {
        (RoomId::from_uuid(uuid_of(self.room_id)), UserId::from_uuid(uuid_of(self.user_id)))
    }

    pub(super) fn new(room: RoomId, user: UserId, sanction: Sanction) -> Self {
        Self {
            room_id: key(room.as_uuid()),
            user_id: key(user.as_uuid()),
            muted_until: sanction.muted.map(integer::stored_until),
            banned_until: sanction.banned.map(integer::stored_until),
        }
    }
}

impl From<SanctionDocument> for Sanction {
    fn from(sanction: SanctionDocument) -> Self {
        Self {
            muted: sanction.muted_until.map(integer::read_until),
            banned: sanction.banned_until.map(integer::read_until),
        }
    }
}

/// Finds what is kept of one user in one room.
pub(super) fn one(room: RoomId, user: UserId) -> Document {
    doc! { "room_id": key(room.as_uuid()), "user_id": key(user.as_uuid()) }
}

/// The newest edit of the message that is the id, or nothing but the fact of its deletion.
#[derive(Serialize, Deserialize)]
pub(super) struct StateDocument {
    #[serde(rename = "_id")]
    pub(super) id: Uuid,
    #[serde(default)]
    pub(super) deleted: bool,
    pub(super) epoch: Option<i64>,
    pub(super) seq: Option<i64>,
    pub(super) edited_at: Option<DateTime>,
    pub(super) content: Option<String>,
}

impl TryFrom<StateDocument> for MessageState {
    type Error = StoreError;

    fn try_from(state: StateDocument) -> Result<Self, StoreError> {
        let StateDocument { deleted, epoch, seq, edited_at, content, id: _ } = state;
        let edit = match (epoch, seq, edited_at, content) {
            (Some(epoch), Some(seq), Some(at), Some(content)) => {
                Some(Version { place: place(epoch, seq)?, content, at: time(at) })
            }
            (_, _, _, _) => None,
        };
        Ok(Self { edit, deleted, ..Self::default() })
    }
}

//! Events as documents: fields of their own, so that the database can be asked about them.

use mongodb::bson::{DateTime, Uuid};
use rookery_protocol::access::{Posting, RoomRole};
use rookery_protocol::attachment::Attachment;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::emoji::Emoji;
use rookery_protocol::event::{
    DeletionReason, Event, EventBody, MembershipChange, MessageChanged, NewMessage, RoomChange, RoomSettings, Sender,
    SequencedEvent,
};
use rookery_protocol::id::{AclVersion, Epoch, MessageId, RoomId, Seq, UserId};
use rookery_store::message::Kinds;
use rookery_store::search::is_of_texts;
use rookery_store::unread::unread_author;
use rookery_store::{StoreError, integer};
use serde::{Deserialize, Serialize};

use crate::error::Failed;
use crate::fields::{date, key, number, parsed, time, uuid_of};

/// What happened, without its id, which is the `_id` of the document around it.
#[derive(Serialize, Deserialize)]
pub(super) struct EventDocument {
    v: i32,
    kind: Kind,
    user_id: Uuid,
    username: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<Uuid>,
    /// Its files: JSON, as nothing is asked about them here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attachments: Option<String>,
    /// The message that an edit is of: in a field of its own for the index of edits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edit_of: Option<Uuid>,
    /// Target of any other change of a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    emoji: Option<String>,
    /// Target of an action of a moderator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    member: Option<MemberPart>,
    /// When what was decided ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<DateTime>,
    /// How the room is talked in from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settings: Option<SettingsDocument>,
    /// What an update changed: JSON, as nothing is asked about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changed: Option<String>,
    /// The role that a member got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<RoomRole>,
    /// Who owned the room before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Uuid>,
    /// How the room came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<DeletionReason>,
    /// From when to when messages were removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<DateTime>,
}

#[derive(Serialize, Deserialize)]
struct MemberPart {
    user_id: Uuid,
    username: String,
}

/// An event of a room's history.
#[derive(Serialize, Deserialize)]
pub(super) struct MessageDocument {
    #[serde(rename = "_id")]
    pub(super) id: Uuid,
    room_id: Uuid,
    pub(super) epoch: i64,
    pub(super) seq: i64,
    timestamp: DateTime,
    /// The author of a message that counts as unread for others; left out of everything else, and of deleted messages.
    #[serde(rename = "said_by", default, skip_serializing_if = "Option::is_none")]
    unread_author: Option<Uuid>,
    /// Whether it changes a message; absent if not.
    #[serde(rename = "is_act", default, skip_serializing_if = "std::ops::Not::not")]
    changes_message: bool,
    /// Since when its text waits for the index of terms; absent if it has none, or waits no more.
    #[serde(rename = "unindexed_since", default, skip_serializing_if = "Option::is_none")]
    pub(super) waits_since: Option<DateTime>,
    #[serde(flatten)]
    event: EventDocument,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Message,
    MemberJoined,
    MemberLeft,
    MessageEdited,
    MessageDeleted,
    ReactionAdded,
    ReactionRemoved,
    MemberKicked,
    MemberBanned,
    MemberUnbanned,
    MemberMuted,
    MemberUnmuted,
    RoomUpdated,
    RoomDeleted,
    MemberAdded,
    MemberRoleChanged,
    OwnerChanged,
    MessagePinned,
    MessageUnpinned,
    MessagesPurged,
}

impl EventDocument {
    /// None of an event that only later releases know.
    #[expect(clippy::too_many_lines, reason = "one entry per kind")]
    pub(super) fn new(event: &Event) -> Option<Self> {
        let bare = |kind| Self {
            v: event.v.into(),
            kind,
            user_id: key(event.user_id.as_uuid()),
            username: event.username.clone(),
            content: None,
            client_id: None,
            reply_to: None,
            attachments: None,
            member: None,
            until: None,
            edit_of: None,
            message_id: None,
            emoji: None,
            settings: None,
            changed: None,
            role: None,
            previous: None,
            reason: None,
            from: None,
            to: None,
        };
        let of_member = |kind, member: &Sender, until: &Option<UnixMillis>| Self {
            member: Some(MemberPart::from(member)),
            until: until.map(date),
            ..bare(kind)
        };
        let about = |kind, id: &MessageId| Self { message_id: Some(key(id.as_uuid())), ..bare(kind) };
        Some(match &event.body {
            EventBody::Message(NewMessage { content, client_id, reply_to, attachments }) => Self {
                // Texts, numbers and ids only: nothing in it can fail to serialise.
                attachments: (!attachments.is_empty()).then(|| serde_json::to_string(attachments).unwrap_or_default()),
                content: Some(content.clone()),
                client_id: Some(client_id.as_str().to_owned()),
                reply_to: reply_to.map(|id| key(id.as_uuid())),
                ..bare(Kind::Message)
            },
            EventBody::MessageChange(change) => match change {
                MessageChanged::Edited { message_id, content, client_id } => Self {
                    edit_of: Some(key(message_id.as_uuid())),
                    content: Some(content.clone()),
                    client_id: Some(client_id.as_str().to_owned()),
                    ..bare(Kind::MessageEdited)
                },
                MessageChanged::Deleted { message_id } => about(Kind::MessageDeleted, message_id),
                MessageChanged::ReactionAdded { message_id, emoji } => {
                    Self { emoji: Some(emoji.as_str().to_owned()), ..about(Kind::ReactionAdded, message_id) }
                }
                MessageChanged::ReactionRemoved { message_id, emoji } => {
                    Self { emoji: Some(emoji.as_str().to_owned()), ..about(Kind::ReactionRemoved, message_id) }
                }
                MessageChanged::Pinned { message_id } => about(Kind::MessagePinned, message_id),
                MessageChanged::Unpinned { message_id } => about(Kind::MessageUnpinned, message_id),
            },
            EventBody::Membership(change) => match change {
                MembershipChange::Joined {} => bare(Kind::MemberJoined),
                MembershipChange::Left {} => bare(Kind::MemberLeft),
                MembershipChange::Kicked { member } => of_member(Kind::MemberKicked, member, &None),
                MembershipChange::Banned { member, until } => of_member(Kind::MemberBanned, member, until),
                MembershipChange::Unbanned { member } => of_member(Kind::MemberUnbanned, member, &None),
                MembershipChange::Muted { member, until } => of_member(Kind::MemberMuted, member, until),
                MembershipChange::Unmuted { member } => of_member(Kind::MemberUnmuted, member, &None),
                MembershipChange::Added { member } => of_member(Kind::MemberAdded, member, &None),
                MembershipChange::RoleChanged { member, role } => {
                    Self { role: Some(*role), ..of_member(Kind::MemberRoleChanged, member, &None) }
                }
                MembershipChange::OwnerChanged { member, previous } => Self {
                    previous: previous.map(|user| key(user.as_uuid())),
                    ..of_member(Kind::OwnerChanged, member, &None)
                },
                MembershipChange::MessagesPurged { member, from, to } => Self {
                    from: from.map(date),
                    to: Some(date(*to)),
                    ..of_member(Kind::MessagesPurged, member, &None)
                },
            },
            EventBody::Room(RoomChange::Updated { settings, changed }) => Self {
                settings: Some((*settings).into()),
                // Texts and numbers only: nothing in it can fail to serialise.
                changed: changed.as_ref().and_then(|changed| serde_json::to_string(changed).ok()),
                ..bare(Kind::RoomUpdated)
            },
            EventBody::Room(RoomChange::Deleted { reason }) => {
                Self { reason: Some(*reason), ..bare(Kind::RoomDeleted) }
            }
            EventBody::Unknown(_) => return None,
        })
    }
}

impl EventDocument {
    /// The event of this id.
    pub(super) fn into_event(self, id: Uuid) -> Result<Event, Failed> {
        Ok(Event {
            v: u8::try_from(self.v).map_err(|_| StoreError::Inconsistent(format!("event version {}", self.v)))?,
            id: MessageId::from_uuid(uuid_of(id)),
            user_id: UserId::from_uuid(uuid_of(self.user_id)),
            username: self.username.clone(),
            trace: None,
            body: self.into_body()?,
        })
    }

    fn into_body(self) -> Result<EventBody, Failed> {
        let member = self.member.map(Sender::from);
        let member = member.ok_or_else(|| StoreError::Inconsistent("an act without a member".to_owned()));
        let until = self.until.map(time);
        Ok(match self.kind {
            Kind::Message => EventBody::Message(NewMessage {
                content: there(self.content, "content")?,
                client_id: parsed(there(self.client_id, "client_id")?, "client_id")?,
                reply_to: self.reply_to.map(|id| MessageId::from_uuid(uuid_of(id))),
                attachments: attachments_of(self.attachments.as_deref())?,
            }),
            Kind::MessageEdited => EventBody::MessageChange(MessageChanged::Edited {
                message_id: target(self.edit_of)?,
                content: there(self.content, "content")?,
                client_id: parsed(there(self.client_id, "client_id")?, "client_id")?,
            }),
            Kind::MessageDeleted => {
                EventBody::MessageChange(MessageChanged::Deleted { message_id: target(self.message_id)? })
            }
            Kind::ReactionAdded => EventBody::MessageChange(MessageChanged::ReactionAdded {
                message_id: target(self.message_id)?,
                emoji: Emoji::kept(there(self.emoji, "emoji")?),
            }),
            Kind::ReactionRemoved => EventBody::MessageChange(MessageChanged::ReactionRemoved {
                message_id: target(self.message_id)?,
                emoji: Emoji::kept(there(self.emoji, "emoji")?),
            }),
            Kind::MemberJoined => EventBody::Membership(MembershipChange::Joined {}),
            Kind::MemberLeft => EventBody::Membership(MembershipChange::Left {}),
            Kind::MemberKicked => EventBody::Membership(MembershipChange::Kicked { member: member? }),
            Kind::MemberBanned => EventBody::Membership(MembershipChange::Banned { member: member?, until }),
            Kind::MemberUnbanned => EventBody::Membership(MembershipChange::Unbanned { member: member? }),
            Kind::MemberMuted => EventBody::Membership(MembershipChange::Muted { member: member?, until }),
            Kind::MemberUnmuted => EventBody::Membership(MembershipChange::Unmuted { member: member? }),
            Kind::RoomUpdated => {
                let settings = there(self.settings, "settings")?.into();
                let changed = self.changed.map(|text| serde_json::from_str(&text)).transpose();
                let changed =
                    changed.map_err(|error| StoreError::Inconsistent(format!("changed of an update: {error}")))?;
                EventBody::Room(RoomChange::Updated { settings, changed })
            }
            Kind::RoomDeleted => EventBody::Room(RoomChange::Deleted { reason: there(self.reason, "reason")? }),
            Kind::MemberAdded => EventBody::Membership(MembershipChange::Added { member: member? }),
            Kind::MemberRoleChanged => EventBody::Membership(MembershipChange::RoleChanged {
                member: member?,
                role: there(self.role, "role")?,
            }),
            Kind::OwnerChanged => EventBody::Membership(MembershipChange::OwnerChanged {
                member: member?,
                previous: self.previous.map(|user| UserId::from_uuid(uuid_of(user))),
            }),
            Kind::MessagePinned => {
                EventBody::MessageChange(MessageChanged::Pinned { message_id: target(self.message_id)? })
            }
            Kind::MessageUnpinned => {
                EventBody::MessageChange(MessageChanged::Unpinned { message_id: target(self.message_id)? })
            }
            Kind::MessagesPurged => EventBody::Membership(MembershipChange::MessagesPurged {
                member: member?,
                from: self.from.map(time),
                to: time(there(self.to, "to")?),
            }),
        })
    }
}

impl From<&Sender> for MemberPart {
    fn from(member: &Sender) -> Self {
        Self { user_id: key(member.user_id.as_uuid()), username: member.username.clone() }
    }
}

impl From<MemberPart> for Sender {
    fn from(member: MemberPart) -> Self {
        Self { user_id: UserId::from_uuid(uuid_of(member.user_id)), username: member.username }
    }
}

/// The document of an event.
pub(super) fn of(event: &Event) -> Result<EventDocument, StoreError> {
    EventDocument::new(event).ok_or_else(|| StoreError::Inconsistent("an event of a later release".to_owned()))
}

fn there<T>(value: Option<T>, field: &str) -> Result<T, Failed> {
    Ok(value.ok_or_else(|| StoreError::Inconsistent(format!("an event without {field}")))?)
}

fn attachments_of(text: Option<&str>) -> Result<Vec<Attachment>, Failed> {
    let read = text.map(serde_json::from_str).transpose();
    let read = read.map_err(|error| StoreError::Inconsistent(format!("attachments of a message: {error}")))?;
    Ok(read.unwrap_or_default())
}

fn target(id: Option<Uuid>) -> Result<MessageId, Failed> {
    there(id, "message_id").map(|id| MessageId::from_uuid(uuid_of(id)))
}

impl TryFrom<&SequencedEvent> for MessageDocument {
    type Error = StoreError;

    fn try_from(event: &SequencedEvent) -> Result<Self, StoreError> {
        Ok(Self {
            id: key(event.event.id.as_uuid()),
            room_id: key(event.room.as_uuid()),
            epoch: integer::stored(event.epoch.0)?,
            seq: integer::stored(event.seq.get())?,
            timestamp: date(event.timestamp),
            unread_author: unread_author(event).map(|user| key(user.as_uuid())),
            changes_message: !Kinds::WithoutChanges.include(event),
            waits_since: is_of_texts(event).then(|| date(event.timestamp)),
            event: of(&event.event)?,
        })
    }
}

impl TryFrom<MessageDocument> for SequencedEvent {
    type Error = StoreError;

    fn try_from(message: MessageDocument) -> Result<Self, StoreError> {
        Ok(Self {
            room: RoomId::from_uuid(uuid_of(message.room_id)),
            epoch: Epoch(integer::read(message.epoch)?),
            seq: Seq::new(integer::read(message.seq)?),
            timestamp: time(message.timestamp),
            event: message.event.into_event(message.id)?,
        })
    }
}

/// How a room is talked in.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct SettingsDocument {
    version: i64,
    slow_mode_ms: i64,
    frozen: bool,
    #[serde(default)]
    posting: Posting,
    #[serde(default)]
    archived: bool,
}

impl From<RoomSettings> for SettingsDocument {
    fn from(settings: RoomSettings) -> Self {
        let RoomSettings { version, slow_mode_ms, frozen, posting, archived } = settings;
        let (version, slow_mode_ms) = (integer::bound(version.0), integer::bound(slow_mode_ms));
        Self { version, slow_mode_ms, frozen, posting, archived }
    }
}

impl From<SettingsDocument> for RoomSettings {
    fn from(settings: SettingsDocument) -> Self {
        let SettingsDocument { version, slow_mode_ms, frozen, posting, archived } = settings;
        let (version, slow_mode_ms) = (AclVersion(number(version)), number(slow_mode_ms));
        Self { version, slow_mode_ms, frozen, posting, archived }
    }
}

//! Events as documents: fields of their own, so that the database can be asked about them.

use mongodb::bson::{DateTime, Uuid};
use rookery_shared::clock::UnixMillis;
use rookery_shared::event::{Event, EventBody, Sender, SequencedEvent};
use rookery_shared::id::{Epoch, MessageId, RoomId, Seq, UserId};
use serde::{Deserialize, Serialize};

use super::documents::{date, key, parsed, time, uuid_of};
use crate::store::{StoreError, integer};

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
    /// Whom an act of moderation is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    member: Option<MemberPart>,
    /// When what was decided ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<DateTime>,
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
    id: Uuid,
    room_id: Uuid,
    epoch: i64,
    pub(super) seq: i64,
    timestamp: DateTime,
    #[serde(flatten)]
    event: EventDocument,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Message,
    MemberJoined,
    MemberLeft,
    MemberKicked,
    MemberBanned,
    MemberUnbanned,
    MemberMuted,
    MemberUnmuted,
}

impl From<&Event> for EventDocument {
    fn from(event: &Event) -> Self {
        let bare = |kind| Self {
            v: event.v.into(),
            kind,
            user_id: key(event.user_id.as_uuid()),
            username: event.username.clone(),
            content: None,
            client_id: None,
            reply_to: None,
            member: None,
            until: None,
        };
        let about = |kind, member: &Sender, until: &Option<UnixMillis>| Self {
            member: Some(MemberPart::from(member)),
            until: until.map(date),
            ..bare(kind)
        };
        match &event.body {
            EventBody::Message { content, client_id, reply_to } => Self {
                content: Some(content.clone()),
                client_id: Some(client_id.as_str().to_owned()),
                reply_to: reply_to.map(|id| key(id.as_uuid())),
                ..bare(Kind::Message)
            },
            EventBody::MemberJoined {} => bare(Kind::MemberJoined),
            EventBody::MemberLeft {} => bare(Kind::MemberLeft),
            EventBody::MemberKicked { member } => about(Kind::MemberKicked, member, &None),
            EventBody::MemberBanned { member, until } => about(Kind::MemberBanned, member, until),
            EventBody::MemberUnbanned { member } => about(Kind::MemberUnbanned, member, &None),
            EventBody::MemberMuted { member, until } => about(Kind::MemberMuted, member, until),
            EventBody::MemberUnmuted { member } => about(Kind::MemberUnmuted, member, &None),
        }
    }
}

impl EventDocument {
    /// The event of this id.
    pub(super) fn into_event(self, id: Uuid) -> Result<Event, StoreError> {
        Ok(Event {
            v: u8::try_from(self.v).map_err(|_| StoreError::Inconsistent(format!("event version {}", self.v)))?,
            id: MessageId::from_uuid(uuid_of(id)),
            user_id: UserId::from_uuid(uuid_of(self.user_id)),
            username: self.username.clone(),
            body: self.into_body()?,
        })
    }

    fn into_body(self) -> Result<EventBody, StoreError> {
        let member = self.member.map(Sender::from);
        let member = member.ok_or_else(|| StoreError::Inconsistent("an act without a member".to_owned()));
        let until = self.until.map(time);
        let without = |field: &str| StoreError::Inconsistent(format!("a message without {field}"));
        Ok(match self.kind {
            Kind::Message => EventBody::Message {
                content: self.content.ok_or_else(|| without("content"))?,
                client_id: parsed(self.client_id.ok_or_else(|| without("client_id"))?, "client_id")?,
                reply_to: self.reply_to.map(|id| MessageId::from_uuid(uuid_of(id))),
            },
            Kind::MemberJoined => EventBody::MemberJoined {},
            Kind::MemberLeft => EventBody::MemberLeft {},
            Kind::MemberKicked => EventBody::MemberKicked { member: member? },
            Kind::MemberBanned => EventBody::MemberBanned { member: member?, until },
            Kind::MemberUnbanned => EventBody::MemberUnbanned { member: member? },
            Kind::MemberMuted => EventBody::MemberMuted { member: member?, until },
            Kind::MemberUnmuted => EventBody::MemberUnmuted { member: member? },
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

impl TryFrom<&SequencedEvent> for MessageDocument {
    type Error = StoreError;

    fn try_from(event: &SequencedEvent) -> Result<Self, StoreError> {
        Ok(Self {
            id: key(event.event.id.as_uuid()),
            room_id: key(event.room.as_uuid()),
            epoch: integer::stored(event.epoch.0)?,
            seq: integer::stored(event.seq.get())?,
            timestamp: date(event.timestamp),
            event: EventDocument::from(&event.event),
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

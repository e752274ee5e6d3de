//! The document of a purge.

use mongodb::bson::{DateTime, Uuid};
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_store::purge::Purge;
use serde::{Deserialize, Serialize};

use crate::fields::{date, key, time, uuid_of};

/// A purge.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct PurgeDocument {
    #[serde(rename = "_id")]
    id: Uuid,
    room_id: Uuid,
    user_id: Uuid,
    by: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<DateTime>,
    to: DateTime,
    event_id: Uuid,
    hides_until: DateTime,
}

impl From<&Purge> for PurgeDocument {
    fn from(purge: &Purge) -> Self {
        Self {
            id: key(purge.id),
            room_id: key(purge.room.as_uuid()),
            user_id: key(purge.user.as_uuid()),
            by: key(purge.by.as_uuid()),
            from: purge.from.map(date),
            to: date(purge.to),
            event_id: key(purge.event.as_uuid()),
            hides_until: date(purge.hides_until),
        }
    }
}

impl From<PurgeDocument> for Purge {
    fn from(found: PurgeDocument) -> Self {
        Self {
            id: uuid_of(found.id),
            room: RoomId::from_uuid(uuid_of(found.room_id)),
            user: UserId::from_uuid(uuid_of(found.user_id)),
            by: UserId::from_uuid(uuid_of(found.by)),
            from: found.from.map(time),
            to: time(found.to),
            event: MessageId::from_uuid(uuid_of(found.event_id)),
            hides_until: time(found.hides_until),
        }
    }
}

//! Pinned messages in SQLite. One savepoint of the writer holds all of a change.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::Event;
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_store::pin::{Pin, PinPlace, Pinned, Pins};
use rookery_store::{Announcement, StoreError, integer};
use rusqlite::{Connection, Row, params};

use super::sql::{change, many, one, statements};
use super::{Sqlite, outbox};
use crate::error::Failed;

statements! {
    GET = "SELECT 1 FROM pins WHERE message_id = ?1";
    COUNT = "SELECT count(*) FROM pins WHERE room_id = ?1";
    PUT = "INSERT INTO pins (message_id, room_id, pinned_by, pinned_at) VALUES (?1, ?2, ?3, ?4)";
    REMOVE = "DELETE FROM pins WHERE message_id = ?1 AND room_id = ?2";
    DELETED = "DELETE FROM pins WHERE message_id = ?1";
    PAGE = "SELECT * FROM pins WHERE room_id = ?1 ORDER BY pinned_at DESC, message_id DESC LIMIT ?2";
    PAGE_BEFORE = "SELECT * FROM pins WHERE room_id = ?1 AND (pinned_at, message_id) < (?3, ?4)
                   ORDER BY pinned_at DESC, message_id DESC LIMIT ?2";
}

#[async_trait]
impl Pins for Sqlite {
    async fn pin(&self, room: RoomId, pin: &Pin, most: usize, event: &Event) -> Result<Pinned, StoreError> {
        let (pin, event) = (*pin, event.clone());
        self.write(move |db| {
            if one(db, GET, [pin.message.as_uuid()], |_| Ok(()))?.is_some() {
                return Ok(Pinned::Unchanged);
            }
            let known = one(db, COUNT, [room.as_uuid()], |row| Ok(row.get::<_, i64>(0)?))?.unwrap_or(0);
            if known >= integer::limit(most) {
                return Ok(Pinned::Full);
            }
            let row = params![pin.message.as_uuid(), room.as_uuid(), pin.by.as_uuid(), pin.at.0];
            let changed = change(db, PUT, row)?;
            Ok(outbox::announce(db, changed, room, event)?.map_or(Pinned::Unchanged, Pinned::Done))
        })
        .await
    }

    async fn unpin(&self, room: RoomId, message: MessageId, event: &Event) -> Result<Option<Announcement>, StoreError> {
        let event = event.clone();
        self.write(move |db| {
            let changed = change(db, REMOVE, [message.as_uuid(), room.as_uuid()])?;
            outbox::announce(db, changed, room, event)
        })
        .await
    }

    async fn page(&self, room: RoomId, before: Option<PinPlace>, limit: usize) -> Result<Vec<Pin>, StoreError> {
        let (room, limit) = (room.as_uuid(), integer::limit(limit));
        self.read(move |db| match before {
            None => many(db, PAGE, params![room, limit], read),
            Some(PinPlace { at, message }) => {
                many(db, PAGE_BEFORE, params![room, limit, at.0, message.as_uuid()], read)
            }
        })
        .await
    }
}

/// A deleted message is pinned no more.
pub(super) fn remove(db: &Connection, message: MessageId) -> Result<(), Failed> {
    change(db, DELETED, [message.as_uuid()]).map(drop)
}

fn read(row: &Row<'_>) -> Result<Pin, Failed> {
    Ok(Pin {
        message: MessageId::from_uuid(row.get("message_id")?),
        by: UserId::from_uuid(row.get("pinned_by")?),
        at: UnixMillis(row.get("pinned_at")?),
    })
}

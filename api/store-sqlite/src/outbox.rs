//! Announcements in SQLite, in the order in which they were made.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::Event;
use rookery_protocol::id::{AclVersion, MessageId, RoomId};
use rookery_store::{Announcement, Outbox, StoreError, integer};
use rusqlite::{Connection, Row, params};

use super::sql::{change, many, statements};
use super::{Sqlite, event_rows};
use crate::error::Failed;
use crate::sql::one;

statements! {
    INSERT = "INSERT INTO outbox (event_id, room_id, acl, event) VALUES (?1, ?2, ?3, ?4)";
    // Every n is above zero: the condition only says that the rows are read along the key.
    PENDING = "SELECT * FROM outbox WHERE n > 0 ORDER BY n LIMIT ?1";
    PENDING_IN = "SELECT * FROM outbox WHERE room_id = ?1 ORDER BY n LIMIT ?2";
    DELETE = "DELETE FROM outbox WHERE event_id = ?1";
    RAISE_ACL = "UPDATE rooms SET acl = acl + 1, raised_at = ?2 WHERE id = ?1 RETURNING acl";
}

#[async_trait]
impl Outbox for Sqlite {
    async fn pending(&self, limit: usize) -> Result<Vec<Announcement>, StoreError> {
        let limit = integer::limit(limit);
        self.read(move |db| many(db, PENDING, [limit], read)).await
    }

    async fn pending_in(&self, room: RoomId, limit: usize) -> Result<Vec<Announcement>, StoreError> {
        let limit = integer::limit(limit);
        self.read(move |db| many(db, PENDING_IN, params![room.as_uuid(), limit], read)).await
    }

    async fn done(&self, event: MessageId) -> Result<(), StoreError> {
        self.write(move |db| change(db, DELETE, [event.as_uuid()]).map(drop)).await
    }
}

/// Adds an announcement, as part of the change it announces.
pub(super) fn insert(db: &Connection, announcement: &Announcement) -> Result<(), Failed> {
    let Announcement { room, acl, event } = announcement;
    let row = params![event.id.as_uuid(), room.as_uuid(), integer::stored(acl.0)?, event.to_json()];
    change(db, INSERT, row).map(drop)
}

fn read(row: &Row<'_>) -> Result<Announcement, Failed> {
    Ok(Announcement {
        room: RoomId::from_uuid(row.get("room_id")?),
        acl: AclVersion(integer::read(row.get("acl")?)?),
        event: event_rows::event(row)?,
    })
}

/// Raises the room's version and leaves the announcement, if members changed.
pub(super) fn announce(
    db: &Connection,
    changed: usize,
    room: RoomId,
    event: Event,
) -> Result<Option<Announcement>, Failed> {
    if changed == 0 {
        return Ok(None);
    }
    let raised = one(db, RAISE_ACL, params![room.as_uuid(), UnixMillis::now().0], |row| Ok(row.get::<_, i64>(0)?))?;
    let acl = raised.ok_or_else(|| StoreError::Inconsistent(format!("members without a room: {room}")))?;
    let announcement = Announcement { room, acl: AclVersion(integer::read(acl)?), event };
    insert(db, &announcement)?;
    Ok(Some(announcement))
}

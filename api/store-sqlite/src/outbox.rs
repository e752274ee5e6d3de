//! Announcements in SQLite, in the order in which they were made.

use async_trait::async_trait;
use rookery_protocol::id::{AclVersion, MessageId, RoomId};
use rookery_store::{Announcement, Outbox, StoreError, integer};
use rusqlite::{Connection, Row, params};

use super::sql::{change, many, statements};
use super::{Sqlite, messages};
use crate::error::Failed;

statements! {
    INSERT = "INSERT INTO outbox (event_id, room_id, acl, event) VALUES (?1, ?2, ?3, ?4)";
    // Every n is above zero: the condition only says that the rows are read along the key.
    PENDING = "SELECT * FROM outbox WHERE n > 0 ORDER BY n LIMIT ?1";
    DELETE = "DELETE FROM outbox WHERE event_id = ?1";
}

#[async_trait]
impl Outbox for Sqlite {
    async fn pending(&self, limit: usize) -> Result<Vec<Announcement>, StoreError> {
        let limit = integer::limit(limit);
        self.read(move |db| many(db, PENDING, [limit], read)).await
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
        event: messages::event(row)?,
    })
}

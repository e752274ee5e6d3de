//! Purges of what somebody has said in a room, in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::Event;
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_store::purge::Purge;
use rookery_store::{Announcement, Purges, StoreError, integer};
use rusqlite::{Row, params};
use uuid::Uuid;

use super::sql::{change, many, one, statements};
use super::{Sqlite, message_changes, outbox, threads};
use crate::error::Failed;

statements! {
    ADD = "INSERT INTO purges (id, room_id, user_id, by_user, from_at, to_at, event_id, hides_until)
           SELECT ?1, id, ?3, ?4, ?5, ?6, ?7, ?8 FROM rooms WHERE id = ?2 AND closed_at IS NULL
           ON CONFLICT DO NOTHING";
    BY_ID = "SELECT * FROM purges WHERE id = ?1";
    HIDING = "SELECT * FROM purges WHERE room_id = ?1 AND hides_until > ?2";
    OPEN = "SELECT id FROM purges WHERE hides_until = ?1 LIMIT ?2";
    FINISH = "UPDATE purges SET hides_until = ?2 WHERE id = ?1";
    PURGE = "DELETE FROM purges WHERE id IN (SELECT id FROM purges WHERE hides_until < ?1 LIMIT ?2)";
}

#[async_trait]
impl Purges for Sqlite {
    async fn begin(&self, purge: &Purge, event: &Event) -> Result<Option<Announcement>, StoreError> {
        let (new, event) = (*purge, event.clone());
        self.write(move |db| {
            let row = params![
                new.id,
                new.room.as_uuid(),
                new.user.as_uuid(),
                new.by.as_uuid(),
                new.from.map(|from| from.0),
                new.to.0,
                new.event.as_uuid(),
                new.hides_until.0,
            ];
            let changed = change(db, ADD, row)?;
            outbox::announce(db, changed, new.room, event)
        })
        .await
    }

    async fn by_id(&self, id: Uuid) -> Result<Option<Purge>, StoreError> {
        self.read(move |db| one(db, BY_ID, [id], read)).await
    }

    async fn hiding(&self, rooms: &[RoomId], at: UnixMillis) -> Result<Vec<Purge>, StoreError> {
        let rooms = rooms.to_vec();
        self.read(move |db| {
            let mut found = Vec::new();
            for room in rooms {
                found.extend(many(db, HIDING, params![room.as_uuid(), at.0], read)?);
            }
            Ok(found)
        })
        .await
    }

    async fn open(&self, limit: usize) -> Result<Vec<Uuid>, StoreError> {
        self.read(move |db| many(db, OPEN, params![Purge::OPEN.0, integer::limit(limit)], |row| Ok(row.get("id")?)))
            .await
    }

    async fn finish(&self, id: Uuid, hides_until: UnixMillis) -> Result<(), StoreError> {
        self.write(move |db| change(db, FINISH, params![id, hides_until.0]).map(drop)).await
    }

    async fn discard(&self, messages: &[MessageId]) -> Result<(), StoreError> {
        let messages = messages.to_vec();
        self.write(move |db| {
            for message in messages {
                message_changes::discard(db, message)?;
                threads::uncount(db, message)?;
            }
            Ok(())
        })
        .await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.write(move |db| change(db, PURGE, params![before.0, integer::limit(limit)])).await
    }
}

fn read(row: &Row<'_>) -> Result<Purge, Failed> {
    Ok(Purge {
        id: row.get("id")?,
        room: RoomId::from_uuid(row.get("room_id")?),
        user: UserId::from_uuid(row.get("user_id")?),
        by: UserId::from_uuid(row.get("by_user")?),
        from: row.get::<_, Option<i64>>("from_at")?.map(UnixMillis),
        to: UnixMillis(row.get("to_at")?),
        event: MessageId::from_uuid(row.get("event_id")?),
        hides_until: UnixMillis(row.get("hides_until")?),
    })
}

//! What is left of rooms that have ended, in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{MessageId, RoomId};
use rookery_store::file::Doomed;
use rookery_store::{Files as _, RoomErasures, Schedules, Search, StoreError, integer};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::sql::{change, many, one, statements};
use super::{Sqlite, files, message_changes, threads};
use crate::error::Failed;

statements! {
    DUE = "SELECT id FROM rooms WHERE unerased_since < ?1 ORDER BY unerased_since LIMIT ?2";
    PIECE = "SELECT id FROM messages WHERE room_id = ?1 ORDER BY epoch, seq LIMIT ?2";
    LAST = "SELECT id FROM messages WHERE room_id = ?1 ORDER BY seq DESC LIMIT 1";
    LATEST = "SELECT id FROM messages WHERE room_id = ?1 ORDER BY epoch DESC, seq DESC LIMIT 1";
    OLD = "SELECT id FROM messages WHERE room_id = ?1 AND timestamp < ?2 AND id <> ?3 AND id <> ?4
           ORDER BY timestamp, epoch, seq LIMIT ?5";
    HAS_TEXT = "SELECT 1 FROM messages WHERE id = ?1 AND timestamp < ?2
                    AND (json_extract(event, '$.content') <> '' OR json_extract(event, '$.attachments') IS NOT NULL)";
    ERASE_PIN = "DELETE FROM pins WHERE message_id = ?1";
    ERASE_SAVED_MESSAGE = "DELETE FROM saved_messages WHERE message_id = ?1";
    ERASE_THREAD = "DELETE FROM threads WHERE room_id = ?1 AND message_id = ?2";
    ERASE_NOTICES = "DELETE FROM notices WHERE room_id = ?1 AND room_id IS NOT NULL";
    ERASE_PREFERENCES = "DELETE FROM room_preferences WHERE room_id = ?1";
    ERASE_PURGES = "DELETE FROM purges WHERE room_id = ?1";
    ERASE_DIRECTORY = "DELETE FROM room_index WHERE room_id = ?1";
    ERASE_REACTIONS = "DELETE FROM reactions WHERE message_id = ?1";
    ERASE_MENTIONS = "DELETE FROM mentions WHERE message_id = ?1";
    ERASE_STATE = "DELETE FROM message_states WHERE message_id = ?1";
    ERASE_MESSAGE = "DELETE FROM messages WHERE id = ?1";
    ERASE_SANCTIONS = "DELETE FROM sanctions WHERE room_id = ?1";
    ERASE_MEMBERS = "DELETE FROM members WHERE room_id = ?1";
    ERASE_OUTBOX = "DELETE FROM outbox WHERE room_id = ?1";
    ERASE_FILTER = "DELETE FROM room_filters WHERE room_id = ?1";
    ERASE_THREADS = "DELETE FROM threads WHERE room_id = ?1";
    ERASE_SAVED = "DELETE FROM saved_messages WHERE room_id = ?1";
    ERASE_PINS = "DELETE FROM pins WHERE room_id = ?1";
    ERASE_INVITES = "DELETE FROM room_invites WHERE room_id = ?1";
    ERASE_REQUESTS = "DELETE FROM join_requests WHERE room_id = ?1";
    ERASED = "UPDATE rooms SET unerased_since = NULL, description = '', topic = '' WHERE id = ?1";
}

#[async_trait]
impl RoomErasures for Sqlite {
    async fn due(&self, before: UnixMillis, limit: usize) -> Result<Vec<RoomId>, StoreError> {
        let id = |row: &Row<'_>| -> Result<RoomId, Failed> { Ok(RoomId::from_uuid(row.get(0)?)) };
        self.read(move |db| many(db, DUE, params![before.0, integer::limit(limit)], id)).await
    }

    async fn erase(&self, room: RoomId, limit: usize) -> Result<bool, StoreError> {
        let beside = Search::erase_room(self, room, limit).await? + Schedules::erase_room(self, room, limit).await?;
        let doomed = self.condemn(Doomed::Room(room, limit)).await?;
        self.write(move |db| {
            let id = |row: &Row<'_>| -> Result<Uuid, Failed> { Ok(row.get(0)?) };
            let ids = many(db, PIECE, params![room.as_uuid(), integer::limit(limit)], id)?;
            for id in &ids {
                for statement in [ERASE_REACTIONS, ERASE_MENTIONS, ERASE_STATE, ERASE_MESSAGE] {
                    change(db, statement, [id])?;
                }
            }
            let is_more = !ids.is_empty() || beside > 0 || doomed > 0;
            if !is_more {
                for statement in [
                    ERASE_SANCTIONS,
                    ERASE_MEMBERS,
                    ERASE_OUTBOX,
                    ERASE_FILTER,
                    ERASE_THREADS,
                    ERASE_SAVED,
                    ERASE_PINS,
                    ERASE_INVITES,
                    ERASE_REQUESTS,
                    ERASE_NOTICES,
                    ERASE_PREFERENCES,
                    ERASE_PURGES,
                    ERASE_DIRECTORY,
                    ERASED,
                ] {
                    change(db, statement, [room.as_uuid()])?;
                }
            }
            Ok(is_more)
        })
        .await
    }

    async fn erase_before(&self, room: RoomId, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        let gone = self.write(move |db| erase_before(db, room, before, limit)).await?;
        Search::forget(self, room, &gone).await?;
        Ok(gone.len())
    }
}

/// What was erased.
fn erase_before(db: &Connection, room: RoomId, before: UnixMillis, limit: usize) -> Result<Vec<MessageId>, Failed> {
    let id = |row: &Row<'_>| -> Result<Uuid, Failed> { Ok(row.get(0)?) };
    let (last, latest) = (one(db, LAST, [room.as_uuid()], id)?, one(db, LATEST, [room.as_uuid()], id)?);
    let (Some(last), Some(latest)) = (last, latest) else { return Ok(Vec::new()) };
    let row = params![room.as_uuid(), before.0, last, latest, integer::limit(limit)];
    let old = many(db, OLD, row, id)?;
    for id in &old {
        let message = MessageId::from_uuid(*id);
        // First the row: what it answers is counted without it.
        let answered = threads::answered(db, message)?;
        for statement in [ERASE_REACTIONS, ERASE_MENTIONS, ERASE_STATE, ERASE_PIN, ERASE_SAVED_MESSAGE, ERASE_MESSAGE] {
            change(db, statement, [id])?;
        }
        change(db, ERASE_THREAD, params![room.as_uuid(), id])?;
        files::condemn_of_message(db, message)?;
        if let Some(answered) = answered {
            threads::count(db, answered)?;
        }
    }
    let mut gone: Vec<MessageId> = old.into_iter().map(MessageId::from_uuid).collect();
    for kept in [last, latest] {
        if one(db, HAS_TEXT, params![kept, before.0], |_| Ok(()))?.is_some() {
            let message = MessageId::from_uuid(kept);
            message_changes::discard(db, message)?;
            threads::uncount(db, message)?;
            gone.push(message);
        }
    }
    Ok(gone)
}

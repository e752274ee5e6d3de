//! Threads in SQLite: the answers of a message are one range of an index, and are counted in the transaction that writes or
//! takes one.

use std::collections::HashMap;

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_protocol::position::Position;
use rookery_store::limits::{REPLIERS_LOOKED_THROUGH, REPLIES_COUNTED_MAX};
use rookery_store::thread::{Replies, Threads, answered_by, deleted_by};
use rookery_store::{StoreError, integer};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, many, one, statements};
use crate::error::Failed;
use crate::event_rows::read;

statements! {
    COUNT = "SELECT count(*) FROM (
                 SELECT 1 FROM messages INDEXED BY messages_replies
                 WHERE room_id = ?1 AND reply_to = ?2 AND said_by IS NOT NULL LIMIT ?3)";
    NEWEST = "SELECT said_by, timestamp FROM messages INDEXED BY messages_replies
              WHERE room_id = ?1 AND reply_to = ?2 AND said_by IS NOT NULL ORDER BY epoch DESC, seq DESC LIMIT ?3";
    PUT = "INSERT INTO threads (room_id, message_id, replies, last_at, users) VALUES (?1, ?2, ?3, ?4, ?5)
           ON CONFLICT (room_id, message_id) DO UPDATE SET replies = ?3, last_at = ?4, users = ?5";
    DROP = "DELETE FROM threads WHERE room_id = ?1 AND message_id = ?2";
    OF = "SELECT * FROM threads WHERE room_id = ?1 AND message_id = ?2";
    ANSWERED = "SELECT room_id, reply_to FROM messages WHERE id = ?1 AND reply_to IS NOT NULL";
    PAGE = "SELECT * FROM messages INDEXED BY messages_replies
            WHERE room_id = ?1 AND reply_to = ?2 AND said_by IS NOT NULL ORDER BY epoch, seq LIMIT ?3";
    PAGE_AFTER = "SELECT * FROM messages INDEXED BY messages_replies
                  WHERE room_id = ?1 AND reply_to = ?2 AND said_by IS NOT NULL AND (epoch, seq) > (?4, ?5)
                  ORDER BY epoch, seq LIMIT ?3";
}

/// Every message that something answers. Asked once, when the index is new.
const ALL_ANSWERED: &str = "SELECT DISTINCT room_id, reply_to FROM messages INDEXED BY messages_replies
                            WHERE reply_to IS NOT NULL AND said_by IS NOT NULL";

#[async_trait]
impl Threads for Sqlite {
    async fn replies(&self, messages: &[(RoomId, MessageId)]) -> Result<HashMap<MessageId, Replies>, StoreError> {
        let messages = messages.to_vec();
        self.read(move |db| {
            let of = |(room, message): (RoomId, MessageId)| {
                let found = one(db, OF, [room.as_uuid(), message.as_uuid()], read_replies).transpose()?;
                Some(found.map(|replies| (message, replies)))
            };
            messages.into_iter().filter_map(of).collect()
        })
        .await
    }

    async fn page(
        &self,
        room: RoomId,
        message: MessageId,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<SequencedEvent>, StoreError> {
        let (room, message, limit) = (room.as_uuid(), message.as_uuid(), integer::limit(limit));
        self.read(move |db| match after {
            None => many(db, PAGE, params![room, message, limit], read),
            Some(Position { epoch, seq }) => {
                let (epoch, seq) = (integer::bound(epoch.0), integer::bound(seq.get()));
                many(db, PAGE_AFTER, params![room, message, limit, epoch, seq], read)
            }
        })
        .await
    }
}

/// Takes in an event that was just applied.
pub(super) fn apply(db: &Connection, event: &SequencedEvent) -> Result<(), Failed> {
    if let Some(answered) = answered_by(event) {
        return count(db, (event.room.as_uuid(), answered.as_uuid()));
    }
    deleted_by(event).map_or(Ok(()), |deleted| uncount(db, deleted))
}

/// What a message answers.
pub(super) fn answered(db: &Connection, message: MessageId) -> Result<Option<(Uuid, Uuid)>, Failed> {
    one(db, ANSWERED, [message.as_uuid()], place)
}

/// A message that may be an answer is gone.
pub(super) fn uncount(db: &Connection, deleted: MessageId) -> Result<(), Failed> {
    match answered(db, deleted)? {
        Some(answered) => count(db, answered),
        None => Ok(()),
    }
}

/// Counts what is there of before.
pub(super) fn count_all(db: &Connection) -> Result<(), Failed> {
    many(db, ALL_ANSWERED, [], place)?
        .into_iter()
        .try_for_each(|answered| count(db, answered))
}

/// Counts the answers that are left.
pub(super) fn count(db: &Connection, (room, message): (Uuid, Uuid)) -> Result<(), Failed> {
    let counted = one(db, COUNT, params![room, message, integer::limit(REPLIES_COUNTED_MAX)], |row| {
        Ok(row.get::<_, i64>(0)?)
    })?;
    let newest = many(db, NEWEST, params![room, message, integer::limit(REPLIERS_LOOKED_THROUGH)], |row| {
        Ok((UserId::from_uuid(row.get("said_by")?), UnixMillis(row.get("timestamp")?)))
    })?;
    let count = usize::try_from(counted.unwrap_or(0)).unwrap_or(0);
    let Replies { count, last_at, users } = Replies::of(count, newest);
    let Some(last_at) = last_at else { return change(db, DROP, [room, message]).map(drop) };
    let users: Vec<u8> = users.iter().flat_map(|user| user.as_uuid().into_bytes()).collect();
    change(db, PUT, params![room, message, integer::bound(count), last_at.0, users]).map(drop)
}

fn place(row: &Row<'_>) -> Result<(Uuid, Uuid), Failed> {
    Ok((row.get("room_id")?, row.get("reply_to")?))
}

fn read_replies(row: &Row<'_>) -> Result<Replies, Failed> {
    let users: Vec<u8> = row.get("users")?;
    let users = users
        .chunks_exact(16)
        .filter_map(|bytes| Uuid::from_slice(bytes).ok())
        .map(UserId::from_uuid);
    Ok(Replies {
        count: integer::read(row.get("replies")?)?,
        last_at: Some(UnixMillis(row.get("last_at")?)),
        users: users.collect(),
    })
}

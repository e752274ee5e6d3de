//! Saved messages in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_store::saved::{Saved, SavedMessage, SavedPlace};
use rookery_store::{StoreError, integer};
use rusqlite::{Row, params};

use super::Sqlite;
use super::sql::{change, many, one, statements};
use crate::error::Failed;

statements! {
    GET = "SELECT 1 FROM saved_messages WHERE user_id = ?1 AND message_id = ?2";
    COUNT = "SELECT count(*) FROM saved_messages WHERE user_id = ?1";
    PUT = "INSERT INTO saved_messages (user_id, message_id, room_id, saved_at) VALUES (?1, ?2, ?3, ?4)";
    REMOVE = "DELETE FROM saved_messages WHERE user_id = ?1 AND message_id = ?2";
    PAGE = "SELECT * FROM saved_messages WHERE user_id = ?1 ORDER BY saved_at DESC, message_id DESC LIMIT ?2";
    PAGE_BEFORE = "SELECT * FROM saved_messages WHERE user_id = ?1 AND (saved_at, message_id) < (?3, ?4)
                   ORDER BY saved_at DESC, message_id DESC LIMIT ?2";
}

#[async_trait]
impl Saved for Sqlite {
    async fn put(&self, user: UserId, saved: &SavedMessage, most: usize) -> Result<bool, StoreError> {
        let (user, saved) = (user.as_uuid(), *saved);
        self.write(move |db| {
            let message = saved.message.as_uuid();
            if one(db, GET, [user, message], |_| Ok(()))?.is_some() {
                return Ok(true);
            }
            let known = one(db, COUNT, [user], |row| Ok(row.get::<_, i64>(0)?))?.unwrap_or(0);
            if known >= integer::limit(most) {
                return Ok(false);
            }
            change(db, PUT, params![user, message, saved.room.as_uuid(), saved.at.0]).map(|_| true)
        })
        .await
    }

    async fn remove(&self, user: UserId, message: MessageId) -> Result<(), StoreError> {
        self.write(move |db| change(db, REMOVE, [user.as_uuid(), message.as_uuid()]).map(drop))
            .await
    }

    async fn page(
        &self,
        user: UserId,
        before: Option<SavedPlace>,
        limit: usize,
    ) -> Result<Vec<SavedMessage>, StoreError> {
        let (user, limit) = (user.as_uuid(), integer::limit(limit));
        self.read(move |db| match before {
            None => many(db, PAGE, params![user, limit], read),
            Some(SavedPlace { at, message }) => {
                many(db, PAGE_BEFORE, params![user, limit, at.0, message.as_uuid()], read)
            }
        })
        .await
    }
}

fn read(row: &Row<'_>) -> Result<SavedMessage, Failed> {
    Ok(SavedMessage {
        message: MessageId::from_uuid(row.get("message_id")?),
        room: RoomId::from_uuid(row.get("room_id")?),
        at: UnixMillis(row.get("saved_at")?),
    })
}

//! Mentions of somebody in SQLite: one range of an index.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{MessageId, RoomId};
use rookery_store::mentions::{MentionPage, MentionPlace, Mentioned, Mentions};
use rookery_store::unread::Reader;
use rookery_store::{StoreError, integer, page};
use rusqlite::{Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::sql::{many, statements};
use crate::error::Failed;

statements! {
    PAGE = "SELECT mentions.message_id, room_id, said_at FROM mentions INDEXED BY mentions_time
            LEFT JOIN message_states USING (message_id)
            WHERE name = ?1 AND (said_at, mentions.message_id) < (?4, ?5) AND said_by <> ?2 AND ifnull(deleted, 0) = 0
            AND message_states.epoch IS edit_epoch AND message_states.seq IS edit_seq
            ORDER BY said_at DESC, mentions.message_id DESC LIMIT ?3";
}

#[async_trait]
impl Mentions for Sqlite {
    async fn page(
        &self,
        reader: &Reader,
        before: Option<MentionPlace>,
        limit: usize,
    ) -> Result<MentionPage, StoreError> {
        let (user, name) = (reader.user.as_uuid(), reader.name.clone());
        let (at, message) = before.map_or((i64::MAX, Uuid::nil()), |place| (place.at.0, place.message.as_uuid()));
        let limited = integer::limit(limit + 1);
        let mut found = self
            .read(move |db| many(db, PAGE, params![name, user, limited, at, message], read))
            .await?;
        let next = page::cut(&mut found, limit).map(MentionPlace::from);
        Ok(MentionPage { found, next })
    }
}

fn read(row: &Row<'_>) -> Result<Mentioned, Failed> {
    Ok(Mentioned {
        message: MessageId::from_uuid(row.get(0)?),
        room: RoomId::from_uuid(row.get(1)?),
        at: UnixMillis(row.get(2)?),
    })
}

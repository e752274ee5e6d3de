//! What public rooms are found by, in SQLite.

use async_trait::async_trait;
use rookery_protocol::id::RoomId;
use rookery_store::room_search::{RoomEntry, RoomRank, RoomSearch};
use rookery_store::{StoreError, integer};
use rusqlite::params;
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, many, statements};

statements! {
    FORGET = "DELETE FROM room_index WHERE room_id = ?1";
    ADD = "INSERT INTO room_index (prefix, members, room_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    // A search of fewer words asks for the empty one, which every room has.
    SEARCH = "SELECT members, room_id FROM room_index AS found
              WHERE prefix = ?1 AND (members, room_id) < (?2, ?3)
              AND EXISTS (SELECT 1 FROM room_index WHERE prefix = ?5 AND members = found.members AND room_id = found.room_id)
              AND EXISTS (SELECT 1 FROM room_index WHERE prefix = ?6 AND members = found.members AND room_id = found.room_id)
              AND EXISTS (SELECT 1 FROM room_index WHERE prefix = ?7 AND members = found.members AND room_id = found.room_id)
              ORDER BY members DESC, room_id DESC LIMIT ?4";
}

#[async_trait]
impl RoomSearch for Sqlite {
    async fn put(&self, entry: &RoomEntry) -> Result<(), StoreError> {
        let entry = entry.clone();
        self.write(move |db| {
            let RoomRank { members, room } = entry.place;
            change(db, FORGET, [room.as_uuid()])?;
            for prefix in &entry.prefixes {
                change(db, ADD, params![prefix, integer::bound(members), room.as_uuid()])?;
            }
            Ok(())
        })
        .await
    }

    async fn remove(&self, room: RoomId) -> Result<(), StoreError> {
        self.write(move |db| change(db, FORGET, [room.as_uuid()]).map(drop)).await
    }

    async fn search(
        &self,
        words: &[String],
        after: Option<RoomRank>,
        limit: usize,
    ) -> Result<Vec<RoomRank>, StoreError> {
        let word = |n: usize| words.get(n).cloned().unwrap_or_default();
        let words = [word(0), word(1), word(2), word(3)];
        let (members, room) =
            after.map_or((i64::MAX, Uuid::max()), |after| (integer::bound(after.members), after.room.as_uuid()));
        self.read(move |db| {
            let [first, second, third, fourth] = &words;
            let row = params![first, members, room, integer::limit(limit), second, third, fourth];
            many(db, SEARCH, row, |row| {
                let room = RoomId::from_uuid(row.get("room_id")?);
                Ok(RoomRank { members: integer::read(row.get("members")?)?, room })
            })
        })
        .await
    }
}

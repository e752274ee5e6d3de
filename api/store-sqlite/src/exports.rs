//! Copies of what is kept about people, in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::export::Export;
use rookery_store::{Exports, StoreError, integer};
use rusqlite::{Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, one, statements};
use crate::error::Failed;

statements! {
    FORGET = "DELETE FROM exports WHERE user_id = ?1 AND by_user = ?2 AND room_id IS ?3";
    INSERT = "INSERT INTO exports (id, user_id, by_user, created_at, expires_at, pieces, bytes, room_id)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    BY_ID = "SELECT * FROM exports WHERE id = ?1";
    NEWEST = "SELECT * FROM exports WHERE user_id = ?1 AND by_user = ?2 AND room_id IS ?3 ORDER BY id DESC LIMIT 1";
    PUT_PIECE = "INSERT INTO export_pieces (export_id, number, bytes) SELECT id, ?2, ?3 FROM exports WHERE id = ?1
                 ON CONFLICT (export_id, number) DO UPDATE SET bytes = excluded.bytes";
    PIECE = "SELECT bytes FROM export_pieces WHERE export_id = ?1 AND number = ?2";
    COMPLETE = "UPDATE exports SET pieces = ?2, bytes = ?3, expires_at = ?4 WHERE id = ?1";
    ERASE_ABOUT = "DELETE FROM exports WHERE user_id = ?1";
    PURGE = "DELETE FROM exports WHERE id IN (SELECT id FROM exports WHERE expires_at < ?1 LIMIT ?2)";
}

#[async_trait]
impl Exports for Sqlite {
    async fn insert(&self, export: &Export) -> Result<(), StoreError> {
        let new = export.clone();
        self.write(move |db| {
            let (user, by) = (new.user.as_uuid(), new.by.as_uuid());
            let room = new.room.map(RoomId::as_uuid);
            change(db, FORGET, params![user, by, room])?;
            let (created_at, expires_at, bytes) = (new.created_at.0, new.expires_at.0, integer::bound(new.bytes));
            let row = params![new.id, user, by, created_at, expires_at, new.pieces, bytes, room];
            change(db, INSERT, row).map(drop)
        })
        .await
    }

    async fn by_id(&self, id: Uuid) -> Result<Option<Export>, StoreError> {
        self.read(move |db| one(db, BY_ID, [id], read)).await
    }

    async fn newest(&self, user: UserId, by: UserId, room: Option<RoomId>) -> Result<Option<Export>, StoreError> {
        let row = (user.as_uuid(), by.as_uuid(), room.map(RoomId::as_uuid));
        self.read(move |db| one(db, NEWEST, row, read)).await
    }

    async fn put_piece(&self, id: Uuid, number: u32, bytes: &[u8]) -> Result<(), StoreError> {
        let bytes = bytes.to_vec();
        self.write(move |db| change(db, PUT_PIECE, params![id, number, bytes]).map(drop)).await
    }

    async fn piece(&self, id: Uuid, number: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(move |db| one(db, PIECE, params![id, number], |row| Ok(row.get("bytes")?)))
            .await
    }

    async fn complete(&self, id: Uuid, pieces: u32, bytes: u64, expires_at: UnixMillis) -> Result<bool, StoreError> {
        let row = (id, pieces, integer::bound(bytes), expires_at.0);
        self.write(move |db| Ok(change(db, COMPLETE, row)? == 1)).await
    }

    async fn erase_about(&self, user: UserId) -> Result<u64, StoreError> {
        let gone = self.write(move |db| change(db, ERASE_ABOUT, [user.as_uuid()])).await?;
        Ok(u64::try_from(gone).unwrap_or(u64::MAX))
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.write(move |db| change(db, PURGE, params![before.0, integer::limit(limit)])).await
    }
}

fn read(row: &Row<'_>) -> Result<Export, Failed> {
    Ok(Export {
        id: row.get("id")?,
        user: UserId::from_uuid(row.get("user_id")?),
        by: UserId::from_uuid(row.get("by_user")?),
        room: row.get::<_, Option<Uuid>>("room_id")?.map(RoomId::from_uuid),
        created_at: UnixMillis(row.get("created_at")?),
        expires_at: UnixMillis(row.get("expires_at")?),
        pieces: row.get("pieces")?,
        bytes: integer::read(row.get("bytes")?)?,
    })
}

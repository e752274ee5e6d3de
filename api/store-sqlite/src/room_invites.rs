//! Invites to rooms, in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::account::SecretHash;
use rookery_store::joining::RoomInvite;
use rookery_store::{RoomInvites, StoreError, integer};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, many, one, statements};
use crate::error::Failed;

statements! {
    INSERT = "INSERT INTO room_invites (id, room_id, hash, uses, max_uses, by_user, by_moderator, approval, created_at,
                                        expires_at)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    BY_HASH = "SELECT * FROM room_invites WHERE hash = ?1";
    BY_ID = "SELECT * FROM room_invites WHERE id = ?1";
    SPEND = "UPDATE room_invites SET uses = uses + 1 WHERE hash = ?1
             AND (max_uses IS NULL OR uses < max_uses) AND (expires_at IS NULL OR expires_at > ?2)";
    PAGE = "SELECT * FROM room_invites WHERE room_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
    PAGE_BY = "SELECT * FROM room_invites WHERE room_id = ?1 AND by_user = ?4 AND id > ?2 ORDER BY id LIMIT ?3";
    REMOVE = "DELETE FROM room_invites WHERE id = ?1";
    OF_MAKER = "DELETE FROM room_invites WHERE room_id = ?1 AND by_user = ?2";
    PURGE = "DELETE FROM room_invites WHERE id IN (SELECT id FROM room_invites WHERE expires_at < ?1 LIMIT ?2)";
}

#[async_trait]
impl RoomInvites for Sqlite {
    async fn insert(&self, invite: &RoomInvite) -> Result<(), StoreError> {
        let new = invite.clone();
        self.write(move |db| {
            let row = params![
                new.id,
                new.room_id.as_uuid(),
                new.hash,
                new.uses,
                new.max_uses,
                new.by.as_uuid(),
                new.by_moderator,
                new.approval,
                new.created_at.0,
                new.expires_at.map(|end| end.0),
            ];
            change(db, INSERT, row).map(drop)
        })
        .await
    }

    async fn by_hash(&self, hash: &SecretHash) -> Result<Option<RoomInvite>, StoreError> {
        let hash = *hash;
        self.read(move |db| one(db, BY_HASH, [hash], read)).await
    }

    async fn by_id(&self, id: Uuid) -> Result<Option<RoomInvite>, StoreError> {
        self.read(move |db| one(db, BY_ID, [id], read)).await
    }

    async fn spend(&self, hash: &SecretHash, now: UnixMillis) -> Result<bool, StoreError> {
        let hash = *hash;
        self.write(move |db| Ok(change(db, SPEND, params![hash, now.0])? == 1)).await
    }

    async fn page(
        &self,
        room: RoomId,
        by: Option<UserId>,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<RoomInvite>, StoreError> {
        let (room, after, limit) = (room.as_uuid(), after.unwrap_or(Uuid::nil()), integer::limit(limit));
        self.read(move |db| match by {
            None => many(db, PAGE, params![room, after, limit], read),
            Some(by) => many(db, PAGE_BY, params![room, after, limit, by.as_uuid()], read),
        })
        .await
    }

    async fn remove(&self, id: Uuid) -> Result<bool, StoreError> {
        self.write(move |db| Ok(change(db, REMOVE, [id])? == 1)).await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.write(move |db| change(db, PURGE, params![before.0, integer::limit(limit)])).await
    }
}

/// By its code, as part of a change.
pub(super) fn find(db: &Connection, hash: &SecretHash) -> Result<Option<RoomInvite>, Failed> {
    one(db, BY_HASH, [hash], read)
}

/// Uses it once, as part of a change; says whether it did.
pub(super) fn spend(db: &Connection, hash: &SecretHash, now: UnixMillis) -> Result<bool, Failed> {
    Ok(change(db, SPEND, params![hash, now.0])? == 1)
}

/// Those that the user has made end, as part of a change.
pub(super) fn end_of(db: &Connection, room: RoomId, user: UserId) -> Result<(), Failed> {
    change(db, OF_MAKER, [room.as_uuid(), user.as_uuid()]).map(drop)
}

fn read(row: &Row<'_>) -> Result<RoomInvite, Failed> {
    Ok(RoomInvite {
        id: row.get("id")?,
        room_id: RoomId::from_uuid(row.get("room_id")?),
        hash: row.get("hash")?,
        uses: row.get("uses")?,
        max_uses: row.get("max_uses")?,
        by: UserId::from_uuid(row.get("by_user")?),
        by_moderator: row.get("by_moderator")?,
        approval: row.get("approval")?,
        created_at: UnixMillis(row.get("created_at")?),
        expires_at: row.get::<_, Option<i64>>("expires_at")?.map(UnixMillis),
    })
}

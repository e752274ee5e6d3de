//! Invites to the server, in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_store::account::{SecretHash, ServerInvite};
use rookery_store::{ServerInvites, StoreError, integer};
use rusqlite::{Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, many, one, statements};
use crate::error::Failed;

statements! {
    INSERT = "INSERT INTO server_invites (id, hash, uses, max_uses, by_user, created_at, expires_at)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    BY_HASH = "SELECT * FROM server_invites WHERE hash = ?1";
    SPEND = "UPDATE server_invites SET uses = uses + 1 WHERE hash = ?1
             AND (max_uses IS NULL OR uses < max_uses) AND (expires_at IS NULL OR expires_at > ?2)";
    GIVE_BACK = "UPDATE server_invites SET uses = uses - 1 WHERE hash = ?1 AND uses > 0";
    PAGE = "SELECT * FROM server_invites WHERE id > ?1 ORDER BY id LIMIT ?2";
    REMOVE = "DELETE FROM server_invites WHERE id = ?1";
    PURGE = "DELETE FROM server_invites WHERE id IN (SELECT id FROM server_invites WHERE expires_at < ?1 LIMIT ?2)";
}

#[async_trait]
impl ServerInvites for Sqlite {
    async fn insert(&self, invite: &ServerInvite) -> Result<(), StoreError> {
        let new = invite.clone();
        self.write(move |db| {
            let (by, end) = (new.by.as_uuid(), new.expires_at.map(|end| end.0));
            let row = params![new.id, new.hash, new.uses, new.max_uses, by, new.created_at.0, end];
            change(db, INSERT, row).map(drop)
        })
        .await
    }

    async fn by_hash(&self, hash: &SecretHash) -> Result<Option<ServerInvite>, StoreError> {
        let hash = *hash;
        self.read(move |db| one(db, BY_HASH, [hash], invite)).await
    }

    async fn spend(&self, hash: &SecretHash, now: UnixMillis) -> Result<bool, StoreError> {
        let hash = *hash;
        self.write(move |db| Ok(change(db, SPEND, params![hash, now.0])? == 1)).await
    }

    async fn give_back(&self, hash: &SecretHash) -> Result<(), StoreError> {
        let hash = *hash;
        self.write(move |db| change(db, GIVE_BACK, [hash]).map(drop)).await
    }

    async fn page(&self, after: Option<Uuid>, limit: usize) -> Result<Vec<ServerInvite>, StoreError> {
        let after = after.unwrap_or(Uuid::nil());
        self.read(move |db| many(db, PAGE, params![after, integer::limit(limit)], invite)).await
    }

    async fn remove(&self, id: Uuid) -> Result<bool, StoreError> {
        self.write(move |db| Ok(change(db, REMOVE, [id])? == 1)).await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.write(move |db| change(db, PURGE, params![before.0, integer::limit(limit)])).await
    }
}

fn invite(row: &Row<'_>) -> Result<ServerInvite, Failed> {
    Ok(ServerInvite {
        id: row.get("id")?,
        hash: row.get("hash")?,
        uses: row.get("uses")?,
        max_uses: row.get("max_uses")?,
        by: UserId::from_uuid(row.get("by_user")?),
        created_at: UnixMillis(row.get("created_at")?),
        expires_at: row.get::<_, Option<i64>>("expires_at")?.map(UnixMillis),
    })
}

//! Secrets that work once, in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_store::account::{Keep, OneTimeToken, Purpose, SecretHash};
use rookery_store::user::Email;
use rookery_store::{OneTimeTokens, StoreError, integer};
use rusqlite::{Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, one, statements};
use crate::enum_codec::EnumCodec;
use crate::error::Failed;

statements! {
    INSERT = "INSERT INTO one_time_tokens (id, hash, purpose, user_id, email, created_at, expires_at)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    KEEP_NEWEST = "DELETE FROM one_time_tokens WHERE id IN (SELECT id FROM one_time_tokens
                   WHERE user_id = ?1 AND purpose = ?2 ORDER BY id DESC LIMIT -1 OFFSET ?3)";
    KEEP_OLDEST = "DELETE FROM one_time_tokens WHERE id IN (SELECT id FROM one_time_tokens
                   WHERE user_id = ?1 AND purpose = ?2 ORDER BY id LIMIT -1 OFFSET ?3)";
    REMOVE_LATER = "DELETE FROM one_time_tokens WHERE user_id = ?1 AND purpose = ?2 AND id > ?3";
    BY_ID = "SELECT * FROM one_time_tokens WHERE id = ?1";
    FIND = "SELECT * FROM one_time_tokens WHERE hash = ?1 AND purpose = ?2 AND expires_at > ?3";
    TAKE = "DELETE FROM one_time_tokens WHERE id = ?1";
    REMOVE_ALL = "DELETE FROM one_time_tokens WHERE user_id = ?1 AND purpose = ?2";
    PURGE = "DELETE FROM one_time_tokens WHERE id IN (SELECT id FROM one_time_tokens WHERE expires_at < ?1 LIMIT ?2)";
}

#[async_trait]
impl OneTimeTokens for Sqlite {
    async fn insert(&self, token: &OneTimeToken, keep: Keep) -> Result<(), StoreError> {
        let new = token.clone();
        let (trim, keep) = match keep {
            Keep::Newest(keep) => (KEEP_NEWEST, keep),
            Keep::Oldest(keep) => (KEEP_OLDEST, keep),
        };
        self.write(move |db| {
            let (user, purpose) = (new.user_id.as_uuid(), new.purpose.encode());
            let row = params![new.id, new.hash, purpose, user, new.email.as_str(), new.created_at.0, new.expires_at.0];
            change(db, INSERT, row)?;
            change(db, trim, params![user, purpose, integer::limit(keep)]).map(drop)
        })
        .await
    }

    async fn by_id(&self, id: Uuid) -> Result<Option<OneTimeToken>, StoreError> {
        self.read(move |db| one(db, BY_ID, [id], token)).await
    }

    async fn find(
        &self,
        hash: &SecretHash,
        purpose: Purpose,
        now: UnixMillis,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        let hash = *hash;
        self.read(move |db| one(db, FIND, params![hash, purpose.encode(), now.0], token)).await
    }

    async fn take(&self, id: Uuid) -> Result<bool, StoreError> {
        self.write(move |db| Ok(change(db, TAKE, [id])? == 1)).await
    }

    async fn remove_all(&self, user: UserId, purpose: Purpose) -> Result<(), StoreError> {
        self.write(move |db| change(db, REMOVE_ALL, params![user.as_uuid(), purpose.encode()]).map(drop))
            .await
    }

    async fn remove_later(&self, token: &OneTimeToken) -> Result<(), StoreError> {
        let (user, purpose, id) = (token.user_id.as_uuid(), token.purpose.encode(), token.id);
        self.write(move |db| change(db, REMOVE_LATER, params![user, purpose, id]).map(drop)).await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.write(move |db| change(db, PURGE, params![before.0, integer::limit(limit)])).await
    }
}

fn token(row: &Row<'_>) -> Result<OneTimeToken, Failed> {
    Ok(OneTimeToken {
        id: row.get("id")?,
        hash: row.get("hash")?,
        purpose: Purpose::decode(&row.get::<_, String>("purpose")?)?,
        user_id: UserId::from_uuid(row.get("user_id")?),
        email: Email::kept(row.get("email")?),
        created_at: UnixMillis(row.get("created_at")?),
        expires_at: UnixMillis(row.get("expires_at")?),
    })
}

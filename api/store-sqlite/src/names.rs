//! Names that are kept, in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_store::erasure::buried;
use rookery_store::{Names, StoreError, integer};
use rusqlite::params;
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, one, statements};

statements! {
    CLAIM = "INSERT INTO names (key, owner, until) VALUES (?1, ?2, ?3)
             ON CONFLICT (key) DO UPDATE SET owner = excluded.owner,
             until = CASE WHEN owner = excluded.owner AND (until IS NULL OR until > excluded.until)
                     THEN until ELSE excluded.until END
             WHERE owner = excluded.owner OR until <= ?4";
    BURIED = "SELECT 1 FROM names WHERE key = ?1";
    RELEASE = "DELETE FROM names WHERE key = ?1 AND owner = ?2";
    PURGE = "DELETE FROM names WHERE key IN (SELECT key FROM names WHERE until < ?1 LIMIT ?2)";
}

#[async_trait]
impl Names for Sqlite {
    async fn claim(
        &self,
        key: &str,
        owner: Uuid,
        until: Option<UnixMillis>,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let key = key.to_owned();
        self.write(move |db| {
            if one(db, BURIED, [buried(&key)], |_| Ok(()))?.is_some() {
                return Ok(false);
            }
            Ok(change(db, CLAIM, params![key, owner, until.map(|end| end.0), now.0])? == 1)
        })
        .await
    }

    async fn release(&self, key: &str, owner: Uuid) -> Result<(), StoreError> {
        let key = key.to_owned();
        self.write(move |db| change(db, RELEASE, params![key, owner]).map(drop)).await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.write(move |db| change(db, PURGE, params![before.0, integer::limit(limit)])).await
    }
}

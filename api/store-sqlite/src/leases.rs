//! Leases in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_store::job::Lease;
use rookery_store::{Leases, StoreError};
use rusqlite::params;

use super::Sqlite;
use super::sql::{change, statements};

statements! {
    HOLD = "INSERT INTO leases (name, holder, until) VALUES (?1, ?2, ?3)
            ON CONFLICT (name) DO UPDATE SET holder = ?2, until = ?3 WHERE holder = ?2 OR until <= ?4";
    RELEASE = "DELETE FROM leases WHERE name = ?1 AND holder = ?2";
}

#[async_trait]
impl Leases for Sqlite {
    async fn hold(&self, name: &str, lease: Lease, now: UnixMillis) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.write(move |db| Ok(change(db, HOLD, params![name, lease.id, lease.until.0, now.0])? == 1))
            .await
    }

    async fn release(&self, name: &str, lease: Lease) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |db| change(db, RELEASE, params![name, lease.id]).map(drop)).await
    }
}

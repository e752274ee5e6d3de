//! What staff have done: who, what, to whom, why and when. Entries are only ever added, and forgotten after their time.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, UserId};
use uuid::Uuid;

use crate::StoreError;

/// An act of staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id; ids begin with the time.
    pub id: Uuid,
    /// When.
    pub at: UnixMillis,
    /// Who.
    pub actor: UserId,
    /// What, as in `user_disabled`.
    pub action: String,
    /// Where, if that was in a room.
    pub room: Option<RoomId>,
    /// To whom, if that was somebody.
    pub user: Option<UserId>,
    /// Why, if somebody said so.
    pub reason: Option<String>,
    /// What else there is to say of it, JSON.
    pub detail: Option<String>,
}

/// Which entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this room.
    pub room: Option<RoomId>,
    /// By somebody.
    pub actor: Option<UserId>,
    /// Of this kind.
    pub action: Option<String>,
}

/// What admins have changed of the server's settings, as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSettings {
    /// Raised with each change.
    pub version: u64,
    /// What differs from the configuration, JSON.
    pub values: String,
}

/// What staff have done.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Adds an entry.
    async fn add(&self, entry: &AuditEntry) -> Result<(), StoreError>;
    /// Entries that match, newest first, before `before`, at most `limit`.
    async fn page(
        &self,
        filter: &AuditFilter,
        before: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError>;
    /// Erases entries of before that time, at most `limit`; says how many.
    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError>;
}

/// What admins have changed of the server's settings.
#[async_trait]
pub trait ServerSettings: Send + Sync {
    /// As it is now; none if nothing ever was.
    async fn read(&self) -> Result<Option<StoredSettings>, StoreError>;
    /// Replaces the version before, and adds the entry; false if there is another version by now. The first version is 1.
    async fn replace(&self, settings: &StoredSettings, entry: &AuditEntry) -> Result<bool, StoreError>;
}

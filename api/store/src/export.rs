//! Copies of what is kept about somebody, made by a job and forgotten after a day.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, UserId};
use uuid::Uuid;

use crate::StoreError;

/// A copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Its id.
    pub id: Uuid,
    /// Who it is about.
    pub user: UserId,
    /// The room that it is of; of what is kept about the user if none.
    pub room: Option<RoomId>,
    /// Who asked for it, and may have it.
    pub by: UserId,
    /// When it was asked for.
    pub created_at: UnixMillis,
    /// When it is forgotten.
    pub expires_at: UnixMillis,
    /// In how many pieces it is kept; none until it is complete.
    pub pieces: Option<u32>,
    /// Its bytes.
    pub bytes: u64,
}

/// Copies of what is kept about people.
#[async_trait]
pub trait Exports: Send + Sync {
    /// Adds one that is not complete; those before it that the same one asked for about the same user, or of the same
    /// room, are erased.
    async fn insert(&self, export: &Export) -> Result<(), StoreError>;
    /// By id.
    async fn by_id(&self, id: Uuid) -> Result<Option<Export>, StoreError>;
    /// The newest about the user, or of the room, that `by` asked for.
    async fn newest(&self, user: UserId, by: UserId, room: Option<RoomId>) -> Result<Option<Export>, StoreError>;
    /// Keeps a piece, instead of the one that was there. Without effect if there is no such export.
    async fn put_piece(&self, id: Uuid, number: u32, bytes: &[u8]) -> Result<(), StoreError>;
    /// A piece.
    async fn piece(&self, id: Uuid, number: u32) -> Result<Option<Vec<u8>>, StoreError>;
    /// Notes that it has so many pieces and bytes, and when it ends; false if there is no such.
    async fn complete(&self, id: Uuid, pieces: u32, bytes: u64, expires_at: UnixMillis) -> Result<bool, StoreError>;
    /// Erases all about a user; says how many.
    async fn erase_about(&self, user: UserId) -> Result<u64, StoreError>;
    /// Erases those that ended before that time, at most `limit`; says how many.
    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError>;
}

//! The end of what is kept of rooms that have ended.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::RoomId;

use crate::StoreError;

/// Erases what is left of rooms, a piece at a time. Whatever else is kept by room joins in [`RoomErasures::erase`].
#[async_trait]
pub trait RoomErasures: Send + Sync {
    /// Rooms that ended before that time and are not erased, those first that ended first, at most `limit`.
    async fn due(&self, before: UnixMillis, limit: usize) -> Result<Vec<RoomId>, StoreError>;
    /// Erases a piece of the room: so many events with what is kept of them; with the last of them everything else, and
    /// the room counts as erased. Says whether there is more. Idempotent.
    async fn erase(&self, room: RoomId, limit: usize) -> Result<bool, StoreError>;
    /// Erases events of the room of before that time with all that is kept of them, the oldest first, at most `limit`, and says
    /// how many. The newest event stays, so that the room is numbered on from there; its text goes if it is as old. Idempotent.
    async fn erase_before(&self, room: RoomId, before: UnixMillis, limit: usize) -> Result<usize, StoreError>;
}

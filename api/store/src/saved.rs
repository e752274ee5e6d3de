//! Messages that users have saved for themselves. Nobody else learns of it.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{MessageId, RoomId, UserId};

use crate::StoreError;

/// A message that a user has saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavedMessage {
    /// Id of the message.
    pub message: MessageId,
    /// Its room.
    pub room: RoomId,
    /// When it was saved.
    pub at: UnixMillis,
}

/// A place in the list of what a user has saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavedPlace {
    /// When the message was saved.
    pub at: UnixMillis,
    /// Id of the message.
    pub message: MessageId,
}

impl From<&SavedMessage> for SavedPlace {
    fn from(saved: &SavedMessage) -> Self {
        Self { at: saved.at, message: saved.message }
    }
}

/// What users have saved. It goes with their accounts.
#[async_trait]
pub trait Saved: Send + Sync {
    /// Saves a message; the first time counts. False if the user has `most` others.
    async fn put(&self, user: UserId, saved: &SavedMessage, most: usize) -> Result<bool, StoreError>;
    /// Takes it back. Idempotent.
    async fn remove(&self, user: UserId, message: MessageId) -> Result<(), StoreError>;
    /// What the user has saved, the newest first, before that place, at most `limit`.
    async fn page(
        &self,
        user: UserId,
        before: Option<SavedPlace>,
        limit: usize,
    ) -> Result<Vec<SavedMessage>, StoreError>;
}

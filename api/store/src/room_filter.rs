//! Word filters of rooms, as stores keep them.

use async_trait::async_trait;
use rookery_protocol::filter::FilterRules;
use rookery_protocol::id::RoomId;

use crate::StoreError;

/// Word filters of rooms. Rights name the version of the one that holds, see [`crate::room::Room::filter`].
#[async_trait]
pub trait RoomFilters: Send + Sync {
    /// The room's newest version, with its number; none where nobody ever set one.
    async fn get(&self, room: RoomId) -> Result<Option<(u64, FilterRules)>, StoreError>;
    /// Keeps another version in its place; gives its number, which is one more.
    async fn replace(&self, room: RoomId, rules: &FilterRules) -> Result<u64, StoreError>;
    /// Forgets it. Idempotent.
    async fn remove(&self, room: RoomId) -> Result<(), StoreError>;
}

/// Rules of a word filter as they were kept.
pub fn filter_rules(text: &str) -> Result<FilterRules, StoreError> {
    FilterRules::from_json(text).ok_or_else(|| StoreError::Inconsistent("a filter that cannot be read".to_owned()))
}

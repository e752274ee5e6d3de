//! How much there is, for those who run the server.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;

use crate::StoreError;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreFigures {
    /// Accounts.
    pub users: u64,
    /// Sessions.
    pub sessions: u64,
    /// Rooms.
    pub rooms: u64,
    /// Events.
    pub events: u64,
    /// Bytes of the database.
    pub bytes: u64,
}

/// When the day of this time began.
pub const fn day_of(at: UnixMillis) -> UnixMillis {
    UnixMillis(at.0.div_euclid(DAY_MS) * DAY_MS)
}

/// Knows how much there is.
#[async_trait]
pub trait Figures: Send + Sync {
    /// What is kept.
    async fn count(&self) -> Result<StoreFigures, StoreError>;
    /// So many more messages were said on the day that began then.
    async fn add_messages(&self, day: UnixMillis, messages: u64) -> Result<(), StoreError>;
    /// Messages of the newest days that had some, at most `limit`, newest first.
    async fn messages(&self, limit: usize) -> Result<Vec<(UnixMillis, u64)>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight() {
        assert_eq!(day_of(UnixMillis(DAY_MS + 5)), UnixMillis(DAY_MS));
        assert_eq!(day_of(UnixMillis(DAY_MS - 1)), UnixMillis(0));
        assert_eq!(day_of(UnixMillis(-1)), UnixMillis(-DAY_MS));
    }
}

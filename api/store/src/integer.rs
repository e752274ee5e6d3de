//! Both databases keep signed 64-bit integers; ours are unsigned.

use rookery_protocol::access::Until;
use rookery_protocol::clock::UnixMillis;

use super::StoreError;

/// A number on its way into the store.
pub fn stored(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::Inconsistent(format!("{value} does not fit the store")))
}

/// A number from the store.
pub fn read(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Inconsistent(format!("{value} is negative")))
}

/// A bound of a search; what is too large to be stored is as good as the largest number.
pub fn bound(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A number of rows.
pub fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// The end of a sanction: milliseconds, and the largest number for one that does not end by itself.
pub fn stored_until(until: Until) -> i64 {
    until.time().map_or(i64::MAX, |time| time.0.min(i64::MAX - 1))
}

/// The end of a sanction from the store.
pub fn read_until(millis: i64) -> Until {
    if millis == i64::MAX {
        Until::Revoked
    } else {
        Until::Time(UnixMillis(millis))
    }
}

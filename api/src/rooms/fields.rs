//! The settings of a room as requests write them: bounds, and what goes together.

use std::time::Duration;

use rookery_protocol::access::JoinRule;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::integer;
use serde::{Deserialize, Deserializer};

use crate::error::ApiError;
use crate::limits::{RETENTION_DAYS_MAX, ROOM_LIFE_S_MAX, ROOM_LIFE_S_MIN, ROOM_MEMBERS_MAX_MAX, SLOW_MODE_MS_MAX};

/// A whole number that is not null.
pub(crate) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    integer::whole(deserializer).map(Some)
}

/// A whole number, or null for none.
#[expect(clippy::option_option, reason = "absent is what stays, null is none")]
pub(crate) fn whole_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u64>>, D::Error> {
    integer::whole_or_null(deserializer).map(Some)
}

/// A value, or null for none.
#[expect(clippy::option_option, reason = "absent is what stays, null is none")]
pub(crate) fn value_or_none<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

pub(crate) fn slow_mode(ms: Option<u64>) -> Result<Option<u64>, ApiError> {
    if ms.is_some_and(|ms| ms > SLOW_MODE_MS_MAX) {
        return Err(ApiError::field(ErrorCode::BadField, "slow_mode_ms", "must be from 0 to 21600000"));
    }
    Ok(ms)
}

/// When a temporary room ends that is to end then.
pub(crate) fn expiry(at: UnixMillis, now: UnixMillis) -> Result<UnixMillis, ApiError> {
    let rest = at.since(now).as_secs();
    // What was 60 s when the request was written is a little less by now.
    if at <= now || !(ROOM_LIFE_S_MIN - 5..=ROOM_LIFE_S_MAX).contains(&rest) {
        return Err(ApiError::field(ErrorCode::BadField, "expires_at", "must be in 60 seconds to 366 days"));
    }
    Ok(at)
}

/// When a temporary room ends that is to live so long.
pub(crate) fn expiry_in(seconds: u64, now: UnixMillis) -> Result<UnixMillis, ApiError> {
    if !(ROOM_LIFE_S_MIN..=ROOM_LIFE_S_MAX).contains(&seconds) {
        return Err(ApiError::field(ErrorCode::BadField, "expires_in_s", "must be from 60 to 31622400"));
    }
    Ok(now.plus(Duration::from_secs(seconds)))
}

pub(crate) fn retention_days(days: u64) -> Result<u32, ApiError> {
    bounded("retention_days", days, 1, RETENTION_DAYS_MAX)
}

pub(crate) fn members_max(members: u64) -> Result<u32, ApiError> {
    bounded("members_max", members, 2, ROOM_MEMBERS_MAX_MAX)
}

fn bounded(field: &str, value: u64, least: u64, most: u64) -> Result<u32, ApiError> {
    u32::try_from(value)
        .ok()
        .filter(|_| (least..=most).contains(&value))
        .ok_or_else(|| ApiError::field(ErrorCode::BadField, field, format!("must be from {least} to {most}")))
}

/// A password is for a room that asks for one.
pub(crate) fn check_password(join: Option<JoinRule>, has_password: bool) -> Result<(), ApiError> {
    match join {
        Some(JoinRule::Open | JoinRule::Approval | JoinRule::Invite) if has_password => {
            Err(ApiError::field(ErrorCode::BadField, "password", "is for rooms with the join rule password"))
        }
        Some(_) | None => Ok(()),
    }
}

/// A room that asks for a password has one.
pub(crate) fn password_missing() -> ApiError {
    ApiError::field(ErrorCode::BadField, "password", "is needed for the join rule password")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_rooms_live_a_minute_to_a_year() {
        let now = UnixMillis(1_000_000);
        let at = |seconds: u64| expiry(now.plus(Duration::from_secs(seconds)), now).is_ok();
        assert!(at(60) && at(ROOM_LIFE_S_MAX) && !at(30) && !at(ROOM_LIFE_S_MAX + 1));
        assert!(expiry(UnixMillis(0), now).is_err());
        assert!(
            expiry_in(60, now).is_ok() && expiry_in(59, now).is_err() && expiry_in(ROOM_LIFE_S_MAX + 1, now).is_err()
        );
    }

    #[test]
    fn passwords_go_with_their_rule() {
        assert!(check_password(Some(JoinRule::Open), true).is_err());
        assert!(check_password(Some(JoinRule::Password), true).is_ok() && check_password(None, true).is_ok());
        assert!(members_max(1).is_err() && members_max(2).is_ok() && retention_days(0).is_err());
    }
}

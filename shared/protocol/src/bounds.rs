//! Which bound a refusal speaks of. The names are metric labels, the same in every process, and stand in the page of
//! all bounds, `docs/limits.md`.

use crate::close::CloseCode;
use crate::error_code::ErrorCode;

/// Errors that say that a bound was reached. `rate_limited` is the pace of a room where nothing else was counted.
const CODES: [(ErrorCode, &str); 13] = [
    (ErrorCode::ContentTooLong, "content"),
    (ErrorCode::TooManyRooms, "rooms"),
    (ErrorCode::TooManyReactions, "reactions"),
    (ErrorCode::TooManyPins, "pins"),
    (ErrorCode::TooManySaved, "saved"),
    (ErrorCode::TooManyScheduled, "scheduled"),
    (ErrorCode::TooManyUploads, "uploads"),
    (ErrorCode::QuotaExceeded, "quota"),
    (ErrorCode::RateLimited, "pace"),
    (ErrorCode::SlowMode, "slow_mode"),
    (ErrorCode::Overloaded, "overloaded"),
    (ErrorCode::BodyTooLarge, "body"),
    (ErrorCode::RequestTimeout, "request_deadline"),
];

/// Ends of connections that say so.
const ENDS: [(CloseCode, &str); 6] = [
    (CloseCode::Policy, "bad_frames"),
    (CloseCode::TooBig, "frame"),
    (CloseCode::Flooding, "flood"),
    (CloseCode::TooSlow, "send_queue"),
    (CloseCode::Timeout, "heartbeat"),
    (CloseCode::Replaced, "user_sockets"),
];

/// The bound that an error is about.
pub fn of_code(code: ErrorCode) -> Option<&'static str> {
    CODES.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}

/// The bound that the end of a connection is about.
pub fn of_end(code: CloseCode) -> Option<&'static str> {
    ENDS.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}

/// The names of all bounds that an error or an end speaks of.
pub fn labels() -> impl Iterator<Item = &'static str> {
    CODES.iter().map(|(_, name)| *name).chain(ENDS.iter().map(|(_, name)| *name))
}

//! Bounds of login sessions.

use std::time::Duration;

// --- login sessions --------------------------------------------------------------------------

/// Life of a login, however often it is refreshed: after that the password is asked for again.
pub const SESSION_LIFE_MAX: Duration = Duration::from_hours(90 * 24);
/// Open sessions of one user; one more ends the oldest.
pub const SESSIONS_PER_USER_MAX: usize = 50;
/// Sessions of one user that are looked at when one logs in; a store of before there was a bound may have more.
pub const SESSIONS_OF_USER_READ_MAX: usize = 5_000;
/// Between two looks for sessions of which nothing can come any more.
pub const SESSION_PURGE_INTERVAL: Duration = Duration::from_mins(5);
/// Such sessions that are erased at once.
pub const SESSION_PURGE_MAX: usize = 1_000;
/// Refreshes of one session in 10 s; for more of them the client has to wait.
pub const REFRESHES_AT_ONCE_MAX: usize = 16;
/// How long an api takes a session that was open for one that is over only if it was revoked since.
pub const SESSIONS_OPEN_LIFE: Duration = Duration::from_mins(5);
/// Such sessions that one api remembers; others are read again.
pub const SESSIONS_OPEN_MAX: u64 = 100_000;
/// Up to so many of them in one question are read one by one all the same.
pub const SESSIONS_READ_FEW: usize = 8;
/// Questions about sessions that a gateway asks the api with one call.
pub const SESSION_QUESTIONS_MAX: usize = 500;
/// The least that it asks with one call, however slow the api is.
pub const SESSION_QUESTIONS_MIN: usize = 64;
/// Such calls of one gateway that are under way; what is asked meanwhile goes along with the next.
pub const SESSION_CALLS_MAX: usize = 4;
/// Such calls, if the newest of them is slow.
pub const SESSION_CALLS_HANGING_MAX: usize = 8;
/// Connections of one gateway whose sessions wait to be asked about; more are told to come back.
pub const SESSIONS_WAITING_MAX: usize = 50_000;
/// How long a new connection waits until news of its user is heard, before its session is asked about. If it is not heard
/// by then, the session is asked about once more when it is.
pub const SESSION_HEARD_WAIT: Duration = Duration::from_millis(250);

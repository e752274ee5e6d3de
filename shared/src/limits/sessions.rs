//! Bounds of login sessions.

use std::time::Duration;

// --- login sessions --------------------------------------------------------------------------

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

//! Bounds of read marks and unread counts.

use std::time::Duration;

// --- read marks and unread counts ------------------------------------------------------------

/// Messages after a read mark that are counted in one room; beyond it the answer is "at least so many".
pub const UNREAD_COUNT_MAX: usize = 1_000;
/// Different names that one text mentions; further ones are not counted.
pub const MENTIONS_PER_MESSAGE_MAX: usize = 50;
/// Between two writes of the read mark of one connection in one room.
pub const READ_WRITE_INTERVAL: Duration = Duration::from_secs(1);
/// Rooms of one connection whose read marks are coalesced; those of more are written at once.
pub const READS_COALESCED_MAX: usize = 256;
/// How long the first read mark of a connection waits until news of it would be heard.
pub const NEWS_WAIT: Duration = Duration::from_secs(1);
/// How long `subscribed` waits for the counts before it is told without them.
pub const READ_STATE_WAIT: Duration = Duration::from_secs(1);
/// Subscriptions for which an api counts unread messages at the same time. More wait a little and are then told nothing of
/// unread messages: thousands of new connections must not keep the store from storing.
pub const READ_STATES_AT_ONCE: usize = 1;
/// How long they wait.
pub const READ_STATES_TURN: Duration = Duration::from_millis(250);
/// Rooms of a page of `users/me/rooms`.
pub const MY_ROOMS_PAGE_MAX: usize = 2_000;
/// Rooms of a page of `users/me/rooms` if the client does not say.
pub const MY_ROOMS_PAGE_DEFAULT: usize = 500;
/// Rooms of such a page that are looked up in one go.
pub const ROOMS_PER_LOOKUP: usize = 250;
/// Rooms whose counts are read from the embedded store in one go, so that other questions have their turn.
pub const COUNTS_PER_READ: usize = 200;
/// Rooms whose counts are asked of MongoDB at the same time, for one caller.
pub const COUNTS_AT_ONCE: usize = 16;

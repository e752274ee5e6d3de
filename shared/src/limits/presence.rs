//! Bounds of presence and typing.

use std::time::Duration;

// --- presence and typing -----------------------------------------------------------------------

/// Life of a gateway's lease on the presence it has written. With [`PRESENCE_RENEW_INTERVAL`] it is 10 to 15 s after a
/// crash that its users are offline.
pub const PRESENCE_LEASE_LIFE: Duration = Duration::from_secs(15);
/// Between two renewals of that lease: the only write of presence that comes from time alone.
pub const PRESENCE_RENEW_INTERVAL: Duration = Duration::from_secs(5);
/// How long a user whose last connection broke is still shown as online: reconnects and deploys take less.
pub const PRESENCE_GRACE: Duration = Duration::from_secs(10);
/// The same for a user who said goodbye.
pub const PRESENCE_GOODBYE_GRACE: Duration = Duration::from_secs(2);
/// How long changes of presence are gathered before they are written in one go.
pub const PRESENCE_GATHER: Duration = Duration::from_millis(50);
/// Between two changes of one user, or of one room, that are written or told; those between become one.
pub const PRESENCE_INTERVAL: Duration = Duration::from_secs(1);
/// The same for a room in which users are only counted.
pub const PRESENCE_COUNT_INTERVAL: Duration = Duration::from_secs(10);
/// Pause after presence could not be written or read.
pub const PRESENCE_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Users online in a room up to which they are named; more are only counted, and typing is not told.
pub const ROOM_PRESENCE_MAX: usize = 200;
/// Users that one connection watches.
pub const WATCHED_USERS_MAX: usize = 500;
/// Rooms whose presence one connection watches.
pub const WATCHED_ROOMS_MAX: usize = 100;
/// Users in one question for presence.
pub const PRESENCE_READ_MAX: usize = 500;
/// Users in one REST question for presence, so that it fits a request head.
pub const PRESENCE_IDS_MAX: usize = 200;
/// Users or rooms in one call to Redis about presence, so that nobody waits long behind it.
pub const PRESENCE_CALL_MAX: usize = 200;
/// How long status, text and last seen of a user are kept who is not online.
pub const PRESENCE_KEPT: Duration = Duration::from_hours(30 * 24);
/// How long a gateway has to clean up after a dead one before another may.
pub const REAP_CLAIM: Duration = Duration::from_secs(10);
/// Pause between two pieces of that cleaning: at most 10,000 users a second are announced.
pub const REAP_PAUSE: Duration = Duration::from_millis(20);
/// Characters of a status text.
pub const STATUS_TEXT_CHARS_MAX: usize = 100;
/// Bytes of a status text as UTF-8.
pub const STATUS_TEXT_BYTES_MAX: usize = 300;
/// Between two signs that one user is typing in one room; those between are dropped.
pub const TYPING_INTERVAL: Duration = Duration::from_secs(3);
/// Users and rooms that a gateway remembers for [`TYPING_INTERVAL`].
pub const TYPING_REMEMBERED_MAX: u64 = 100_000;
/// Bytes a connection may owe its client before it is told no more of what may be lost, such as typing.
pub const OUTBOX_EPHEMERAL_BYTES: usize = 16 * 1024;
/// Frames a connection may owe its client before it is told no more of what may be lost.
pub const OUTBOX_EPHEMERAL_FRAMES: usize = 32;

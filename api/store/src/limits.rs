//! Bounds of this crate, each with its unit and its reason.

use std::time::Duration;

// --- time ------------------------------------------------------------------------------------

/// Life of a refresh token since its last use.
pub const REFRESH_TOKEN_LIFE: Duration = Duration::from_hours(7 * 24);

// --- bus -------------------------------------------------------------------------------------

/// Events of one partition that ingest stores in one batch.
pub const INGEST_BATCH_MAX: usize = 200;

// --- api -------------------------------------------------------------------------------------

/// Rooms of one user that `rooms/mine` lists.
pub const ROOMS_OF_USER_MAX: usize = 2_000;

// --- gateway ---------------------------------------------------------------------------------

/// Ids in one question to MongoDB about many documents.
pub const STORE_IDS_PER_READ_MAX: usize = 20;
/// Such questions of one call that are under way.
pub const STORE_READS_AT_ONCE: usize = 8;

// --- threads ---------------------------------------------------------------------------------

/// Replies to one message that are counted.
pub const REPLIES_COUNTED_MAX: usize = 10_000;
/// Newest replies that are looked through for them.
pub const REPLIERS_LOOKED_THROUGH: usize = 100;

// --- read marks and unread counts ------------------------------------------------------------

/// Rooms whose counts are asked of MongoDB at the same time, for one caller.
pub const COUNTS_AT_ONCE: usize = 16;

// --- login sessions --------------------------------------------------------------------------

/// Life of a login, however often it is refreshed: after that the password is asked for again.
pub const SESSION_LIFE_MAX: Duration = Duration::from_hours(90 * 24);
/// Longest life of a refresh token that operators may choose, in days.
pub const REFRESH_TOKEN_DAYS_MAX: u64 = 90;
/// Sessions of one user that are looked at when one logs in; a store of before there was a bound may have more.
pub const SESSIONS_OF_USER_READ_MAX: usize = 5_000;

// --- store -----------------------------------------------------------------------------------

/// One call to the store, as its caller sees it; beyond it the answer is "unavailable".
pub const STORE_DEADLINE: Duration = Duration::from_secs(3);
/// Calls to the store under way in one process, those that were given up included.
pub const STORE_CALLS_MAX: usize = 512;

// --- search ----------------------------------------------------------------------------------

/// Characters of a search for messages.
pub const QUERY_CHARS_MAX: usize = 256;
/// Words and phrases of such a search, those that must not be there included.
pub const QUERY_TERMS_MAX: usize = 8;
/// Characters of a word by which it is told from others; of longer ones the rest does not count.
pub const TERM_CHARS_MAX: usize = 64;
/// Places of one message that a search shows.
pub const HIGHLIGHTS_MAX: usize = 50;
/// Rooms in one question about terms.
pub const SEARCH_ROOMS_PER_QUESTION: usize = 100;

//! Bounds of this crate, each with its unit and its reason.

use std::time::Duration;

// --- time ------------------------------------------------------------------------------------

/// How long a REST send waits for "stored" before it answers 202 instead of 201.
pub const STORED_WAIT: Duration = Duration::from_secs(5);

// --- api -------------------------------------------------------------------------------------

/// A REST request that takes longer is logged.
pub const SLOW_REQUEST: Duration = Duration::from_secs(1);
/// From the head of a REST request to its answer, the body included.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(30);
/// How long a password waits for a free processor before the answer is `overloaded`.
pub const PASSWORD_WAIT: Duration = Duration::from_secs(1);
/// How long a join or leave waits for its announcement to reach the bus; after that it follows by itself.
pub const ANNOUNCE_WAIT: Duration = Duration::from_secs(2);
/// How long the end of a session waits for its push; gateways find it by asking, too.
pub const REVOKE_PUSH_WAIT: Duration = Duration::from_secs(1);
/// Between two looks for announcements that did not reach the bus.
pub const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(1);
/// Announcements that are read from the store at once.
pub const ANNOUNCE_BATCH_MAX: usize = 100;
/// REST sends of one process that wait for "stored"; beyond it they are answered 202 at once.
pub const STORED_WAITS_MAX: usize = 10_000;
/// Between two looks at the stored marks while a send waits, in case a signal was lost.
pub const STORED_POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long a new epoch waits for writes of the one before that are under way.
pub const ROOM_OPEN_WAIT: Duration = Duration::from_secs(3);
/// Rooms that are being opened of which a process remembers it, so that one call serves all who wait.
pub const ROOMS_OPENING_MAX: u64 = 10_000;
/// How long a page of history waits for the bus before it is served from the store alone.
pub const HISTORY_BUS_WAIT: Duration = Duration::from_secs(1);

// --- gateway ---------------------------------------------------------------------------------

/// Bytes of such events, unless the first alone is larger; the gateway asks again for the rest.
pub const EVENTS_BYTES_MAX: usize = 512 * 1024;
/// Different reads of missed events that are under way in one api process.
pub const EVENT_READS_MAX: u64 = 1_024;
/// How far before the last answer the next one begins: clocks of apis may differ, and changes take a while.
pub const CHANGES_OVERLAP: Duration = Duration::from_secs(30);
/// Sessions, and rooms, that one answer names as changed; where there are more, all that are here are asked about.
pub const CHANGES_PER_READ_MAX: usize = 1_000;
/// Different pages of histories that one api process reads at the same time. More at once are not read sooner: a database
/// that has too much in hand answers nothing in time, and is asked again.
pub const HISTORY_READS_MAX: usize = 8;
/// How long a page waits for its turn before it is refused.
pub const HISTORY_READ_WAIT: Duration = Duration::from_secs(2);
/// Bytes of one such call.
pub const AUTHORIZE_BYTES_MAX: usize = 512 * 1024;
/// What users are in rooms, as an api remembers it; it is believed as long as the room's version is the same.
pub const STANDINGS_MAX: u64 = 200_000;
/// How long it is remembered after it was last asked for.
pub const STANDINGS_LIFE: Duration = Duration::from_hours(1);
/// Longest slow mode of a room, in milliseconds: 6 hours.
pub const SLOW_MODE_MS_MAX: u64 = 6 * 60 * 60 * 1_000;

// --- what is done to messages ----------------------------------------------------------------

/// Versions of one message that its history of edits shows, the newest ones.
pub const EDITS_SHOWN_MAX: usize = 100;
/// How long the store remembers that a reaction was taken back, so that an older change that arrives late does not count.
pub const TAKEN_BACK_KEPT: Duration = Duration::from_mins(10);
/// Between two times that such rows are forgotten.
pub const SWEEP_INTERVAL: Duration = Duration::from_mins(1);
/// Rows that are forgotten at a time.
pub const SWEEP_ROWS_MAX: usize = 10_000;
/// Random numbers that are tried behind the slug of a new room when the small ones are taken.
pub const SLUG_TRIES: usize = 8;

// --- load tests ------------------------------------------------------------------------------

/// Accounts that one `seed` makes.
pub const SEED_USERS_MAX: usize = 100_000;
/// Rooms that one `seed` makes.
pub const SEED_ROOMS_MAX: usize = 100_000;
/// Rooms of one such account.
pub const SEED_ROOMS_PER_USER_MAX: usize = 200;
/// Gateways over which the accounts of one `seed` are spread.
pub const SEED_GATEWAYS_MAX: usize = 64;
/// Longest life of a token that `seed` prints.
pub const SEED_TOKEN_LIFE_MAX: Duration = Duration::from_hours(24);

// --- passwords -------------------------------------------------------------------------------

/// Passwords from one address that wait for a processor.
pub const PASSWORDS_PER_ADDRESS_MAX: usize = 8;
/// Passwords of one process that wait for a processor.
pub const PASSWORDS_WAITING_MAX: usize = 1_000;
/// What a password costs the address that it comes from, unless it was the right one: whoever owes more has its turn later.
pub const PASSWORD_COST: Duration = Duration::from_secs(10);
/// The most that an address can owe for passwords.
pub const PASSWORD_DEBT_MAX: Duration = Duration::from_mins(10);
/// Addresses of which a process remembers what they owe for passwords.
pub const PASSWORD_ADDRESSES_MAX: usize = 10_000;

// --- read marks and unread counts ------------------------------------------------------------

/// Messages after a read mark that are counted in one room; beyond it the answer is "at least so many".
pub const UNREAD_COUNT_MAX: usize = 1_000;
/// Subscriptions for which an api counts unread messages at the same time. More wait a little and are then told nothing of
/// unread messages: thousands of new connections must not keep the store from storing.
pub const READ_STATES_AT_ONCE: usize = 1;
/// How long they wait.
pub const READ_STATES_TURN: Duration = Duration::from_millis(250);
/// Rooms of a page of `users/me/rooms` if the client does not say.
pub const MY_ROOMS_PAGE_DEFAULT: usize = 500;
/// Rooms of such a page that are looked up in one go.
pub const ROOMS_PER_LOOKUP: usize = 250;

// --- login sessions --------------------------------------------------------------------------

/// Shortest life of an access token, in seconds, that operators may set.
pub const ACCESS_TOKEN_SECONDS_MIN: u64 = 10;
/// Between two looks for sessions of which nothing can come any more.
pub const SESSION_PURGE_INTERVAL: Duration = Duration::from_mins(5);
/// Such sessions that are erased at once.
pub const SESSION_PURGE_MAX: usize = 1_000;
/// How long an api takes a session that was open for one that is over only if it was revoked since.
pub const SESSIONS_OPEN_LIFE: Duration = Duration::from_mins(5);
/// Such sessions that one api remembers; others are read again.
pub const SESSIONS_OPEN_MAX: u64 = 100_000;
/// Up to so many of them in one question are read one by one all the same.
pub const SESSIONS_READ_FEW: usize = 8;

// --- store -----------------------------------------------------------------------------------

/// Accounts that the command `user list` reads at once.
pub const USERS_PER_PAGE: usize = 200;
/// A write whose outcome stayed unknown may still be carried out for so long, and no epoch begins meanwhile.
pub const INGEST_WRITE_LINGER: Duration = Duration::from_secs(20);

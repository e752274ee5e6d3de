//! Bounds of this crate, each with its unit and its reason.

use std::time::Duration;

// --- bus -------------------------------------------------------------------------------------

/// Length of one dedupe bucket; current and previous are read, so a repeat is known for 2 to 4 minutes in Redis.
pub const DEDUPE_BUCKET: Duration = Duration::from_mins(2);
/// Events that wait in a process between the bus and its rooms.
pub const SIGNALS_MAX: usize = 65_536;
/// One command to Redis.
pub const BUS_COMMAND_DEADLINE: Duration = Duration::from_secs(3);

// --- api -------------------------------------------------------------------------------------

/// From the first who wants a room that nobody has open to the answer for all who wait for it. Each step has a deadline of
/// its own; after a cold start a database may need all of it.
pub const ROOM_OPEN_DEADLINE: Duration = Duration::from_secs(10);
/// Between two tries to open a room within that.
pub const ROOM_OPEN_PAUSE: Duration = Duration::from_millis(250);
/// Appends that wait for the in-process journal; beyond it sends answer `overloaded`.
pub const JOURNAL_QUEUE_MAX: usize = 4_096;
/// Appends that share one write of the in-process journal.
pub const JOURNAL_BATCH_MAX: usize = 256;

/// Between two looks at the server's word filter: a change holds on every node within five seconds.
pub const FILTER_POLL_INTERVAL: Duration = Duration::from_secs(2);
/// The same as long as it is not known: nothing is taken meanwhile.
pub const FILTER_FIRST_POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Word filters of rooms that a process keeps ready.
pub const FILTERS_REMEMBERED_MAX: u64 = 1_000;

// --- gateway ---------------------------------------------------------------------------------

/// Largest burst that operators may allow one user in one room.
pub const SEND_BURST_MAX: u32 = 10_000;
/// Longest interval, in milliseconds, that operators may set between what one user says in one room.
pub const SEND_INTERVAL_MS_MAX: u64 = 60_000;
/// Tokens of a user that a node takes out of the shared bucket at once, so that not every command asks Redis.
pub const QUOTA_LEASE_MAX: u32 = 10;
/// How long a request waits for the shared bucket before the node counts alone.
pub const QUOTA_WAIT: Duration = Duration::from_millis(250);
/// How long a node counts alone before it asks for the shared buckets again.
pub const QUOTA_ALONE: Duration = Duration::from_secs(1);
/// Between two signs of life of a node that shares buckets with others.
pub const QUOTA_NODE_INTERVAL: Duration = Duration::from_secs(5);
/// Nodes that a process counts with until it knows how many there are.
pub const QUOTA_NODES_UNKNOWN: u32 = 4;
/// Buckets that a process remembers; beyond it those that are full again are forgotten, then any.
pub const QUOTA_BUCKETS_MAX: usize = 100_000;
/// How often a process shows its card to admins.
pub const NODE_CARD_INTERVAL: Duration = Duration::from_secs(5);
/// How long a card is shown that is not renewed.
pub const NODE_CARD_LIFE: Duration = Duration::from_secs(15);
/// How long a ticket is known to be used: longer than it is good for, whatever the clocks of nodes say.
pub const TICKET_KEPT: Duration = Duration::from_mins(2);
/// Used tickets that one process knows when there is no Redis to know them.
pub const TICKETS_KEPT_MAX: usize = 200_000;

// --- presence and typing -----------------------------------------------------------------------

/// Users or rooms in one call to Redis about presence, so that nobody waits long behind it.
pub const PRESENCE_CALL_MAX: usize = 200;
/// How long a gateway has to clean up after a dead one before another may.
pub const REAP_CLAIM: Duration = Duration::from_secs(10);

// --- publishing ------------------------------------------------------------------------------

/// How long a publication may take, whatever happens on the way; then its sender gets `unavailable`.
pub const PUBLISH_DEADLINE: Duration = Duration::from_secs(10);
/// Appends of one publication: one for a room that was not open, one under stale rights, and the one that counts.
pub const PUBLISH_APPENDS_MAX: usize = 3;
/// Between two looks at a message of which something is not stored yet that a change would repeat.
pub const PUBLISH_PAUSE: Duration = Duration::from_millis(50);
/// How often it is looked at before the change is answered `unavailable`.
pub const PUBLISH_LOOKS_MAX: usize = 40;

//! Bounds of this crate, each with its unit and its reason.

use std::time::Duration;

// --- bus -------------------------------------------------------------------------------------

/// Life of an idle hot tail.
pub const TAIL_LIFE: Duration = Duration::from_hours(1);
/// Between two attempts to subscribe to channels of the bus.
pub const SUBSCRIBE_PAUSE: Duration = Duration::from_millis(200);
/// A process follows a partition's stored marks this long after it has last appended there.
pub const MARKS_LINGER: Duration = Duration::from_mins(2);
/// Life of a partition lease; renewed at a third of it. So long nothing is stored after an api has died.
pub const LEASE_LIFE: Duration = Duration::from_secs(2);
/// Version of what is kept in Redis. A change that an older process would misread raises it.
pub const REDIS_LAYOUT: u16 = 1;

// --- gateway ---------------------------------------------------------------------------------

/// Messages from Redis that wait until they are sorted to their listeners; more are a loss, which is repaired.
pub const REDIS_MESSAGES_MAX: usize = 8_192;
/// News of the command connection, such as reconnects, that wait to be handled.
pub const REDIS_NEWS_MAX: usize = 64;
/// How often a command is sent when Redis says that its data is on another server; it was not run then.
pub const REDIS_ATTEMPTS: usize = 3;
/// The same for an append, whose caller tries again by itself.
pub const APPEND_ATTEMPTS: usize = 2;
/// Calls of one kind, such as subscribing after a reconnect, that wait for Redis at the same time.
pub const REDIS_CALLS_AT_ONCE: usize = 512;
/// Between two signs of life that the subscriber connections ask for; without one they would never notice that a
/// server only listens any more.
pub const SUBSCRIBER_PING_INTERVAL: Duration = Duration::from_secs(1);
/// Between two questions to Redis Cluster who has which slots, in case nothing else made it tell.
pub const TOPOLOGY_INTERVAL: Duration = Duration::from_secs(5);
/// Between two questions to Redis how much memory it uses.
pub const REDIS_FIGURES_INTERVAL: Duration = Duration::from_secs(15);
/// After so long without a sign of life a node is not counted any more.
pub const QUOTA_NODE_LIFE: Duration = Duration::from_secs(15);

// --- presence and typing -----------------------------------------------------------------------

/// How long status, text and last seen of a user are kept who is not online.
pub const PRESENCE_KEPT: Duration = Duration::from_hours(30 * 24);

// --- store -----------------------------------------------------------------------------------

/// Keys of Redis that are looked at, and taken away, at once.
pub const REDIS_KEYS_AT_ONCE: usize = 500;

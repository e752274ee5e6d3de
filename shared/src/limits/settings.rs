//! Bounds of what operators may set.

// --- what operators may set -------------------------------------------------------------------

/// Largest number of connections that operators may allow a listener; the system's limit of open files holds beside it.
pub const CONNECTIONS_MAX_MAX: usize = 1_000_000;
/// Largest number of connections per second that operators may allow a listener.
pub const ACCEPTS_PER_SECOND_MAX: u32 = 1_000_000;
/// Largest number of sockets that operators may allow one user, or one address that has brought no token.
pub const SOCKETS_MAX_MAX: usize = 1_000_000;
/// Longest time, in milliseconds, that operators may give a process to stop: an hour.
pub const DRAIN_MS_MAX: u64 = 60 * 60 * 1_000;

//! Bounds of this crate, each with its unit and its reason.

// --- read marks and unread counts ------------------------------------------------------------

/// Rooms whose counts are read from the embedded store in one go, so that other questions have their turn.
pub const COUNTS_PER_READ: usize = 200;

// --- store -----------------------------------------------------------------------------------

/// Changes that wait for the thread that writes to the embedded store.
pub const WRITES_QUEUED_MAX: usize = 1_024;
/// Changes of the embedded store that share one sync of the disk.
pub const WRITE_GROUP_MAX: usize = 256;
/// Reading connections of the embedded store.
pub const STORE_READERS: usize = 4;

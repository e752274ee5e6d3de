//! Bounds of this crate, each with its unit and its reason.

use std::time::Duration;

use rookery_protocol::limits::PARTITIONS;
use rookery_store::limits::INGEST_BATCH_MAX;

// --- bus -------------------------------------------------------------------------------------

/// Events of several partitions that ingest gives to the store in one call.
pub(crate) const INGEST_GROUP_MAX: usize = 200;
/// Stored events that ingest remembers, so that it does not write them again: a batch of each partition.
pub(crate) const INGEST_REMEMBERED_MAX: usize = 2 * INGEST_BATCH_MAX * PARTITIONS as usize;
/// Such calls of one process under way at once.
pub(crate) const INGEST_WRITES_AT_ONCE: usize = 2;
/// How often a write is tried whose outcome is not known, before its batches are read again.
pub(crate) const INGEST_WRITE_ATTEMPTS: usize = 5;
/// Between two of these.
pub(crate) const INGEST_WRITE_PAUSE: Duration = Duration::from_millis(200);
/// From the begin of one such call to the next, at least: what comes meanwhile goes together.
pub(crate) const INGEST_WRITE_GAP: Duration = Duration::from_millis(10);

// --- api -------------------------------------------------------------------------------------

/// Between the first two attempts to prepare the store; it doubles up to [`START_PAUSE_MAX`].
pub(crate) const START_PAUSE_MIN: Duration = Duration::from_millis(200);
/// Longest time between two attempts to prepare the store.
pub(crate) const START_PAUSE_MAX: Duration = Duration::from_secs(5);

// --- store -----------------------------------------------------------------------------------

/// Between two looks whether Redis and the database still belong together.
pub(crate) const TIMELINE_EVERY: Duration = Duration::from_secs(5);

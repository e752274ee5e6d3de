//! Bounds of this crate, each with its unit and its reason.

use std::time::Duration;

// --- what is done to messages ----------------------------------------------------------------

/// Message changes of one batch that are applied side by side in MongoDB.
pub const MESSAGE_CHANGES_AT_ONCE: usize = 16;

// --- threads ---------------------------------------------------------------------------------

/// Counts of one thread that are tried while others count it, too.
pub const THREAD_TRIES_MAX: usize = 20;

// --- load tests ------------------------------------------------------------------------------

/// Documents of one insert of `seed`.
pub const SEED_INSERT_MAX: usize = 1_000;
/// Life of one insert of `seed`, which nobody at a screen waits for.
pub const SEED_INSERT_LIFE: Duration = Duration::from_mins(1);

// --- store -----------------------------------------------------------------------------------

/// Life of a call whose caller has given up: the database may still finish it, but it never holds its
/// connection longer than this.
pub const STORE_CALL_LIFE: Duration = Duration::from_secs(10);
/// Rooms of which a process remembers about where their histories end.
pub const STORE_TOPS_MAX: usize = 100_000;
/// Connections of one process to the database.
pub const STORE_CONNECTIONS_MAX: u32 = 32;
/// Of them, those that one process makes at the same time: a cold start must not wait for one after the other.
pub const STORE_CONNECTS_AT_ONCE: u32 = 8;
/// Bytes of one document in a backup of MongoDB: its own bound, and some room.
pub const BACKUP_DOCUMENT_BYTES_MAX: usize = 17 * 1024 * 1024;
/// Documents of a backup that are put back at once, and their bytes.
pub const RESTORE_DOCUMENTS_MAX: usize = 1_000;
/// Bytes of the documents that are put back at once, beside the last one.
pub const RESTORE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Epochs of a partition that the database remembers one by one: pages of a history are looked for in them.
pub const EPOCHS_KEPT: usize = 32;
/// Tries of one process to give a partition its next epoch, while others do.
pub const EPOCH_TRIES_MAX: usize = 100;
/// Tries of one transaction that loses against others.
pub const TRANSACTION_TRIES_MAX: u32 = 12;
/// Life of the lock on the schema; a runner that died is replaced after it.
pub const MIGRATION_LOCK_LIFE: Duration = Duration::from_secs(30);
/// How long a process waits for the schema that another one brings up to date.
pub const MIGRATION_WAIT: Duration = Duration::from_secs(90);

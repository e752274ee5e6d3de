//! Bounds of the stores.

use std::time::Duration;

// --- store -----------------------------------------------------------------------------------

/// One call to the store, as its caller sees it; beyond it the answer is "unavailable".
pub const STORE_DEADLINE: Duration = Duration::from_secs(3);
/// Life of a call whose caller has given up: the database may still finish it, but it never holds its
/// connection longer than this.
pub const STORE_CALL_LIFE: Duration = Duration::from_secs(10);
/// Calls to the store under way in one process, those that were given up included.
pub const STORE_CALLS_MAX: usize = 512;
/// Rooms of which a process remembers about where their histories end.
pub const STORE_TOPS_MAX: usize = 100_000;
/// Connections of one process to the database.
pub const STORE_CONNECTIONS_MAX: u32 = 32;
/// Of them, those that one process makes at the same time: a cold start must not wait for one after the other.
pub const STORE_CONNECTS_AT_ONCE: u32 = 8;
/// Accounts that the command `user list` reads at once.
pub const USERS_PER_PAGE: usize = 200;
/// Between two looks whether Redis and the database still belong together.
pub const TIMELINE_EVERY: Duration = Duration::from_secs(5);
/// Bytes of one document in a backup of MongoDB: its own bound, and some room.
pub const BACKUP_DOCUMENT_BYTES_MAX: usize = 17 * 1024 * 1024;
/// Documents of a backup that are put back at once, and their bytes.
pub const RESTORE_DOCUMENTS_MAX: usize = 1_000;
/// Bytes of the documents that are put back at once, beside the last one.
pub const RESTORE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Keys of Redis that are looked at, and taken away, at once.
pub const REDIS_KEYS_AT_ONCE: usize = 500;
/// Epochs of a partition that the database remembers one by one: pages of a history are looked for in them.
pub const EPOCHS_KEPT: usize = 32;
/// Tries of one process to give a partition its next epoch, while others do.
pub const EPOCH_TRIES_MAX: usize = 100;
/// Tries of one transaction that loses against others.
pub const TRANSACTION_TRIES_MAX: u32 = 12;
/// Changes that wait for the thread that writes to the embedded store.
pub const WRITES_QUEUED_MAX: usize = 1_024;
/// Changes of the embedded store that share one sync of the disk.
pub const WRITE_GROUP_MAX: usize = 256;
/// Reading connections of the embedded store.
pub const STORE_READERS: usize = 4;
/// Life of the lock on the schema; a runner that died is replaced after it.
pub const MIGRATION_LOCK_LIFE: Duration = Duration::from_secs(30);
/// How long a process waits for the schema that another one brings up to date.
pub const MIGRATION_WAIT: Duration = Duration::from_secs(90);

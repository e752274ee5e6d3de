//! Connections to the file, all set up alike.

use std::fs::OpenOptions;
use std::path::Path;

use rookery_store::StoreError;
use rookery_store::limits::STORE_DEADLINE;
use rusqlite::Connection;

use crate::error::Failed;

/// More than the statements of all aggregates.
const STATEMENTS_CACHED: usize = 64;

/// A connection that may write.
pub(super) fn open(path: &Path) -> Result<Connection, Failed> {
    create_private(path)?;
    let db = set_up(path)?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "full")?;
    // What is erased is overwritten, so that nobody finds it in the file.
    db.pragma_update(None, "secure_delete", true)?;
    Ok(db)
}

/// A connection that may only read.
pub(super) fn open_reader(path: &Path) -> Result<Connection, Failed> {
    let db = set_up(path)?;
    db.pragma_update(None, "query_only", true)?;
    Ok(db)
}

/// Takes over into the file what is in its log, and empties that. An error while somebody reads an older state.
pub(super) fn checkpoint(path: &Path) -> Result<(), Failed> {
    let db = set_up(path)?;
    let is_busy: bool = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if is_busy {
        return Err(StoreError::Unavailable("the log of the database is in use".to_owned()).into());
    }
    Ok(())
}

fn set_up(path: &Path) -> Result<Connection, Failed> {
    let db = Connection::open(path)?;
    db.busy_timeout(STORE_DEADLINE)?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    Ok(db)
}

/// The file holds password hashes: it is made readable for its owner only, and SQLite gives the files beside it the
/// same rights.
fn create_private(path: &Path) -> Result<(), Failed> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(StoreError::Unavailable(format!("{}: {error}", path.display())).into()),
    }
}

//! Copies of a data folder in one file, and back.
//!
//! # Promise
//! * A copy is made beside the running server and is the database as it was at one moment, with signing keys and settings. It is
//!   readable for its owner only and has its name only when it is whole and on the disk.
//! * Putting one back needs the folder for itself. It is checked before anything changes, and the database changes in one
//!   step. The server that starts afterwards begins a new epoch, as each start does.
//!
//! A copy is a SQLite file with more tables, `TABLES`, and a sum behind it; those of older programs have no settings and no sum. Copying `rookery.db` by itself is no copy: what was stored
//! last is in the write-ahead log beside it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rookery_protocol::clock::UnixMillis;
use rookery_store::StoreError;
use rookery_store::inventory::{Comparison, Inventory};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, params};
use uuid::Uuid;

use super::lock::{FolderLock, LockError};
use super::sql::{many, one};
use super::{backup_sum, connection, schema};
use crate::error::Failed;

/// Pages that are copied between two words about how far it is: 16 MiB.
const PAGES_PER_STEP: i32 = 4_096;
const KEY_SUFFIX: &str = "pem";
/// Names the key that signs.
const KEY_CHOICE: &str = "signing";

const TABLES: &str = "CREATE TABLE backup (made_at INTEGER NOT NULL, program TEXT NOT NULL) STRICT;
    CREATE TABLE backup_keys (name TEXT NOT NULL PRIMARY KEY, content BLOB NOT NULL) STRICT;
    CREATE TABLE backup_settings (text TEXT NOT NULL) STRICT;";
const FORGET_TABLES: &str = "DROP TABLE backup; DROP TABLE backup_keys; DROP TABLE IF EXISTS backup_settings;";
/// Tables that say nothing about how much there is: who writes and holds leases, how rooms are numbered, and the index of
/// messages.
const NOT_COUNTED: [&str; 7] =
    ["writer", "epochs", "leases", "search_queue", "search_entries", "search_terms", "search_building"];

/// Why there is no copy, or nothing was put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Nothing is there to be copied.
    #[error("{0} has no database")]
    Nothing(PathBuf),
    /// A file would be overwritten.
    #[error("{0} exists; nothing was changed")]
    Exists(PathBuf),
    /// The folder has a database.
    #[error("{0} has a database; --replace puts the backup in its place")]
    Full(PathBuf),
    /// The file is none of ours, or is damaged.
    #[error("{file} is not a backup of `rookery backup`, or is damaged: {cause}")]
    NotABackup {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The folder is in use.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// From the database.
    #[error("{file}: {source}")]
    Store {
        /// The file.
        file: PathBuf,
        /// What the database says.
        source: StoreError,
    },
    /// From the disk.
    #[error("{path}: {source}")]
    Io {
        /// What was read or written.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Where everything of one server is.
#[derive(Clone, Copy, Debug)]
pub struct DataFolder<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// The database in it.
    pub database: &'a Path,
    /// The signing keys in it.
    pub keys: &'a Path,
}

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// When the copy was made.
    pub made_at: UnixMillis,
    /// Signing keys in it.
    pub keys: usize,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    |source| BackupError::Io { path, source }
}

fn of(file: &Path) -> impl Fn(Failed) -> BackupError {
    let file = file.to_owned();
    move |Failed(source)| BackupError::Store { file: file.clone(), source }
}

/// Copies a folder into a new file. `progress` receives the pages copied and the pages in all.
/// `settings` are those in force, without secrets.
pub fn backup(
    data: DataFolder<'_>,
    to: &Path,
    settings: &str,
    progress: impl FnMut(u64, u64),
) -> Result<Copied, BackupError> {
    if !data.database.exists() {
        return Err(BackupError::Nothing(data.folder.to_owned()));
    }
    if to.exists() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let partial = beside(to, "partial");
    remove(&partial)?;
    let keys = read_keys(data.keys)?;
    let copied = write_copy(data, &partial, (&keys, settings), progress);
    if copied.is_err() {
        fs::remove_file(&partial).ok();
    }
    let copied = copied?;
    // Another one may have come meanwhile; a link does not overwrite it.
    fs::hard_link(&partial, to).map_err(at(to))?;
    fs::remove_file(&partial).map_err(at(&partial))?;
    sync_folder_of(to)?;
    Ok(copied)
}

fn write_copy(
    data: DataFolder<'_>,
    partial: &Path,
    (keys, settings): (&[(String, Vec<u8>)], &str),
    progress: impl FnMut(u64, u64),
) -> Result<Copied, BackupError> {
    create_private(partial)?;
    let made_at = UnixMillis::now();
    let open = || {
        let source = connection::open_reader(data.database)?;
        schema::missing(&source)?;
        Ok(source)
    };
    let source = open().map_err(of(data.database))?;
    // From here on it is the new file that does not take what it is given, as on a full disk.
    let fill = || {
        let mut copy = Connection::open(partial)?;
        copy_pages(&source, &mut copy, progress)?;
        // One file, without a log beside it.
        copy.pragma_update(None, "journal_mode", "delete")?;
        copy.execute_batch(TABLES)?;
        copy.execute("INSERT INTO backup VALUES (?1, ?2)", params![made_at.0, env!("CARGO_PKG_VERSION")])?;
        for (name, content) in keys {
            copy.execute("INSERT INTO backup_keys VALUES (?1, ?2)", params![name, content])?;
        }
        copy.execute("INSERT INTO backup_settings VALUES (?1)", params![settings])?;
        Ok(())
    };
    fill().map_err(of(partial))?;
    backup_sum::seal(partial).map_err(at(partial))?;
    Ok(Copied { made_at, keys: count(keys) })
}

/// One moment of the source: a transaction that reads sees nothing of what is written meanwhile, and holds nobody up.
fn copy_pages(source: &Connection, copy: &mut Connection, mut progress: impl FnMut(u64, u64)) -> Result<(), Failed> {
    source.execute_batch("BEGIN")?;
    one(source, "SELECT 1 FROM sqlite_schema", [], |_| Ok(()))?;
    let backup = Backup::new(source, copy)?;
    loop {
        let step = backup.step(PAGES_PER_STEP)?;
        let pages = backup.progress();
        let all = u64::try_from(pages.pagecount).unwrap_or(0);
        progress(all.saturating_sub(u64::try_from(pages.remaining).unwrap_or(0)), all);
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            StepResult::Busy | StepResult::Locked | _ => {
                return Err(StoreError::Unavailable("the database is locked".to_owned()).into());
            }
        }
    }
}

/// Puts a copy back. What the folder has is kept unless `replace` is said.
pub fn restore(data: DataFolder<'_>, from: &Path, replace: bool) -> Result<Copied, BackupError> {
    fs::create_dir_all(data.folder).map_err(at(data.folder))?;
    let _lock = FolderLock::take(data.folder, "a restore")?;
    if data.database.exists() && !replace {
        return Err(BackupError::Full(data.folder.to_owned()));
    }
    let (copied, keys, length) = look_into(from)?;
    let next = beside(data.database, "restoring");
    let prepared = prepare(from, length, &next);
    if prepared.is_err() {
        fs::remove_file(&next).ok();
    }
    prepared?;
    for (name, content) in keys {
        write_key(data.keys, &name, &content)?;
    }
    // The log of the database that goes belongs to it alone: first its changes into the file, then away with it.
    if data.database.exists() && connection::checkpoint(data.database).is_err() {
        tracing::debug!("the database that is replaced cannot be read");
    }
    for suffix in ["wal", "shm"] {
        remove(&PathBuf::from(format!("{}-{suffix}", data.database.display())))?;
    }
    fs::rename(&next, data.database).map_err(at(data.database))?;
    sync_folder_of(data.database)?;
    Ok(copied)
}

/// What a copy has, and how the folder compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// When it was made, and its keys.
    pub copied: Copied,
    /// The settings of then; empty in copies of older programs.
    pub settings: String,
    /// How much of everything.
    pub inventory: Inventory,
    /// How the database compares.
    pub compared: Comparison,
}

/// Reads all of a copy, and compares it with the folder, whose server may run meanwhile.
pub fn verify(data: DataFolder<'_>, file: &Path) -> Result<Verified, BackupError> {
    if !data.database.exists() {
        return Err(BackupError::Nothing(data.folder.to_owned()));
    }
    let (copied, ..) = look_into(file)?;
    let of_copy = || {
        let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let told = "SELECT 1 FROM sqlite_schema WHERE name = 'backup_settings'";
        let has_settings = one(&db, told, [], |_| Ok(()))?.is_some();
        let settings = if has_settings {
            one(&db, "SELECT text FROM backup_settings", [], |row| Ok(row.get(0)?))?
        } else {
            None
        };
        Ok((inventory(&db)?, settings.unwrap_or_default()))
    };
    let (inventory_of_copy, settings) = of_copy().map_err(of(file))?;
    let here = || inventory(&connection::open_reader(data.database)?);
    let compared = here().map_err(of(data.database))?.compare(&inventory_of_copy);
    Ok(Verified { copied, settings, inventory: inventory_of_copy, compared })
}

fn inventory(db: &Connection) -> Result<Inventory, Failed> {
    // One moment for all of it.
    db.execute_batch("BEGIN")?;
    let mut inventory = Inventory::default();
    let tables =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'backup%'";
    let tables: Vec<String> = many(db, tables, [], |row| Ok(row.get(0)?))?;
    for table in tables.into_iter().filter(|table| !NOT_COUNTED.contains(&table.as_str())) {
        // A name of the schema, which is ours or was refused before.
        let count: Option<i64> = one(db, &format!("SELECT count(*) FROM \"{table}\""), [], |row| Ok(row.get(0)?))?;
        inventory
            .counts
            .insert(table, count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0));
    }
    let heads = "SELECT room_id, epoch, max(seq) FROM messages GROUP BY room_id, epoch";
    let heads: Vec<(Uuid, i64, i64)> = many(db, heads, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    for (room, epoch, seq) in heads {
        inventory.place(room, epoch, seq);
    }
    db.execute_batch("COMMIT")?;
    Ok(inventory)
}

fn prepare(from: &Path, length: u64, next: &Path) -> Result<(), BackupError> {
    remove(next)?;
    let mut database = create_private(next)?;
    io::copy(&mut File::open(from).map_err(at(from))?.take(length), &mut database).map_err(at(next))?;
    let forget = || Ok(Connection::open(next)?.execute_batch(FORGET_TABLES)?);
    forget().map_err(of(next))?;
    File::open(next).and_then(|file| file.sync_all()).map_err(at(next))
}

type Keys = Vec<(String, Vec<u8>)>;

/// An error unless the file is a whole copy that this program can read. The last is how many bytes of it are the database.
fn look_into(from: &Path) -> Result<(Copied, Keys, u64), BackupError> {
    let length = backup_sum::checked(from).map_err(at(from))?;
    let read = || {
        let db = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let verdict: Option<String> = one(&db, "PRAGMA integrity_check(1)", [], |row| Ok(row.get(0)?))?;
        let made_at: Option<i64> = one(&db, "SELECT made_at FROM backup", [], |row| Ok(row.get(0)?))?;
        let keys = many(&db, "SELECT name, content FROM backup_keys", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok((verdict, made_at, keys, schema::missing(&db)?))
    };
    let broken = |cause: String| BackupError::NotABackup { file: from.to_owned(), cause };
    let length = length.ok_or_else(|| broken("its sum is wrong".to_owned()))?;
    let (verdict, made_at, keys, _) = read().map_err(|Failed(error)| {
        // What does not answer is the file, not the store.
        if let StoreError::Unavailable(cause) = error {
            broken(cause)
        } else {
            broken(error.to_string())
        }
    })?;
    match (verdict.as_deref(), made_at) {
        (Some("ok"), Some(made_at)) => Ok((Copied { made_at: UnixMillis(made_at), keys: count(&keys) }, keys, length)),
        (Some("ok"), None) => Err(broken("it does not say when it was made".to_owned())),
        (verdict, _) => Err(broken(verdict.unwrap_or("it cannot be read").to_owned())),
    }
}

fn read_keys(dir: &Path) -> Result<Keys, BackupError> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let mut keys = Vec::new();
    for entry in fs::read_dir(dir).map_err(at(dir))? {
        let path = entry.map_err(at(dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let is_key = path.extension().is_some_and(|suffix| suffix == KEY_SUFFIX);
        if let Some(name) = name.filter(|name| is_key || *name == KEY_CHOICE) {
            keys.push((name.to_owned(), fs::read(&path).map_err(at(&path))?));
        }
    }
    Ok(keys)
}

/// Without the file that names one of them.
fn count(keys: &[(String, Vec<u8>)]) -> usize {
    keys.iter().filter(|(name, _)| name != KEY_CHOICE).count()
}

fn write_key(dir: &Path, name: &str, content: &[u8]) -> Result<(), BackupError> {
    // A name that leads elsewhere is none that a backup of ours has.
    let plain = Path::new(name).file_name().filter(|plain| *plain == name);
    let plain =
        plain.ok_or_else(|| BackupError::NotABackup { file: dir.join("?"), cause: "a key's name".to_owned() })?;
    fs::create_dir_all(dir).map_err(at(dir))?;
    let (path, partial) = (dir.join(plain), dir.join(format!("{name}.partial")));
    remove(&partial)?;
    let mut file = create_private(&partial)?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(at(&partial))?;
    fs::rename(&partial, &path).map_err(at(&path))?;
    sync_folder_of(&path)
}

fn create_private(path: &Path) -> Result<File, BackupError> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(at(path))
}

fn remove(path: &Path) -> Result<(), BackupError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{suffix}"));
    path.with_file_name(name)
}

/// What a folder lists is on the disk.
fn sync_folder_of(path: &Path) -> Result<(), BackupError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))
}

//! Copies of the database in one file, and back, through the driver.
//!
//! # Promise
//! * A copy has everything that was acknowledged before it was begun. What happened while it was made may be in it, in
//!   part: an edit without its effect, a room without its members. For a copy of one moment stop the apis before.
//! * A history in it has no holes: it is read in the order in which it was written.
//! * Memory is bounded, whatever the size. The file is readable for its owner only and has its name only when it is whole
//!   and on the disk.
//! * Putting one back checks all of the file before anything changes, and leaves a mark that keeps apis away until all is
//!   there. Afterwards the database is in a new timeline (`timeline`): every partition begins a new epoch.
//!
//! # Form
//! A first line, then records: a letter, the length of what follows (4 bytes, little end first), and that. `H` has the
//! schema as text, `S` the settings in force, `K` a signing key (its file name, a zero, its content), `C` the name of a
//! collection, `D` a document (BSON) of it, `E` the number of all documents (8 bytes). SHA-256 of all that comes last. Copies of
//! the first form, which begin with another line, have neither `S` nor `K`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use futures_util::TryStreamExt as _;
use mongodb::bson::{Document, RawDocumentBuf, doc};
use mongodb::{Client, Database};
use rookery_store::StoreError;
use rookery_store::inventory::{Comparison, Inventory};
use rookery_store::summed::{SUM_BYTES, Summed};
use uuid::Uuid;

use super::calls::Calls;
use super::{MongoAddress, by_id, guarantees, leases, migrations, search, timeline};
use crate::error::Failed;
use crate::limits::{BACKUP_DOCUMENT_BYTES_MAX, RESTORE_BYTES_MAX, RESTORE_DOCUMENTS_MAX};

const FIRST_LINE: &[u8] = b"rookery mongodb backup 2\n";
/// The same of copies without settings and keys.
const FIRST_LINE_BEFORE: &[u8] = b"rookery mongodb backup 1\n";
const MESSAGES: &str = "messages";
/// Between two words about how far it is.
const LOG_EVERY: u64 = 50_000;

/// Collections that are no part of a copy: the notes on the schema, which is made anew, the timeline, copies of what is
/// kept about people, which are made again, the index of messages, which is built again, and who holds a lease.
const LEFT_OUT: &[&str] = &[
    migrations::COLLECTION,
    timeline::COLLECTION,
    "exports",
    "export_pieces",
    search::ENTRIES,
    search::BUILDING,
    leases::COLLECTION,
];
/// What refers to others is copied before them, and what comes last may only be newer than what refers to it.
const ORDER: &[&str] = &[
    "mentions",
    "reactions",
    "message_states",
    "messages",
    "outbox",
    "sanctions",
    "members",
    "sessions",
    "rooms",
    "users",
    "epochs",
];

/// The order in which a collection is read: that of an index. What is added to a history meanwhile comes after what is
/// there, so a copy has its beginning; ids of messages are in no order.
fn order_of(collection: &str) -> Document {
    if collection == MESSAGES {
        doc! { "room_id": 1, "epoch": 1, "seq": 1 }
    } else {
        doc! { "_id": 1 }
    }
}

/// Why there is no copy, or nothing was put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file would be overwritten.
    #[error("{0} exists; nothing was changed")]
    Exists(PathBuf),
    /// The database is in use.
    #[error("the database is not empty; --replace puts the backup in the place of what is there")]
    Full,
    /// The file is none of ours, or is damaged.
    #[error("{file} is not a backup of `rookery-api backup`, or is damaged: {cause}")]
    NotABackup {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// From the database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// From the disk.
    #[error("{path}: {source}")]
    Io {
        /// What was read or written.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// What was copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Documents.
    pub documents: u64,
    /// What else is in the copy.
    pub beside: Beside,
    /// How much of everything.
    pub inventory: Inventory,
}

/// What a deployment has beside its database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// The settings in force, without secrets.
    pub settings: String,
    /// File names and contents of the signing keys, and of the file that names the one which signs.
    pub keys: Vec<(String, Vec<u8>)>,
}

impl Beside {
    /// How many signing keys there are.
    pub fn key_count(&self) -> usize {
        self.keys.iter().filter(|(name, _)| Path::new(name).extension().is_some()).count()
    }
}

/// The database, to be copied.
pub struct Copier {
    database: Database,
}

impl From<Failed> for BackupError {
    fn from(Failed(error): Failed) -> Self {
        Self::Store(error)
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    |source| BackupError::Io { path, source }
}

fn store(error: mongodb::error::Error) -> BackupError {
    Failed::from(error).into()
}

impl Copier {
    /// Prepares the way to it.
    pub async fn open(address: &MongoAddress, database: &str) -> Result<Self, BackupError> {
        let client = Client::with_options(address.options().await?).map_err(store)?;
        Ok(Self { database: client.database_with_options(database, guarantees()) })
    }

    /// Copies everything into a new file.
    pub async fn backup(&self, to: &Path, beside_it: &Beside) -> Result<Copied, BackupError> {
        if to.exists() {
            return Err(BackupError::Exists(to.to_owned()));
        }
        let partial = beside(to);
        fs::remove_file(&partial).ok();
        let written = self.write(&partial, beside_it).await;
        if written.is_err() {
            fs::remove_file(&partial).ok();
        }
        let written = written?;
        // Another one may have come meanwhile; a link does not overwrite it.
        fs::hard_link(&partial, to).map_err(at(to))?;
        fs::remove_file(&partial).map_err(at(&partial))?;
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))?;
        Ok(written)
    }

    async fn write(&self, partial: &Path, beside_it: &Beside) -> Result<Copied, BackupError> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(partial)
            .map_err(at(partial))?;
        let mut out = Summed::new(BufWriter::new(file));
        let mut copied = Copied::default();
        out.write_all(FIRST_LINE).map_err(at(partial))?;
        record(&mut out, b'H', migrations::newest().as_bytes()).map_err(at(partial))?;
        write_beside(&mut out, beside_it).map_err(at(partial))?;
        copied.beside = beside_it.clone();
        for name in self.collections().await? {
            record(&mut out, b'C', name.as_bytes()).map_err(at(partial))?;
            let collection = self.database.collection::<RawDocumentBuf>(&name);
            let mut all = collection.find(doc! {}).sort(order_of(&name)).await.map_err(store)?;
            while let Some(document) = all.try_next().await.map_err(store)? {
                record(&mut out, b'D', document.as_bytes()).map_err(at(partial))?;
                copied.documents += 1;
                take_stock(&mut copied.inventory, &name, &document);
                log_progress(copied.documents, &name);
            }
        }
        record(&mut out, b'E', &copied.documents.to_le_bytes()).map_err(at(partial))?;
        let (mut file, sum) = out.finish();
        file.write_all(&sum).map_err(at(partial))?;
        let file = file.into_inner().map_err(|error| at(partial)(error.into_error()))?;
        file.sync_all().map_err(at(partial))?;
        Ok(copied)
    }

    async fn collections(&self) -> Result<Vec<String>, BackupError> {
        let mut names = self.database.list_collection_names().await.map_err(store)?;
        names.retain(|name| !LEFT_OUT.contains(&name.as_str()) && !name.starts_with("system."));
        names.sort_by_key(|name| ORDER.iter().position(|known| known == name));
        Ok(names)
    }

    /// Puts a copy back. What is there is kept unless `replace` is said. No api may run meanwhile.
    pub async fn restore(&self, from: &Path, replace: bool) -> Result<Copied, BackupError> {
        let mut file = File::open(from).map_err(at(from))?;
        let copied = read_all(&mut BufReader::new(&mut file), from)?;
        let present = self.collections().await?;
        if !replace && !self.is_empty(&present).await? {
            return Err(BackupError::Full);
        }
        migrations::begin_restore(&self.database).await.map_err(store)?;
        // The index is of what was there, and is built again from the beginning.
        let index = [search::BUILDING, search::ENTRIES].map(str::to_owned);
        for name in present.into_iter().chain(index) {
            self.database.collection::<RawDocumentBuf>(&name).drop().await.map_err(store)?;
        }
        file.seek(SeekFrom::Start(0)).map_err(at(from))?;
        let schema = self.fill(&mut BufReader::new(file), from).await?;
        // What the steps up to it have changed is in the copy as they left it; today's data is none that they know.
        migrations::take_over(&self.database, &schema).await?;
        timeline::begin_another(&self.database).await.map_err(store)?;
        migrations::end_restore(&self.database).await.map_err(store)?;
        migrations::run(&self.database, &Calls::new()).await?;
        Ok(copied)
    }

    /// Reads all of a copy, and compares it with the database.
    pub async fn verify(&self, file: &Path) -> Result<(Copied, Comparison), BackupError> {
        let copied = read_all(&mut BufReader::new(File::open(file).map_err(at(file))?), file)?;
        let compared = self.inventory().await?.compare(&copied.inventory);
        Ok((copied, compared))
    }

    async fn inventory(&self) -> Result<Inventory, BackupError> {
        let mut inventory = Inventory::default();
        for name in self.collections().await? {
            let collection = self.database.collection::<RawDocumentBuf>(&name);
            // What is needed of a document is in an index.
            let wanted = if name == MESSAGES {
                doc! { "_id": 0, "room_id": 1, "epoch": 1, "seq": 1 }
            } else {
                doc! { "_id": 1 }
            };
            let mut all = collection.find(doc! {}).sort(order_of(&name)).projection(wanted).await.map_err(store)?;
            while let Some(document) = all.try_next().await.map_err(store)? {
                take_stock(&mut inventory, &name, &document);
            }
        }
        Ok(inventory)
    }

    /// Nobody takes the database for what it was.
    pub async fn begin_timeline(&self) -> Result<(), BackupError> {
        timeline::begin_another(&self.database).await.map_err(store)
    }

    async fn is_empty(&self, collections: &[String]) -> Result<bool, BackupError> {
        for name in collections {
            if self
                .database
                .collection::<RawDocumentBuf>(name)
                .find_one(doc! {})
                .await
                .map_err(store)?
                .is_some()
            {
                return Ok(false);
            }
        }
        let restoring = self.database.collection::<RawDocumentBuf>(migrations::COLLECTION);
        Ok(restoring.find_one(by_id(migrations::RESTORING)).await.map_err(store)?.is_none())
    }

    /// The newest step of the schema that the copy was made under.
    async fn fill(&self, from: &mut impl Read, file: &Path) -> Result<String, BackupError> {
        let (mut name, mut schema) = (String::new(), String::new());
        let (mut waiting, mut bytes, mut done) = (Vec::new(), 0, 0);
        from.read_exact(&mut vec![0; FIRST_LINE.len()]).map_err(at(file))?;
        loop {
            let (letter, content) = next(from, file)?;
            let is_document = letter == b'D';
            if is_document {
                bytes += content.len();
                waiting.push(RawDocumentBuf::from_bytes(content.clone()).map_err(|error| broken(file, error))?);
            }
            let is_full = waiting.len() >= RESTORE_DOCUMENTS_MAX || bytes >= RESTORE_BYTES_MAX;
            if !waiting.is_empty() && (is_full || !is_document) {
                done += u64::try_from(waiting.len()).unwrap_or(0);
                let collection = self.database.collection::<RawDocumentBuf>(&name);
                collection.insert_many(waiting.drain(..)).ordered(false).await.map_err(store)?;
                log_progress(done, &name);
                bytes = 0;
            }
            match letter {
                b'C' => name = String::from_utf8(content).map_err(|error| broken(file, error))?,
                b'H' => schema = String::from_utf8(content).map_err(|error| broken(file, error))?,
                b'E' => return Ok(schema),
                _ => {}
            }
        }
    }
}

fn log_progress(documents: u64, collection: &str) {
    if documents.is_multiple_of(LOG_EVERY) {
        tracing::info!(documents, collection, "copied so far");
    }
}

fn take_stock(inventory: &mut Inventory, collection: &str, document: &RawDocumentBuf) {
    inventory.count(collection);
    if collection != MESSAGES {
        return;
    }
    let place = [document.get_i64("epoch"), document.get_i64("seq")];
    let room = document.get_binary("room_id").ok().and_then(|room| Uuid::from_slice(room.bytes).ok());
    if let (Some(room), [Ok(epoch), Ok(seq)]) = (room, place) {
        inventory.place(room, epoch, seq);
    }
}

fn write_beside(out: &mut impl Write, beside: &Beside) -> io::Result<()> {
    record(out, b'S', beside.settings.as_bytes())?;
    for (name, content) in &beside.keys {
        record(out, b'K', &[name.as_bytes(), b"\0", content].concat())?;
    }
    Ok(())
}

fn key_of(content: &[u8], file: &Path) -> Result<(String, Vec<u8>), BackupError> {
    let end = content
        .iter()
        .position(|byte| *byte == 0)
        .ok_or_else(|| broken(file, "a key without a name"))?;
    let name = std::str::from_utf8(&content[..end]).map_err(|error| broken(file, error))?;
    Ok((name.to_owned(), content[end + 1..].to_vec()))
}

/// An error unless the file is whole and none of a newer program.
fn read_all(from: &mut impl Read, file: &Path) -> Result<Copied, BackupError> {
    let mut from = Summed::new(from);
    let mut first = vec![0; FIRST_LINE.len()];
    from.read_exact(&mut first).map_err(|error| broken(file, error))?;
    if first != FIRST_LINE && first != FIRST_LINE_BEFORE {
        return Err(broken(file, "it does not begin like one"));
    }
    let (mut copied, mut collection) = (Copied::default(), String::new());
    loop {
        let (letter, content) = next(&mut from, file)?;
        match letter {
            b'H' => check_schema(&content, file)?,
            b'S' => copied.beside.settings = String::from_utf8_lossy(&content).into_owned(),
            b'K' => copied.beside.keys.push(key_of(&content, file)?),
            b'C' => collection = String::from_utf8_lossy(&content).into_owned(),
            b'D' => {
                copied.documents += 1;
                let document = RawDocumentBuf::from_bytes(content).map_err(|error| broken(file, error))?;
                take_stock(&mut copied.inventory, &collection, &document);
            }
            b'E' if content == copied.documents.to_le_bytes() => break,
            _ => return Err(broken(file, "it has a part that nobody has written")),
        }
    }
    let (rest, sum) = from.finish();
    let mut written = [0; SUM_BYTES];
    rest.read_exact(&mut written).map_err(|error| broken(file, error))?;
    if written == sum { Ok(copied) } else { Err(broken(file, "its sum is wrong")) }
}

fn check_schema(text: &[u8], file: &Path) -> Result<(), BackupError> {
    let found = String::from_utf8_lossy(text).into_owned();
    if migrations::is_known(&found) {
        return Ok(());
    }
    let newer = StoreError::Newer { found, known: migrations::newest() };
    Err(broken(file, newer))
}

fn next(from: &mut impl Read, file: &Path) -> Result<(u8, Vec<u8>), BackupError> {
    let mut head = [0; 5];
    from.read_exact(&mut head).map_err(|error| broken(file, error))?;
    let [letter, length @ ..] = head;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > BACKUP_DOCUMENT_BYTES_MAX {
        return Err(broken(file, "it has a part that is too large"));
    }
    let mut content = vec![0; length];
    from.read_exact(&mut content).map_err(|error| broken(file, error))?;
    Ok((letter, content))
}

fn record(out: &mut impl Write, letter: u8, content: &[u8]) -> io::Result<()> {
    let length = u32::try_from(content.len()).map_err(io::Error::other)?;
    out.write_all(&[letter])?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(content)
}

fn broken(file: &Path, cause: impl std::fmt::Display) -> BackupError {
    BackupError::NotABackup { file: file.to_owned(), cause: cause.to_string() }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}

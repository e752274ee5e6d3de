//! The schema as named steps, noted in `migrations` when done, so a run that was interrupted goes on where it
//! stopped. Steps are only ever added.
//!
//! One document is the lock. It ends by itself, so that a runner that died does not block the next one; that is safe
//! because every step may be done twice, also at the same time.

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, TryStreamExt as _};
use mongodb::bson::{DateTime, Document, Uuid, doc};
use mongodb::error::Error;
use mongodb::{Collection, Database};
use rookery_protocol::clock::UnixMillis;
use rookery_store::StoreError;
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};

use super::calls::Calls;
use super::error::is_duplicate;
use super::indexes::{self, Index};
use super::{by_id, mentions, renames, threads};
use crate::error::Failed;
use crate::fields::date;
use crate::limits::{MIGRATION_LOCK_LIFE, MIGRATION_WAIT};

/// Its collection.
pub(super) const COLLECTION: &str = "migrations";
/// Id of the mark of a restore that has not ended; no step has it.
pub(super) const RESTORING: &str = "restoring";
/// Id of the lock; no step has it.
const LOCK: &str = "lock";
/// Between two looks at a lock that somebody else holds.
const LOCK_POLL: Duration = Duration::from_millis(200);

/// One step: what is done to documents, then indexes to make, under a name that never changes.
struct Step {
    name: &'static str,
    change: Option<Change>,
    indexes: &'static [Index],
}

/// May be made twice, also at the same time.
type Change = fn(Database) -> BoxFuture<'static, Result<(), Failed>>;

const STEPS: &[Step] = &[
    Step { name: "0001_start", change: None, indexes: indexes::START },
    Step { name: "0002_acts", change: None, indexes: indexes::ACTS },
    Step { name: "0003_rights", change: None, indexes: indexes::RIGHTS },
    Step { name: "0004_limits", change: None, indexes: indexes::LIMITS },
    Step { name: "0005_unread", change: None, indexes: indexes::UNREAD },
    Step { name: "0006_changes", change: None, indexes: indexes::CHANGES },
    Step {
        name: "0007_history",
        change: Some(|database| mark_acts(database).boxed()),
        indexes: indexes::HISTORY,
    },
    Step {
        name: "0008_names",
        change: Some(|database| renames::run(database).boxed()),
        indexes: indexes::NAMES,
    },
    Step { name: "0009_sessions", change: None, indexes: indexes::SESSIONS },
    Step { name: "0010_epochs", change: None, indexes: indexes::EPOCHS },
    Step { name: "0011_jobs", change: None, indexes: indexes::JOBS },
    Step {
        name: "0012_accounts",
        change: Some(|database| index_names(database).boxed()),
        indexes: indexes::ACCOUNTS,
    },
    Step { name: "0017_erasures", change: None, indexes: indexes::ERASURES },
    Step { name: "0018_exports", change: None, indexes: indexes::EXPORTS },
    Step {
        name: "0019_rooms",
        change: Some(|database| erase_closed(database).boxed()),
        indexes: indexes::ROOMS,
    },
    Step { name: "0020_notices", change: None, indexes: indexes::NOTICES },
    Step { name: "0023_joining", change: None, indexes: indexes::JOINING },
    Step { name: "0024_preferences", change: None, indexes: indexes::PREFERENCES },
    Step { name: "0025_receipts", change: None, indexes: indexes::RECEIPTS },
    Step { name: "0026_room_index", change: None, indexes: indexes::ROOM_INDEX },
    Step { name: "0027_threads", change: None, indexes: indexes::THREADS },
    Step {
        name: "0028_threads_counted",
        change: Some(|database| threads::count_all(database).boxed()),
        indexes: &[],
    },
    Step { name: "0029_saved", change: None, indexes: indexes::SAVED },
    Step { name: "0030_pins", change: None, indexes: indexes::PINS },
    Step {
        name: "0031_mentions",
        change: Some(|database| mentions::date_all(database).boxed()),
        indexes: indexes::MENTIONS,
    },
    Step { name: "0032_search", change: None, indexes: indexes::SEARCH },
    Step { name: "0033_schedules", change: None, indexes: indexes::SCHEDULES },
    Step { name: "0034_files", change: None, indexes: indexes::FILES },
    Step { name: "0037_reports", change: None, indexes: indexes::REPORTS },
    Step { name: "0038_purges", change: None, indexes: indexes::PURGES },
    Step { name: "0039_retention", change: None, indexes: indexes::RETENTION },
    Step { name: "0042_push", change: None, indexes: indexes::PUSH },
    Step { name: "0043_kept_answers", change: None, indexes: indexes::KEPT_ANSWERS },
    Step { name: "0044_closed_slugs", change: None, indexes: indexes::CLOSED_SLUGS },
    Step { name: "0045_joining_lists", change: None, indexes: indexes::JOINING_LISTS },
];

#[derive(Serialize, Deserialize)]
struct Note {
    #[serde(rename = "_id")]
    name: String,
    /// When the step was done; none in the lock.
    applied_at: Option<DateTime>,
}

/// Brings the schema up to date, or waits until another runner has.
pub(super) async fn run(database: &Database, calls: &Calls) -> Result<(), Failed> {
    let runner = Runner { database: database.clone(), notes: database.collection(COLLECTION), owner: Uuid::new() };
    Ok(calls
        .run_long(MIGRATION_WAIT + MIGRATION_LOCK_LIFE, async move {
            let done = timeout(MIGRATION_WAIT, runner.run()).await;
            done.unwrap_or_else(|_| Err(StoreError::Unavailable("the schema is not up to date".to_owned()).into()))
        })
        .await?)
}

/// Marks message changes and removed reactions that were stored before they were told apart.
async fn mark_acts(database: Database) -> Result<(), Failed> {
    let kinds = ["message_edited", "message_deleted", "reaction_added", "reaction_removed"];
    let changes = doc! { "kind": { "$in": &kinds[..] }, "is_act": { "$exists": false } };
    let messages = database.collection::<()>("messages");
    messages.update_many(changes, doc! { "$set": { "is_act": true } }).await?;
    let taken_back = doc! { "active": false, "taken_back_at": { "$exists": false } };
    let since = doc! { "$set": { "taken_back_at": date(UnixMillis::now()) } };
    database.collection::<()>("reactions").update_many(taken_back, since).await?;
    Ok(())
}

/// Rooms that were closed when their last member left wait to be erased, like those that are deleted.
async fn erase_closed(database: Database) -> Result<(), Failed> {
    let closed = doc! {
        "closed_at": { "$exists": true },
        "closing_event": { "$exists": false },
        "unerased_since": { "$exists": false },
    };
    let since = doc! { "$set": { "unerased_since": date(UnixMillis::now()) } };
    database.collection::<()>("rooms").update_many(closed, since).await?;
    Ok(())
}

/// Every index that the steps make.
pub(super) fn indexes() -> impl Iterator<Item = &'static Index> {
    STEPS.iter().flat_map(|step| step.indexes)
}

/// Accounts of before are found by their names. A document's id keeps a second run from adding one twice.
async fn index_names(database: Database) -> Result<(), Failed> {
    let keys = database.collection::<Document>("user_keys");
    let mut users = database.collection::<Document>("users").find(doc! {}).await?;
    while let Some(user) = users.try_next().await? {
        let (Some(id), Ok(name)) = (user.get("_id"), user.get_str("username_key")) else { continue };
        let found = doc! { "key": name, "user_id": id };
        keys.update_one(found.clone(), doc! { "$setOnInsert": found }).upsert(true).await?;
    }
    Ok(())
}

/// The newest step that this program knows.
pub(super) fn newest() -> &'static str {
    STEPS.last().map_or("", |step| step.name)
}

/// Whether a name is that of a step.
pub(super) fn is_known(name: &str) -> bool {
    STEPS.iter().any(|step| step.name == name)
}

/// From here on nobody serves this database, and its schema is to be made anew.
pub(super) async fn begin_restore(database: &Database) -> Result<(), Error> {
    let notes = database.collection::<Note>(COLLECTION);
    let mark = doc! { "$set": { "applied_at": date(UnixMillis::now()) } };
    notes.update_one(by_id(RESTORING), mark).upsert(true).await?;
    notes.delete_many(doc! { "_id": { "$ne": RESTORING } }).await.map(drop)
}

/// Notes the steps up to this one as done by whoever had the documents before, and makes their indexes.
pub(super) async fn take_over(database: &Database, newest: &str) -> Result<(), Failed> {
    let end = STEPS.iter().position(|step| step.name == newest).map_or(0, |last| last + 1);
    let notes = database.collection::<Note>(COLLECTION);
    for step in &STEPS[..end] {
        apply_indexes(database, step).await?;
        note(&notes, step).await?;
    }
    Ok(())
}

async fn apply_indexes(database: &Database, step: &Step) -> Result<(), Failed> {
    for index in step.indexes {
        database.collection::<()>(index.collection).create_index(index.model()).await?;
    }
    Ok(())
}

async fn note(notes: &Collection<Note>, step: &Step) -> Result<(), Failed> {
    let note = doc! { "$set": { "applied_at": date(UnixMillis::now()) } };
    Ok(notes.update_one(by_id(step.name), note).upsert(true).await.map(drop)?)
}

/// All is there.
pub(super) async fn end_restore(database: &Database) -> Result<(), Error> {
    database.collection::<Note>(COLLECTION).delete_one(by_id(RESTORING)).await.map(drop)
}

struct Runner {
    database: Database,
    notes: Collection<Note>,
    owner: Uuid,
}

impl Runner {
    async fn run(&self) -> Result<(), Failed> {
        while !self.missing().await?.is_empty() {
            if !self.lock().await? {
                sleep(LOCK_POLL).await;
                continue;
            }
            let outcome = self.apply_missing().await;
            self.unlock().await?;
            outcome?;
        }
        Ok(())
    }

    async fn missing(&self) -> Result<Vec<&'static Step>, Failed> {
        let notes: Vec<Note> = self.notes.find(doc! {}).await?.try_collect().await?;
        if notes.iter().any(|note| note.name == RESTORING) {
            let cause = "a restore of this database goes on, or was broken off; repeat it with --replace";
            return Err(StoreError::Unavailable(cause.to_owned()).into());
        }
        let foreign = notes.iter().map(|note| &note.name).filter(|name| *name != LOCK && !is_known(name));
        if let Some(found) = foreign.max() {
            return Err(StoreError::Newer { found: found.clone(), known: newest() }.into());
        }
        let done = |step: &Step| notes.iter().any(|note| note.name == step.name && note.applied_at.is_some());
        Ok(STEPS.iter().filter(|step| !done(step)).collect())
    }

    /// Takes the lock if it is free or has ended. The upsert collides with a lock that is held.
    async fn lock(&self) -> Result<bool, Failed> {
        let now = UnixMillis::now();
        let free = doc! { "_id": LOCK, "expires_at": { "$lt": date(now) } };
        let mine = doc! { "$set": { "owner": self.owner, "expires_at": date(now.plus(MIGRATION_LOCK_LIFE)) } };
        match self.notes.update_one(free, mine).upsert(true).await {
            Ok(_) => Ok(true),
            Err(error) if is_duplicate(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn unlock(&self) -> Result<(), Failed> {
        Ok(self.notes.delete_one(doc! { "_id": LOCK, "owner": self.owner }).await.map(drop)?)
    }

    /// Looks again, now that nobody else is at it.
    async fn apply_missing(&self) -> Result<(), Failed> {
        for step in self.missing().await? {
            if let Some(change) = step.change {
                change(self.database.clone()).await?;
            }
            apply_indexes(&self.database, step).await?;
            note(&self.notes, step).await?;
            tracing::info!(step = step.name, "schema step applied");
        }
        Ok(())
    }
}

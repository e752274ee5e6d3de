//! The one thread that writes.
//!
//! Changes wait in a bounded queue. The thread takes all that wait, runs each in a savepoint of one transaction and
//! commits once, so that many writers share one sync of the disk. A change that fails is undone alone. Nobody hears
//! of a success before the commit.
//!
//! The thread ends when the last handle is dropped. A change whose caller has gone is carried out all the same.

use std::sync::Arc;

use rookery_store::StoreError;
use rookery_store::limits::STORE_DEADLINE;
use rusqlite::{Connection, Savepoint, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::fence::Fence;
use crate::error::Failed;
use crate::limits::{WRITE_GROUP_MAX, WRITES_QUEUED_MAX};

/// Runs a change, or gets the reason why it cannot, and keeps its answer back until the commit.
type Job = Box<dyn FnOnce(Result<&mut Transaction<'_>, Failed>) -> Answer + Send>;
/// Answers the caller with the outcome of the commit.
type Answer = Box<dyn FnOnce(Result<(), &str>) + Send>;

/// Handle to the thread.
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    /// Starts the thread on its connection.
    pub(super) fn start(db: Connection, fence: Arc<Fence>) -> Result<Self, Failed> {
        let (jobs, queue) = mpsc::channel(WRITES_QUEUED_MAX);
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || write_all(db, &fence, queue))
            .map_err(|error| StoreError::Unavailable(format!("no thread to write: {error}")))?;
        Ok(Self { jobs })
    }

    /// Queues a change and waits until it is durable.
    pub(super) async fn run<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failed> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |group| {
            let outcome = group.and_then(|group| in_savepoint(group, change));
            Box::new(move |commit| {
                // An error here is a caller that has gone.
                let _ = reply.send(committed(outcome, commit));
            })
        });
        match timeout(STORE_DEADLINE, self.jobs.send(job)).await {
            Ok(Ok(())) => Ok(answer.await.map_err(|_| gone())??),
            Ok(Err(_)) => Err(gone()),
            Err(_) => Err(StoreError::Unavailable("too many changes wait".to_owned())),
        }
    }
}

/// A success counts only if the commit did; an error stays what it was.
fn committed<T>(outcome: Result<T, Failed>, commit: Result<(), &str>) -> Result<T, Failed> {
    let value = outcome?;
    Ok(commit.map(|()| value).map_err(|cause| StoreError::Unavailable(cause.to_owned()))?)
}

fn gone() -> StoreError {
    StoreError::Unavailable("the change was given up".to_owned())
}

fn in_savepoint<T>(
    group: &mut Transaction<'_>,
    change: impl FnOnce(&Connection) -> Result<T, Failed>,
) -> Result<T, Failed> {
    // Dropped without a commit, a savepoint undoes what was done in it.
    let savepoint: Savepoint<'_> = group.savepoint()?;
    let value = change(&savepoint)?;
    savepoint.commit()?;
    Ok(value)
}

fn write_all(mut db: Connection, fence: &Fence, mut queue: mpsc::Receiver<Job>) {
    let mut group = Vec::with_capacity(WRITE_GROUP_MAX);
    while queue.blocking_recv_many(&mut group, WRITE_GROUP_MAX) > 0 {
        write_group(&mut db, fence, &mut group);
    }
}

fn write_group(db: &mut Connection, fence: &Fence, group: &mut Vec<Job>) {
    let mut answers = Vec::with_capacity(group.len());
    let commit = run_group(db, fence, group.drain(..), &mut answers).map_err(|error| error.to_string());
    if let Err(cause) = &commit {
        tracing::warn!(changes = answers.len(), %cause, "changes could not be committed");
    }
    for answer in answers {
        answer(commit.as_ref().copied().map_err(String::as_str));
    }
}

fn run_group(
    db: &mut Connection,
    fence: &Fence,
    group: impl Iterator<Item = Job>,
    answers: &mut Vec<Answer>,
) -> rusqlite::Result<()> {
    let begun = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(Failed::from);
    let mut transaction = match begun.and_then(|begun| fence.check(&begun).map(|()| begun)) {
        Ok(transaction) => transaction,
        Err(error) => {
            tracing::warn!(error = %error.0, "changes refused");
            answers.extend(group.map(|job| job(Err(Failed(error.0.clone())))));
            return Ok(());
        }
    };
    for job in group {
        answers.push(job(Ok(&mut transaction)));
        // A full disk, for one, ends the whole transaction. Going on would commit each later change by itself while
        // its caller is told that it failed; dropped, they are answered "given up" and nothing is done.
        if transaction.is_autocommit() {
            break;
        }
    }
    transaction.commit()
}

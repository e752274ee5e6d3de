//! Jobs: what is carried out later, at least once, whatever process ends meanwhile.

use crate::StoreError;
use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{JobId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A job that is to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// Which handler carries it out.
    pub kind: String,
    /// The same key is the same job: it is added once, and known for a while after it was done.
    pub key: String,
    /// Whom it is about; it goes with that account.
    pub about: Option<UserId>,
    /// What the handler needs, JSON. Secrets have no place here.
    pub payload: String,
    /// When it was added.
    pub created_at: UnixMillis,
    /// When it is due.
    pub due_at: UnixMillis,
}

/// A job as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Which handler carries it out.
    pub kind: String,
    /// Its idempotency key.
    pub key: String,
    /// Whom it is about.
    pub about: Option<UserId>,
    /// What the handler needs; empty once it is done.
    pub payload: String,
    /// Its state.
    pub state: JobState,
    /// How often it was leased since it was added or repeated.
    pub attempts: u32,
    /// When it was added.
    pub created_at: UnixMillis,
    /// Open: when it is due, or when its lease ends. Otherwise until when it is known.
    pub due_at: UnixMillis,
    /// Why the last try failed.
    pub error: Option<String>,
}

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits, or is being carried out.
    Open,
    /// It failed too often, or for good.
    Dead,
    /// It was carried out.
    Done,
}

impl JobState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Dead, Self::Done];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Dead => "dead",
            Self::Done => "done",
        }
    }
}

/// Whoever carries jobs out, and until when nobody else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Names the holder and the time of claiming.
    pub id: Uuid,
    /// When it ends unless it is renewed.
    pub until: UnixMillis,
}

/// A try that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why, for operators; no names, addresses or texts of people.
    pub error: String,
    /// What becomes of the job.
    pub then: Then,
}

/// What becomes of a job after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It is due again at that time.
    Again(UnixMillis),
    /// It is dead, and erased after that time.
    Dead(UnixMillis),
}

impl NewJob {
    /// The job as it is once it was added.
    pub fn added(&self) -> Job {
        Job {
            id: self.id,
            kind: self.kind.clone(),
            key: self.key.clone(),
            about: self.about,
            payload: self.payload.clone(),
            state: JobState::Open,
            attempts: 0,
            created_at: self.created_at,
            due_at: self.due_at,
            error: None,
        }
    }
}

/// What is to be carried out later, at least once. A job belongs to whoever has leased it, until it is done or the lease
/// ends; then it is due again.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Adds a job, unless one with its key is known; says whether it did.
    async fn add(&self, job: &NewJob) -> Result<bool, StoreError>;
    /// Leases jobs that are due, those first that are due longest, at most `limit`. Two callers never get the same one.
    async fn claim(&self, lease: Lease, now: UnixMillis, limit: usize) -> Result<Vec<Job>, StoreError>;
    /// Prolongs a lease; false if it has passed to somebody else, or the job is done.
    async fn renew(&self, job: JobId, lease: Lease) -> Result<bool, StoreError>;
    /// Notes that a leased job is done: it loses its payload, and its key is known until then. False as for `renew`.
    async fn complete(&self, job: JobId, lease: Uuid, known_until: UnixMillis) -> Result<bool, StoreError>;
    /// Notes that a try of a leased job failed. False as for `renew`.
    async fn fail(&self, job: JobId, lease: Uuid, failure: &Failure) -> Result<bool, StoreError>;
    /// Makes a dead job due, with all its tries before it; false if there is no such dead job.
    async fn retry(&self, job: JobId, now: UnixMillis) -> Result<bool, StoreError>;
    /// Those of these keys that are known, in no order.
    async fn by_keys(&self, keys: &[String]) -> Result<Vec<Job>, StoreError>;
    /// Jobs in this state, oldest first, after `after`, at most `limit`.
    async fn page(&self, state: JobState, after: Option<JobId>, limit: usize) -> Result<Vec<Job>, StoreError>;
    /// How many jobs are in this state, at most `most`.
    async fn count(&self, state: JobState, most: usize) -> Result<usize, StoreError>;
    /// Erases jobs that are over, done or dead, whose time of being known has passed, at most `limit`; says how many.
    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError>;
    /// Erases every job that is about this user, in whatever state; says how many.
    async fn erase_about(&self, user: UserId) -> Result<usize, StoreError>;
}

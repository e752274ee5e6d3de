//! Jobs in MongoDB. Each change is one update of one document whose filter holds the condition, so that two claims of one
//! job end in one lease.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, DateTime, Document, Uuid, doc};
use mongodb::options::ReturnDocument;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{JobId, UserId};
use rookery_store::job::{Failure, Job, JobState, Lease, NewJob, Then};
use rookery_store::{Jobs, StoreError};
use serde::{Deserialize, Serialize};

use super::{Mongo, by_id};
use crate::batch_reads::page_of;
use crate::fields::{date, key, time, uuid_of};
use crate::inserts::insert_new;

/// A job.
#[derive(Serialize, Deserialize)]
pub(super) struct JobDocument {
    #[serde(rename = "_id")]
    id: Uuid,
    kind: String,
    key: String,
    /// Left out where it is about nobody: the index covers those that exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    about: Option<Uuid>,
    payload: String,
    state: JobState,
    attempts: i64,
    created_at: DateTime,
    due_at: DateTime,
    lease: Option<Uuid>,
    error: Option<String>,
}

#[async_trait]
impl Jobs for Mongo {
    async fn add(&self, job: &NewJob) -> Result<bool, StoreError> {
        let (jobs, document) = (self.jobs.clone(), JobDocument::from(job));
        self.calls.run(async move { Ok(insert_new(&jobs, &document).await?) }).await
    }

    async fn claim(&self, lease: Lease, now: UnixMillis, limit: usize) -> Result<Vec<Job>, StoreError> {
        let jobs = self.jobs.clone();
        let claimed = self.calls.run(async move {
            let due = doc! { "state": JobState::Open.as_str(), "due_at": { "$lte": date(now) } };
            let leased = doc! {
                "$set": { "lease": key(lease.id), "due_at": date(lease.until) },
                "$inc": { "attempts": 1_i64 },
            };
            let mut claimed = Vec::new();
            while claimed.len() < limit {
                let next = jobs
                    .find_one_and_update(due.clone(), leased.clone())
                    .sort(doc! { "due_at": 1 })
                    .return_document(ReturnDocument::After);
                let Some(job) = next.await? else { break };
                claimed.push(Job::from(job));
            }
            Ok(claimed)
        });
        claimed.await
    }

    async fn renew(&self, job: JobId, lease: Lease) -> Result<bool, StoreError> {
        self.update_job(leased(job, lease.id), doc! { "due_at": date(lease.until) }).await
    }

    async fn complete(&self, job: JobId, lease: uuid::Uuid, known_until: UnixMillis) -> Result<bool, StoreError> {
        let done = doc! {
            "state": JobState::Done.as_str(), "payload": "", "lease": Bson::Null, "error": Bson::Null,
            "due_at": date(known_until),
        };
        self.update_job(leased(job, lease), done).await
    }

    async fn fail(&self, job: JobId, lease: uuid::Uuid, failure: &Failure) -> Result<bool, StoreError> {
        let (state, due_at) = match failure.then {
            Then::Again(at) => (JobState::Open, at),
            Then::Dead(until) => (JobState::Dead, until),
        };
        let failed = doc! {
            "state": state.as_str(), "lease": Bson::Null, "due_at": date(due_at), "error": failure.error.as_str(),
        };
        self.update_job(leased(job, lease), failed).await
    }

    async fn retry(&self, job: JobId, now: UnixMillis) -> Result<bool, StoreError> {
        let mut dead = by_id(key(job.as_uuid()));
        dead.insert("state", JobState::Dead.as_str());
        let again = doc! { "state": JobState::Open.as_str(), "attempts": 0_i64, "due_at": date(now) };
        self.update_job(dead, again).await
    }

    async fn by_keys(&self, keys: &[String]) -> Result<Vec<Job>, StoreError> {
        let (jobs, among) = (self.jobs.clone(), doc! { "key": { "$in": keys } });
        let found = self.calls.run(async move { Ok(jobs.find(among).await?.try_collect::<Vec<_>>().await?) });
        Ok(found.await?.into_iter().map(Job::from).collect())
    }

    async fn page(&self, state: JobState, after: Option<JobId>, limit: usize) -> Result<Vec<Job>, StoreError> {
        let after = after.map_or(uuid::Uuid::nil(), JobId::as_uuid);
        let range = doc! { "state": state.as_str(), "_id": { "$gt": key(after) } };
        let jobs = self.jobs.clone();
        let found = self.calls.run(async move { page_of(&jobs, vec![range], doc! { "_id": 1 }, limit).await });
        Ok(found.await?.into_iter().map(Job::from).collect())
    }

    async fn count(&self, state: JobState, most: usize) -> Result<usize, StoreError> {
        let (jobs, most) = (self.jobs.clone(), u64::try_from(most).unwrap_or(u64::MAX));
        let counted = self.calls.run(async move {
            let among = doc! { "state": state.as_str() };
            Ok(jobs.count_documents(among).limit(most).await?)
        });
        Ok(usize::try_from(counted.await?).unwrap_or(usize::MAX))
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        let mut erased = 0;
        for state in [JobState::Done, JobState::Dead] {
            let over = doc! { "state": state.as_str(), "due_at": { "$lt": date(before) } };
            erased += self.remove_first(&self.jobs, over, "due_at", limit - erased).await?;
        }
        Ok(erased)
    }

    async fn erase_about(&self, user: UserId) -> Result<usize, StoreError> {
        let gone = self.remove_all(&self.jobs, doc! { "about": key(user.as_uuid()) }).await?;
        Ok(usize::try_from(gone).unwrap_or_default())
    }
}

impl Mongo {
    async fn update_job(&self, filter: Document, set: Document) -> Result<bool, StoreError> {
        self.update_first(&self.jobs, filter, doc! { "$set": set }).await
    }
}

fn leased(job: JobId, lease: uuid::Uuid) -> Document {
    let mut filter = by_id(key(job.as_uuid()));
    filter.insert("lease", key(lease));
    filter.insert("state", JobState::Open.as_str());
    filter
}

impl From<&NewJob> for JobDocument {
    fn from(job: &NewJob) -> Self {
        Self {
            id: key(job.id.as_uuid()),
            kind: job.kind.clone(),
            key: job.key.clone(),
            about: job.about.map(|user| key(user.as_uuid())),
            payload: job.payload.clone(),
            state: JobState::Open,
            attempts: 0,
            created_at: date(job.created_at),
            due_at: date(job.due_at),
            lease: None,
            error: None,
        }
    }
}

impl From<JobDocument> for Job {
    fn from(job: JobDocument) -> Self {
        Self {
            id: JobId::from_uuid(uuid_of(job.id)),
            kind: job.kind,
            key: job.key,
            about: job.about.map(|user| UserId::from_uuid(uuid_of(user))),
            payload: job.payload,
            state: job.state,
            attempts: u32::try_from(job.attempts).unwrap_or(u32::MAX),
            created_at: time(job.created_at),
            due_at: time(job.due_at),
            error: job.error,
        }
    }
}

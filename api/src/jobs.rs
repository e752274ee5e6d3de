//! Durable jobs: what is carried out after the request that asked for it, at least once, by whichever api leases it.
//!
//! # Promise
//! * A job that was added is carried out, whatever process ends meanwhile; one key is one job.
//! * Two processes carry one out at the same time only if one of them is so slow that its lease has ended.
//! * A handler that fails is asked again after a pause that doubles; after `JOB_ATTEMPTS_MAX` tries, or when trying again
//!   is of no use, the job is dead: admins see it and can have it repeated.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::extract::FromRef;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{JobId, UserId};
use rookery_store::StoreError;
use rookery_store::job::{Job, NewJob};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::Authentication;

pub mod list;
mod runner;
pub mod view;

pub use runner::JobRunner;

/// The routes of jobs.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authentication: FromRef<S>,
    Cursors: FromRef<S>,
    JobQueue: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(list::list))
}

/// Takes jobs in. Cheap to clone.
#[derive(Clone)]
pub struct JobQueue {
    pub(crate) store: Arc<dyn rookery_store::Jobs>,
    /// Rings when a job was added here, so that it does not wait for the next look.
    added: Arc<Notify>,
}

/// What is asked for.
pub struct Order<'a, P> {
    /// Which handler carries it out.
    pub kind: &'static str,
    /// Orders with the same key are one.
    pub key: &'a str,
    /// Whom it is about; it goes with that account.
    pub about: Option<UserId>,
    /// What the handler needs. It is kept as it is: secrets have no place here.
    pub payload: &'a P,
}

/// Why a job is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobError {
    /// Trying again may help. For operators: no names, addresses or texts of people.
    Again(String),
    /// The same, after this long at least: whoever was asked said so.
    After(String, Duration),
    /// It will never be done.
    Never(String),
}

/// Reads what a job carries; the sentence for operators says of what it was unreadable.
pub(crate) fn job_payload<T: DeserializeOwned>(job: &Job, what: &str) -> Result<T, JobError> {
    serde_json::from_str(&job.payload).map_err(|_| JobError::Never(format!("this program cannot read {what}")))
}

/// Carries jobs of one kind out. It may be asked twice for one job.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Of this kind.
    fn kind(&self) -> &'static str;

    /// Carries one out.
    async fn run(&self, job: &Job) -> Result<(), JobError>;
}

impl JobQueue {
    /// Takes jobs into this store.
    pub fn new(store: Arc<dyn rookery_store::Jobs>) -> Self {
        Self { store, added: Arc::default() }
    }

    /// Adds a job that is due at once; false if its key is known.
    pub async fn add<P: Serialize + Sync>(&self, order: Order<'_, P>, now: UnixMillis) -> Result<bool, StoreError> {
        self.add_later(order, now, now).await
    }

    /// Adds a job that is due at that time; false if its key is known.
    pub async fn add_later<P: Serialize + Sync>(
        &self,
        order: Order<'_, P>,
        now: UnixMillis,
        due_at: UnixMillis,
    ) -> Result<bool, StoreError> {
        let payload = serde_json::to_string(order.payload)
            .map_err(|error| StoreError::Inconsistent(format!("a job's payload: {error}")))?;
        let job = NewJob {
            id: JobId::generate(),
            kind: order.kind.to_owned(),
            key: order.key.to_owned(),
            about: order.about,
            payload,
            created_at: now,
            due_at,
        };
        let added = self.store.add(&job).await?;
        self.added.notify_one();
        Ok(added)
    }
}

impl From<ApiError> for JobError {
    fn from(error: ApiError) -> Self {
        Self::Again(error.to_string())
    }
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Self::Again(error.to_string())
    }
}

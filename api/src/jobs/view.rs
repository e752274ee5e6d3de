//! Jobs as admins see them. What a job carries may be about people, and is not shown.

use rookery_protocol::clock::UnixMillis;
use rookery_store::job::{Job, JobState};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Something that is carried out later.
#[derive(Serialize, ToSchema)]
#[schema(as = Job)]
pub struct JobView {
    /// Its id.
    job_id: Uuid,
    /// What it does.
    #[schema(example = "mail")]
    kind: String,
    /// Where it is.
    state: JobState,
    /// How often it was tried since it was added or repeated.
    attempts: u32,
    /// When it was added.
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixMillis,
    /// Open: when it is tried next, or when it is taken from a process that does not answer any more. Otherwise until when it
    /// is kept.
    #[schema(value_type = String, format = DateTime)]
    due_at: UnixMillis,
    /// Why the last try failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<String>,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        Self {
            job_id: job.id.as_uuid(),
            kind: job.kind,
            state: job.state,
            attempts: job.attempts,
            created_at: job.created_at,
            due_at: job.due_at,
            error: job.error,
        }
    }
}

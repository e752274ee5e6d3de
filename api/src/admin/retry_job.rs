//! `POST /api/v1/admin/jobs/{job}/retry`

use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::JobId;
use serde_json::json;

use crate::admin::Administration;
use crate::admin::act::Act;
use crate::error::ApiError;
use crate::http::extract::{Admin, IdPath};
use crate::jobs::JobQueue;

/// Repeat a dead job
///
/// For admins. It is due at once, and has all its tries before it again.
#[utoipa::path(
    post,
    path = "/api/v1/admin/jobs/{job}/retry",
    operation_id = "retry_job",
    tag = "admin",
    security(("bearer" = [])),
    params(("job" = uuid::Uuid, Path, description = "Id of the job")),
    responses(
        (status = 204, description = "It will be repeated"),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`not_found`: there is no such dead job"),
    ),
)]
pub async fn retry(
    State(queue): State<JobQueue>,
    State(administration): State<Administration>,
    Admin(admin): Admin,
    IdPath(job): IdPath<JobId>,
) -> Result<StatusCode, ApiError> {
    let now = UnixMillis::now();
    if !queue.store.retry(job, now).await? {
        return Err(ApiError::refused(ErrorCode::NotFound));
    }
    let act = Act { action: "job_retried", user: None, detail: Some(json!({"job_id": job})) };
    administration.note(act, admin.user_id, now).await?;
    Ok(StatusCode::NO_CONTENT)
}

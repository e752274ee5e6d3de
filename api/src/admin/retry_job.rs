//! `POST /api/v1/admin/jobs/{job}/retry`

use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::JobId;

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
    _admin: Admin,
    IdPath(job): IdPath<JobId>,
) -> Result<StatusCode, ApiError> {
    if queue.store.retry(job, UnixMillis::now()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::refused(ErrorCode::NotFound))
    }
}

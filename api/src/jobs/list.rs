//! `GET /api/v1/admin/jobs`

use axum::Json;
use axum::extract::State;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::JobId;
use rookery_store::job::JobState;
use rookery_store::page;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Admin, QueryParams, bad_cursor, page_limit};
use crate::jobs::JobQueue;
use crate::jobs::view::JobView;

/// Which jobs.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobsQuery {
    /// Those in this state; the dead ones if not given.
    #[param(value_type = Option<JobState>)]
    state: Option<String>,
    /// Jobs of the page, 1 to 200; 50 if not given.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// Where the page begins: the `next_cursor` of the page before.
    #[param(min_length = 1, max_length = 128, format = "cursor")]
    cursor: Option<String>,
}

/// A page of jobs, oldest first.
#[derive(Serialize, ToSchema)]
pub struct JobPage {
    /// The jobs.
    jobs: Vec<JobView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl JobsQuery {
    fn state(&self) -> Result<JobState, ApiError> {
        let Some(text) = self.state.as_deref() else { return Ok(JobState::Dead) };
        let found = JobState::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| ApiError::field(ErrorCode::BadField, "state", "must be open, dead or done"))
    }

    fn after(&self, cursors: &Cursors) -> Result<Option<JobId>, ApiError> {
        let read = |text| cursors.read_jobs(text).ok_or_else(|| bad_cursor("cursor"));
        self.cursor.as_deref().map(read).transpose()
    }
}

/// Jobs
///
/// For admins: what the server carries out after a request, such as mail. One that failed too often is dead, and is kept for
/// 30 days.
#[utoipa::path(
    get,
    path = "/api/v1/admin/jobs",
    operation_id = "list_jobs",
    tag = "admin",
    security(("bearer" = [])),
    params(JobsQuery),
    responses(
        (status = 200, description = "A page of jobs", body = JobPage),
        (status = 400, description = "`bad_field`"),
        (status = 403, description = "`forbidden`"),
    ),
)]
pub async fn list(
    State(cursors): State<Cursors>,
    State(queue): State<JobQueue>,
    _admin: Admin,
    QueryParams(query): QueryParams<JobsQuery>,
) -> Result<Json<JobPage>, ApiError> {
    let (state, after, limit) = (query.state()?, query.after(&cursors)?, page_limit(query.limit.as_deref())?);
    let mut jobs = queue.store.page(state, after, limit + 1).await?;
    let next_cursor = page::cut(&mut jobs, limit).map(|job| cursors.jobs(job.id));
    Ok(Json(JobPage { jobs: jobs.into_iter().map(JobView::from).collect(), next_cursor }))
}

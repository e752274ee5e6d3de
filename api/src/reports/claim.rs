//! `POST /api/v1/moderation/reports/{report}/claim`

use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::UserId;
use rookery_store::report::{Report, ReportState};
use serde_json::json;

use crate::admin::act::Act;
use crate::error::ApiError;
use crate::http::extract::{Caller, OptionalId};
use crate::limits::REPORT_CLAIM_LIFE;
use crate::reports::Reporting;

/// Take a report up
///
/// So that nobody else looks into it; for an hour, then others may take it up. Doing it again is safe.
#[utoipa::path(
    post,
    path = "/api/v1/moderation/reports/{report}/claim",
    operation_id = "claim_report",
    tag = "moderation",
    security(("bearer" = [])),
    params(("report" = Uuid, Path, description = "Id of the report")),
    responses(
        (status = 204, description = "It is yours"),
        (status = 403, description = "`forbidden`: you keep order nowhere, or it is about you"),
        (status = 404, description = "`not_found`: there is none that you may decide about"),
        (status = 409, description = "`already_decided`, or somebody else has taken it up"),
    ),
)]
pub async fn claim(
    State(reporting): State<Reporting>,
    caller: Caller,
    OptionalId(id): OptionalId,
) -> Result<StatusCode, ApiError> {
    let (report, _) = reporting.decidable(caller.user_id, id).await?;
    reporting.take_up(&report, caller.user_id).await?;
    if report.by != Some(caller.user_id) {
        let act = Act { action: "report_claimed", user: None, detail: Some(json!({"report_id": report.id})) };
        let entry = act.entry_in(report.room, caller.user_id, UnixMillis::now());
        reporting.stores().audit.add(&entry).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

impl Reporting {
    /// From here on nobody else decides about it.
    pub(super) async fn take_up(&self, report: &Report, by: UserId) -> Result<(), ApiError> {
        let now = UnixMillis::now();
        let decided = || ApiError::refused(ErrorCode::AlreadyDecided);
        if report.state == ReportState::Resolved {
            return Err(decided());
        }
        let stale = now.minus(REPORT_CLAIM_LIFE);
        if self.stores().reports.claim(report.id, by, now, stale).await? {
            Ok(())
        } else {
            Err(decided())
        }
    }
}

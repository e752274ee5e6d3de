//! `POST /api/v1/rooms/{room}/messages/{message}/report`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::access::{Action, is_moderator};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::EventBody;
use rookery_protocol::id::UserId;
use rookery_store::report::{Report, ReportReason, ReportState, Reported};
use rookery_store::sanction::Reason;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::history::{MessageLookup, find_message};
use crate::http::extract::{Caller, JsonBody, MessagePath};
use crate::limits::{REPORTS_OF_USER_MAX, REPORTS_RETRY_MS};
use crate::reports::Reporting;

/// Why a message is reported.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReportReason)]
pub enum ReasonWord {
    /// Nobody asked for it.
    Spam,
    /// It hurts somebody.
    Abuse,
    /// A law forbids it.
    Illegal,
    /// The note says why.
    Other,
}

impl From<ReasonWord> for ReportReason {
    fn from(word: ReasonWord) -> Self {
        match word {
            ReasonWord::Spam => Self::Spam,
            ReasonWord::Abuse => Self::Abuse,
            ReasonWord::Illegal => Self::Illegal,
            ReasonWord::Other => Self::Other,
        }
    }
}

impl From<ReportReason> for ReasonWord {
    fn from(reason: ReportReason) -> Self {
        match reason {
            ReportReason::Spam => Self::Spam,
            ReportReason::Abuse => Self::Abuse,
            ReportReason::Illegal => Self::Illegal,
            ReportReason::Other => Self::Other,
        }
    }
}

/// What is wrong with a message.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportRequest {
    /// Why it is reported.
    reason: ReasonWord,
    /// What else there is to say of it.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500, format = "visible-text")]
    note: Option<Reason>,
}

/// A report that was taken in.
#[derive(Serialize, ToSchema)]
pub struct ReportReceipt {
    /// Its id.
    report_id: Uuid,
}

/// Report a message
///
/// To those who keep order in the room, or to staff if one of them has said it. The text is kept as it is now. A second report
/// of a message by the same user is the first one. The reporter is told by a notice what was decided.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/messages/{message}/report",
    operation_id = "report_message",
    tag = "moderation",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug", example = "general"),
        ("message" = Uuid, Path, description = "Id of the message"),
    ),
    request_body = ReportRequest,
    responses(
        (status = 201, description = "It waits for a decision, or did before", body = ReportReceipt),
        (status = 400, description = "`bad_json` or `bad_field`"),
        (status = 403, description = "`not_a_member` or `banned`; `forbidden`: it is your own"),
        (status = 404, description = "`unknown_room`, also for private rooms of others, or `unknown_message`, also for a \
            deleted one"),
        (status = 429, description = "`rate_limited`: 100 reports of yours wait"),
    ),
)]
pub async fn report(
    State(reporting): State<Reporting>,
    caller: Caller,
    path: MessagePath,
    JsonBody(request): JsonBody<ReportRequest>,
) -> Result<(StatusCode, Json<ReportReceipt>), ApiError> {
    let report_id = reporting.take(caller.user_id, path, request, UnixMillis::now()).await?;
    Ok((StatusCode::CREATED, Json(ReportReceipt { report_id })))
}

impl Reporting {
    async fn take(
        &self,
        reporter: UserId,
        path: MessagePath,
        request: ReportRequest,
        now: UnixMillis,
    ) -> Result<Uuid, ApiError> {
        let (rooms, message) = (&self.moderation.rooms, path.message);
        let (room, _) = rooms.find(reporter, &path.room, Action::Read).await?;
        let found = find_message(&rooms.stores, &*rooms.log, (room.id, message), &[]).await?;
        let found = found.filter(|found| !found.state.deleted);
        let found = found.ok_or_else(|| ApiError::refused(ErrorCode::UnknownMessage))?;
        let author = found.said.event.user_id;
        if author == reporter {
            return Err(ApiError::refused(ErrorCode::Forbidden));
        }
        let member = rooms.stores.members.get(room.id, author).await?;
        let report = Report {
            id: Uuid::now_v7(),
            room: room.id,
            message,
            author,
            reporter,
            reason: request.reason.into(),
            note: request.note,
            said_at: found.said.timestamp,
            content: text_of(found),
            created_at: now,
            staff_only: member.is_some_and(|member| is_moderator(member.role)),
            state: ReportState::Open,
            by: None,
            at: None,
            action: None,
            answer: None,
        };
        match self.stores().reports.add(&report, REPORTS_OF_USER_MAX).await? {
            Reported::New(id) => {
                self.metrics.reports.with_label_values(&[report.reason.as_str()]).inc();
                tracing::info!(report_id = %id, room_id = %room.id, "message reported");
                Ok(id)
            }
            Reported::Known(id) => Ok(id),
            Reported::Crowded => Err(ApiError::later(ErrorCode::RateLimited, REPORTS_RETRY_MS)),
        }
    }
}

/// What a message says now.
fn text_of(found: MessageLookup) -> String {
    match (found.state.edit, found.said.event.body) {
        (Some(edit), _) => edit.content,
        (None, EventBody::Message(message)) => message.content,
        // What was looked for is a message.
        (None, _) => String::new(),
    }
}

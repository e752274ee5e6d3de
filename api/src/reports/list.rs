//! `GET /api/v1/moderation/reports`

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomRef, UserId};
use rookery_protocol::server::UserBrief;
use rookery_store::erasure::DELETED_USER;
use rookery_store::page;
use rookery_store::report::{Report, ReportAction, ReportFilter, ReportState};
use rookery_store::sanction::Reason;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Caller, QueryParams, bad_cursor, page_limit};
use crate::http::openapi::schema;
use crate::reports::create::ReasonWord;
use crate::reports::resolve::ActionWord;
use crate::reports::{Keeper, Reporting};
use crate::rooms::Rooms;

/// Where a report stands.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReportStatus)]
pub enum StatusWord {
    /// Nobody has taken it up.
    Open,
    /// Somebody looks into it.
    Claimed,
    /// It was decided.
    Resolved,
}

impl From<ReportState> for StatusWord {
    fn from(state: ReportState) -> Self {
        match state {
            ReportState::Open => Self::Open,
            ReportState::Claimed => Self::Claimed,
            ReportState::Resolved => Self::Resolved,
        }
    }
}

/// Which reports.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReportsQuery {
    /// Those that stand so; all if not given.
    #[param(value_type = Option<StatusWord>)]
    status: Option<String>,
    /// Those of a room, by id or slug.
    #[param(value_type = Option<String>, pattern = "^[a-z0-9-]{1,64}$")]
    room: Option<RoomRef>,
    /// Reports of the page, 1 to 200; 50 if not given.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// Where the page begins: the `next_cursor` of the page before.
    #[param(min_length = 1, max_length = 128, format = "cursor")]
    cursor: Option<String>,
}

/// A page of reports, newest first.
#[derive(Serialize, ToSchema)]
pub struct ReportPage {
    /// The reports.
    reports: Vec<ReportView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A report.
#[derive(Serialize, ToSchema)]
#[schema(as = Report)]
pub struct ReportView {
    /// Its id.
    report_id: Uuid,
    /// Where it stands.
    status: StatusWord,
    /// Id of the room.
    room: Uuid,
    /// Id of the message.
    message_id: Uuid,
    /// Who said it.
    #[schema(value_type = schema::UserBrief)]
    author: UserBrief,
    /// Who reported it; for staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::UserBrief, nullable = false)]
    reporter: Option<UserBrief>,
    /// Why it was reported.
    reason: ReasonWord,
    /// What the reporter says to it.
    #[schema(value_type = Option<String>, required)]
    note: Option<String>,
    /// What the message said when it was reported.
    content: String,
    /// When the message was said.
    #[schema(value_type = String, format = DateTime)]
    said_at: UnixMillis,
    /// When it was reported.
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixMillis,
    /// Who has taken it up, or decided about it; null if nobody has.
    by: Option<Uuid>,
    /// When that was.
    #[schema(value_type = Option<String>, required, format = DateTime)]
    at: Option<UnixMillis>,
    /// What was done; null until it is decided.
    #[schema(required)]
    action: Option<ActionWord>,
    /// What was said about the decision.
    #[schema(value_type = Option<String>, required)]
    answer: Option<String>,
}

impl ReportsQuery {
    async fn filter(&self, rooms: &Rooms) -> Result<ReportFilter, ApiError> {
        let bad = |field: &'static str, why: &'static str| ApiError::field(ErrorCode::BadField, field, why);
        let known = |word: &str| {
            let found = ReportState::ALL.into_iter().find(|state| state.as_str() == word);
            found.ok_or_else(|| bad("status", "must be open, claimed or resolved"))
        };
        let state = self.status.as_deref().map(known).transpose()?;
        let room = rooms.named(self.room.as_ref()).await?;
        Ok(ReportFilter { room, state, for_staff: false })
    }
}

/// Reports
///
/// Staff see all of them. Who keeps order in rooms sees those of these rooms, without who reported; what is about one of those
/// who keep order in a room is for staff alone.
#[utoipa::path(
    get,
    path = "/api/v1/moderation/reports",
    operation_id = "list_reports",
    tag = "moderation",
    security(("bearer" = [])),
    params(ReportsQuery),
    responses(
        (status = 200, description = "A page of reports", body = ReportPage),
        (status = 400, description = "`bad_field`"),
        (status = 403, description = "`forbidden`: you keep order nowhere"),
        (status = 404, description = "`unknown_room`: no room has this slug"),
    ),
)]
pub async fn list(
    State(reporting): State<Reporting>,
    State(cursors): State<Cursors>,
    caller: Caller,
    QueryParams(query): QueryParams<ReportsQuery>,
) -> Result<Json<ReportPage>, ApiError> {
    let keeper = reporting.keeper(caller.user_id).await?;
    let (filter, limit) = (query.filter(&reporting.moderation.rooms).await?, page_limit(query.limit.as_deref())?);
    let read = |text| cursors.read_reports(text).ok_or_else(|| bad_cursor("cursor"));
    let before = query.cursor.as_deref().map(read).transpose()?;
    let mut found = reporting.found(&keeper, filter, before, limit + 1).await?;
    let next_cursor = page::cut(&mut found, limit).map(|report| cursors.reports(report.id));
    // Nobody decides about what it has said itself, and staff alone may know of that.
    let is_staff = matches!(keeper, Keeper::Staff(_));
    found.retain(|report| is_staff || report.author != caller.user_id);
    Ok(Json(ReportPage { reports: reporting.views(found, caller.user_id, is_staff).await?, next_cursor }))
}

impl Reporting {
    async fn found(
        &self,
        keeper: &Keeper,
        filter: ReportFilter,
        before: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Report>, ApiError> {
        let reports = &self.stores().reports;
        let rooms = match keeper {
            Keeper::Staff(_) => {
                let filter = ReportFilter { for_staff: true, ..filter };
                return Ok(reports.page(&filter, before, limit).await?);
            }
            Keeper::Rooms(rooms) => rooms.iter().copied(),
        };
        let mut found = Vec::new();
        for room in rooms.filter(|room| filter.room.is_none_or(|wanted| wanted == *room)) {
            let filter = ReportFilter { room: Some(room), ..filter };
            found.extend(reports.page(&filter, before, limit).await?);
        }
        found.sort_by_key(|report| std::cmp::Reverse(report.id));
        found.truncate(limit);
        Ok(found)
    }

    async fn views(&self, reports: Vec<Report>, reader: UserId, is_staff: bool) -> Result<Vec<ReportView>, ApiError> {
        let ids: Vec<UserId> = reports.iter().flat_map(|report| [report.author, report.reporter]).collect();
        let users = self.stores().users.by_ids(&ids).await?;
        let names: HashMap<UserId, &str> = users.iter().map(|user| (user.id, user.username.as_str())).collect();
        let brief = |user_id: UserId| {
            let username = names.get(&user_id).copied().unwrap_or(DELETED_USER).to_owned();
            UserBrief { user_id, username }
        };
        let text = |text: Option<Reason>| text.map(|text| text.as_str().to_owned());
        let view = |report: Report| ReportView {
            report_id: report.id,
            status: report.state.into(),
            room: report.room.as_uuid(),
            message_id: report.message.as_uuid(),
            author: brief(report.author),
            // Not of what is about oneself, whoever one is.
            reporter: (is_staff && report.author != reader).then(|| brief(report.reporter)),
            reason: report.reason.into(),
            note: text(report.note),
            content: report.content,
            said_at: report.said_at,
            created_at: report.created_at,
            by: report.by.map(UserId::as_uuid),
            at: report.at,
            action: report.action.map(|action: ReportAction| action.into()),
            answer: text(report.answer),
        };
        Ok(reports.into_iter().map(view).collect())
    }
}

//! `POST /api/v1/moderation/reports/{report}/resolve`

use axum::extract::State;
use http::StatusCode;
use rookery_protocol::access::Until;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::Sender;
use rookery_protocol::id::RoomRef;
use rookery_protocol::notice::NoticeKind;
use rookery_store::audit::AuditEntry;
use rookery_store::notice::Occasion;
use rookery_store::report::{Report, ReportAction, Resolution};
use rookery_store::sanction::{Reason, SanctionAction};
use rookery_store::user::ServerRole;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::admin::act::Act;
use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody, OptionalId};
use crate::moderation::{ModerationRequest, end};
use crate::reports::{Keeper, Reporting};

/// What is done about a reported message.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReportAction)]
pub enum ActionWord {
    /// Nothing.
    None,
    /// The message is deleted.
    Delete,
    /// Its author may not say anything in the room.
    Mute,
    /// Its author's membership ends.
    Kick,
    /// Its author is shut out of the room.
    Ban,
    /// Its author's account is disabled; for admins.
    Disable,
}

impl From<ActionWord> for ReportAction {
    fn from(word: ActionWord) -> Self {
        match word {
            ActionWord::None => Self::None,
            ActionWord::Delete => Self::Delete,
            ActionWord::Mute => Self::Mute,
            ActionWord::Kick => Self::Kick,
            ActionWord::Ban => Self::Ban,
            ActionWord::Disable => Self::Disable,
        }
    }
}

impl From<ReportAction> for ActionWord {
    fn from(action: ReportAction) -> Self {
        match action {
            ReportAction::None => Self::None,
            ReportAction::Delete => Self::Delete,
            ReportAction::Mute => Self::Mute,
            ReportAction::Kick => Self::Kick,
            ReportAction::Ban => Self::Ban,
            ReportAction::Disable => Self::Disable,
        }
    }
}

/// A decision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveRequest {
    /// What is done.
    action: ActionWord,
    /// Why. The author is told, and it stands in the audit log.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500, format = "visible-text")]
    note: Option<Reason>,
    /// Until when a mute or ban holds, which has to come yet; until it is taken back if not given.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<UnixMillis>,
}

/// Decide about a report
///
/// It is done at once, as by the direct operation. The reporter is told by a notice `report_resolved`, the author by one
/// `sanctioned` if something is done. Somebody else's claim is in the way; without one this takes the report up.
#[utoipa::path(
    post,
    path = "/api/v1/moderation/reports/{report}/resolve",
    operation_id = "resolve_report",
    tag = "moderation",
    security(("bearer" = [])),
    params(("report" = Uuid, Path, description = "Id of the report")),
    request_body = ResolveRequest,
    responses(
        (status = 204, description = "Decided, and done"),
        (status = 400, description = "`bad_json` or `bad_field`"),
        (status = 403, description = "`forbidden`: you keep order nowhere, it is about you, or you may not do this to the author"),
        (status = 404, description = "`not_found`: there is none that you may decide about, or the author is no member any \
            more; `unknown_room`: the room has ended"),
        (status = 409, description = "`already_decided`, or somebody else has taken it up; `last_admin`"),
    ),
)]
pub async fn resolve(
    State(reporting): State<Reporting>,
    caller: Caller,
    OptionalId(id): OptionalId,
    JsonBody(request): JsonBody<ResolveRequest>,
) -> Result<StatusCode, ApiError> {
    let (report, keeper) = reporting.decidable(caller.user_id, id).await?;
    let decision = Decision::of(request, &keeper, UnixMillis::now())?;
    reporting.check(&report, &caller.clone().into(), &decision).await?;
    reporting.take_up(&report, caller.user_id).await?;
    reporting.decide(&report, caller.into(), decision).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A decision that may be made.
struct Decision {
    action: ReportAction,
    answer: Option<Reason>,
    until: Until,
}

impl Decision {
    fn of(request: ResolveRequest, keeper: &Keeper, now: UnixMillis) -> Result<Self, ApiError> {
        let ResolveRequest { action, note, until } = request;
        let action = ReportAction::from(action);
        let has_end = matches!(action, ReportAction::Mute | ReportAction::Ban);
        if until.is_some() && !has_end {
            return Err(ApiError::field(ErrorCode::BadField, "until", "is for a mute or a ban"));
        }
        if action == ReportAction::Disable && !matches!(keeper, Keeper::Staff(ServerRole::Admin)) {
            return Err(ApiError::refused(ErrorCode::Forbidden));
        }
        let until = Until::new(end(until, None, now)?);
        Ok(Self { action, answer: note, until })
    }
}

/// What is done to the author as a member, if that was decided.
fn sanction(report: &Report, decision: &Decision) -> Option<ModerationRequest> {
    let action = match decision.action {
        ReportAction::None | ReportAction::Delete | ReportAction::Disable => return None,
        ReportAction::Mute => SanctionAction::Mute(decision.until),
        ReportAction::Kick => SanctionAction::Kick,
        ReportAction::Ban => SanctionAction::Ban(decision.until),
    };
    let (room, reason) = (RoomRef::Id(report.room), decision.answer.clone());
    Some(ModerationRequest { room, user: report.author, action, reason })
}

impl Reporting {
    /// Does what was decided, notes it and tells of it. What was done stays done if the rest fails: then the report is still
    /// taken up, and deciding again does it again, which changes nothing.
    async fn decide(&self, report: &Report, by: Sender, decision: Decision) -> Result<(), ApiError> {
        self.act(report, by.clone(), &decision).await?;
        let Decision { action, answer, .. } = decision;
        let now = UnixMillis::now();
        let detail = json!({"report": report.id, "message": report.message, "action": action});
        let act = Act { action: "report_resolved", user: Some(report.author), detail: Some(detail) };
        let reason = answer.as_ref().map(|answer| answer.as_str().to_owned());
        let entry = AuditEntry { reason, ..act.entry_in(report.room, by.user_id, now) };
        self.stores().audit.add(&entry).await?;
        let resolution = Resolution { by: by.user_id, at: now, action, answer };
        if !self.stores().reports.resolve(report.id, &resolution).await? {
            return Err(ApiError::refused(ErrorCode::AlreadyDecided));
        }
        self.metrics.reports_resolved.with_label_values(&[action.as_str()]).inc();
        tracing::info!(report_id = %report.id, action = action.as_str(), "report decided");
        self.tell(report, &resolution).await;
        Ok(())
    }

    /// What is refused is refused before the report is taken up.
    async fn check(&self, report: &Report, by: &Sender, decision: &Decision) -> Result<(), ApiError> {
        match sanction(report, decision) {
            Some(request) => self.moderation.check(by, &request).await.map(drop),
            None => Ok(()),
        }
    }

    async fn act(&self, report: &Report, by: Sender, decision: &Decision) -> Result<(), ApiError> {
        match decision.action {
            ReportAction::Delete => self.messages.remove(by, report.room, report.message).await,
            ReportAction::Disable => {
                self.administration.set_disabled(report.author, true, by.user_id, UnixMillis::now()).await
            }
            ReportAction::None | ReportAction::Mute | ReportAction::Kick | ReportAction::Ban => {
                match sanction(report, decision) {
                    Some(request) => self.moderation.moderate(by, request).await,
                    None => Ok(()),
                }
            }
        }
    }

    /// What the act itself does not tell: that it was decided, and of what is no act against a member.
    async fn tell(&self, report: &Report, resolution: &Resolution) {
        let notices = &self.moderation.rooms.notices;
        let about = |kind| {
            let occasion = Occasion::in_room(kind, report.id, report.room, resolution.by);
            Occasion { message: Some(report.message), ..occasion }.with_detail(resolution.action.as_str())
        };
        // Who decided is not the reporter's business.
        let decided = Occasion { by: None, ..about(NoticeKind::ReportResolved) };
        notices.tell(&[report.reporter], &decided).await;
        if matches!(resolution.action, ReportAction::Delete | ReportAction::Disable) {
            let text = resolution.answer.as_ref().map(Reason::as_str);
            notices.tell(&[report.author], &about(NoticeKind::Sanctioned).with_text(text)).await;
        }
    }
}

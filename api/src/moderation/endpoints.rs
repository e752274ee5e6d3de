//! `/api/v1/rooms/{room}/members/{user}/…`: kick, ban, mute, and their ends.
//!
//! All are answered when the room has heard of it. 503 means that it is decided but the room may not have heard yet;
//! sending the same again is safe.

use axum::extract::State;
use http::StatusCode;
use rookery_protocol::access::Until;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::integer;
use rookery_store::sanction::{Reason, SanctionAction};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::extract::{Caller, MemberPath, OptionalBody};
use crate::moderation::{Moderation, ModerationRequest, end};

/// How long it holds: until a time, or for so many seconds, not both; until it is taken back if neither is given.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SanctionRequest {
    /// Until this time, which has to come yet.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<UnixMillis>,
    /// For so many seconds.
    #[serde(default, deserialize_with = "integer::whole_or_null")]
    #[schema(minimum = 1, maximum = 315_360_000)]
    duration_s: Option<u64>,
    /// Why; the user is told, and it stands in the audit log.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500, format = "visible-text")]
    reason: Option<Reason>,
}

/// Why somebody is kicked.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KickRequest {
    /// The user is told, and it stands in the audit log.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500, format = "visible-text")]
    reason: Option<Reason>,
}

impl SanctionRequest {
    fn until(&self) -> Result<Until, ApiError> {
        end(self.until, self.duration_s, UnixMillis::now()).map(Until::new)
    }
}

async fn done(
    moderation: &Moderation,
    caller: Caller,
    path: MemberPath,
    what: SanctionAction,
    reason: Option<Reason>,
) -> Result<StatusCode, ApiError> {
    let MemberPath { room, user } = path;
    moderation
        .moderate(caller.into(), ModerationRequest { room, user, action: what, reason })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Kick a member
///
/// Ends the membership. The user may come back to a public room. The body may be left out.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/members/{user}/kick",
    operation_id = "kick_member",
    tag = "moderation",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug", example = "general"),
        ("user" = String, Path, description = "Id of the user", format = Uuid),
    ),
    request_body = KickRequest,
    responses(
        (status = 204, description = "Not a member any more"),
        (status = 403, description = "`forbidden`, `not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others; `not_found`: no such member"),
    ),
)]
pub async fn kick(
    State(moderation): State<Moderation>,
    caller: Caller,
    path: MemberPath,
    OptionalBody(KickRequest { reason }): OptionalBody<KickRequest>,
) -> Result<StatusCode, ApiError> {
    done(&moderation, caller, path, SanctionAction::Kick, reason).await
}

/// Ban a user
///
/// Ends the membership and keeps the user out, who need not be a member. The body may be left out.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/members/{user}/ban",
    operation_id = "ban_member",
    tag = "moderation",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug", example = "general"),
        ("user" = String, Path, description = "Id of the user", format = Uuid),
    ),
    request_body = SanctionRequest,
    responses(
        (status = 204, description = "Banned"),
        (status = 403, description = "`forbidden`, `not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others; `not_found`: no such user"),
    ),
)]
pub async fn ban(
    State(moderation): State<Moderation>,
    caller: Caller,
    path: MemberPath,
    OptionalBody(request): OptionalBody<SanctionRequest>,
) -> Result<StatusCode, ApiError> {
    let until = request.until()?;
    done(&moderation, caller, path, SanctionAction::Ban(until), request.reason).await
}

/// End a ban
///
/// The user may join again. Nothing changes for somebody who is not banned.
#[utoipa::path(
    delete,
    path = "/api/v1/rooms/{room}/members/{user}/ban",
    operation_id = "unban_member",
    tag = "moderation",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug", example = "general"),
        ("user" = String, Path, description = "Id of the user", format = Uuid),
    ),
    responses(
        (status = 204, description = "Not banned"),
        (status = 403, description = "`forbidden`, `not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others; `not_found`: no such user"),
    ),
)]
pub async fn unban(
    State(moderation): State<Moderation>,
    caller: Caller,
    path: MemberPath,
) -> Result<StatusCode, ApiError> {
    done(&moderation, caller, path, SanctionAction::Unban, None).await
}

/// Mute a member
///
/// The member may read but not say anything, also after leaving and coming back.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/members/{user}/mute",
    operation_id = "mute_member",
    tag = "moderation",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug", example = "general"),
        ("user" = String, Path, description = "Id of the user", format = Uuid),
    ),
    request_body = SanctionRequest,
    responses(
        (status = 204, description = "Muted"),
        (status = 403, description = "`forbidden`, `not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others; `not_found`: no such member"),
    ),
)]
pub async fn mute(
    State(moderation): State<Moderation>,
    caller: Caller,
    path: MemberPath,
    OptionalBody(request): OptionalBody<SanctionRequest>,
) -> Result<StatusCode, ApiError> {
    let until = request.until()?;
    done(&moderation, caller, path, SanctionAction::Mute(until), request.reason).await
}

/// End a mute
///
/// The member may say something again. Nothing changes for somebody who is not muted.
#[utoipa::path(
    delete,
    path = "/api/v1/rooms/{room}/members/{user}/mute",
    operation_id = "unmute_member",
    tag = "moderation",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug", example = "general"),
        ("user" = String, Path, description = "Id of the user", format = Uuid),
    ),
    responses(
        (status = 204, description = "Not muted"),
        (status = 403, description = "`forbidden`, `not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others; `not_found`: no such user"),
    ),
)]
pub async fn unmute(
    State(moderation): State<Moderation>,
    caller: Caller,
    path: MemberPath,
) -> Result<StatusCode, ApiError> {
    done(&moderation, caller, path, SanctionAction::Unmute, None).await
}

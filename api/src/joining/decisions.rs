//! `POST /api/v1/rooms/{room}/join-requests/{user}/approve` and `…/deny`

use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_store::joining::Entry;
use rookery_store::sanction::Reason;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::admin::act::Act;
use crate::direct::account_in_use;
use crate::error::ApiError;
use crate::http::extract::{Caller, MemberPath, OptionalBody};
use crate::joining::Joining;
use crate::joining::add_member::added;

/// Why somebody is not let in.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DenyRequest {
    /// What the user is told.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500, format = "visible-text")]
    reason: Option<Reason>,
}

/// Let somebody in who wants to join
///
/// For moderators; those of the server only in public rooms and in those that they are in. One decision counts: a second one
/// is refused.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/join-requests/{user}/approve",
    operation_id = "approve_join_request",
    tag = "rooms",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug"),
        ("user" = String, Path, description = "Id of the user", format = Uuid),
    ),
    responses(
        (status = 204, description = "The user is a member"),
        (status = 403, description = "`forbidden`, `not_a_member`, `banned`, `room_full` or `direct_room`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others; `not_found`: no such request, or of a disabled account"),
        (status = 409, description = "`already_decided`"),
    ),
)]
pub async fn approve(
    State(joining): State<Joining>,
    caller: Caller,
    MemberPath { room, user }: MemberPath,
) -> Result<StatusCode, ApiError> {
    let room = joining.rooms.admitting(&caller.clone().into(), &room).await?;
    let asked = joining.open_request(room.id, user).await?;
    let account = account_in_use(&joining.rooms.stores, user).await?;
    let (by, event) = (caller.user_id, added(caller.into(), &account));
    joining.rooms.generations.require(&event.body).await?;
    if !joining.rooms.enter_by(user, &room, Entry::Request, &event).await? {
        // Let in by another way this moment.
        return Err(ApiError::refused(ErrorCode::AlreadyDecided));
    }
    tracing::info!(room_id = %room.id, user_id = %user, %by, "join request approved");
    joining
        .rooms
        .note(room.id, by, Act { action: "join_request_approved", user: Some(user), detail: None })
        .await?;
    joining.tell_decision(&asked, by, "approved", None).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Do not let somebody in who wants to join
///
/// For moderators. The user may ask again after a day.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/join-requests/{user}/deny",
    operation_id = "deny_join_request",
    tag = "rooms",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug"),
        ("user" = String, Path, description = "Id of the user", format = Uuid),
    ),
    request_body = DenyRequest,
    responses(
        (status = 204, description = "The user is not let in"),
        (status = 403, description = "`forbidden`, `not_a_member`, `banned` or `direct_room`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others; `not_found`: no such request"),
        (status = 409, description = "`already_decided`"),
    ),
)]
pub async fn deny(
    State(joining): State<Joining>,
    caller: Caller,
    MemberPath { room, user }: MemberPath,
    OptionalBody(DenyRequest { reason }): OptionalBody<DenyRequest>,
) -> Result<StatusCode, ApiError> {
    let room = joining.rooms.moderated(&caller.clone().into(), &room).await?;
    let asked = joining.open_request(room.id, user).await?;
    if !joining.rooms.stores.join_requests.deny(room.id, user, UnixMillis::now()).await? {
        return Err(ApiError::refused(ErrorCode::AlreadyDecided));
    }
    tracing::info!(room_id = %room.id, user_id = %user, by = %caller.user_id, "join request denied");
    let act = Act { action: "join_request_denied", user: Some(user), detail: None };
    joining.rooms.note(room.id, caller.user_id, act).await?;
    joining
        .tell_decision(&asked, caller.user_id, "denied", reason.as_ref().map(Reason::as_str))
        .await;
    Ok(StatusCode::NO_CONTENT)
}

//! `POST /api/v1/invites/{code}/accept`

use axum::extract::State;
use axum::response::Response;
use rookery_protocol::clock::UnixMillis;

use crate::error::ApiError;
use crate::http::extract::{Caller, InviteCodePath};
use crate::joining::Joining;
use crate::joining::join::{PendingView, answer};
use crate::rooms::view::RoomView;

/// Accept an invite to a room
///
/// Nothing changes for members, and no use of the invite is spent for them.
#[utoipa::path(
    post,
    path = "/api/v1/invites/{code}/accept",
    operation_id = "accept_invite",
    tag = "rooms",
    security(("bearer" = [])),
    params(("code" = String, Path, description = "Code of the invite")),
    responses(
        (status = 200, description = "The room", body = RoomView),
        (status = 202, description = "Moderators decide about it", body = PendingView),
        (status = 403, description = "`room_full`; `join_denied`: ask again when `retry_after_ms` have passed"),
        (status = 404, description = "`invite_invalid`: unknown, expired, used up, revoked, or you are banned"),
        (status = 409, description = "`too_many_join_requests`: 100 wait already"),
    ),
)]
pub async fn accept(
    State(joining): State<Joining>,
    caller: Caller,
    InviteCodePath(code): InviteCodePath,
) -> Result<Response, ApiError> {
    let user = caller.user_id;
    let joined = joining.accept(caller.into(), &code, UnixMillis::now()).await?;
    answer(&joining, user, joined).await
}

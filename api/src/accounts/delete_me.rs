//! `POST /api/v1/users/me/delete`

use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;

use crate::accounts::erasure::Erasing;
use crate::accounts::password_request::PasswordRequest;
use crate::accounts::sessions::Sessions;
use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody};
use crate::http::limit::ClientAddress;

/// Delete your account
///
/// For good. All sessions end; what you have said stays, under "deleted user". Rooms that you own pass to their oldest moderator,
/// else to their oldest member; where nobody else is, they are closed. Nobody gets your name after you.
#[utoipa::path(
    post,
    path = "/api/v1/users/me/delete",
    operation_id = "delete_me",
    tag = "users",
    security(("bearer" = [])),
    request_body = PasswordRequest,
    responses(
        (status = 204, description = "The account is gone"),
        (status = 403, description = "`password_wrong`"),
        (status = 409, description = "`last_admin`: no admin who may log in would be left"),
    ),
)]
pub async fn delete_me(
    State(erasing): State<Erasing>,
    State(sessions): State<Sessions>,
    caller: Caller,
    from: ClientAddress,
    JsonBody(request): JsonBody<PasswordRequest>,
) -> Result<StatusCode, ApiError> {
    let user = sessions.confirm(caller.user_id, request.password, from).await?;
    erasing.erase(user.id, user.id, UnixMillis::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

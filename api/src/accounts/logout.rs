//! `POST /api/v1/auth/logout`

use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;

use crate::accounts::sessions::Sessions;
use crate::accounts::tokens::RefreshRequest;
use crate::error::ApiError;
use crate::http::extract::JsonBody;

/// Log out
///
/// No token of the session works any more, and its sockets are closed with 4409.
#[utoipa::path(
    post,
    path = "/api/v1/auth/logout",
    tag = "auth",
    request_body = RefreshRequest,
    responses((status = 204, description = "Logged out, also if it was so before")),
)]
pub async fn logout(
    State(sessions): State<Sessions>,
    JsonBody(request): JsonBody<RefreshRequest>,
) -> Result<StatusCode, ApiError> {
    sessions.logout(&request.refresh_token, UnixMillis::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! `POST /api/v1/auth/logout-all`

use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;

use crate::accounts::sessions::Sessions;
use crate::error::ApiError;
use crate::http::extract::Caller;

/// Log out everywhere
///
/// All sessions of the caller end, this one too: their tokens work no more and their sockets are closed with 4409.
#[utoipa::path(
    post,
    path = "/api/v1/auth/logout-all",
    tag = "auth",
    security(("bearer" = [])),
    responses((status = 204, description = "Logged out everywhere")),
)]
pub async fn logout_all(State(sessions): State<Sessions>, caller: Caller) -> Result<StatusCode, ApiError> {
    sessions.end_all(caller.user_id, UnixMillis::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

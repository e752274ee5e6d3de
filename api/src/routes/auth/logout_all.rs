//! `POST /api/v1/auth/logout-all`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::Caller;
use crate::service::sessions;

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
pub async fn logout_all(State(app): State<Arc<App>>, caller: Caller) -> Result<StatusCode, ApiError> {
    sessions::end_all(&app, caller.user_id, UnixMillis::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

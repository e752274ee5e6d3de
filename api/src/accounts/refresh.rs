//! `POST /api/v1/auth/refresh`

use axum::Json;
use axum::extract::State;
use rookery_protocol::clock::UnixMillis;

use crate::accounts::sessions::Sessions;
use crate::accounts::tokens::{RefreshRequest, Tokens};
use crate::error::ApiError;
use crate::http::extract::JsonBody;

/// Get a new access token
///
/// The refresh token is replaced. One that was replaced less than 10 seconds ago may be sent again and gives the refresh token
/// that is valid now, which is that of the first answer if nobody refreshed since; later it counts as stolen and ends the session. A
/// session is refreshed at most 16 times in 10 seconds, and lives for 90 days at most.
#[utoipa::path(
    post,
    path = "/api/v1/auth/refresh",
    tag = "auth",
    request_body = RefreshRequest,
    responses(
        (status = 200, description = "New tokens", body = Tokens),
        (status = 401, description = "`bad_refresh_token`"),
    ),
)]
pub async fn refresh(
    State(sessions): State<Sessions>,
    JsonBody(request): JsonBody<RefreshRequest>,
) -> Result<Json<Tokens>, ApiError> {
    let granted = sessions.refresh(&request.refresh_token, UnixMillis::now()).await?;
    Ok(Json(Tokens::from(granted)))
}

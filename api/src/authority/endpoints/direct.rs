//! `POST /internal/v1/direct`: somebody connects to a direct room that is not there yet.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use rookery_bus::authority::{AuthorityError, DirectRooms as _};
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::UserId;
use serde::{Deserialize, Serialize};

use crate::authority::LocalAuthority;
use crate::error::ApiError;
use crate::http::extract::JsonBody;

/// Who wants to write to whom. Unknown fields are let be: a newer gateway may ask an older api.
#[derive(Deserialize)]
pub struct DirectRequest {
    user: UserId,
    with: UserId,
}

/// What became of it.
#[derive(Serialize)]
pub struct DirectAnswer {
    /// Why there is no room; none if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<ErrorCode>,
}

/// Makes the room, unless there is one.
pub async fn direct(
    State(authority): State<Arc<LocalAuthority>>,
    JsonBody(request): JsonBody<DirectRequest>,
) -> Result<Json<DirectAnswer>, ApiError> {
    let refused = match authority.open_direct(request.user, request.with).await {
        Ok(()) => None,
        Err(AuthorityError::Refused(code)) => Some(code),
        Err(error) => return Err(error.into()),
    };
    Ok(Json(DirectAnswer { refused }))
}

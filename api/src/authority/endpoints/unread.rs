//! `POST /internal/v1/read`, `POST /internal/v1/unread`: read marks that clients move on, and what is unread.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_bus::authority::ReadMarks as _;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomId, UserId};
use rookery_protocol::limits::ROOMS_PER_FRAME_MAX;
use rookery_protocol::unread::{ReadState, ReadTo};
use serde::Deserialize;

use crate::authority::LocalAuthority;
use crate::error::ApiError;
use crate::http::extract::JsonBody;

/// A mark. Unknown fields are let be: a newer gateway may ask an older api.
#[derive(Deserialize)]
pub struct ReadRequest {
    user: UserId,
    room: RoomId,
    to: ReadTo,
}

/// A question about rooms.
#[derive(Deserialize)]
pub struct UnreadRequest {
    user: UserId,
    rooms: Vec<RoomId>,
}

/// Moves the mark on.
pub async fn read(
    State(authority): State<Arc<LocalAuthority>>,
    JsonBody(request): JsonBody<ReadRequest>,
) -> Result<StatusCode, ApiError> {
    let ReadRequest { user, room, to } = request;
    authority.mark_read(user, room, to).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is unread in the rooms.
pub async fn unread(
    State(authority): State<Arc<LocalAuthority>>,
    JsonBody(request): JsonBody<UnreadRequest>,
) -> Result<Json<Vec<(RoomId, ReadState)>>, ApiError> {
    if request.rooms.len() > ROOMS_PER_FRAME_MAX {
        return Err(ApiError::field(ErrorCode::BadField, "rooms", "too many at once"));
    }
    Ok(Json(authority.read_states(request.user, &request.rooms).await?))
}

//! `POST /internal/v1/rooms/{room}/open`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use rookery_bus::authority::RoomOpener as _;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::RoomRef;

use crate::authority::LocalAuthority;
use crate::error::ApiError;
use crate::http::extract::RoomPath;

/// Makes the room's state present on the bus. By id only.
pub async fn open_room(
    State(authority): State<Arc<LocalAuthority>>,
    RoomPath(room): RoomPath,
) -> Result<StatusCode, ApiError> {
    let RoomRef::Id(room) = room else {
        return Err(ApiError::refused(ErrorCode::UnknownRoom));
    };
    authority.open_room(room).await?;
    Ok(StatusCode::NO_CONTENT)
}

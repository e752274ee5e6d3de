//! The schedule that a path names.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomRef, ScheduleId};

use crate::error::ApiError;

/// The path's `{room}` and `{schedule}`. A text that can be neither is answered like one that does not exist.
pub struct SchedulePath {
    /// Id or slug of the room.
    pub room: RoomRef,
    /// Id of the schedule; none if the text is no id. Whether the room exists is decided before.
    pub schedule: Option<ScheduleId>,
}

impl<S: Send + Sync> FromRequestParts<S> for SchedulePath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let unknown = || ApiError::refused(ErrorCode::UnknownRoom);
        let Path((room, schedule)) =
            Path::<(String, String)>::from_request_parts(parts, state).await.map_err(|_| unknown())?;
        let room = room.parse().map_err(|_| unknown())?;
        Ok(Self { room, schedule: ScheduleId::from_hyphenated(&schedule).ok() })
    }
}

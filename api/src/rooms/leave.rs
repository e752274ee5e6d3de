//! `POST /api/v1/rooms/{room}/leave`

use axum::extract::State;
use http::StatusCode;

use crate::error::ApiError;
use crate::http::extract::{Caller, RoomPath};
use crate::rooms::Rooms;

/// Leave a room
///
/// Nothing changes for outsiders. The owner hands the room over first, unless nobody else is there: then the room is closed,
/// and nobody finds it any more.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/leave",
    operation_id = "leave_room",
    tag = "rooms",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general")),
    responses(
        (status = 204, description = "You are not a member"),
        (status = 409, description = "`owner_must_transfer`: you own the room, and others are in it"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn leave(
    State(rooms): State<Rooms>,
    caller: Caller,
    RoomPath(room): RoomPath,
) -> Result<StatusCode, ApiError> {
    rooms.leave(caller.into(), &room).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! `DELETE /api/v1/rooms/{room}`

use axum::extract::State;
use http::StatusCode;

use crate::error::ApiError;
use crate::http::extract::{Caller, RoomPath};
use crate::rooms::Rooms;

/// Delete a room
///
/// For its owner and for admins of the server. Its members hear of it, and nobody finds it any more; its history is erased within
/// a minute. 503 means that it is decided but the room may not have heard yet, or that not all nodes have been upgraded: sending
/// the same again is safe.
#[utoipa::path(
    delete,
    path = "/api/v1/rooms/{room}",
    operation_id = "delete_room",
    tag = "rooms",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general")),
    responses(
        (status = 204, description = "There is no such room any more"),
        (status = 403, description = "`forbidden`, `not_a_member`, `banned`; `protected_room` for `general`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn delete(
    State(rooms): State<Rooms>,
    caller: Caller,
    RoomPath(room): RoomPath,
) -> Result<StatusCode, ApiError> {
    rooms.delete(caller.into(), &room).await?;
    Ok(StatusCode::NO_CONTENT)
}

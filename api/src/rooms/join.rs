//! `POST /api/v1/rooms/{room}/join`

use axum::Json;
use axum::extract::State;
use rookery_protocol::clock::UnixMillis;

use crate::error::ApiError;
use crate::http::extract::{Caller, RoomPath};
use crate::rooms::Rooms;
use crate::rooms::view::RoomView;

/// Join a room
///
/// Nothing changes for members.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/join",
    operation_id = "join_room",
    tag = "rooms",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general")),
    responses(
        (status = 200, description = "The room", body = RoomView),
        (status = 403, description = "`banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn join(
    State(rooms): State<Rooms>,
    caller: Caller,
    RoomPath(room): RoomPath,
) -> Result<Json<RoomView>, ApiError> {
    let room = rooms.join(caller.into(), &room, UnixMillis::now()).await?;
    Ok(Json(RoomView::from(room)))
}

//! `GET /api/v1/rooms/{room}`

use axum::Json;
use axum::extract::State;

use crate::error::ApiError;
use crate::http::extract::{Caller, RoomPath};
use crate::rooms::Rooms;
use crate::rooms::view::RoomView;

/// One room
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}",
    operation_id = "get_room",
    tag = "rooms",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general")),
    responses(
        (status = 200, description = "The room", body = RoomView),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn get(
    State(rooms): State<Rooms>,
    caller: Caller,
    RoomPath(room): RoomPath,
) -> Result<Json<RoomView>, ApiError> {
    let seen = rooms.get(caller.user_id, &room).await?;
    Ok(Json(rooms.shown(caller.user_id, seen).await?))
}

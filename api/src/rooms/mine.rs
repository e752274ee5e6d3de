//! `GET /api/v1/rooms/mine`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::extract::Caller;
use crate::rooms::Rooms;
use crate::rooms::view::RoomView;

/// The caller's rooms, in the order of joining.
#[derive(Serialize, ToSchema)]
pub struct MyRooms {
    /// The rooms, each with the caller's role.
    rooms: Vec<RoomView>,
}

/// Your rooms
#[utoipa::path(
    get,
    path = "/api/v1/rooms/mine",
    operation_id = "my_rooms",
    tag = "rooms",
    security(("bearer" = [])),
    responses((status = 200, description = "All rooms you are a member of", body = MyRooms)),
)]
pub async fn mine(State(rooms): State<Rooms>, caller: Caller) -> Result<Json<MyRooms>, ApiError> {
    let rooms = rooms.mine(caller.user_id).await?;
    Ok(Json(MyRooms { rooms: rooms.into_iter().map(RoomView::from).collect() }))
}

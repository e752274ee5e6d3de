//! `GET /api/v1/rooms/mine`

use axum::Json;
use axum::extract::State;
use rookery_store::limits::ROOMS_OF_USER_MAX;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::extract::Caller;
use crate::rooms::view::RoomView;
use crate::rooms::{Rooms, SeenRoom};

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
    let chosen = rooms.stores.preferences.of_user(caller.user_id, ROOMS_OF_USER_MAX).await?;
    let rooms = rooms.mine(caller.user_id).await?;
    let view = |seen: SeenRoom| {
        let chosen = chosen.get(&seen.room.id).copied().unwrap_or_default();
        RoomView::from(seen).preferring(chosen)
    };
    Ok(Json(MyRooms { rooms: rooms.into_iter().map(view).collect() }))
}

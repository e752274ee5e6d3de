//! `GET /api/v1/rooms/mine`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::Caller;
use crate::routes::rooms::RoomView;
use crate::service::rooms;

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
pub async fn mine(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<MyRooms>, ApiError> {
    let rooms = rooms::mine(&app, caller.user_id).await?;
    Ok(Json(MyRooms { rooms: rooms.into_iter().map(RoomView::from).collect() }))
}

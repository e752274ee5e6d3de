//! `GET /api/v1/rooms/{room}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Caller, RoomPath};
use crate::routes::rooms::RoomView;
use crate::service::rooms;

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
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
) -> Result<Json<RoomView>, ApiError> {
    Ok(Json(RoomView::from(rooms::get(&app, caller.user_id, &room).await?)))
}

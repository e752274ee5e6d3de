//! `GET /api/v1/rooms`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Caller, QueryParams, RoomsQuery};
use crate::routes::rooms::RoomView;
use crate::service::rooms;

/// A page of public rooms, oldest first.
#[derive(Serialize, ToSchema)]
pub struct RoomPage {
    /// The rooms.
    rooms: Vec<RoomView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Public rooms
#[utoipa::path(
    get,
    path = "/api/v1/rooms",
    operation_id = "list_rooms",
    tag = "rooms",
    security(("bearer" = [])),
    params(RoomsQuery),
    responses(
        (status = 200, description = "A page of rooms", body = RoomPage),
        (status = 400, description = "`bad_field`"),
    ),
)]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    QueryParams(query): QueryParams<RoomsQuery>,
) -> Result<Json<RoomPage>, ApiError> {
    let (after, limit) = (query.after(&app.cursors)?, query.limit()?);
    let (rooms, more) = rooms::list(&app, caller.user_id, after, limit).await?;
    let last = rooms.last().filter(|_| more);
    let next_cursor = last.map(|seen| app.cursors.rooms(seen.room.id));
    Ok(Json(RoomPage { rooms: rooms.into_iter().map(RoomView::from).collect(), next_cursor }))
}

//! `GET /api/v1/rooms`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Caller, QueryParams, RoomsQuery};
use crate::rooms::Rooms;
use crate::rooms::view::RoomView;

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
    State(cursors): State<Cursors>,
    State(rooms): State<Rooms>,
    caller: Caller,
    QueryParams(query): QueryParams<RoomsQuery>,
) -> Result<Json<RoomPage>, ApiError> {
    let (after, limit) = (query.after(&cursors)?, query.limit()?);
    let (rooms, more) = rooms.list(caller.user_id, after, limit).await?;
    let last = rooms.last().filter(|_| more);
    let next_cursor = last.map(|seen| cursors.rooms(seen.room.id));
    Ok(Json(RoomPage { rooms: rooms.into_iter().map(RoomView::from).collect(), next_cursor }))
}

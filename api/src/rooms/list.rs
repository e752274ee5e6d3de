//! `GET /api/v1/rooms`

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use rookery_store::limits::ROOMS_OF_USER_MAX;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Caller, QueryParams, RoomsQuery};
use crate::rooms::view::RoomView;
use crate::rooms::{Rooms, SeenRoom};

/// A page of rooms, most members first.
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
///
/// And with `mine=true` your own private ones among them. Most members first, those of public rooms as they were counted at most a minute ago; those whose names or descriptions have words that begin like each
/// word of `q`, without regard to case and accents.
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
    let words = query.words()?;
    let (after, limit) = (query.after(&cursors, &words)?, query.limit()?);
    if query.finds_nothing(&words) {
        return Ok(Json(RoomPage { rooms: Vec::new(), next_cursor: None }));
    }
    let with_own = query.is_with_own()?;
    let (found, next) = rooms.search(caller.user_id, &words, (after, limit), with_own).await?;
    let next_cursor = next.map(|place| cursors.directory(&words, place));
    let is_in_any = found.iter().any(|seen| seen.role.is_some());
    let chosen = if is_in_any {
        rooms.stores.preferences.of_user(caller.user_id, ROOMS_OF_USER_MAX).await?
    } else {
        HashMap::new()
    };
    let view = |seen: SeenRoom| {
        let chosen = chosen.get(&seen.room.id).copied().unwrap_or_default();
        RoomView::from(seen).preferring(chosen)
    };
    Ok(Json(RoomPage { rooms: found.into_iter().map(view).collect(), next_cursor }))
}

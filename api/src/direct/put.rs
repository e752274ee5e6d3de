//! `PUT /api/v1/direct/{user}`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::access::RoomRole;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;

use crate::direct::Direct;
use crate::error::ApiError;
use crate::http::extract::{Caller, IdPath};
use crate::rooms::SeenRoom;
use crate::rooms::view::RoomView;

/// Open the direct room with somebody
///
/// Of each two people there is one, for ever with the same id. Both are in it from its beginning; nobody leaves it.
#[utoipa::path(
    put,
    path = "/api/v1/direct/{user}",
    operation_id = "open_direct_room",
    tag = "rooms",
    security(("bearer" = [])),
    params(("user" = Uuid, Path, description = "Id of the other user")),
    responses(
        (status = 200, description = "The room, which was there", body = RoomView),
        (status = 201, description = "The room, which is new", body = RoomView),
        (status = 400, description = "`bad_field`: that is yourself"),
        (status = 403, description = "`direct_refused`: the other does not want it from you; `blocked`"),
        (status = 404, description = "`not_found`: no such user"),
    ),
)]
pub async fn open(
    State(direct): State<Direct>,
    caller: Caller,
    IdPath(user): IdPath<UserId>,
) -> Result<(StatusCode, Json<RoomView>), ApiError> {
    let opened = direct.open(caller.user_id, user, UnixMillis::now()).await?;
    let status = if opened.is_new { StatusCode::CREATED } else { StatusCode::OK };
    let members = direct.stores.members.count(opened.room.id).await?;
    let seen = SeenRoom { room: opened.room, role: Some(RoomRole::Member), members };
    let chosen = direct.stores.preferences.get(caller.user_id, seen.room.id).await?;
    Ok((status, Json(RoomView::from(seen).preferring(chosen))))
}

//! `GET /api/v1/users/me/join-requests`, `DELETE /api/v1/users/me/join-requests/{room}`

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomId, RoomRef};
use rookery_store::room::{Room, RoomName};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::http::extract::{Caller, RoomPath};
use crate::joining::Joining;
use crate::limits::OWN_JOIN_REQUESTS_MAX;

/// Your requests to be let in that wait, oldest first.
#[derive(Serialize, ToSchema)]
pub struct MyJoinRequests {
    /// The requests.
    join_requests: Vec<MyJoinRequestView>,
}

/// A request of yours.
#[derive(Serialize, ToSchema)]
#[schema(as = MyRequestToJoin)]
pub struct MyJoinRequestView {
    /// Id of the room.
    room_id: Uuid,
    /// Name of the room; null if it has none.
    #[schema(value_type = Option<String>, required)]
    name: Option<RoomName>,
    /// What you say to it; null for nothing.
    #[schema(required)]
    message: Option<String>,
    /// Since when it waits.
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixMillis,
}

/// Where you want to be let in
#[utoipa::path(
    get,
    path = "/api/v1/users/me/join-requests",
    operation_id = "my_join_requests",
    tag = "users",
    security(("bearer" = [])),
    responses((status = 200, description = "Your requests that wait", body = MyJoinRequests)),
)]
pub async fn list(State(joining): State<Joining>, caller: Caller) -> Result<Json<MyJoinRequests>, ApiError> {
    let stores = &joining.rooms.stores;
    let found = stores.join_requests.of_user(caller.user_id, OWN_JOIN_REQUESTS_MAX).await?;
    let ids: Vec<RoomId> = found.iter().map(|request| request.room_id).collect();
    let rooms = stores.rooms.by_ids(&ids).await?;
    let mut rooms: HashMap<RoomId, Room> = rooms.into_iter().map(|room| (room.id, room)).collect();
    let view = |request: rookery_store::joining::JoinRequest| {
        let room = rooms.remove(&request.room_id)?;
        Some(MyJoinRequestView {
            room_id: room.id.as_uuid(),
            name: room.name.given(),
            message: request.message.map(|message| message.as_str().to_owned()),
            created_at: request.created_at,
        })
    };
    Ok(Json(MyJoinRequests { join_requests: found.into_iter().filter_map(view).collect() }))
}

/// Take a request to be let in back
#[utoipa::path(
    delete,
    path = "/api/v1/users/me/join-requests/{room}",
    operation_id = "withdraw_join_request",
    tag = "users",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug")),
    responses(
        (status = 204, description = "It no longer waits"),
        (status = 404, description = "`not_found`: none of yours waits there"),
    ),
)]
pub async fn withdraw(
    State(joining): State<Joining>,
    caller: Caller,
    RoomPath(room): RoomPath,
) -> Result<StatusCode, ApiError> {
    let nothing = || ApiError::refused(ErrorCode::NotFound);
    let stores = &joining.rooms.stores;
    let room = match room {
        RoomRef::Id(room) => room,
        RoomRef::Slug(_) => stores.rooms.find(&room).await?.ok_or_else(nothing)?.id,
    };
    if stores.join_requests.withdraw(room, caller.user_id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(nothing())
    }
}

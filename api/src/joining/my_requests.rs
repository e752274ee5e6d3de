//! `GET /api/v1/users/me/join-requests`, `DELETE /api/v1/users/me/join-requests/{room}`

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomId, RoomRef};
use rookery_store::page;
use rookery_store::room::{Room, RoomName};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Caller, PageQuery, QueryParams, RoomPath};
use crate::joining::Joining;

/// A page of your requests to be let in that wait, oldest first.
#[derive(Serialize, ToSchema)]
pub struct MyJoinRequests {
    /// The requests.
    join_requests: Vec<MyJoinRequestView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
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
    params(PageQuery),
    responses(
        (status = 200, description = "A page of your requests that wait", body = MyJoinRequests),
        (status = 400, description = "`bad_field`"),
    ),
)]
pub async fn list(
    State(joining): State<Joining>,
    State(cursors): State<Cursors>,
    caller: Caller,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<MyJoinRequests>, ApiError> {
    let (user, limit) = (caller.user_id, query.limit()?);
    let after = query.place(|text| cursors.read_own_join_requests(user, text))?;
    let stores = &joining.rooms.stores;
    let mut found = stores.join_requests.of_user(user, after, limit + 1).await?;
    let next_cursor = page::cut(&mut found, limit).map(|request| cursors.own_join_requests(user, request.own_place()));
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
    Ok(Json(MyJoinRequests { join_requests: found.into_iter().filter_map(view).collect(), next_cursor }))
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

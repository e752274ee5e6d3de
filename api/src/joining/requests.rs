//! `GET /api/v1/rooms/{room}/join-requests`

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_store::joining::JoinRequest;
use rookery_store::page;
use rookery_store::user::User;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Caller, PageQuery, QueryParams, RoomPath};
use crate::joining::Joining;

/// Somebody who wants to be let into a room.
#[derive(Serialize, ToSchema)]
#[schema(as = RequestToJoin)]
pub struct JoinRequestView {
    /// Id of the user.
    user_id: Uuid,
    /// Name of the user.
    username: String,
    /// What the user says to it; null for nothing.
    #[schema(required)]
    message: Option<String>,
    /// Since when it waits.
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixMillis,
}

/// A page of those who want to be let in, who came first in front.
#[derive(Serialize, ToSchema)]
pub struct JoinRequestPage {
    /// Their requests.
    join_requests: Vec<JoinRequestView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl JoinRequestView {
    fn of(request: JoinRequest, users: &HashMap<UserId, User>) -> Option<Self> {
        let user = users.get(&request.user_id)?;
        Some(Self {
            user_id: user.id.as_uuid(),
            username: user.username.as_str().to_owned(),
            message: request.message.map(|message| message.as_str().to_owned()),
            created_at: request.created_at,
        })
    }
}

/// Who wants to be let in
///
/// For moderators.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/join-requests",
    operation_id = "list_join_requests",
    tag = "rooms",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug"), PageQuery),
    responses(
        (status = 200, description = "A page of requests", body = JoinRequestPage),
        (status = 400, description = "`bad_field`"),
        (status = 403, description = "`forbidden`, `not_a_member`, `banned` or `direct_room`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn list(
    State(joining): State<Joining>,
    State(cursors): State<Cursors>,
    caller: Caller,
    RoomPath(room): RoomPath,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<JoinRequestPage>, ApiError> {
    let limit = query.limit()?;
    let room = joining.rooms.moderated(&caller.into(), &room).await?;
    let after = query.place(|text| cursors.read_join_requests(room.id, text))?;
    let stores = &joining.rooms.stores;
    let mut found = stores.join_requests.of_room(room.id, after, limit + 1).await?;
    let next_cursor = page::cut(&mut found, limit).map(|request| cursors.join_requests(room.id, request.place()));
    let ids: Vec<UserId> = found.iter().map(|request| request.user_id).collect();
    let users = stores.users.by_ids(&ids).await?;
    let users: HashMap<UserId, User> = users.into_iter().map(|user| (user.id, user)).collect();
    let join_requests = found.into_iter().filter_map(|request| JoinRequestView::of(request, &users)).collect();
    Ok(Json(JoinRequestPage { join_requests, next_cursor }))
}

//! `GET /api/v1/users/presence`, `PUT /api/v1/users/me/presence`, `GET /api/v1/rooms/{room}/presence`

use axum::Json;
use axum::extract::State;
use rookery_bus::presence::Setting;
use rookery_bus::presence::occupancy::RoomOccupancy;
use rookery_protocol::cost::Work;
use rookery_protocol::presence::{PresenceView, Status, StatusText};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody, PresenceQuery, QueryParams, RoomPath};
use crate::http::limit::Limits;
use crate::http::openapi::schema;
use crate::presence::Presence;

/// How some users stand.
#[derive(Serialize, ToSchema)]
pub struct PresenceList {
    /// In the order asked, without those who share no room with you.
    #[schema(value_type = Vec<schema::PresenceView>)]
    users: Vec<PresenceView>,
}

/// Who is in a room.
#[derive(Serialize, ToSchema)]
pub struct RoomPresence {
    /// How many users have the room open on a connection.
    online: usize,
    /// Who; absent if there are more than 200.
    #[schema(value_type = Option<Vec<schema::PresenceView>>, nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<Vec<PresenceView>>,
}

/// What you say of yourself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PresenceRequest {
    /// As what to be shown while online.
    #[schema(value_type = schema::Status)]
    status: Status,
    /// In your own words: one line of 1 to 100 characters. Without it the words before are taken back.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, format = "visible-text")]
    #[serde(default)]
    text: Option<StatusText>,
}

impl From<RoomOccupancy> for RoomPresence {
    fn from(crowd: RoomOccupancy) -> Self {
        let users = crowd.seen();
        Self { online: crowd.online(), users }
    }
}

/// Who of some users is online
///
/// Users who share no room with you are left out, whether they exist or not.
#[utoipa::path(
    get,
    path = "/api/v1/users/presence",
    operation_id = "presence_of_users",
    tag = "users",
    security(("bearer" = [])),
    params(PresenceQuery),
    responses(
        (status = 200, description = "How they stand", body = PresenceList),
        (status = 400, description = "`bad_field`"),
    ),
)]
pub async fn of_users(
    State(limits): State<Limits>,
    State(presence): State<Presence>,
    caller: Caller,
    QueryParams(query): QueryParams<PresenceQuery>,
) -> Result<Json<PresenceList>, ApiError> {
    let users = query.users()?;
    limits.spend(caller.user_id, Work::Presence { users: users.len(), rooms: 0 }).await?;
    let seen = presence.of_users(caller.user_id, &users).await?;
    Ok(Json(PresenceList { users: seen }))
}

/// Set your status
///
/// It holds on all your connections, and while you are not connected, until it is changed or you were away for 30 days.
#[utoipa::path(
    put,
    path = "/api/v1/users/me/presence",
    operation_id = "set_presence",
    tag = "users",
    security(("bearer" = [])),
    request_body = PresenceRequest,
    responses((status = 200, description = "How you stand now", body = schema::PresenceView)),
)]
pub async fn set(
    State(presence): State<Presence>,
    caller: Caller,
    JsonBody(request): JsonBody<PresenceRequest>,
) -> Result<Json<PresenceView>, ApiError> {
    let PresenceRequest { status, text } = request;
    let seen = presence.set(caller.user_id, Setting { status, text }).await?;
    Ok(Json(seen))
}

/// Who is in a room
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/presence",
    operation_id = "presence_in_room",
    tag = "rooms",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general")),
    responses(
        (status = 200, description = "Who has the room open on a connection", body = RoomPresence),
        (status = 403, description = "`not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn in_room(
    State(presence): State<Presence>,
    caller: Caller,
    RoomPath(room): RoomPath,
) -> Result<Json<RoomPresence>, ApiError> {
    Ok(Json(RoomPresence::from(presence.in_room(caller.user_id, &room).await?)))
}

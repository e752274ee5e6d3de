//! `POST /api/v1/rooms/{room}/transfer`

use axum::Json;
use axum::extract::State;
use rookery_protocol::id::UserId;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody, RoomPath};
use crate::rooms::Rooms;
use crate::rooms::view::RoomView;

/// Who gets a room.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferRequest {
    /// A member of the room.
    #[schema(value_type = Uuid)]
    user_id: UserId,
}

/// Hand a room over
///
/// For its owner, who is a moderator of it then, and for admins of the server, also where a room has no owner. Answered
/// when the room has heard of it; 503 means that it is decided but the room may not have heard yet, and sending the same
/// again is safe.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/transfer",
    operation_id = "transfer_room",
    tag = "rooms",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general")),
    request_body = TransferRequest,
    responses(
        (status = 200, description = "The room as it is now", body = RoomView),
        (status = 403, description = "`forbidden`, `not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others; `not_found` for who is no member"),
    ),
)]
pub async fn transfer(
    State(rooms): State<Rooms>,
    caller: Caller,
    RoomPath(room): RoomPath,
    JsonBody(request): JsonBody<TransferRequest>,
) -> Result<Json<RoomView>, ApiError> {
    let by = caller.user_id;
    let seen = rooms.transfer(caller.into(), &room, request.user_id).await?;
    Ok(Json(rooms.shown(by, seen).await?))
}

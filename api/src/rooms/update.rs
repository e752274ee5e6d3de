//! `PATCH /api/v1/rooms/{room}`

use axum::Json;
use axum::extract::State;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::integer;
use rookery_store::room::SettingsChange;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody, RoomPath};
use crate::limits::SLOW_MODE_MS_MAX;
use crate::rooms::Rooms;
use crate::rooms::view::RoomView;

/// A change of a room's settings. What is not given stays; null is not a value of any of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateRoomRequest {
    /// Milliseconds that a member must wait between two messages, 0 for none. Edits count; owner and moderators need
    /// not wait.
    #[serde(default, deserialize_with = "whole")]
    #[schema(minimum = 0, maximum = 21_600_000, nullable = false)]
    slow_mode_ms: Option<u64>,
    /// Whether only owner and moderators may send, edit and react.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    frozen: Option<bool>,
}

/// A field that is there has a value.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    integer::whole(deserializer).map(Some)
}

/// Change a room's settings
///
/// For its owner and moderators, and for admins of the server. Answered when the room has heard of it: the change holds
/// on every node from then on. 503 means that it is decided but the room may not have heard yet; sending the same again
/// is safe.
#[utoipa::path(
    patch,
    path = "/api/v1/rooms/{room}",
    operation_id = "update_room",
    tag = "rooms",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general")),
    request_body = UpdateRoomRequest,
    responses(
        (status = 200, description = "The room as it is now", body = RoomView),
        (status = 403, description = "`forbidden`, `not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn update(
    State(rooms): State<Rooms>,
    caller: Caller,
    RoomPath(room): RoomPath,
    JsonBody(request): JsonBody<UpdateRoomRequest>,
) -> Result<Json<RoomView>, ApiError> {
    let UpdateRoomRequest { slow_mode_ms, frozen } = request;
    if slow_mode_ms.is_some_and(|ms| ms > SLOW_MODE_MS_MAX) {
        return Err(ApiError::field(ErrorCode::BadField, "slow_mode_ms", "must be from 0 to 21600000"));
    }
    let seen = rooms.change(caller.into(), &room, SettingsChange { slow_mode_ms, frozen }).await?;
    Ok(Json(RoomView::from(seen)))
}

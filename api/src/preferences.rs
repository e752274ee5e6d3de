//! What a user wants of a room: `PATCH /api/v1/users/me/rooms/{room}`.

use axum::extract::{FromRef, State};
use http::StatusCode;
use rookery_protocol::access::Action;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::server::UserFrame;
use rookery_store::change::Change;
use rookery_store::preference::{Notify, PreferencesChange};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::http::extract::{Authentication, Caller, JsonBody, RoomPath, present};
use crate::http::openapi::schema;
use crate::rooms::Rooms;

/// The routes of preferences.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authentication: FromRef<S>,
    Rooms: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(change))
}

/// What is to be different. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomPreferencesRequest {
    /// Of what there are notices: of all that concerns you, of mentions and replies, of nothing. It counts here, whatever
    /// your settings say.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = schema::Notify, nullable = false, required = false)]
    notify: Option<Notify>,
    /// Until when there are none; null for no such time.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    muted_until: Change<UnixMillis>,
    /// Whether it is one of your favourites.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    favourite: Option<bool>,
    /// Whether it is left out of your list.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    hidden: Option<bool>,
    /// Whether it is shown as unread; reading it ends that.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    marked_unread: Option<bool>,
}

/// Say what you want of a room
///
/// All your devices are told, by a frame `room_preferences`. What is unread is counted in any case.
#[utoipa::path(
    patch,
    path = "/api/v1/users/me/rooms/{room}",
    operation_id = "change_room_preferences",
    tag = "users",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general")),
    request_body = RoomPreferencesRequest,
    responses(
        (status = 204, description = "It is so, also if it was"),
        (status = 400, description = "`bad_field`"),
        (status = 403, description = "`not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn change(
    State(rooms): State<Rooms>,
    caller: Caller,
    RoomPath(room): RoomPath,
    JsonBody(request): JsonBody<RoomPreferencesRequest>,
) -> Result<StatusCode, ApiError> {
    let (room, role) = rooms.find(caller.user_id, &room, Action::Read).await?;
    if role.is_none() {
        return Err(ApiError::refused(ErrorCode::NotAMember));
    }
    let RoomPreferencesRequest { notify, muted_until, favourite, hidden, marked_unread } = request;
    let change = PreferencesChange { notify, muted_until, favourite, hidden, marked_unread };
    let before = rooms.stores.preferences.get(caller.user_id, room.id).await?;
    if change.applied_to(before) == before {
        return Ok(StatusCode::NO_CONTENT);
    }
    let after = rooms.stores.preferences.change(caller.user_id, room.id, &change).await?;
    let frame = UserFrame::RoomPreferences { room: room.id, preferences: after.view() };
    rooms.notices.send(caller.user_id, frame).await;
    Ok(StatusCode::NO_CONTENT)
}

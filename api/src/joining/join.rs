//! `POST /api/v1/rooms/{room}/join`

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_store::joining::JoinMessage;
use rookery_store::room::RoomPassword;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::extract::{Caller, OptionalBody, RoomPath};
use crate::http::limit::ClientAddress;
use crate::invite_code::InviteCode;
use crate::joining::{Joined, Joining, Wish};
use crate::rooms::view::RoomView;

/// What a room may ask for. Nothing is needed where it is open.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinRoomRequest {
    /// The password of the room.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password, min_length = 1, max_length = 128)]
    password: Option<RoomPassword>,
    /// The code of an invite.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 64)]
    invite: Option<InviteCode>,
    /// What you say to those who decide.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 500, format = "visible-text")]
    message: Option<JoinMessage>,
}

/// Somebody decides about it.
#[derive(Serialize, ToSchema)]
pub struct PendingView {
    /// That it waits.
    #[schema(pattern = "^pending_approval$", example = "pending_approval")]
    status: &'static str,
}

/// Join a room
///
/// Nothing changes for members. Where moderators decide about it, you are a member when one of them lets you in. A private
/// room takes an invite, which also stands for the password of a room.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/join",
    operation_id = "join_room",
    tag = "rooms",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general")),
    request_body = JoinRoomRequest,
    responses(
        (status = 200, description = "The room", body = RoomView),
        (status = 202, description = "Moderators decide about it", body = PendingView),
        (
            status = 403,
            description = "`banned`; `password_wrong`, also without one; `invite_required`; `room_full`; `join_denied`: \
                ask again when `retry_after_ms` have passed; `direct_room`"
        ),
        (
            status = 404,
            description = "`unknown_room`, also for private rooms of others without a valid invite; `invite_invalid`"
        ),
        (status = 409, description = "`too_many_join_requests`: 100 wait already"),
    ),
)]
pub async fn join(
    State(joining): State<Joining>,
    caller: Caller,
    RoomPath(room): RoomPath,
    from: ClientAddress,
    // Most rooms ask for nothing, and older clients send nothing.
    OptionalBody(request): OptionalBody<JoinRoomRequest>,
) -> Result<Response, ApiError> {
    let JoinRoomRequest { password, invite, message } = request;
    let invite = invite.map(|code| code.as_str().to_owned());
    let wish = Wish { password, invite, message, from: from.subject() };
    let user = caller.user_id;
    let joined = joining.join(caller.into(), &room, wish, UnixMillis::now()).await?;
    answer(&joining, user, joined).await
}

/// The room, or that somebody decides about it.
pub(crate) async fn answer(joining: &Joining, user: UserId, joined: Joined) -> Result<Response, ApiError> {
    Ok(match joined {
        Joined::In(seen) => Json(joining.rooms.shown(user, *seen).await?).into_response(),
        Joined::Waits => (StatusCode::ACCEPTED, Json(PendingView { status: "pending_approval" })).into_response(),
    })
}

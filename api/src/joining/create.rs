//! `POST /api/v1/rooms`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::access::{JoinRule, Posting, Visibility};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::integer;
use rookery_store::room::{RoomDescription, RoomName, RoomPassword, RoomTopic, SettingsChange};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody};
use crate::http::limit::ClientAddress;
use crate::http::openapi::schema;
use crate::joining::Joining;
use crate::rooms::view::RoomView;
use crate::rooms::{NewRoom, fields};

/// What somebody makes a room of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRoomRequest {
    /// One visible line. Of a public room no other public one may have it, in whatever case and form; its slug is made
    /// of it.
    #[schema(value_type = String, min_length = 1, max_length = 80, format = "visible-text", example = "Off topic")]
    name: RoomName,
    /// What it is about.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 500, format = "visible-text")]
    description: Option<RoomDescription>,
    /// What is talked about now; one line, or nothing.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 250, format = "visible-text")]
    topic: Option<RoomTopic>,
    /// Who may find it; everybody if not given.
    #[serde(default)]
    #[schema(value_type = Option<schema::Visibility>)]
    visibility: Option<Visibility>,
    /// How those who find it become members; `password` if one is given, else `open`.
    #[serde(default)]
    #[schema(value_type = Option<schema::JoinRule>)]
    join: Option<JoinRule>,
    /// What they need to know then.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password, min_length = 1, max_length = 128)]
    password: Option<RoomPassword>,
    /// So many seconds from now it ends; not together with `expires_at`.
    #[serde(default, deserialize_with = "integer::whole_or_null")]
    #[schema(minimum = 60, maximum = 31_622_400)]
    expires_in_s: Option<u64>,
    /// When it ends.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<UnixMillis>,
    /// Milliseconds that a member must wait between two messages, 0 for none.
    #[serde(default, deserialize_with = "integer::whole_or_null")]
    #[schema(minimum = 0, maximum = 21_600_000)]
    slow_mode_ms: Option<u64>,
    /// Who may send messages; its members if not given.
    #[serde(default)]
    #[schema(value_type = Option<schema::Posting>)]
    posting: Option<Posting>,
    /// Whether members may invite others.
    #[serde(default)]
    members_may_invite: Option<bool>,
    /// How many members it may have.
    #[serde(default, deserialize_with = "integer::whole_or_null")]
    #[schema(minimum = 2, maximum = 1_000_000)]
    members_max: Option<u64>,
}

/// A new room.
#[derive(Serialize, ToSchema)]
pub struct NewRoomView {
    /// The room.
    #[serde(flatten)]
    room: RoomView,
    /// A link to share, of a private room or of one where moderators decide about joining; shown this once.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    invite_url: Option<String>,
}

/// Make a room
///
/// You are its owner and its first member. Whoever follows the link of a room where moderators decide about joining asks by
/// it; that of another private room lets in.
#[utoipa::path(
    post,
    path = "/api/v1/rooms",
    operation_id = "create_room",
    tag = "rooms",
    security(("bearer" = [])),
    request_body = CreateRoomRequest,
    responses(
        (status = 201, description = "The room", body = NewRoomView),
        (status = 409, description = "`room_name_taken`: a public room has the name"),
    ),
)]
pub async fn create(
    State(joining): State<Joining>,
    caller: Caller,
    from: ClientAddress,
    JsonBody(request): JsonBody<CreateRoomRequest>,
) -> Result<(StatusCode, Json<NewRoomView>), ApiError> {
    let rooms = &joining.rooms;
    let now = UnixMillis::now();
    let expires_at = expires_at(&request, now)?;
    fields::check_password(request.join, request.password.is_some())?;
    if request.join == Some(JoinRule::Password) && request.password.is_none() {
        return Err(fields::password_missing());
    }
    let slow_mode_ms = fields::slow_mode(request.slow_mode_ms)?;
    let members_max = request.members_max.map(fields::members_max).transpose()?;
    let password_hash = match &request.password {
        Some(password) => Some(Some(rooms.passwords.hash_of_room(password, from.subject()).await?)),
        None => None,
    };
    let settings = SettingsChange {
        slow_mode_ms,
        posting: request.posting,
        description: request.description,
        topic: request.topic,
        join: request.join,
        password_hash,
        expires_at: Some(expires_at),
        members_may_invite: request.members_may_invite,
        members_max: Some(members_max),
        ..SettingsChange::default()
    };
    let visibility = request.visibility.unwrap_or(Visibility::Public);
    let by = caller.user_id;
    let made = rooms
        .create(caller.into(), NewRoom { name: request.name, visibility, settings }, now)
        .await?;
    let invite_url = joining.first_invite(by, &made.room).await?;
    Ok((StatusCode::CREATED, Json(NewRoomView { room: rooms.shown(by, made).await?, invite_url })))
}

fn expires_at(request: &CreateRoomRequest, now: UnixMillis) -> Result<Option<UnixMillis>, ApiError> {
    match (request.expires_at, request.expires_in_s) {
        (Some(_), Some(_)) => {
            let detail = "give either expires_at or expires_in_s, not both";
            Err(ApiError::field(ErrorCode::BadField, "expires_in_s", detail))
        }
        (Some(at), None) => fields::expiry(at, now).map(Some),
        (None, Some(seconds)) => fields::expiry_in(seconds, now).map(Some),
        (None, None) => Ok(None),
    }
}

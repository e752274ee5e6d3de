//! `PATCH /api/v1/rooms/{room}`

use axum::Json;
use axum::extract::State;
use rookery_protocol::access::{JoinRule, Posting, Visibility};
use rookery_protocol::clock::UnixMillis;
use rookery_store::room::{RoomDescription, RoomName, RoomPassword, RoomTopic, SettingsChange};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody, RoomPath, present};
use crate::http::limit::ClientAddress;
use crate::http::openapi::schema;
use crate::rooms::settings::RoomUpdate;
use crate::rooms::view::RoomView;
use crate::rooms::{Rooms, fields};

/// A change of a room's settings. What is not given stays. Null is a value only of what a room may do without.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "absent is what stays, null is none")]
pub struct UpdateRoomRequest {
    /// One visible line, as when a room is made. The slug stays. Null takes that of a group away.
    #[serde(default, deserialize_with = "fields::value_or_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 80, format = "visible-text")]
    name: Option<Option<RoomName>>,
    /// What it is about.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, nullable = false, max_length = 500, format = "visible-text")]
    description: Option<RoomDescription>,
    /// What is talked about now; one line, or nothing. Moderators may, too.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, nullable = false, max_length = 250, format = "visible-text")]
    topic: Option<RoomTopic>,
    /// Who may find it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Visibility>, nullable = false)]
    visibility: Option<Visibility>,
    /// How those who find it become members.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::JoinRule>, nullable = false)]
    join: Option<JoinRule>,
    /// What they need to know, which makes `join` `password`; null takes it away.
    #[serde(default, deserialize_with = "fields::value_or_none")]
    #[schema(value_type = Option<String>, format = Password, min_length = 1, max_length = 128)]
    password: Option<Option<RoomPassword>>,
    /// Who may send messages.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Posting>, nullable = false)]
    posting: Option<Posting>,
    /// Whether nobody may send any more.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    archived: Option<bool>,
    /// Milliseconds that a member must wait between two messages, 0 for none. Edits count; owner and moderators need
    /// not wait. Moderators may, too.
    #[serde(default, deserialize_with = "fields::whole")]
    #[schema(minimum = 0, maximum = 21_600_000, nullable = false)]
    slow_mode_ms: Option<u64>,
    /// Whether only owner and moderators may send, edit and react. Moderators may, too.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    frozen: Option<bool>,
    /// When it ends by itself; null for never.
    #[serde(default, deserialize_with = "fields::value_or_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Option<UnixMillis>>,
    /// After how many days its messages are erased; null for what holds on the server.
    #[serde(default, deserialize_with = "fields::whole_or_none")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 36_500)]
    retention_days: Option<Option<u64>>,
    /// Whether members may invite others.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    members_may_invite: Option<bool>,
    /// How many members it may have; null for no limit of its own. Who is a member stays one.
    #[serde(default, deserialize_with = "fields::whole_or_none")]
    #[schema(value_type = Option<u64>, minimum = 2, maximum = 1_000_000)]
    members_max: Option<Option<u64>>,
}

impl UpdateRoomRequest {
    /// The change, but for the hash of a password.
    fn change(&self, now: UnixMillis) -> Result<SettingsChange, ApiError> {
        fields::check_password(self.join, self.password.as_ref().is_some_and(Option::is_some))?;
        let expires_at = self.expires_at.map(|at| at.map(|at| fields::expiry(at, now)).transpose());
        let retention_days = self.retention_days.map(|days| days.map(fields::retention_days).transpose());
        let members_max = self.members_max.map(|members| members.map(fields::members_max).transpose());
        Ok(SettingsChange {
            slow_mode_ms: fields::slow_mode(self.slow_mode_ms)?,
            frozen: self.frozen,
            posting: self.posting,
            archived: self.archived,
            name: self.name.clone().map(|name| name.unwrap_or_else(RoomName::none)),
            description: self.description.clone(),
            topic: self.topic.clone(),
            visibility: self.visibility,
            join: self.join,
            password_hash: self.password.as_ref().filter(|password| password.is_none()).map(|_| None),
            expires_at: expires_at.transpose()?,
            retention_days: retention_days.transpose()?,
            members_may_invite: self.members_may_invite,
            members_max: members_max.transpose()?,
            ..SettingsChange::default()
        })
    }
}

/// Change a room's settings
///
/// For its owner and for admins of the server; topic, slow mode and whether it is frozen also for moderators. Answered when
/// the room has heard of it: the change holds on every node from then on. 503 means that it is decided but the room may not
/// have heard yet, or that not all nodes have been upgraded; sending the same again is safe.
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
        (status = 403, description = "`forbidden`, `not_a_member`, `banned`, or `protected_room` for what cannot be done to `general`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
        (status = 409, description = "`room_name_taken`: a public room has the name"),
    ),
)]
pub async fn update(
    State(rooms): State<Rooms>,
    caller: Caller,
    from: ClientAddress,
    RoomPath(room): RoomPath,
    JsonBody(request): JsonBody<UpdateRoomRequest>,
) -> Result<Json<RoomView>, ApiError> {
    let change = request.change(UnixMillis::now())?;
    let update = RoomUpdate { change, password: request.password.flatten(), from: from.subject() };
    let user = caller.user_id;
    let seen = rooms.change(caller.into(), &room, update).await?;
    rooms.list_in_directory(seen.room.id).await;
    Ok(Json(rooms.shown(user, seen).await?))
}

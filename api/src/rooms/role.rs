//! `PUT /api/v1/rooms/{room}/members/{user}/role`

use axum::extract::State;
use http::StatusCode;
use rookery_protocol::access::{RoomRole, decide_on_transfer};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{EventBody, MembershipChange, Sender};
use rookery_protocol::id::{RoomRef, UserId};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::admin::act::Act;
use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody, MemberPath};
use crate::rooms::{self, Rooms};

/// The role of a member who does not own the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NamedRole {
    /// Keeps order in it.
    Moderator,
    /// Reads and sends messages.
    Member,
}

/// Another role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleRequest {
    /// From now on.
    role: NamedRole,
}

impl From<NamedRole> for RoomRole {
    fn from(role: NamedRole) -> Self {
        match role {
            NamedRole::Moderator => Self::Moderator,
            NamedRole::Member => Self::Member,
        }
    }
}

/// Name a moderator
///
/// Or take that back. For the owner of the room and for admins of the server; an owner is made by handing the room over.
/// Answered when the room has heard of it; 503 means that it is decided but the room may not have heard yet, or that not all
/// nodes have been upgraded; sending the same again is safe.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/members/{user}/role",
    operation_id = "set_member_role",
    tag = "rooms",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug", example = "general"),
        ("user" = String, Path, description = "Id of the user", format = Uuid),
    ),
    request_body = RoleRequest,
    responses(
        (status = 204, description = "The member has the role"),
        (status = 403, description = "`forbidden`, also for the owner's role; `not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others; `not_found`: no such member"),
    ),
)]
pub async fn set_role(
    State(rooms): State<Rooms>,
    caller: Caller,
    path: MemberPath,
    JsonBody(request): JsonBody<RoleRequest>,
) -> Result<StatusCode, ApiError> {
    rooms.set_role(caller.into(), &path.room, path.user, request.role.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Rooms {
    /// Gives a member who does not own the room this role. Nothing changes for one who has it already.
    pub async fn set_role(&self, actor: Sender, room: &RoomRef, user: UserId, role: RoomRole) -> Result<(), ApiError> {
        let (room, context) = self.settings_context(&actor, room).await?;
        decide_on_transfer(context, UnixMillis::now()).map_err(ApiError::refused)?;
        let (stores, by) = (&self.stores, actor.user_id);
        let not_found = || ApiError::refused(ErrorCode::NotFound);
        let _member = stores.members.get(room.id, user).await?.ok_or_else(not_found)?;
        let account = stores.users.by_id(user).await?.ok_or_else(not_found)?;
        let member = Sender { user_id: user, username: account.username.as_str().to_owned() };
        let body = EventBody::Membership(MembershipChange::RoleChanged { member, role });
        self.generations.require(&body).await?;
        let event = rooms::room_event(actor, body);
        if stores.members.set_role(room.id, user, role, &event).await?.is_some() {
            tracing::info!(room_id = %room.id, user_id = %user, %by, ?role, "role changed");
            let detail = Some(json!({ "role": role }));
            self.note(room.id, by, Act { action: "member_role_changed", user: Some(user), detail })
                .await?;
        }
        // Also where nothing changed: an earlier attempt may have been answered before the bus had the event.
        Ok(self.dispatcher.flush(room.id).await?)
    }
}

//! `GET /api/v1/invites/{code}`

use axum::Json;
use axum::extract::State;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_store::room::{RoomDescription, RoomName};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::http::extract::{Caller, InviteCodePath};
use crate::joining::{Joining, Opening};

/// What an invite leads to.
#[derive(Serialize, ToSchema)]
pub struct InvitePreview {
    /// The room.
    room: InvitedRoom,
    /// Who made the invite.
    by: InviterView,
    /// Whether moderators decide about whoever accepts it.
    approval: bool,
}

/// The room that an invite leads to.
#[derive(Serialize, ToSchema)]
pub struct InvitedRoom {
    /// Name of the room; groups may have none.
    #[schema(value_type = Option<String>, required)]
    name: Option<RoomName>,
    /// What it is about.
    #[schema(value_type = String)]
    description: RoomDescription,
    /// How many members it has.
    members: u64,
}

/// Who made an invite.
#[derive(Serialize, ToSchema)]
#[schema(as = Inviter)]
pub struct InviterView {
    /// Id of the user.
    user_id: Uuid,
    /// Name of the user.
    username: String,
}

/// Look at an invite to a room
#[utoipa::path(
    get,
    path = "/api/v1/invites/{code}",
    operation_id = "preview_invite",
    tag = "rooms",
    security(("bearer" = [])),
    params(("code" = String, Path, description = "Code of the invite")),
    responses(
        (status = 200, description = "What it leads to", body = InvitePreview),
        (status = 404, description = "`invite_invalid`: unknown, expired, used up, revoked, or you are banned"),
    ),
)]
pub async fn preview(
    State(joining): State<Joining>,
    caller: Caller,
    InviteCodePath(code): InviteCodePath,
) -> Result<Json<InvitePreview>, ApiError> {
    let (invite, Opening { room, needs_approval, .. }) =
        joining.by_code(caller.user_id, &code, UnixMillis::now()).await?;
    let stores = &joining.rooms.stores;
    let (maker, members) = tokio::try_join!(stores.users.by_id(invite.by), stores.members.count(room.id))?;
    let maker = maker.ok_or_else(|| ApiError::refused(ErrorCode::InviteInvalid))?;
    let by = InviterView { user_id: maker.id.as_uuid(), username: maker.username.as_str().to_owned() };
    let room = InvitedRoom { name: room.name.given(), description: room.description, members };
    Ok(Json(InvitePreview { room, by, approval: needs_approval }))
}

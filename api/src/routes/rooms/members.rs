//! `GET /api/v1/rooms/{room}/members`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use rookery_shared::access::RoomRole;
use rookery_shared::clock::UnixMillis;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::domain::user::Username;
use crate::error::ApiError;
use crate::extract::{Caller, MembersQuery, QueryParams, RoomPath};
use crate::openapi::schema;
use crate::service::members::{self, SeenMember};

/// A page of a room's members, in the order of joining.
#[derive(Serialize, ToSchema)]
pub struct MemberPage {
    /// The members.
    members: Vec<MemberView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A member of a room.
#[derive(Serialize, ToSchema)]
#[schema(as = Member)]
pub struct MemberView {
    /// Account.
    user_id: Uuid,
    /// Name.
    #[schema(value_type = String)]
    username: Username,
    /// What the user is in the room.
    #[schema(value_type = schema::RoomRole)]
    role: RoomRole,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    joined_at: UnixMillis,
}

impl From<SeenMember> for MemberView {
    fn from(seen: SeenMember) -> Self {
        let SeenMember { member, username } = seen;
        Self {
            user_id: member.user_id.as_uuid(),
            username,
            role: member.role,
            joined_at: member.joined_at,
        }
    }
}

/// Members of a room
///
/// For everybody who may see the room.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/members",
    operation_id = "list_members",
    tag = "rooms",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general"), MembersQuery),
    responses(
        (status = 200, description = "A page of members", body = MemberPage),
        (status = 400, description = "`bad_field`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn members(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    QueryParams(query): QueryParams<MembersQuery>,
) -> Result<Json<MemberPage>, ApiError> {
    let limit = query.limit()?;
    let room = members::room(&app, caller.user_id, &room).await?;
    let (members, next) = members::page(&app, &room, query.after(&app.cursors, room.id)?, limit).await?;
    let next_cursor = next.map(|place| app.cursors.members(room.id, place));
    Ok(Json(MemberPage { members: members.into_iter().map(MemberView::from).collect(), next_cursor }))
}

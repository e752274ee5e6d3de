//! `GET /api/v1/rooms/{room}/members`

use axum::Json;
use axum::extract::State;
use rookery_protocol::access::RoomRole;
use rookery_protocol::clock::UnixMillis;
use rookery_store::user::Username;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Caller, MembersQuery, QueryParams, RoomPath};
use crate::http::openapi::schema;
use crate::rooms::Rooms;
use crate::rooms::membership::SeenMember;

/// A page of a room's members, in the order of joining.
#[derive(Serialize, ToSchema)]
pub struct MemberPage {
    /// How many members the room has.
    count: u64,
    /// The members; none for who is no member.
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
    /// Id of the user.
    user_id: Uuid,
    /// Name.
    #[schema(value_type = String)]
    username: Username,
    /// What the user is in the room.
    #[schema(value_type = schema::RoomRole)]
    role: RoomRole,
    /// Time of joining.
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
/// For members. Others learn how many there are, and those who are shut out nothing.
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
        (status = 404, description = "`unknown_room`, also for private rooms of others, and for who is banned"),
    ),
)]
pub async fn members(
    State(rooms): State<Rooms>,
    State(cursors): State<Cursors>,
    caller: Caller,
    RoomPath(room): RoomPath,
    QueryParams(query): QueryParams<MembersQuery>,
) -> Result<Json<MemberPage>, ApiError> {
    let (limit, prefix) = (query.limit()?, query.prefix()?);
    let (room, is_member) = rooms.with_members(caller.user_id, &room).await?;
    let count = rooms.stores.members.count(room.id).await?;
    let (members, next_cursor) = if let Some(prefix) = prefix {
        let after = query.found_after(&cursors, room.id, &prefix)?;
        let (members, next) = if is_member {
            rooms.members_found(&room, query.role(), (&prefix, after), limit).await?
        } else {
            (Vec::new(), None)
        };
        (members, next.map(|place| cursors.members_found(room.id, &prefix, &place)))
    } else {
        let after = query.after(&cursors, room.id)?;
        let (members, next) = if is_member {
            rooms.members_page(&room, query.role(), after, limit).await?
        } else {
            (Vec::new(), None)
        };
        (members, next.map(|place| cursors.members(room.id, place)))
    };
    let members = members.into_iter().map(MemberView::from).collect();
    Ok(Json(MemberPage { count, members, next_cursor }))
}
